// From the words of a command line to a command, its arguments and its flags. cac matches commands and counts arguments; what it would get wrong is settled before it sees a word:
// it turns 1.30 into 1.3, takes no value that begins with a dash (`--from -`), reads `-nfoo` as a bundle, and lets unknown commands pass in silence.
import { type CAC, cac } from 'cac';
import type { Language } from '../engine/contracts.ts';
import { languageOf } from '../text/language.ts';
import { nearest } from '../text/nearest.ts';
import { oneLine } from '../text/sanitise.ts';
import { UserError } from '../text/user-error.ts';
import type { Caller } from './caller.ts';
import type { CommandSpec } from './command-spec.ts';
import { COMMANDS, choicesOf, commandOf, type Verb } from './commands.ts';
import { FLAGS, type FlagName, type Flags, GLOBAL, specOf, TALK } from './flags.ts';

export interface Parsed {
  verb: Verb;
  args: string[];
  flags: Flags;
}
/** What the core is handed. */
export interface Invocation extends Parsed {
  caller: Caller;
  env: Record<string, string | undefined>;
  version: string;
  language: Language;
  /** Aborted by the first Ctrl-C: finish the step in flight and return. */
  signal: AbortSignal;
}

/** Put before every word that cac must keep as it is, and taken off again. */
const GUARD = '\u0001';
/** The longest word repeated in an error message. */
const ECHOED = 80;

/** Throws UserError. Help in any form comes out as the command `help`, `--version` as `version`. */
export function parseArgv(words: readonly string[], usage: string): Parsed {
  if (words[0] === '--version') return { verb: 'version', args: [], flags: {} };
  const meant = words.find((word) => commandOf(word) !== undefined);
  const own = meant === undefined ? undefined : commandOf(meant);
  const read = readWords(words, { usage, help: helpFor(meant, usage), flags: own ? [...own.flags, ...GLOBAL] : GLOBAL_AND_OWN });
  const [name, ...args] = read.positionals;
  const wantsHelp = read.given.some(({ name, value }) => name === 'help' && value === true);
  if (name === undefined) {
    // Only how to be spoken to: then the list of commands is spoken so.
    if (!wantsHelp && read.given.some(({ name }) => !TALK.includes(name))) throw noCommand(usage);
    return { verb: 'help', args: [], flags: talkOf(read.given) };
  }
  const command = commandOf(name);
  if (!command) throw unknownCommand(name, usage);
  if (wantsHelp) return { verb: 'help', args: command.name === 'help' ? args : [command.name], flags: talkOf(read.given) };
  for (const given of read.given) assertBelongs(given.name, command, usage);
  for (const given of read.given) assertAllowed(given, command, usage);
  assertArguments(command, args, usage);
  return throughCac(command, args, lastWins(read.given), usage);
}

/** Read before anything else, so that errors about the command line itself come in the language that was asked for. */
export function languageAsked(words: readonly string[], env: Record<string, string | undefined>): Language {
  for (const [index, word] of words.entries()) {
    const value = word === '--lang' ? words[index + 1] : word.startsWith('--lang=') ? word.slice('--lang='.length) : undefined;
    if (value === 'en' || value === 'zh') return value;
  }
  return languageOf(env);
}

// ---- words, in kubectl's notation -----------------------------------------------------------------------------------

interface Given {
  name: FlagName;
  value: string | boolean;
}
interface Read {
  positionals: string[];
  given: Given[];
}

/** What errors point to: how we are called, and the help that fits. */
interface Pointers {
  usage: string;
  help: string;
  /** Those that can be meant: of the command, where one is named. */
  flags: readonly FlagName[];
}

const helpFor = (command: string | undefined, usage: string): string => [usage, ...(command ? [command] : []), '--help'].join(' ');

function readWords(words: readonly string[], pointers: Pointers): Read {
  const read: Read = { positionals: [], given: [] };
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') {
      read.positionals.push(...rest);
      return read;
    }
    if (word.startsWith('--')) read.given.push(readLong(word, rest, pointers));
    else if (word.startsWith('-') && word.length > 1) read.given.push(...readShort(word, rest, pointers));
    else read.positionals.push(word);
  }
  return read;
}

function readLong(word: string, rest: string[], pointers: Pointers): Given {
  const { help } = pointers;
  const [written = '', inline] = splitOnce(word.slice(2));
  if (!Object.hasOwn(FLAGS, written)) throw unknownFlag(`--${written}`, pointers);
  const name = written as FlagName;
  if (specOf(name).kind !== 'boolean') return { name, value: inline ?? nextValue(`--${name}`, name, rest, help) };
  if (inline === undefined || inline === 'true') return { name, value: true };
  if (inline === 'false') return { name, value: false };
  throw badValue(`--${name}`, inline, ['true', 'false'], help);
}

/** `-o json`, `-ojson`, `-o=json`, `-Ao json`. */
function readShort(word: string, rest: string[], pointers: Pointers): Given[] {
  const { help } = pointers;
  const given: Given[] = [];
  for (let at = 1; at < word.length; at++) {
    const letter = word.charAt(at);
    const name = GLOBAL_AND_OWN.find((flag) => specOf(flag).short === letter);
    if (!name) throw unknownFlag(`-${letter}`, pointers);
    if (specOf(name).kind === 'boolean') {
      given.push({ name, value: true });
      continue;
    }
    const inline = word.slice(at + 1).replace(/^=/, '');
    given.push({ name, value: at + 1 < word.length ? inline : nextValue(`-${letter}`, name, rest, help) });
    break;
  }
  return given;
}
const GLOBAL_AND_OWN = Object.keys(FLAGS) as FlagName[];

function nextValue(written: string, name: FlagName, rest: string[], help: string): string {
  const next = rest[0];
  if (next === undefined || (next.startsWith('-') && next.length > 1)) {
    const value = specOf(name).value ?? 'VALUE';
    throw new UserError(
      { en: `flag ${written} needs a value`, zh: `参数 ${written} 缺少取值` },
      { en: `write ${written}=${value}; see: ${help}`, zh: `请写成 ${written}=${value}；参见：${help}` },
    );
  }
  rest.shift();
  return next;
}

function splitOnce(text: string): [string, string | undefined] {
  const at = text.indexOf('=');
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

// ---- may this flag stand here, with this value? ---------------------------------------------------------------------

function assertBelongs(flag: FlagName, command: CommandSpec, usage: string): void {
  if (GLOBAL.includes(flag) || command.flags.includes(flag)) return;
  const owners = COMMANDS.filter((other) => other.flags.includes(flag)).map((other) => other.name);
  throw new UserError(
    { en: `${command.name}: unknown flag --${flag}`, zh: `${command.name} 没有参数 --${flag}` },
    {
      en: `--${flag} belongs to: ${owners.join(', ')}; see: ${usage} ${command.name} --help`,
      zh: `--${flag} 属于：${owners.join('、')}；参见：${usage} ${command.name} --help`,
    },
  );
}

function assertAllowed({ name, value }: Given, command: CommandSpec, usage: string): void {
  if (typeof value === 'boolean') return;
  const written = name === 'v' ? '-v' : `--${name}`;
  const choices = choicesOf(command, name);
  if (choices && !choices.includes(value)) throw badValue(written, value, choices, helpFor(command.name, usage));
  if (name === 'v' && !/^(\d|10)$/.test(value)) throw badValue(written, value, ['0 … 10'], helpFor(command.name, usage));
  if (value === '') {
    throw new UserError(
      { en: `the value of ${written} is empty`, zh: `${written} 的取值为空` },
      { en: `set a value, or omit ${written}`, zh: `请给出取值，或不写 ${written}` },
    );
  }
}

/** Of arguments that name one of a few things. */
function assertArguments(command: CommandSpec, args: readonly string[], usage: string): void {
  for (const [index, word] of args.entries()) {
    const positional = command.positionals[index] ?? command.positionals.at(-1);
    if (positional?.values && !positional.values.includes(word) && !positional.others)
      throw badValue(positional.name, word, positional.values, helpFor(command.name, usage));
  }
}

/** As in kubectl: of a flag that holds one value, the last one counts. */
function lastWins(given: readonly Given[]): Given[] {
  return given.filter(({ name }, index) => specOf(name).kind === 'list' || !given.slice(index + 1).some((later) => later.name === name));
}

function talkOf(given: readonly Given[]): Flags {
  const kept = lastWins(given);
  const lang = kept.find(({ name }) => name === 'lang')?.value;
  const plain = kept.find(({ name }) => name === 'no-color')?.value === true;
  return { ...(lang === 'en' || lang === 'zh' ? { lang } : {}), ...(plain ? { 'no-color': true } : {}) };
}

// ---- cac ------------------------------------------------------------------------------------------------------------

function throughCac(command: CommandSpec, args: string[], given: readonly Given[], usage: string): Parsed {
  const program = declare(command, usage);
  let parsed: Parsed | undefined;
  program.commands[0]!.action((...received: unknown[]) => {
    const options = received.pop() as Record<string, unknown>;
    const positionals = received.flat().filter((word): word is string => typeof word === 'string');
    parsed = { verb: command.name as Verb, args: positionals.map(unguard), flags: flagsOf(options, given) };
  });
  // Flags last: cac would take a word behind a flag of several words, such as --all-contexts, for its value.
  const words = [command.name, ...args.map((word) => GUARD + word), ...given.flatMap(guardFlag)];
  program.parse(['', '', ...words], { run: false });
  try {
    program.runMatchedCommand();
  } catch (error) {
    throw wrongArguments(command, args, usage) ?? error;
  }
  if (!parsed) throw unknownCommand(command.name, usage);
  return parsed;
}

/** The one command that was asked for: cac reads the whole line once for each that it knows. */
function declare({ name, positionals, text, flags }: CommandSpec, usage: string): CAC {
  const program = cac(usage);
  const command = program.command([name, ...positionals.map(bracketed)].join(' '), text.en);
  for (const flag of [...flags, ...GLOBAL]) {
    const { kind, value, text } = specOf(flag);
    command.option(kind === 'boolean' ? `--${flag}` : `--${flag} <${value}>`, text.en, kind === 'list' ? { type: [String] } : {});
  }
  return program;
}

function bracketed({ name, required, many }: CommandSpec['positionals'][number]): string {
  const inner = (many ? '...' : '') + name;
  return required ? `<${inner}>` : `[${inner}]`;
}

/** Those without a value are settled already; cac would take an argument behind `--reuse-values` for its value. */
function guardFlag({ name, value }: Given): string[] {
  return typeof value === 'boolean' ? [] : [`--${name}=${GUARD}${value}`];
}

function unguard(word: string): string {
  return word.startsWith(GUARD) ? word.slice(GUARD.length) : word;
}

function flagsOf(options: Record<string, unknown>, given: readonly Given[]): Flags {
  const flags: Record<string, unknown> = {};
  for (const { name, value } of given) {
    if (typeof value === 'boolean') {
      flags[name] = value;
      continue;
    }
    const found = options[name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())];
    flags[name] = Array.isArray(found) ? found.map((one) => unguard(String(one))) : unguard(String(found));
  }
  return flags as Flags;
}

// ---- errors ---------------------------------------------------------------------------------------------------------

function noCommand(usage: string): UserError {
  return new UserError(
    { en: 'no command, only flags', zh: '只有参数，没有命令' },
    { en: `to list the commands: ${usage} --help`, zh: `列出所有命令：${usage} --help` },
  );
}

export function unknownCommand(name: string, usage: string): UserError {
  const near = nearest(
    name,
    COMMANDS.map((command) => command.name),
  );
  const list = `${usage} --help`;
  return new UserError(
    { en: `unknown command "${shown(name)}"`, zh: `没有命令“${shown(name)}”` },
    near
      ? { en: `did you mean "${usage} ${near}"? To list the commands: ${list}`, zh: `是否指“${usage} ${near}”？列出所有命令：${list}` }
      : { en: `to list the commands: ${list}`, zh: `列出所有命令：${list}` },
  );
}

function unknownFlag(written: string, { help, flags }: Pointers): UserError {
  const near = nearest(
    written,
    flags.map((flag) => `--${flag}`),
  );
  return new UserError(
    { en: `unknown flag: ${shown(written)}`, zh: `没有参数 ${shown(written)}` },
    near
      ? { en: `did you mean ${near}? To list the flags: ${help}`, zh: `是否指 ${near}？列出参数：${help}` }
      : { en: `to list the flags: ${help}`, zh: `列出参数：${help}` },
  );
}

function badValue(what: string, value: string, choices: readonly string[], help: string): UserError {
  const near = nearest(value, choices);
  return new UserError(
    {
      en: `invalid value "${shown(value)}" for ${what}; valid: ${choices.join(', ')}`,
      zh: `${what} 的取值“${shown(value)}”无效；可选：${choices.join('、')}`,
    },
    near ? { en: `did you mean ${near}?`, zh: `是否指 ${near}？` } : { en: `see: ${help}`, zh: `参见：${help}` },
  );
}

function wrongArguments(command: CommandSpec, args: readonly string[], usage: string): UserError | undefined {
  const see = { en: `see: ${usage} ${command.name} --help`, zh: `参见：${usage} ${command.name} --help` };
  const missing = command.positionals.filter(({ required }, index) => required && args[index] === undefined).map(({ name }) => name);
  if (missing.length > 0) {
    return new UserError(
      {
        en: `${command.name}: missing ${missing.join(' and ')}`,
        zh: `${command.name} 缺少 ${missing.join(' 和 ')}`,
      },
      see,
    );
  }
  const extra = args[command.positionals.length];
  if (extra === undefined) return undefined;
  return new UserError(
    {
      en: `${command.name}: unexpected argument "${shown(extra)}"`,
      zh: `${command.name} 不接受参数“${shown(extra)}”`,
    },
    see,
  );
}

/** A word of the command line, fit for one line of a terminal. */
function shown(word: string): string {
  return oneLine(word, ECHOED);
}
