// One call of the tool, as the commands see it: what was asked, and how to answer the caller.
import { createInterface } from 'node:readline/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import type { Text } from '../engine/contracts.ts';
import type { Face } from '../report/face.ts';
import { style } from '../text/colour.ts';
import { looksPrivate } from '../text/redact.ts';
import { aimOf } from '../text/same-cluster.ts';
import { oneLine, printable } from '../text/sanitise.ts';
import { shellWord } from '../text/shell.ts';
import { EXIT, UserError } from '../text/user-error.ts';
import type { Invocation } from './argv.ts';
import type { Verb } from './commands.ts';
import { CONNECTION, type FlagName, INTENT } from './flags.ts';
import { STILL_MS, spinner } from './spinner.ts';

export interface Call extends Invocation {
  /** How to print results on stdout. */
  face: Face;
  /** The text in the user's language; `{tool}` is how the user calls us, `{reach}` the flags that lead to the same cluster, `{place}` those that lead to what was checked, a snapshot or manifests too, `{asked}{again}` the systems and checks of this command, and those that choose the target as well, `{retry}` this very command, `{retry:to,yes}` without these flags. */
  t(text: Text): string;
  /** Results. */
  out(...lines: string[]): void;
  /** Everything else: progress, previews, questions. */
  say(...lines: string[]): void;
  /** Progress that is drawn over, with the time since `since` (of performance.now()) once it takes long. false: nothing can be drawn here. */
  progress(text: Text, since?: number): boolean;
  /** The same for what begins; with -v it gets a line. */
  begins(text: Text): boolean;
  /** What is waited for, and how long: drawn instead of the progress until it is undefined. false: nothing can be drawn here. */
  waiting(text: Text | undefined): boolean;
  /** A named pipe is waited for: said where a person may wonder. */
  waited(file: string): void;
  /** A line for those who asked for it with -v of this level or above. */
  log(level: number, text: Text): void;
  /** Asks yes or no on a terminal. Throws where there is none: nothing may be changed unasked. */
  confirm(question: Text): Promise<boolean>;
  /** There is a terminal: the user can be asked. */
  terminal: boolean;
  /** What was typed; '' where it was interrupted. */
  typed(question: Text): Promise<string>;
}

/** Narrower than this a table is unreadable anyway; also what a terminal of 0 columns gets. */
const MIN_COLUMNS = 40;

export function callOf(invocation: Invocation): Call {
  const { env, flags, language } = invocation;
  const tool = invocation.caller.usage;
  const columns = columnsOf(process.stdout, env);
  const face: Face = {
    language,
    columns,
    tool,
    again: againOf(invocation),
    asked: askedOf(invocation),
    reach: wordsOf(invocation, reachOf(invocation)),
    aim: aimOf(givenOf(invocation, CLUSTER)),
    admin: {
      reach: wordsOf(invocation, ADMIN),
      kubectl: aimOf(givenOf(invocation, ADMIN)).kubectl,
      to: flags.as === undefined ? undefined : subjectOf(flags.as),
    },
    wide: flags.output === 'wide',
    style: style(process.stdout, env, !flags['no-color']),
  };
  const t = (text: Text) => printable(reaching(text, invocation)[language].replaceAll('{tool}', tool));
  const drawn = spinner(process.stderr, env, !MACHINE.includes(flags.output ?? '') && !flags['no-color']);
  const say = (...lines: string[]) => {
    drawn.clear();
    // The face is coloured for stdout, which may be a terminal where stderr is none.
    const text = lines.map((line) => `${line}\n`).join('');
    process.stderr.write(process.stderr.isTTY ? text : stripVTControlCharacters(text));
  };
  const loud = Number(flags.v ?? 0);
  const log = (level: number, text: Text) => {
    // To the millisecond, UTC, for those who read logs.
    if (level <= loud) say(`${loud ? `${new Date().toISOString().slice(11, 23)} ` : ''}${t(text)}`);
  };
  const now: { progress?: () => Text; waiting?: () => Text } = {};
  const draw = (more: typeof now) => {
    Object.assign(now, more);
    const text = now.waiting ?? now.progress;
    if (text) drawn.text(() => t(text()));
    return drawn.draws;
  };
  const progress = (text: Text, since = performance.now()) => draw({ progress: () => timed(text, performance.now() - since) });
  return {
    ...invocation,
    face,
    t,
    out: (...lines) => {
      drawn.clear();
      process.stdout.write(lines.map((line) => `${line}\n`).join(''));
    },
    say,
    log,
    waited: (file) => {
      const name = oneLine(file, 300);
      if (process.stderr.isTTY)
        say(
          t({ en: `Waiting for ${name}, a named pipe (Ctrl-C ends the wait)...`, zh: `正在等待命名管道 ${name}（按 Ctrl-C 结束等待）……` }),
        );
    },
    progress,
    begins: (text) => {
      log(1, text);
      return progress(text);
    },
    waiting: (text) => draw({ waiting: text && (() => text) }),
    confirm: (question) => {
      drawn.clear();
      return ask(t(question), invocation.signal);
    },
    terminal: hasTerminal(),
    typed: (question) => {
      drawn.clear();
      return line(`${t(question)} `, invocation.signal).catch(() => '');
    },
  };
}

function timed({ en, zh }: Text, ms: number): Text {
  const seconds = Math.round(ms / 1000);
  return ms < STILL_MS ? { en, zh } : { en: `${en} (${seconds} s)`, zh: `${zh}（${seconds} 秒）` };
}

/** A file or a pipe is searched line by line: only a terminal gets its lines folded, or who says how wide it is to be. */
function columnsOf(stream: NodeJS.WriteStream, { COLUMNS }: Invocation['env']): number {
  const asked = Number(COLUMNS) || (stream.isTTY ? 80 : Number.POSITIVE_INFINITY);
  return Math.max(stream.columns || asked, MIN_COLUMNS);
}

const MACHINE = ['json', 'yaml', 'sarif', 'junit'];

/** Flags that choose where to look and what for; never a secret. */
const CLUSTER: readonly FlagName[] = CONNECTION.filter((name) => name !== 'token');
/** An administrator does not connect as the user who lacks the rights. */
const ADMIN: readonly FlagName[] = CLUSTER.filter((name) => !['user', 'as', 'as-group', 'as-uid'].includes(name));
const PLACE: readonly FlagName[] = [...CLUSTER, 'knowledge', 'channels', 'filename', 'offline', 'from'];
const WHERE: readonly FlagName[] = [...PLACE, 'to', 'back-to', ...INTENT];

/** Runs over manifests are found by those manifests. */
const OVER_FILES: readonly Verb[] = ['fix', 'runs', 'resume', 'undo'];
const reachOf = ({ verb }: Invocation): readonly FlagName[] => (OVER_FILES.includes(verb) ? [...CLUSTER, 'filename'] : CLUSTER);

/** The same text with the connection flags of this call, or the whole of it, filled in. */
export function reaching({ en, zh }: Text, invocation: Invocation): Text {
  const reach = wordsOf(invocation, reachOf(invocation));
  const filled = (text: string) =>
    text
      .replaceAll('{reach}', reach)
      .replaceAll('{place}', wordsOf(invocation, PLACE))
      .replaceAll('{asked}', askedOf(invocation))
      .replaceAll('{again}', againOf(invocation))
      .replace(/\{retry(?::([a-z,-]+))?\}/g, (_, without = '') => retryOf(invocation, without.split(',')));
  return { en: filled(en), zh: filled(zh) };
}

/** This command once more, as a line to paste. */
function retryOf(invocation: Invocation, without: readonly string[]): string {
  const names = (Object.keys(invocation.flags) as FlagName[]).filter((name) => name !== 'token' && !without.includes(name));
  return [invocation.caller.usage, invocation.verb, ...invocation.args.map(shellWord)].join(' ') + wordsOf(invocation, names);
}

/** Their arguments are systems and checks. */
const ASKING: readonly Verb[] = ['check', 'fix'];
const askedOf = ({ verb, args }: Invocation): string => (ASKING.includes(verb) ? args.map((word) => ` ${shellWord(word)}`).join('') : '');

const againOf = (invocation: Invocation): string => wordsOf(invocation, WHERE);

/** What was given of these flags, as words for the next command. */
const wordsOf = (invocation: Invocation, names: readonly FlagName[]): string =>
  givenOf(invocation, names)
    .map((words) => ` --${words.join(' ')}`)
    .join('');

/** Each flag with its value, as words of a shell; a switch alone. */
const givenOf = (invocation: Invocation, names: readonly FlagName[]): [flag: FlagName, value?: string][] =>
  names.flatMap((name): [FlagName, string?][] => {
    const value = invocation.flags[name];
    if (value === undefined || value === false) return [];
    if (value === true) return [[name]];
    return [value].flat().map((each) => [name, shellWord(isHidden(name, each) ? 'KEY=VALUE' : wholeTarget(name, each, invocation))]);
  });

/** `--to 0.9.13` where one system is named: the next command may name it otherwise, or another target beside it. */
function wholeTarget(name: FlagName, value: string, { verb, args }: Invocation): string {
  if ((name !== 'to' && name !== 'back-to') || value.includes('=')) return value;
  const words = ASKING.includes(verb) ? args : args.slice(0, 1);
  const systems = new Set(words.map((word) => word.split('/', 1)[0]!));
  return systems.size === 1 ? `${[...systems][0]}=${value}` : value;
}

/** As --bind-to has it, as a word of a shell. */
function subjectOf(as: string): string {
  const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(as) ?? [];
  return shellWord(namespace ? `serviceaccount/${namespace}/${name}` : `user/${as}`);
}

/** Settings of which each is yes, no, nothing or a number. */
const PLAIN_SETTINGS = /^(?:[\w.[\]/\\-]+=(?:true|false|null|-?\d{1,9}(?:\.\d{1,9})?)?(?:,|$))+$/;

/** A setting with a text in it: any key may hold a password, and reports are handed on. */
const isHidden = (name: FlagName, text: string): boolean =>
  (name === 'set' || name === 'set-string' || name === 'set-json') &&
  (!PLAIN_SETTINGS.test(text) || text.split(/[.,=[\]]/).some(looksPrivate));

const hasTerminal = (): boolean => process.stdin.isTTY === true && process.stderr.isTTY === true;

async function ask(question: string, signal: AbortSignal): Promise<boolean> {
  if (!hasTerminal()) {
    throw new UserError(
      { en: 'asking for confirmation: there is no terminal; nothing was changed', zh: '没有终端，无法请求确认；未做任何更改' },
      { en: 'once you have read the steps above: {retry} --yes', zh: '阅读以上步骤后再运行：{retry} --yes' },
      EXIT.failed,
    );
  }
  return /^(y|yes|是)$/i.test((await line(`${question} [y/N] `, signal)).trim());
}

/** ms for which lines that were typed before a question are read and dropped: they answer nothing. */
const FORGOTTEN = 50;

/** A key pressed during a long wait is not a yes to what is asked behind it. */
async function forgetTyped(input: NodeJS.ReadStream): Promise<void> {
  const drop = () => undefined;
  input.on('data', drop);
  input.resume();
  await sleep(FORGOTTEN);
  input.off('data', drop);
  input.pause();
}

async function line(question: string, signal: AbortSignal): Promise<string> {
  await forgetTyped(process.stdin);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(question, { signal });
  } finally {
    terminal.close();
  }
}
