// Runs of our own that were cut short: nobody else will end them, so whoever comes next is told at once.
import type { RunStore, StoredRun, Text } from '../engine/contracts.ts';
import { UserError } from '../text/user-error.ts';
import { isIn } from './chosen-run.ts';

/** The newest run of this cluster, kept here, that stopped half-way, and whose process is gone. */
export async function cutShort(store: RunStore): Promise<StoredRun | undefined> {
  const { runs } = await store.list();
  return runs.find((stored) => isIn('unfinished', 'undo unfinished')(stored) && !isAlive(stored));
}

/** What to do about it. */
export function howToEnd(stored: StoredRun): { text: Text; next: Text } {
  const { id } = stored.run;
  const undoing = isIn('undo unfinished')(stored);
  return {
    text: undoing
      ? { en: `the undo of run ${id}, started from here, stopped half-way`, zh: `从此处开始的运行 ${id} 的撤销中途停止` }
      : { en: `run ${id}, started from here, stopped half-way`, zh: `从此处开始的运行 ${id} 中途停止` },
    next: undoing
      ? { en: `end it: {tool} undo ${id}{reach}`, zh: `完成撤销：{tool} undo ${id}{reach}` }
      : {
          en: `go on: {tool} resume ${id}{reach}; or take it back: {tool} undo ${id}{reach}`,
          zh: `继续：{tool} resume ${id}{reach}；或撤销：{tool} undo ${id}{reach}`,
        },
  };
}

/** Two runs on top of each other could not be told apart by an undo. Throws UserError. */
export async function refuseBeside(store: RunStore): Promise<void> {
  const stored = await cutShort(store);
  if (!stored) return;
  const { text, next } = howToEnd(stored);
  throw new UserError({ en: `beginning a run: ${text.en}`, zh: `开始运行：${text.zh}` }, next);
}

/** Its newest process still runs on this machine. */
function isAlive({ entries }: StoredRun): boolean {
  const begun = entries.findLast((entry) => entry.is === 'begin');
  if (begun?.is !== 'begin') return false;
  try {
    process.kill(begun.pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
