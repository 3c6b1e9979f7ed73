// Appending to a journal: entries that wait together are written and synced together, and nothing is acknowledged before it is on disk.
import type { FileHandle } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import type { Entry, JournalEnd } from '../engine/contracts.ts';

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
 * Every entry gets its number, so that one that is lost later is missed. `from`: where the last whole entry ends. `grown` hears how long the
 * journal is whenever entries have been stored. After the first failure every waiting and every later entry is refused with `refusal`:
 * what stands behind a hole in the journal would mislead resume and undo.
 */
export function appender(
  file: FileHandle,
  from: JournalEnd,
  refusal: (cause: unknown, entry: Entry) => Error,
  grown: (size: number) => Promise<void>,
): Appender {
  let { size, lines } = from;
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
        // What was half written is undone as well as it can be. Where that fails too, a torn line is ignored on reading, and a whole one does no harm: an outcome
        // is true, and behind an intent whose request never left, resume and undo look at the cluster anyway.
        await file.truncate(size).catch(() => undefined);
      }
      for (const one of group) {
        if (broken === undefined) one.stored();
        else one.failed(refusal(broken.cause, one.entry));
      }
    }
    working = undefined;
  }

  async function store(group: readonly Waiting[]): Promise<void> {
    const bytes = Buffer.from(group.map(({ entry }, i) => `${JSON.stringify({ n: lines + i + 1, ...entry })}\n`).join(''));
    for (let written = 0; written < bytes.length; ) {
      const { bytesWritten } = await file.write(bytes, written, bytes.length - written, size + written);
      written += bytesWritten;
    }
    await file.datasync();
    size += bytes.length;
    lines += group.length;
    await grown(size);
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
