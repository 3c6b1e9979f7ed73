// A setting as the words of a helm command line, so that a person can take them over.
import type { Json, Text, ValueSetting } from '../engine/contracts.ts';
import { looksPrivate } from '../text/redact.ts';
import { oneLine } from '../text/sanitise.ts';
import { shellWord } from '../text/shell.ts';
import { written } from './keys.ts';

/** What stands for a value that must not be shown, or that would not survive a terminal and a copy. */
const HIDDEN = 'VALUE';
/** Signs; longer ones are better kept in a file. */
const LONGEST = 400;

/** `--set a.b=true`, `--set-string a.b=x`, and for lists and maps `--set-json` (helm 3.10 and later); each word fit for a shell. */
export function setFlag(path: readonly string[], value: Json): string {
  return flagOf(path, value, true);
}

/** The same of a value that the user set: what a text, a list or a map says is not repeated, wherever it stands. */
export function settingFlag(path: readonly string[], value: Json): string {
  return flagOf(path, value, typeof value !== 'string' && (typeof value !== 'object' || value === null));
}

/** Is there a word among them in which the value must be filled in? */
export const needsValue = (flags: readonly string[]): boolean => flags.some((flag) => flag.replace(/'$/, '').endsWith(`=${HIDDEN}`));

function flagOf(path: readonly string[], value: Json, mayShow: boolean): string {
  const key = written(path);
  // --set knows whole numbers alone.
  const asJson = (typeof value === 'object' && value !== null) || (typeof value === 'number' && !Number.isInteger(value));
  const [flag, text] = asJson
    ? ['--set-json', JSON.stringify(value)]
    : typeof value === 'string'
      ? ['--set-string', escaped(value)]
      : ['--set', String(value)];
  const isPlain = mayShow && text.length <= LONGEST && oneLine(text, LONGEST) === text && !path.some(looksPrivate);
  return `${flag} ${shellWord(`${key}=${isPlain ? text : HIDDEN}`)}`;
}

/** What would end a value, or begin a list (pkg/strvals/parser.go). */
const escaped = (text: string): string => text.replace(/[\\,]/g, '\\$&').replace(/^\{/, '\\{');

/** A setting as a person reads it: the flag for it, or where its value goes. */
export function settingText(setting: ValueSetting): Text {
  const name = [setting.path, ...('movedFrom' in setting ? (setting.also ?? []) : [])].map(written).join(', ');
  if ('movedFrom' in setting) {
    const before = written(setting.movedFrom);
    return { en: `${before} as ${name}`, zh: `${before} 改名为 ${name}` };
  }
  if (setting.value === null) return { en: `without ${name}`, zh: `不含 ${name}` };
  const flag = setFlag(setting.path, setting.value);
  return { en: flag, zh: flag };
}
