// Runs the packaged binary as a user's shell would, but with nothing of this machine in its environment.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CLOCK } from '../../src/engine/pace.ts';

export const BINARY = join(import.meta.dirname, '..', '..', 'dist', process.platform === 'win32' ? 'upgrade-guard.exe' : 'upgrade-guard');

export interface RunOptions {
  /** Beyond PATH, HOME, XDG_STATE_HOME, LANG and KUBECONFIG. */
  env?: Record<string, string>;
  /** Path; none by default, and none is found. */
  kubeconfig?: string;
  /** On standard input; without it, the input ends at once. */
  input?: string;
  /** Keeps journals from one call to the next; by default a new one that goes away. */
  home?: string;
  /** What to start instead of dist/upgrade-guard, such as a copy under another name. */
  binary?: string;
  cwd?: string;
}
export interface Ran {
  /** null: ended by `signal`. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  ms: number;
}
export interface Started {
  child: ChildProcessWithoutNullStreams;
  ended: Promise<Ran>;
  /** SIGKILL: nothing of it runs on. */
  kill(): void;
}

/** Environment in which the waits of the binary, and its Lease, pass so many times as fast. */
export const hastened = (times: number): Record<string, string> => ({ [CLOCK]: `${times}` });

/** A directory to be the user's home; journals are below its `state`. */
export const newHome = () => mkdtempSync(join(tmpdir(), 'upgrade-guard-home-'));

/** Starts the binary; its input stays open until `input` was given or the caller ends it. */
export function start(args: string[], options: RunOptions = {}): Started {
  const { env = {}, kubeconfig, input, home = newHome(), binary = BINARY, cwd } = options;
  const begun = performance.now();
  const own: Record<string, string> = {
    PATH: process.env.PATH ?? '',
    HOME: home,
    XDG_STATE_HOME: join(home, 'state'),
    LANG: 'en_US.UTF-8',
    ...(kubeconfig ? { KUBECONFIG: kubeconfig } : {}),
    ...env,
  };
  const child = spawn(binary, args, { env: own, cwd: cwd ?? home, stdio: 'pipe' });
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk) => stdout.push(chunk));
  child.stderr.on('data', (chunk) => stderr.push(chunk));
  child.stdin.on('error', () => {});
  if (input !== undefined) child.stdin.end(input);
  const ended = new Promise<Ran>((resolve, reject) => {
    child.on('error', reject);
    const finish = (code: number | null, signal: NodeJS.Signals | null) => {
      if (!options.home) rmSync(home, { recursive: true, force: true });
      const ms = performance.now() - begun;
      resolve({ code, signal, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString(), ms });
    };
    child.on('close', finish);
    // What a killed one had started itself (helm, an exec plugin) may live on and hold its output open.
    child.on('exit', (code, signal) => void (signal && setTimeout(finish, 200, code, signal)));
  });
  return { child, ended, kill: () => void child.kill('SIGKILL') };
}

/** SIGKILL for every process of this machine that was started as `binary` with these words among its arguments. */
export function killStarted(binary: string, ...words: string[]): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    let line: string[] = [];
    try {
      line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    } catch {
      continue; // it has just ended
    }
    if (line[0] === binary && words.every((word) => line.includes(word))) process.kill(Number(pid), 'SIGKILL');
  }
}

export function run(args: string[], options: RunOptions = {}): Promise<Ran> {
  return start(args, { input: '', ...options }).ended;
}

/** The line of a shell in a terminal of its own (util-linux script), in which `"$UG"` is the binary; stdout is what the terminal shows. */
export const startTyped = (line: string, options: RunOptions = {}): Started => {
  const { env = {}, ...rest } = options;
  return start(['-qec', `${line}; exit $?`, '/dev/null'], { ...rest, binary: 'script', env: { TERM: 'xterm', UG: BINARY, ...env } });
};
