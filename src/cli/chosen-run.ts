// Which run a command is about: the one named, or the newest of this cluster that the command can do something with.

import { sameCluster } from '../engine/conduct.ts';
import type { StoredRun } from '../engine/contracts.ts';
import { type RunState, runState } from '../engine/progress.ts';
import { UserError } from '../text/user-error.ts';
import type { Call } from './call.ts';
import type { Live } from './session.ts';

/**
 * The run named, or the newest that fits the first of these that any fits. undefined: none was named, and none fits.
 * Throws for a name that is not there, and for a run of another cluster.
 */
export async function chosenRun(call: Call, live: Live, ...fits: ((stored: StoredRun) => boolean)[]): Promise<StoredRun | undefined> {
  const named = call.args[0];
  if (named !== undefined) {
    const stored = await live.store.read(named);
    if (!stored) {
      throw new UserError(
        {
          en: `opening run ${named.slice(0, 80)}: there is no such run of this cluster`,
          zh: `打开运行 ${named.slice(0, 80)}：该集群没有这个运行`,
        },
        { en: 'list them: {tool} runs', zh: '列出所有运行：{tool} runs' },
      );
    }
    sameCluster(stored.run, live.identity);
    return stored;
  }
  const { runs, unreadable } = await live.store.list();
  for (const { id, why } of unreadable) call.say(call.t({ en: `run ${id} cannot be read: ${why}`, zh: `无法读取运行 ${id}：${why}` }));
  if (fits.length && unreadable.length) throw damagedBeside(unreadable);
  return fits.map((fit) => runs.find(fit)).find(Boolean);
}

/** It may be the newest; to take back an older one instead would undo what nobody asked for. */
function damagedBeside(unreadable: readonly { id: string }[]): UserError {
  const ids = unreadable.map(({ id }) => id).join(', ');
  return new UserError(
    {
      en: `choosing a run: ${ids} cannot be read, so which one is meant cannot be told`,
      zh: `选择运行：无法读取 ${ids}，因此无法确定所指的是哪一个`,
    },
    { en: 'name the run: {tool} undo RUN; list them: {tool} runs', zh: '请指明运行：{tool} undo RUN；列出所有运行：{tool} runs' },
  );
}

export const isIn =
  (...states: RunState[]) =>
  (stored: StoredRun): boolean =>
    states.includes(runState(stored));
