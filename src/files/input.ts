// A file named on the command line or in a kubeconfig: a regular one, within a bound. A device has no end, and a FIFO without a writer
// would hold us for ever. Errors carry words for `whyOf`.
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import type { Text } from '../engine/contracts.ts';

const MIB = 1024 * 1024;
const CHUNK = 64 * 1024;
/** What a shell makes of `<(command)`: a process writes to it. */
const SUBSTITUTED = /^\/(?:dev|proc\/self|proc\/\d+)\/fd\/\d+$/;

/** Standard input by one of its names: read as a stream, also where it is a pipe, a terminal or a socket. */
export const isStdin = (file: string): boolean => /^(?:-|\/dev\/stdin|\/(?:dev|proc\/self)\/fd\/0)$/.test(file);
/** What a shell puts in place of a command; nothing can be written back to it. */
export const isSubstituted = (file: string): boolean =>
  SUBSTITUTED.test(file) && statSync(file, { throwIfNoEntry: false })?.isFIFO() === true;

/** Reads it whole. `substituted`: also what a shell puts in place of a command, and nothing at all (/dev/null), as kubectl does. */
export function readInput(file: string, maxBytes: number, { substituted = false } = {}): Buffer {
  if (substituted && file === '/dev/null') return Buffer.alloc(0);
  const pipe = substituted && isSubstituted(file);
  // Without waiting for a writer: whether it is a FIFO is asked of what was opened, which cannot be exchanged.
  const open = openSync(file, pipe ? constants.O_RDONLY : constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
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
