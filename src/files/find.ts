// Which files -f means: one that is named, those of a directory and below it, or standard input. Links are followed only to files of the same directory;
// what is a manifest by its name and cannot be read is named, never passed over.
import { lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Text } from '../engine/contracts.ts';
import { whyOf } from '../text/system-error.ts';
import { isPipe, NOT_REGULAR } from './input.ts';

/** `file`: as it was named, or below the directory that was named; `real`: where it lies, links followed. `why`: it is not read, and its objects are not seen. */
export interface FoundFile {
  file: string;
  real: string;
  /** Named itself, rather than found in a directory. */
  named: boolean;
  why?: Text;
}

const MANIFEST = /\.(?:ya?ml|json)$/i;
/** Beyond these a directory is a trap, or not meant. */
const MAX_FILES = 100_000;
const MAX_DEPTH = 32;
/** Never manifests, and large. */
const PASSED_OVER = new Set(['.git', 'node_modules']);

const OUTSIDE: Text = { en: 'a link that leads out of the directory', zh: '指向该目录之外的链接' };
const LINKED_FOLDER: Text = { en: 'a link to a directory; such links are not followed', zh: '指向目录的链接，不会跟随' };
const DEEP: Text = { en: `directories nested deeper than ${MAX_DEPTH} levels`, zh: `目录嵌套超过 ${MAX_DEPTH} 层` };
const MANY: Text = { en: `more than ${MAX_FILES} files`, zh: `文件数超过 ${MAX_FILES}` };

/** In the order of their names. Throws what the system says of `at` itself. */
export function findFiles(at: string): FoundFile[] {
  // A pipe has no path but the one it was named by.
  if (isPipe(at)) return [{ file: at, real: at, named: true }];
  if (!statSync(at).isDirectory()) return [{ file: at, real: realpathSync(at), named: true }];
  const root = realpathSync(at);
  const found: FoundFile[] = [];
  const seen = new Set<string>();
  const links: string[] = [];
  const add = (file: string, real: string, why?: Text) => {
    if (found.length >= MAX_FILES) throw Object.assign(new Error(MANY.en), { text: MANY });
    // A file and a link to it are one.
    if (why === undefined && seen.has(real)) return;
    if (why === undefined) seen.add(real);
    found.push({ file, real, named: false, ...(why ? { why } : {}) });
  };

  function below(folder: string, depth: number): void {
    let names: string[];
    try {
      if (depth > MAX_DEPTH) throw Object.assign(new Error(DEEP.en), { text: DEEP });
      names = readdirSync(folder);
    } catch (error) {
      add(folder, folder, whyOf(error));
      return;
    }
    for (const name of names) {
      const file = path.join(folder, name);
      const is = lstatSync(file, { throwIfNoEntry: false });
      if (is?.isDirectory()) {
        if (!PASSED_OVER.has(name)) below(file, depth + 1);
      } else if (is?.isSymbolicLink()) links.push(file);
      else if (is && MANIFEST.test(name)) add(file, file, is.isFile() ? undefined : NOT_REGULAR);
    }
  }

  function linked(file: string): void {
    let real: string;
    try {
      real = realpathSync(file);
    } catch (error) {
      if (MANIFEST.test(file)) add(file, file, whyOf(error));
      return;
    }
    const is = statSync(real);
    const inside = real.startsWith(root + path.sep);
    if (is.isDirectory()) {
      // What lies within is found where it lies.
      if (!inside && real !== root) add(file, real, LINKED_FOLDER);
    } else if (!MANIFEST.test(file)) return;
    else if (!inside) add(file, real, OUTSIDE);
    else add(file, real, is.isFile() ? undefined : NOT_REGULAR);
  }

  below(root, 0);
  // Real files keep their own names.
  for (const link of links) linked(link);
  return found
    .map((each) => ({ ...each, file: path.join(at, path.relative(root, each.file)) }))
    .sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0));
}
