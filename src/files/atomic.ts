// A file of another user replaced whole or not at all: written beside it, brought to disk, and put in its place, with its mode and its owner.
import { constants, realpathSync, statSync } from 'node:fs';
import { access, open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Text } from '../engine/contracts.ts';
import { syncFolder } from './folder.ts';

const LINKED: Text = {
  en: 'the file has several names (hard links), and would lose the others',
  zh: '该文件有多个名称（硬链接），替换后会与其他名称脱离',
};
const CHANGED: Text = { en: 'the file has just been changed by another program', zh: '该文件刚被其他程序改动' };
export const isChanged = (error: unknown): boolean => (error as { text?: Text }).text === CHANGED;

const MOVED: Text = {
  en: 'its path now leads to another file through a symbolic link that was made since it was read',
  zh: '读取之后路径中出现了符号链接，现在指向另一个文件',
};

/** Why the file cannot be replaced, known before anything is written; undefined: nothing is known against it. `file`: links followed. */
export function notReplaceable(file: string): Text | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found && realpathSync(file) !== file) return MOVED;
  return (found?.nlink ?? 1) > 1 ? LINKED : undefined;
}

/** Left behind by a process that was killed here; the next one that writes takes it away. */
const temporary = (file: string): string => path.join(path.dirname(file), `.${path.basename(file)}.upgrade-guard`);

/** `expected`: what it must still hold. Throws what the system says, with words for `whyOf`. */
export async function replaceFile(file: string, expected: Buffer, next: Buffer): Promise<void> {
  await access(file, constants.W_OK);
  const { mode, uid, gid } = await stat(file);
  const against = notReplaceable(file);
  if (against) throw Object.assign(new Error(against.en), { text: against });
  const made = temporary(file);
  await rm(made, { force: true });
  const handle = await open(made, 'wx', 0o600);
  try {
    await handle.writeFile(next);
    // Only root can change the owner; the user who can write it usually owns it.
    await handle.chown(uid, gid).catch(() => undefined);
    await handle.chmod(mode & 0o7777);
    await handle.sync();
  } catch (error) {
    await handle.close();
    await rm(made, { force: true });
    throw error;
  }
  await handle.close();
  if (!(await readFile(file)).equals(expected)) {
    await rm(made, { force: true });
    throw Object.assign(new Error(CHANGED.en), { text: CHANGED });
  }
  await rename(made, file);
  await syncFolder(path.dirname(file));
}
