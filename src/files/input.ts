// A file named on the command line or in a kubeconfig: a regular one, within a bound, or a pipe where it can be read as one. A device has no end, and a FIFO
// without a writer would hold us for ever where nothing can end the wait. Errors carry words for `whyOf`.
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Text } from '../engine/contracts.ts';
import { paced } from '../engine/pace.ts';

const MIB = 1024 * 1024;
const CHUNK = 64 * 1024;

/** What a shell makes of `<(command)`: a process writes to it. */
const SUBSTITUTED = /^\/(?:dev|proc\/self|proc\/\d+)\/fd\/\d+$/;

/** Standard input by one of its names: read as a stream, also where it is a pipe, a terminal or a socket. */
export const isStdin = (file: string): boolean => /^(?:-|\/dev\/stdin|\/(?:dev|proc\/self)\/fd\/0)$/.test(file);
/** A FIFO, and what a shell puts in place of `<(command)`; nothing can be written back to it. */
export const isPipe = (file: string): boolean => statSync(file, { throwIfNoEntry: false })?.isFIFO() === true;
/** Without waiting for a writer: what it is is asked of what was opened, which cannot be exchanged. */
const opened = (file: string): number => openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));

/** What came out of pipes, or why not, by the names they were given: they can be read once, and a file of the command line is opened where it is needed. */
const drained = new Map<string, Buffer | Error>();

/** Ends a wait, and hears of one that lasts. */
export interface Waits {
  signal?: AbortSignal;
  /** A named pipe from which nothing has come for a while. There is no limit: its writer may be a person. */
  waited?(file: string): void;
}
/** ms after which a wait is not what a shell's `<(command)` takes to begin. */
const WAITED = 3000;

/** Reads ahead those of the files that are pipes, each once, also where its writer is still to come; `readInput` and `readAnyInput` give what was read. Throws the signal's reason. */
export async function drainPipes(files: readonly string[], maxBytes: number, waits: Waits & { signal: AbortSignal }): Promise<void> {
  for (const file of files) {
    if (drained.has(resolve(file))) continue;
    try {
      const read = await readPipe(file, maxBytes, waits);
      if (read) drained.set(resolve(file), read);
    } catch (error) {
      if (waits.signal.aborted) throw error;
      drained.set(resolve(file), error as Error);
    }
  }
}

function drainedOf(file: string, maxBytes: number): Buffer | undefined {
  const read = drained.get(resolve(file));
  if (read instanceof Error) throw read;
  if (read && read.length > maxBytes) throw unusable(tooLarge(maxBytes));
  return read;
}

/** Reads it whole, as kubectl and helm do: also a pipe, and nothing at all (/dev/null). Throws the signal's reason. */
export async function readAnyInput(file: string, maxBytes: number, waits?: Waits): Promise<Buffer> {
  if (file === '/dev/null') return Buffer.alloc(0);
  return drainedOf(file, maxBytes) ?? (await readPipe(file, maxBytes, waits)) ?? readInput(file, maxBytes);
}

/** A pipe to its end, also where its writer is still to come; undefined: it is none. Throws the signal's reason. */
async function readPipe(file: string, maxBytes: number, { signal, waited }: Waits = {}): Promise<Buffer | undefined> {
  if (!isPipe(file)) return undefined;
  const fd = opened(file);
  if (!fstatSync(fd).isFIFO()) {
    closeSync(fd);
    return undefined;
  }
  // Loaded here and not above: few commands need it.
  const { Socket } = process.getBuiltinModule('node:net');
  const pipe = new Socket({ fd, readable: true, writable: false, signal });
  const told = waited && setTimeout(waited, paced(WAITED), file);
  pipe.once('data', () => clearTimeout(told));
  try {
    return await readStdin(pipe, maxBytes);
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  } finally {
    clearTimeout(told);
    pipe.destroy();
  }
}

/** Reads it whole. `substituted`: also what a shell puts in place of a command, which has a writer, and nothing at all. */
export function readInput(file: string, maxBytes: number, { substituted = false } = {}): Buffer {
  if (substituted && file === '/dev/null') return Buffer.alloc(0);
  const ahead = drainedOf(file, maxBytes);
  if (ahead) return ahead;
  const pipe = substituted && SUBSTITUTED.test(file) && isPipe(file);
  const open = pipe ? openSync(file, constants.O_RDONLY) : opened(file);
  try {
    const found = fstatSync(open);
    if (found.isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
    if (!found.isFile() && !pipe) throw unusable(NOT_REGULAR);
    return readAll(open, maxBytes);
  } finally {
    closeSync(open);
  }
}

/** Up to the end, whatever size it claims: files below /proc claim none. */
function readAll(open: number, maxBytes: number): Buffer {
  const chunks: Buffer[] = [];
  let size = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK);
    const read = readSync(open, chunk, 0, CHUNK, null);
    if (read === 0) return Buffer.concat(chunks);
    size += read;
    if (size > maxBytes) throw unusable(tooLarge(maxBytes));
    chunks.push(chunk.subarray(0, read));
  }
}

/** The same of standard input. */
export async function readStdin(stdin: AsyncIterable<Buffer | string>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > maxBytes) throw unusable(tooLarge(maxBytes));
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

const unusable = (text: Text): Error => Object.assign(new Error(text.en), { text });

export const NOT_REGULAR: Text = {
  en: 'not a regular file (a pipe, a device or a socket)',
  zh: '不是普通文件（而是管道、设备或套接字）',
};
const tooLarge = (maxBytes: number): Text => ({ en: `larger than ${maxBytes / MIB} MiB`, zh: `超过 ${maxBytes / MIB} MiB` });
