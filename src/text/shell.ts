// Commands that a person may paste into a shell: what comes from a cluster or a file is quoted, so that it stays one word.
import { oneLine } from './sanitise.ts';

/** POSIX shell quoting; plain words stay as they are. */
export function shellWord(word: string): string {
  const text = oneLine(word, 1000);
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
