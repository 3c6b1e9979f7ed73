// Where a command is, by the rules of Go's os/exec, which kubectl follows: our own PATH decides, not the one that a kubeconfig gives to a plugin.
import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import type { Env } from './kubeconfig-files.ts';

export interface Found {
  path?: string;
  /** As Go says it: why it cannot be run. With a path: found below a relative entry of PATH, which Go does not run. */
  error?: string;
}

const windows = process.platform === 'win32';

/** A command with a separator in it is a path already; others are looked up in PATH. */
export function lookPath(command: string, env: Env): Found {
  const failed = (why: string, at?: string): Found => ({ path: at, error: `exec: ${JSON.stringify(command)}: ${why}` });
  if (isPath(command)) {
    const at = executable(command, env);
    return at.path ? at : failed(at.error!);
  }
  const missing = `executable file not found in ${windows ? '%PATH%' : '$PATH'}`;
  if (command === '' || command === '.' || command === '..') return failed(missing);
  for (const folder of searched(env)) {
    const at = executable(path.join(folder || '.', command), env).path;
    if (at) return path.isAbsolute(at) ? { path: at } : failed('cannot run executable found relative to current directory', at);
  }
  return failed(missing);
}

export function isPath(command: string): boolean {
  return windows ? /[:\\/]/.test(command) : command.includes('/');
}

/** Windows looks into the working folder first. */
function searched(env: Env): string[] {
  const listed = variable(env, 'PATH').split(path.delimiter);
  return windows ? ['.', ...listed.filter(Boolean)] : listed;
}

/** Windows does not care how the name of a variable is written. */
function variable(env: Env, name: string): string {
  const key = windows ? Object.keys(env).find((one) => one.toUpperCase() === name) : name;
  return (key && env[key]) || '';
}

function executable(file: string, env: Env): Found {
  if (!windows) return runnable(file);
  const endings = (variable(env, 'PATHEXT') || '.com;.exe;.bat;.cmd').toLowerCase().split(';').filter(Boolean);
  const candidates = [...(path.extname(file) ? [file] : []), ...endings.map((ending) => file + ending)];
  return candidates.map(runnable).find((one) => one.path) ?? { error: 'file does not exist' };
}

function runnable(file: string): Found {
  try {
    if (statSync(file).isDirectory()) return { error: 'is a directory' };
    accessSync(file, constants.X_OK);
    return { path: file };
  } catch (error) {
    return { error: (error as NodeJS.ErrnoException).code === 'EACCES' ? 'permission denied' : `stat ${file}: no such file or directory` };
  }
}
