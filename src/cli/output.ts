// How main writes to stdout and stderr. Opening process.stdout costs a tenth of a whole start of Node.js (docs/performance.md): what main prints by itself does without.
import { fstatSync, writeSync } from 'node:fs';

type File = 1 | 2;

/** The streams are in use, by the core or for what could not be written at once. */
let streaming = false;
let failed: NodeJS.ErrnoException | undefined;

/** `upgrade-guard check | head` closes our output early, and a disk may be full: a repair under way must not die of it. What could not be printed is said at the end. */
export function guardStreams(): void {
  if (streaming) return;
  streaming = true;
  process.stderr.on('error', () => {});
  // Node.js forgets the error of a standard stream at once (stream.errored is null again).
  process.stdout.on('error', (error) => {
    failed ??= error;
  });
}

/** Is it a terminal or another device? A pipe or a file is neither. */
export function isDevice(file: File): boolean {
  try {
    return fstatSync(file).isCharacterDevice();
  } catch {
    return false; // closed by the caller
  }
}

export function write(file: File, text: string): void {
  let left: Uint8Array = Buffer.from(text);
  while (!streaming && left.length) {
    try {
      left = left.subarray(writeSync(file, left));
    } catch (error) {
      // A pipe that is full and may not block: the stream knows how to wait for it.
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') guardStreams();
      else if (file === 1) failed = error as NodeJS.ErrnoException;
      if (!streaming) return;
    }
  }
  if (left.length) (file === 1 ? process.stdout : process.stderr).write(left);
}

/** Waits until everything is out. @returns why stdout could not be written; a reader that has closed it is not a failure. */
export async function written(): Promise<NodeJS.ErrnoException | undefined> {
  if (streaming) {
    await new Promise<void>((done) => process.stdout.write('', () => done()));
    await new Promise<void>((done) => process.stderr.write('', () => done()));
  }
  return failed?.code === 'EPIPE' || failed?.code === 'ERR_STREAM_DESTROYED' ? undefined : failed;
}
