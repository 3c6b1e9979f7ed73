// Drives a helm that was found (run.ts) against a cluster: an argument list, never a shell; values on standard input.
// helm outlives us: a session of its own, so that Ctrl-C does not cut it, and files without a name for what it reads and prints, so that our death neither
// feeds it half of the values nor breaks a pipe that it writes to.
import { spawn } from 'node:child_process';
import { closeSync, constants, existsSync, fstatSync, openSync, readdirSync, readFileSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { HelmProgram, ReleaseName } from '../engine/contracts.ts';
import { redactText } from '../text/redact.ts';
import { printable } from '../text/sanitise.ts';

interface Ended {
  code: number;
  output: string;
}

/** Bytes kept of what helm prints. */
const OUTPUT_MAX = 256 * 1024;

/** `env`: leads it to the same cluster, as the same user, by helm's own variables. */
export const driven = (binary: string, version: string, env: NodeJS.ProcessEnv): HelmProgram => ({
  version,
  call: (args, input) => called(binary, args, env, input),
});

/** A helm that changes a cluster is never cut by us. */
async function called(command: string, args: readonly string[], env: NodeJS.ProcessEnv, input = ''): Promise<Ended> {
  const given = nameless(constants.O_RDWR);
  const said = nameless(constants.O_RDWR | constants.O_APPEND);
  try {
    // At its place, so that the reader begins at the beginning.
    writeSync(given, input, 0);
    const code = await new Promise<number>((resolve, reject) => {
      const child = spawn(command, args, {
        env,
        stdio: [given, said, said],
        detached: true,
        windowsHide: true,
      });
      child.on('error', reject);
      child.on('close', (status) => resolve(status ?? 1));
    });
    return { code, output: redactText(printable(textOf(said))) };
  } finally {
    closeSync(given);
    closeSync(said);
  }
}

/** A file that no other process can open: its name is gone before anything is in it. In memory where the system has a place for that. */
function nameless(flags: number): number {
  const folder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  const name = path.join(folder, `upgrade-guard-${process.pid}-${crypto.randomUUID()}`);
  const file = openSync(name, flags | constants.O_CREAT | constants.O_EXCL, 0o600);
  unlinkSync(name);
  return file;
}

function textOf(file: number): string {
  const { size } = fstatSync(file);
  const bytes = Buffer.alloc(Math.min(size, OUTPUT_MAX));
  readSync(file, bytes, 0, bytes.length, Math.max(0, size - OUTPUT_MAX));
  return bytes.toString('utf8');
}

// ---- a helm that is at work -----------------------------------------------------------------------------------------

const WRITING = new Set(['install', 'rollback', 'uninstall', 'upgrade']);

/** Whether a process of this machine is a helm that changes this release. A namespace that it was not told counts as ours: better to wait for nothing. */
export async function isHelmAlive({ namespace, name }: ReleaseName): Promise<boolean> {
  return (await processes()).some(([command = '', ...args]) => {
    if (!/^helm/.test(path.basename(command)) || !args.some((word) => WRITING.has(word)) || !args.includes(name)) return false;
    const told = args.findIndex((word) => word === '-n' || word === '--namespace');
    return told < 0 || args[told + 1] === namespace;
  });
}

/** The words of every command line that can be seen. */
async function processes(): Promise<string[][]> {
  if (process.platform === 'linux') {
    return readdirSync('/proc').flatMap((pid) => {
      if (!/^\d+$/.test(pid)) return [];
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')];
      } catch {
        return []; // it has just ended, or is not ours to see
      }
    });
  }
  if (process.platform === 'win32') return [];
  const { output } = await called('ps', ['-axww', '-o', 'command='], process.env);
  return output.split('\n').map((line) => line.trim().split(/\s+/));
}
