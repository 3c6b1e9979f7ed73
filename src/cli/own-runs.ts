// Runs of our own that were interrupted: only a user can end them, so the next command says so at once.

import { goOnOrBack } from '../engine/conduct.ts';
import type { Direction, RunStore, RunSummary, Text } from '../engine/contracts.ts';
import { UserError } from '../text/user-error.ts';
import { isIn } from './chosen-run.ts';

/** The newest interrupted one of these whose process is gone. */
export const cutShort = (runs: readonly RunSummary[]): RunSummary | undefined =>
  runs.find((run) => isIn('unfinished', 'undo unfinished')(run) && !isAlive(run));

/** What of it was interrupted. */
export const directionOf = (run: RunSummary): Direction => (isIn('undo unfinished')(run) ? 'undo' : 'apply');

/** What to do about it. */
export function howToEnd(run: RunSummary): { text: Text; next: Text } {
  const { id, untouched } = run;
  const direction = directionOf(run);
  return {
    text:
      direction === 'undo'
        ? { en: `the undo of run ${id}, started on this machine, was interrupted`, zh: `本机启动的运行 ${id} 的撤销已中断` }
        : untouched
          ? { en: `run ${id}, started on this machine, was interrupted before any change`, zh: `本机启动的运行 ${id} 未做任何更改即中断` }
          : { en: `run ${id}, started on this machine, was interrupted`, zh: `本机启动的运行 ${id} 已中断` },
    next: goOnOrBack(id, direction),
  };
}

/** Two runs on top of each other could not be told apart by an undo. `isFix`: what it would do can be seen, and done without a run. Throws UserError. */
export async function refuseBeside(store: RunStore, { isFix = false }: { isFix?: boolean } = {}): Promise<void> {
  const run = cutShort((await store.list()).runs);
  if (!run) return;
  const { text, next } = howToEnd(run);
  const beside = {
    en: '; what fix would change, for a run that waits for it: {retry:yes} --dry-run=client',
    zh: '；如该运行正等待此修复，可查看 fix 会更改什么：{retry:yes} --dry-run=client',
  };
  const more = isFix && directionOf(run) === 'apply' ? beside : { en: '', zh: '' };
  throw new UserError(
    { en: `cannot start a run: ${text.en}`, zh: `无法开始运行：${text.zh}` },
    { en: `${next.en}${more.en}`, zh: `${next.zh}${more.zh}` },
  );
}

/** Its newest process still runs on this machine. */
function isAlive({ pid }: RunSummary): boolean {
  if (pid === undefined) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
