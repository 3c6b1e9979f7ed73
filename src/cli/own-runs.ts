// Runs of our own that were interrupted, or wait for a manual step: only a user can end them, so the next command says so at once. One that a process of this machine works on is
// named with that process.

import { goOnOrBack } from '../engine/conduct.ts';
import type { Direction, RunStore, RunSummary, Text } from '../engine/contracts.ts';
import { oneLine } from '../text/sanitise.ts';
import { UserError } from '../text/user-error.ts';
import { isIn } from './chosen-run.ts';

const isOpen = isIn('unfinished', 'undo unfinished');

/** The newest interrupted one of these whose process is gone, or on another machine. */
export const cutShort = (runs: readonly RunSummary[]): RunSummary | undefined => runs.find((run) => isOpen(run) && !run.by?.here);

/** The one of these that a process of this machine works on. */
export const running = (runs: readonly RunSummary[]): RunSummary | undefined => runs.find((run) => isOpen(run) && run.by?.here);

/** What of it was interrupted. */
export const directionOf = (run: RunSummary): Direction => (isIn('undo unfinished')(run) ? 'undo' : 'apply');

/** The command about it. */
export const verbFor = (run: RunSummary): 'runs' | 'resume' | 'undo' =>
  run.by?.here ? 'runs' : directionOf(run) === 'undo' ? 'undo' : 'resume';

/** What to do about it: nothing but to wait, where its process lives. */
export function howToEnd(run: RunSummary): { text: Text; next: Text } {
  const { id, untouched, by } = run;
  const direction = directionOf(run);
  if (by?.here)
    return {
      text:
        direction === 'undo'
          ? {
              en: `process ${by.pid} on this machine is undoing run ${id} (running)`,
              zh: `本机的进程 ${by.pid} 正在撤销运行 ${id}（进行中）`,
            }
          : {
              en: `process ${by.pid} on this machine is carrying out run ${id} (running)`,
              zh: `本机的进程 ${by.pid} 正在执行运行 ${id}（进行中）`,
            },
      next: { en: `see how far it is: {tool} runs ${id}{reach}`, zh: `查看进度：{tool} runs ${id}{reach}` },
    };
  const host = oneLine(by?.host ?? '', 200);
  return {
    text: by
      ? { en: `run ${id} is in use by process ${by.pid} on machine ${host}`, zh: `运行 ${id} 正被主机 ${host} 上的进程 ${by.pid} 使用` }
      : direction === 'undo'
        ? { en: `the undo of run ${id}, started on this machine, is unfinished`, zh: `本机启动的运行 ${id} 的撤销未完成` }
        : untouched
          ? {
              en: `run ${id}, started on this machine, is unfinished; it has changed nothing yet`,
              zh: `本机启动的运行 ${id} 未完成，尚未做任何更改`,
            }
          : { en: `run ${id}, started on this machine, is unfinished`, zh: `本机启动的运行 ${id} 未完成` },
    next: goOnOrBack(id, direction),
  };
}

/** Two runs on top of each other could not be told apart by an undo. `isFix`: what it would do can be seen, and done without a run. Throws UserError. */
export async function refuseBeside(store: RunStore, { isFix = false }: { isFix?: boolean } = {}): Promise<void> {
  const run = cutShort((await store.list()).runs);
  if (!run) return;
  const { text, next } = howToEnd(run);
  const beside = {
    en: '; to see what fix would change, if that run waits for the fix: {retry:yes} --dry-run=client',
    zh: '；如该运行正等待此修复，可查看 fix 会更改什么：{retry:yes} --dry-run=client',
  };
  const more = isFix && directionOf(run) === 'apply' ? beside : { en: '', zh: '' };
  throw new UserError(
    { en: `cannot start a run: ${text.en}`, zh: `无法开始运行：${text.zh}` },
    { en: `${next.en}${more.en}`, zh: `${next.zh}${more.zh}` },
  );
}
