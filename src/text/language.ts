// Which language to speak, and the helpers that pick it out of a Text or a Wording.
import type { Language, Text, Wording } from '../engine/contracts.ts';

/** From LC_ALL, LC_MESSAGES, LANG in the order of POSIX; the first that is set and not empty decides. */
export function languageOf(env: Record<string, string | undefined>): Language {
  const locale = env.LC_ALL || env.LC_MESSAGES || env.LANG || '';
  return /^zh/i.test(locale) ? 'zh' : 'en';
}

/** A Wording with its arguments filled in, in every language. */
export function worded<Args>(wording: Wording<Args>, args: Args): Text {
  return { en: wording.en(args), zh: wording.zh(args) };
}
