// Appending to a journal: entries that wait together are written and synced together, and nothing is acknowledged before it is on disk.
import type { FileHandle } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import type { Entry } from '../engine/contracts.ts';

interface Waiting {
  entry: Entry;
  stored(): void;
  failed(error: unknown): void;
}
export interface Appender {
  append(entry: Entry): Promise<void>;
  /** Resolves when everything that waits was stored or refused. The file stays open. */
  drained(): Promise<void>;
}

/**
 * `size`: where the last whole entry ends. After the first failure every waiting and every later entry is refused with `refusal`:
 * what stands behind a hole in the journal would mislead resume and undo.
 */
export function appender(file: FileHandle, size: number, refusal: (cause: unknown, entry: Entry) => Error): Appender {
  let end = size;
  let waiting: Waiting[] = [];
  let working: Promise<void> | undefined;
  let broken: { cause: unknown } | undefined;

  async function work(): Promise<void> {
    while (waiting.length > 0) {
      // Those who were just answered come back with their next entry in this turn of the event loop: they join the group.
      await setImmediate();
      const group = waiting;
      waiting = [];
      try {
        if (broken === undefined) await store(group);
      } catch (cause) {
        broken = { cause };
        // What was half written is taken back as well as it can be; a torn line is ignored on reading anyway.
        await file.truncate(end).catch(() => undefined);
      }
      for (const one of group) {
        if (broken === undefined) one.stored();
        else one.failed(refusal(broken.cause, one.entry));
      }
    }
    working = undefined;
  }

  async function store(group: readonly Waiting[]): Promise<void> {
    const lines = Buffer.from(group.map(({ entry }) => `${JSON.stringify(entry)}\n`).join(''));
    for (let written = 0; written < lines.length; ) {
      const { bytesWritten } = await file.write(lines, written, lines.length - written, end + written);
      written += bytesWritten;
    }
    await file.datasync();
    end += lines.length;
  }

  return {
    append: (entry) =>
      new Promise((stored, failed) => {
        waiting.push({ entry, stored, failed });
        working ??= work();
      }),
    drained: async () => working,
  };
}
