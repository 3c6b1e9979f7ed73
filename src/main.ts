// Where the program starts: who called, which command, in which language; errors become exit codes. The core, with everything heavy, is loaded only when a command needs it.
import { aboutPage, type Horizon } from './cli/about.ts';
import { type Invocation, languageAsked, type Parsed, parseArgv } from './cli/argv.ts';
import { type Caller, callerOf, connectionFromHelm } from './cli/caller.ts';
import { COMPLETE, complete, completionScript, type LookUp } from './cli/completion.ts';
import { helpPage, type Page } from './cli/help.ts';
import { guardStreams, isDevice, write, written } from './cli/output.ts';
import { part } from './cli/parts.ts';
import { ALIASES, pluginTyped, pluginWords } from './cli/plugin.ts';
import type { Language, Text } from './engine/contracts.ts';
import { style } from './text/colour.ts';
import { oneLine, printable } from './text/sanitise.ts';
import { whyOf } from './text/system-error.ts';
import { EXIT, UserError } from './text/user-error.ts';

/** Put in by scripts/build.ts. */
declare const VERSION: string;
declare const HORIZONS: Horizon[];

/** Milliseconds; it takes about 40. */
const HELM_ANSWERS_WITHIN = 5_000;
/** Longest part of an unexpected error that is shown without -v. */
const BUG_MESSAGE = 400;

async function main(words: string[]): Promise<number> {
  const caller = callerOf(process.argv[1] ?? '', process.env);
  const language = languageAsked(words, process.env);
  if (caller.kind === 'kubectl-completion') return print(await complete(words, language, lookUp(caller, language)));
  if (words[0] === COMPLETE) {
    const [typed, aliases] = caller.kind === 'helm' ? [pluginTyped(words.slice(1)), ALIASES] : [words.slice(1), undefined];
    return print(await complete(typed, language, lookUp(caller, language), aliases));
  }
  let verbose = false;
  try {
    const parsed = parseArgv(caller.kind === 'helm' ? pluginWords(words) : words, caller.usage);
    verbose = Number(parsed.flags.v ?? 0) > 0;
    return await dispatch(parsed, caller, language);
  } catch (error) {
    return report(error, language, verbose, caller);
  }
}

async function dispatch(parsed: Parsed, caller: Caller, language: Language): Promise<number> {
  switch (parsed.verb) {
    case 'help':
      return print(helpPage(parsed.args[0], pageFor(parsed, caller, language)));
    case 'options':
      return print(helpPage('options', pageFor(parsed, caller, language)));
    case 'version':
      if (parsed.flags.knowledge) return runCore(parsed, caller, language);
      return print(aboutPage({ version: VERSION, horizons: HORIZONS, replaced: [] }, parsed.flags.output, language));
    case 'completion':
      return print(completionScript(parsed.args[0] ?? ''));
    default:
      return runCore(parsed, caller, language);
  }
}

function print(text: string): number {
  write(1, text);
  return EXIT.ok;
}

function pageFor({ flags }: Parsed, { usage }: Caller, language: Language): Page {
  const terminal = isDevice(1) ? process.stdout : { isTTY: false };
  const { bold } = style(terminal, process.env, !flags['no-color']);
  return { usage, language, width: ('columns' in terminal && terminal.columns) || 80, bold };
}

// ---- the core -------------------------------------------------------------------------------------------------------

interface Core {
  run(invocation: Invocation): Promise<number>;
  candidates(asked: string, place: object): ReturnType<LookUp>;
}

const lookUp =
  (caller: Caller, language: Language): LookUp =>
  (asked, given) => {
    const flags = { ...(caller.kind === 'helm' ? connectionFromHelm(process.env, () => undefined) : {}), ...given };
    return loadCore().candidates(asked, { flags, env: process.env, version: VERSION, language });
  };

async function runCore(parsed: Parsed, caller: Caller, language: Language): Promise<number> {
  const flags = { ...(caller.kind === 'helm' ? connectionFromHelm(process.env, usualNamespace) : {}), ...parsed.flags };
  // As in kubectl, -A wins over -n.
  if (flags['all-namespaces']) delete flags.namespace;
  const signal = interruptible();
  guardStreams();
  return loadCore().run({ ...parsed, flags, caller, env: process.env, version: VERSION, language, signal });
}

/** The namespace that Helm would give us if none had been chosen; Helm itself knows best which kubeconfig and context it means. */
function usualNamespace(): string | undefined {
  // Loaded here and not above: few starts need it.
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const { HELM_NAMESPACE: _, ...env } = process.env;
  const options = { env: { ...env, HELM_NO_PLUGINS: '1' }, encoding: 'utf8', timeout: HELM_ANSWERS_WITHIN } as const;
  const { status, stdout } = spawnSync(process.env.HELM_BIN || 'helm', ['env', 'HELM_NAMESPACE'], options);
  return status === 0 ? stdout.trim() : undefined;
}

const loadCore = (): Core => part<Core>('core');

/** The first Ctrl-C asks to stop after the step in flight; the second ends at once. SIGTERM counts like Ctrl-C. */
function interruptible(): AbortSignal {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return controller.signal;
}

// ---- errors ---------------------------------------------------------------------------------------------------------

function report(error: unknown, language: Language, verbose: boolean, caller: Caller): number {
  if (isUserError(error)) {
    say(error.text, error.next, language, caller);
    return error.exit;
  }
  if (error instanceof Error && error.name === 'AbortError') return EXIT.interrupted;
  const message = oneLine(error instanceof Error ? error.message : String(error), BUG_MESSAGE);
  const again: Text = {
    en: `run it again with -v 4 and report the output; to list the changes made so far: {tool} runs`,
    zh: `请加上 -v 4 再运行一次，并反馈其输出；已做的更改可用此命令查看：{tool} runs`,
  };
  say(
    { en: `this is a bug in upgrade-guard: ${message}`, zh: `这是 upgrade-guard 的缺陷：${message}` },
    verbose ? undefined : again,
    language,
    caller,
  );
  if (verbose && error instanceof Error) write(2, `${printable(error.stack ?? '')}\n`);
  return EXIT.failed;
}

/** By name: the core is a bundle of its own, with its own copy of the class. */
function isUserError(error: unknown): error is UserError {
  return error instanceof UserError || (error instanceof Error && error.name === 'UserError' && 'text' in error && 'exit' in error);
}

const ERROR: Text = { en: 'error: ', zh: '错误：' };
const NEXT: Text = { en: 'next: ', zh: '下一步：' };

/** `{tool}` in a text stands for how the user calls us. */
function say(text: Text, next: Text | undefined, language: Language, caller: Caller): void {
  const lines = [ERROR[language] + text[language], ...(next ? [NEXT[language] + next[language]] : [])];
  write(2, `${lines.join('\n').replaceAll('{tool}', caller.usage)}\n`);
}

// ---- start and end --------------------------------------------------------------------------------------------------

const words = process.argv.slice(2);
// A promise that was not awaited and failed: the same words as for any other bug.
process.on('uncaughtException', (error) => {
  const language = languageAsked(words, process.env);
  process.exit(report(error, language, true, callerOf(process.argv[1] ?? '', process.env)));
});
main(words).then(async (exit) => {
  const error = await written();
  // Connections that are kept alive would hold the process.
  process.exit(error ? notWritten(error, exit) : exit);
});

/** The exit code where a result did not get out. */
function notWritten(error: NodeJS.ErrnoException, exit: number): number {
  const why = whyOf(error);
  const text = { en: `cannot write the output: ${why.en}; the output is incomplete`, zh: `无法写出结果：${why.zh}；输出不完整` };
  const next = { en: 'free some space, or write it elsewhere', zh: '请腾出空间，或输出到其他位置' };
  say(text, next, languageAsked(words, process.env), callerOf(process.argv[1] ?? '', process.env));
  return exit === EXIT.halfWay ? exit : EXIT.failed;
}
