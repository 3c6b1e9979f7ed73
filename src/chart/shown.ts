// What a person may see of the values of a release: booleans and numbers as they are, of everything else only what kind of value it is:
// a string may hold a password, under any key.
import type { Json, Language, Text } from '../engine/contracts.ts';
import { looksPrivate } from '../text/redact.ts';

/** `json`: the value itself. */
export type Shown = { json: string } | { kind: 'text' | 'list' | 'map' };

const KINDS: Record<'text' | 'list' | 'map', Text> = {
  text: { en: 'a string', zh: '字符串' },
  list: { en: 'a list', zh: '列表' },
  map: { en: 'a map', zh: '映射（map）' },
};

/** A number under a secret's name is a text in a snapshot, and the two must say the same. */
export function shown(path: readonly string[], value: Json): Shown {
  if (Array.isArray(value)) return { kind: 'list' };
  if (typeof value === 'object' && value !== null) return { kind: 'map' };
  if (typeof value === 'string' || (typeof value === 'number' && path.some(looksPrivate))) return { kind: 'text' };
  return { json: JSON.stringify(value) };
}

/** For the middle of a sentence; in Chinese with the blank that stands before what is not a Chinese. */
export function shownAs(value: Shown, language: Language): string {
  if ('kind' in value) return KINDS[value.kind][language];
  return language === 'zh' ? ` ${value.json}` : value.json;
}

/** `key=true`, `key (a string)`. */
export function assigned(key: string, value: Shown | undefined, language: Language): string {
  if (value === undefined) return key;
  if ('json' in value) return `${key}=${value.json}`;
  return language === 'zh' ? `${key}（${KINDS[value.kind].zh.replace('（map）', '')}）` : `${key} (${KINDS[value.kind].en})`;
}
