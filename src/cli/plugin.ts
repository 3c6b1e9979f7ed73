// `helm spiderpool-upgrade [RELEASE] --to VERSION`: the words of the Helm plugin, in helm's notation, as those of our upgrade command.
import { commandOf } from './commands.ts';
import type { FlagName } from './flags.ts';

/** helm's flags that we call otherwise. */
export const ALIASES: Record<string, FlagName> = { version: 'to', atomic: 'rollback-on-failure' };
/** We always wait. */
const ALWAYS = new Set(['wait']);
/** Flags that talk to us about something else than an upgrade. */
const ASIDE = /^--(?:help|lang|no-color)\b|^-h$/;

/** As given where they name a command of ours, ask for help, or say nothing about an upgrade. */
export function pluginWords(words: readonly string[]): readonly string[] {
  const isOurs =
    words.some((word) => !word.startsWith('-') && commandOf(word) !== undefined) || words.some((word) => word.startsWith('__'));
  const isAside = words.every((word) => !word.startsWith('-') || ASIDE.test(word)) || (words.length === 1 && words[0] === '--version');
  // helm takes a release before --help as well.
  if (isAside && !isOurs && words.some((word) => /^(?:--help|-h)$/.test(word)) && words.some((word) => !word.startsWith('-')))
    return ['upgrade', '--help', ...words.filter((word) => word.startsWith('--lang'))];
  if (isOurs || isAside) return words;
  return ['upgrade', 'spiderpool', ...words.flatMap(translated)];
}

/** Words up to the cursor: what no command of ours begins is an upgrade. */
export function pluginTyped(words: readonly string[]): readonly string[] {
  const [typing = '', earlier] = [words.at(-1), words.slice(0, -1)];
  const isOurs = earlier.some((word) => !word.startsWith('-') && commandOf(word) !== undefined);
  if (isOurs || (!earlier.length && !typing.startsWith('-'))) return words;
  return ['upgrade', 'spiderpool', ...earlier.flatMap(translated), typing];
}

/** `-f FILE`, `-fFILE`, `-f=FILE`: in helm a file of values. */
const VALUES = /^-f=?(.*)$/s;

function translated(word: string): string[] {
  const file = VALUES.exec(word);
  if (file) return file[1] ? [`--values=${file[1]}`] : ['--values'];
  const [, name = '', value] = /^--([a-z-]+)(?:=(.*))?$/s.exec(word) ?? [];
  if (ALWAYS.has(name)) return value === 'false' ? [word] : [];
  if (name === 'dry-run' && (value === undefined || value === 'true')) return ['--dry-run=client'];
  if (name === 'dry-run' && (value === 'none' || value === 'false')) return [];
  const ours = ALIASES[name];
  if (!ours) return [word];
  return [value === undefined ? `--${ours}` : `--${ours}=${value}`];
}
