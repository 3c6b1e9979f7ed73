// Which language to speak, and the helpers that pick it out of a Text.
import type { Language, Text } from '../engine/contracts.ts';

/** From LC_ALL, LC_MESSAGES, LANG in the order of POSIX; the first that is set and not empty decides. */
export function languageOf(env: Record<string, string | undefined>): Language {
  const locale = env.LC_ALL || env.LC_MESSAGES || env.LANG || '';
  return /^zh/i.test(locale) ? 'zh' : 'en';
}

/** What is the same in every language, or is not. */
export const textOf = (words: string | Text): Text => (typeof words === 'string' ? { en: words, zh: words } : words);

/** Chinese as it is set: no blank beside a full-width bracket or between two characters, whatever the sentence was put together from. */
export const typeset = (zh: string): string => zh.replace(/(?<=[）\p{Script=Han}]) (?=\p{Script=Han})|(?<=\p{Script=Han}) (?=（)/gu, '');

/** A Text as it is set; see typeset. */
export const spoken = ({ en, zh }: Text): Text => ({ en, zh: typeset(zh) });
