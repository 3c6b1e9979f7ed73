// Commands that a person may paste into a shell: what comes from a cluster or a file is quoted, so that it stays one word.
import type { Text } from '../engine/contracts.ts';
import { oneLine } from './sanitise.ts';

/** POSIX shell quoting; plain words stay as they are. */
export function shellWord(word: string): string {
  const text = oneLine(word, 1000);
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** As a list shows it, one line each: all of it, since what is cut cannot be pasted. */
export const commandLine = (command: string): string => oneLine(inOneLine(command), 16_000);

/** A command with a comment behind it, which is in words. */
export const commented = (command: string, { en, zh }: Text): Text => ({
  en: `${command}   # ${oneLine(en, 300)}`,
  zh: `${command}   # ${oneLine(zh, 300)}`,
});

/** A value that a reader sets before the commands that use it, where nothing shows it: `as` is how to find it. */
export const toSet = (name: string, as: Text): Text => commented(`${name}=`, { en: `set it: ${as.en}`, zh: `请设置：${as.zh}` });
/** Its use: a shell stops there, and names it, where it was not set. */
export const whatIsSet = (name: string): string => `"\${${name}:?}"`;

const END = 'UPGRADE_GUARD_END';
const FED = new RegExp(`^(.*) <<'${END}'\\n([^]*)\\n${END}$`);

/** A command with a document on its standard input, over several lines. */
export const fed = (command: string, document: string): string => `${command} <<'${END}'\n${document}\n${END}`;

/** The same on one line, where JSON is read: a list of commands has one a line, and can be pasted all the same. */
export function inOneLine(command: string): string {
  const [, reader, document] = FED.exec(command) ?? [];
  if (reader === undefined || document === undefined) return command;
  const json = document.split('\n').map((line) => line.trim());
  return `printf %s '${json.join('').replaceAll("'", "'\\''")}' | ${reader}`;
}
