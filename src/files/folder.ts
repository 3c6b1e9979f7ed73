// Folders: made with their parents, one level at a time (several at once, `recursive`, never end in places like /proc, where a folder exists and takes none), and
// the names in them brought to disk.
import { mkdir, open, stat } from 'node:fs/promises';
import path from 'node:path';

/** `mode`: of those that are made. Throws what the system says, also when a file is in the way. */
export async function makeFolder(folder: string, mode: number): Promise<void> {
  if (await isFolder(folder)) return;
  const parent = path.dirname(folder);
  if (parent !== folder) await makeFolder(parent, mode);
  try {
    await mkdir(folder, { mode });
  } catch (error) {
    // Another process was faster.
    if (!(await isFolder(folder))) throw error;
  }
}

const isFolder = (at: string): Promise<boolean> =>
  stat(at).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** Makes new names in a folder durable. Windows has no such call; there the file system's own journal does it. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
