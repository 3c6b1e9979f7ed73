// Where runs are remembered, per operating system.
import { homedir } from 'node:os';
import path from 'node:path';

/**
 * `$XDG_STATE_HOME/upgrade-guard`, `%LOCALAPPDATA%\upgrade-guard` on Windows. A relative XDG_STATE_HOME counts as not set, as the
 * XDG Base Directory Specification demands.
 */
export function stateFolder(
  env: Record<string, string | undefined> = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  if (platform === 'win32') return path.win32.join(env.LOCALAPPDATA || path.win32.join(home, 'AppData', 'Local'), 'upgrade-guard');
  const state = env.XDG_STATE_HOME;
  return path.posix.join(state?.startsWith('/') ? state : path.posix.join(home, '.local', 'state'), 'upgrade-guard');
}

/** Charts that helm fetched for us. */
export const chartsFolder = (env: Record<string, string | undefined>): string => path.join(stateFolder(env), 'charts');
