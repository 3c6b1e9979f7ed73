// Files of a run beside its journal: what helm said, backups, and objects that a person may want to make again. 0600; all but the first appear whole or not at all.
import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, renameSync, writeSync } from 'node:fs';
import { appendFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Beside } from '../engine/contracts.ts';

const FILE_MODE = 0o600;
/** Characters that are compressed at a time: a gzip file may have many members (RFC 1952), so that memory stays flat. */
const BATCH = 4 * 1024 * 1024;

/** `name`: of ours, never of a cluster. */
export function filesIn(folder: string): Beside {
  const at = (name: string) => path.join(folder, name);
  return {
    folder,
    has: async (name) => existsSync(at(name)),
    append: (name, text) => appendFile(at(name), text, { mode: FILE_MODE }),
    async put(name, text) {
      await rm(at(`${name}.new`), { force: true });
      await writeFile(at(`${name}.new`), text, { mode: FILE_MODE, flag: 'wx', flush: true });
      await rename(at(`${name}.new`), at(name));
    },
    async write(name, fill) {
      const file = openSync(at(`${name}.new`), 'w', FILE_MODE);
      let [length, marked, waiting]: [number, number, string[]] = [0, 0, []];
      let size = 0;
      const flush = () => {
        if (!size) return;
        const packed = gzipSync(waiting.join(''));
        writeSync(file, packed, 0, packed.length, length);
        length += packed.length;
        [waiting, size] = [[], 0];
      };
      try {
        await fill({
          text: (part) => {
            waiting.push(part);
            size += part.length;
            if (size >= BATCH) flush();
          },
          mark: () => {
            flush();
            marked = length;
          },
          begin: () => {
            [waiting, size, length] = [[], 0, marked];
            ftruncateSync(file, marked);
          },
        });
        flush();
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(at(`${name}.new`), at(name));
    },
  };
}
