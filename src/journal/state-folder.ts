// Where runs are remembered, per operating system; and that no other user has made these directories.
import { lstat } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import path from 'node:path';
import { UserError } from '../text/user-error.ts';

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
  return path.posix.join(state?.startsWith('/') ? state : path.posix.join(absolute(home), '.local', 'state'), 'upgrade-guard');
}

/** With an empty or relative HOME the runs would lie in whatever directory a command is called from, and the next one would not find them. */
function absolute(home: string): string {
  if (home.startsWith('/')) return home;
  try {
    return userInfo().homedir;
  } catch {
    // A container's uid may have no entry in the user database.
    throw new UserError(
      { en: 'finding the home directory: HOME is not an absolute path', zh: '查找主目录：HOME 不是绝对路径' },
      { en: 'set HOME, or XDG_STATE_HOME, to a directory of your own', zh: '请将 HOME 或 XDG_STATE_HOME 设为自己的目录' },
    );
  }
}

/** Charts that helm fetched for us. */
export const chartsFolder = (env: Record<string, string | undefined>): string => path.join(stateFolder(env), 'charts');

/** Owned by neither this user nor root; Windows has no such owners. */
export const isOthers = ({ uid }: { uid: number }): boolean => process.getuid !== undefined && uid !== 0 && uid !== process.getuid();

/** Of a directory that is there: another user's, or a link to who knows where, is neither read nor written, and keeps its mode. Throws UserError. */
export async function assertOwnFolder(folder: string): Promise<void> {
  const found = await lstat(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (!found || (!found.isSymbolicLink() && !isOthers(found))) return;
  throw new UserError(
    {
      en: `opening ${folder}: ${found.isSymbolicLink() ? 'a symbolic link' : `owned by another user (uid ${found.uid})`}`,
      zh: `打开 ${folder}：${found.isSymbolicLink() ? '该路径是符号链接' : `属于其他用户（uid ${found.uid}）`}`,
    },
    {
      en: 'move it away, or set XDG_STATE_HOME to a directory of your own',
      zh: '请将其移走，或通过 XDG_STATE_HOME 指定自己的目录',
    },
  );
}
