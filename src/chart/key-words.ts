// Keys of values in sentences: at most a few by name, and where rendering failed.
import type { Language } from '../engine/contracts.ts';

/** More keys tell a person nothing. */
export const SHOWN = 5;

export interface Keys {
  /** As --set writes them; at most five, and how many in all. */
  keys: string[];
  count: number;
  /** What helm said. */
  said?: string;
}

export function keyList({ keys, count }: Keys, language: Language): string {
  const rest = count - keys.length;
  return language === 'en' ? `${keys.join(', ')}${rest ? ` and ${rest} more` : ''}` : `${keys.join('、')}${rest ? ` 等 ${count} 项` : ''}`;
}

/** Where it fails, for the end of a sentence; where helm names no value, what it said. */
export function failsAt(args: Keys, language: Language): string {
  if (args.keys.length) return language === 'en' ? `: it fails at ${keyList(args, 'en')}` : `：在 ${keyList(args, 'zh')} 处失败`;
  return args.said ? `${language === 'en' ? ': ' : '：'}${args.said}` : '';
}
