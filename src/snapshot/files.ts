// The files of a dump, one after the other: of a folder, of a .tar.gz, or of a single file or stream. Untrusted: everything is bounded,
// links are refused, and no path leaves the dump.
import { createReadStream } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { NOT_REGULAR } from '../files/input.ts';
import { oneLine } from '../text/sanitise.ts';
import { whyOf } from '../text/system-error.ts';
import { UserError } from '../text/user-error.ts';
import { LOG_PATH, TEXT_PATH } from './layout.ts';

/** Room for the pruned objects of the largest clusters; beyond it the file is a trap. */
export interface Limits {
  total: number;
  file: number;
  yaml: number;
  files: number;
}
const MIB = 1024 * 1024;
/** YAML is parsed at less than 1 MB a second (measured, yaml 2.9.1) and takes some fifty times its size in memory; JSON is a hundred times faster. */
export const LIMITS: Limits = { total: 2048 * MIB, file: 256 * MIB, yaml: 32 * MIB, files: 100_000 };
const MAX_FOLDER_DEPTH = 16;

export interface DumpFile {
  /** Relative to the dump, with slashes. */
  path: string;
  text: string;
}

/** `file`: a name to show, `-` for standard input; `line`: counted from 1. */
export function badInput(file: string, line: number | undefined, why: { en: string; zh: string }): UserError {
  const name = oneLine(file, 300);
  const shown = name === '-' ? { en: 'standard input', zh: '标准输入' } : { en: name, zh: name };
  return new UserError(
    {
      en: `reading ${shown.en}${line === undefined ? '' : `, line ${line}`}: ${oneLine(why.en, 300)}`,
      zh: `读取 ${shown.zh}${line === undefined ? '' : ` 第 ${line} 行`}：${oneLine(why.zh, 300)}`,
    },
    {
      en: 'fix or remove the file, or take a new snapshot: {tool} snapshot FILE',
      zh: '请修复或移除该文件，或重新生成快照：{tool} snapshot FILE',
    },
  );
}

/** There is nothing to repair: the path is wrong. */
const notThere = (from: string, error: Error): UserError =>
  new UserError(badInput(from, undefined, whyOf(error)).text, {
    en: 'check the path: it must be a snapshot, or a file or directory of objects. To take a snapshot: {tool} snapshot FILE{reach}',
    zh: '请确认路径是否正确：应为快照，或清单文件、清单目录；生成快照：{tool} snapshot FILE{reach}',
  });

/** `from`: a folder, a .tar.gz, one file, or `-` for `stdin`. Only files that a dump can hold are given. */
export async function* dumpFiles(from: string, stdin: Readable, limits: Limits): AsyncGenerator<DumpFile> {
  if (from === '-') {
    yield* streamFiles(stdin, '-', limits);
    return;
  }
  const found = await stat(from).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' || error.code === 'ENOTDIR' ? notThere(from, error) : badInput(from, undefined, whyOf(error));
  });
  if (found.isDirectory()) yield* folderFiles(from, limits);
  else if (found.isFile()) yield* streamFiles(createReadStream(from), from, limits);
  else throw badInput(from, undefined, NOT_REGULAR);
}

function wanted(file: string): boolean {
  return /\.(?:ya?ml|json)$/i.test(file) || LOG_PATH.test(file) || TEXT_PATH.test(file);
}

// ---- a folder -------------------------------------------------------------------------------------------------------

async function* folderFiles(root: string, limits: Limits): AsyncGenerator<DumpFile> {
  const budget = newBudget(root, limits);
  for await (const file of filesBelow(root, '', 0)) {
    const full = path.join(root, file);
    const { size } = await lstat(full).catch((error: Error) => {
      throw badInput(file, undefined, whyOf(error));
    });
    budget.file(file, size);
    yield { path: file, text: await textOf(createReadStream(full), file, budget) };
  }
}

async function* filesBelow(root: string, folder: string, depth: number): AsyncGenerator<string> {
  if (depth > MAX_FOLDER_DEPTH) throw badInput(folder, undefined, { en: 'directories nested too deeply', zh: '目录嵌套过深' });
  const entries = await readdir(path.join(root, folder), { withFileTypes: true }).catch((error: Error) => {
    throw badInput(path.join(root, folder), undefined, whyOf(error));
  });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const file = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* filesBelow(root, file, depth + 1);
    else if (entry.isFile() && wanted(file)) yield file;
    // Silence would pass over what it points to as if it were not there.
    else if (entry.isSymbolicLink()) throw linked(file);
    else if (!entry.isFile() && wanted(file)) throw badInput(file, undefined, NOT_REGULAR);
  }
}

function linked(file: string): UserError {
  return badInput(file, undefined, { en: 'a link; links are not followed', zh: '这是一个链接，不会跟随链接' });
}

const odd = (file: string): UserError => badInput(file, undefined, { en: 'neither a file nor a directory', zh: '既不是文件也不是目录' });

const twice = (file: string, archive: string): UserError =>
  badInput(archive, undefined, { en: `${file} is in the archive more than once`, zh: `归档中 ${file} 出现了不止一次` });

// ---- a stream -------------------------------------------------------------------------------------------------------

async function* streamFiles(stream: Readable, name: string, limits: Limits): AsyncGenerator<DumpFile> {
  const budget = newBudget(name, limits);
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer | string>;
  const head = await firstBytes(chunks, name);
  const all = Readable.from(rejoined(head, chunks), { objectMode: false });
  if (head[0] === 0x1f && head[1] === 0x8b) {
    yield* archiveFiles(all, name, budget);
  } else if (head.length && /\.t(?:ar\.)?gz$/.test(name)) {
    throw badInput(name, undefined, { en: 'not a readable .tar.gz (not gzip)', zh: '不是可读取的 .tar.gz（不是 gzip 格式）' });
  } else {
    budget.file(name, 0);
    yield { path: path.basename(name), text: await textOf(all, name, budget) };
  }
}

async function firstBytes(chunks: AsyncIterator<Buffer | string>, name: string): Promise<Buffer> {
  let head = Buffer.alloc(0);
  try {
    while (head.length < 2) {
      const { value, done } = await chunks.next();
      if (done) break;
      head = Buffer.concat([head, Buffer.from(value)]);
    }
  } catch (error) {
    throw badInput(name, undefined, whyOf(error));
  }
  return head;
}

async function* rejoined(head: Buffer, rest: AsyncIterator<Buffer | string>): AsyncGenerator<Buffer | string> {
  yield head;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

async function* archiveFiles(stream: Readable, name: string, budget: Budget): AsyncGenerator<DumpFile> {
  const archive = extract();
  const count = async function* (chunks: AsyncIterable<unknown>) {
    for await (const chunk of chunks as AsyncIterable<Buffer>) {
      budget.bytes(chunk.length);
      yield chunk;
    }
  };
  const met = new Set<string>();
  const unpacked = pipeline(stream, createGunzip(), count, archive);
  // Its failure also ends the loop below; it is waited for after that.
  unpacked.catch(() => undefined);
  try {
    for await (const entry of archive) {
      const { type, size = 0 } = entry.header;
      const file = safePath(entry.header.name, name);
      if (type === 'symlink' || type === 'link') throw linked(file);
      if (type !== 'file' && type !== 'directory') throw odd(file);
      if (type === 'file') {
        // Of two the one that is read last would count, in silence.
        if (met.has(file)) throw twice(file, name);
        met.add(file);
        budget.file(file, size);
      }
      if (type !== 'file' || !wanted(file)) {
        entry.resume();
        continue;
      }
      yield { path: file, text: await textOf(entry, file, undefined) };
    }
    await unpacked;
  } catch (error) {
    throw error instanceof UserError ? error : badInput(name, undefined, unreadable(error as Error));
  } finally {
    archive.destroy();
  }
}

function unreadable(error: Error): { en: string; zh: string } {
  return { en: `not a readable .tar.gz (${error.message})`, zh: `不是可读取的 .tar.gz（${error.message}）` };
}

function safePath(entry: string, archive: string): string {
  const parts = entry.split('/').filter((part) => part !== '' && part !== '.');
  if (entry.startsWith('/') || parts.includes('..') || /[\\\0:]/.test(entry)) {
    throw badInput(archive, undefined, { en: `the path ${entry} leads out of the archive`, zh: `路径 ${entry} 指向归档之外` });
  }
  return parts.join('/');
}

// ---- bounds ---------------------------------------------------------------------------------------------------------

interface Budget {
  /** Before a file is read. */
  file(name: string, size: number): void;
  bytes(read: number): void;
  limits: Limits;
}

function newBudget(name: string, limits: Limits): Budget {
  let files = 0;
  let total = 0;
  return {
    limits,
    file(file, size) {
      files++;
      if (files > limits.files)
        throw badInput(name, undefined, { en: `more than ${limits.files} files`, zh: `文件数超过 ${limits.files}` });
      checkSize(file, size, limits);
    },
    bytes(read) {
      total += read;
      if (total > limits.total) throw tooLarge(name, limits.total);
    },
  };
}

function checkSize(file: string, size: number, limits: Limits): void {
  const yaml = /\.ya?ml$/i.test(file);
  const limit = yaml ? limits.yaml : limits.file;
  if (size > limit) throw tooLarge(file, limit, yaml);
}

function tooLarge(file: string, limit: number, yaml = false): UserError {
  const size = limit >= MIB ? `${Math.floor(limit / MIB)} MiB` : `${limit} bytes`;
  const hint = yaml
    ? { en: '; as JSON (kubectl get -o json) it may be larger', zh: '；改用 JSON（kubectl get -o json）则可以更大' }
    : { en: '', zh: '' };
  return badInput(file, undefined, { en: `larger than ${size}${hint.en}`, zh: `超过 ${size}${hint.zh}` });
}

/** `budget`: undefined where the bytes were counted on the way. */
async function textOf(stream: AsyncIterable<unknown>, file: string, budget: Budget | undefined): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer | string>) {
      const bytes = Buffer.from(chunk);
      size += bytes.length;
      if (budget !== undefined) {
        budget.bytes(bytes.length);
        checkSize(file, size, budget.limits);
      }
      chunks.push(bytes);
    }
  } catch (error) {
    if (error instanceof UserError || budget === undefined) throw error;
    throw badInput(file, undefined, whyOf(error));
  }
  // A byte order mark is not part of the text.
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/^\ufeff/, '');
}
