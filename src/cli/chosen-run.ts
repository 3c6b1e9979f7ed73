// Which run a command is about: the one named, or the newest of this cluster that the command can do something with.

import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { type OnDisk, sameCluster } from '../engine/conduct.ts';
import type { RunState, RunSummary, Text, Unreadable } from '../engine/contracts.ts';
import { inUse } from '../journal/in-use.ts';
import { runStore } from '../journal/run-store.ts';
import { stateFolder } from '../journal/state-folder.ts';
import { oneLine } from '../text/sanitise.ts';
import { UserError } from '../text/user-error.ts';
import type { Call } from './call.ts';
import { FILES, LOCKS } from './declared.ts';
import type { Live } from './session.ts';

/**
 * The run named, or the newest that fits the first of these that any fits. undefined: none was named, and none fits.
 * Throws for a name that is not there, for a run of another cluster, and for one that is damaged.
 */
export async function chosenRun(
  call: Call,
  live: Pick<Live, 'store' | 'identity'>,
  ...fits: ((run: RunSummary) => boolean)[]
): Promise<OnDisk | undefined> {
  const id = call.args[0] ?? (await newest(call, live, fits));
  if (id === undefined) return undefined;
  const stored = await live.store.read(id);
  if (!stored) {
    const shown = oneLine(id, 80);
    const files = call.flags.filename === undefined ? await manifestsOf(call, id) : undefined;
    if (files !== undefined) throw overFiles(call, shown, files);
    throw new UserError(
      { en: `run ${shown} not found among the runs of ${ranOn(call).en}`, zh: `${ranOn(call).zh}没有编号为 ${shown} 的运行记录` },
      { en: 'list them: {tool} runs{reach}', zh: '列出所有运行：{tool} runs{reach}' },
    );
  }
  sameCluster(stored.run, live.identity);
  if (stored.lengthUnknown && call.args[0] !== undefined) call.say(call.t(maybeCut(stored.run)));
  return stored;
}

/** Before anything is shown or asked: what another process works on cannot be changed by this one. Throws UserError. */
export function refuseInUse({ store }: Live, { run, by }: OnDisk): void {
  if (by) throw inUse(run.id, by, store.beside(run.id).folder);
}

/** The manifests that a run of `fix -f` changed, as it named them; undefined: there is no such run on this machine. */
async function manifestsOf({ env }: Call, id: string): Promise<string | undefined> {
  const state = stateFolder(env);
  const uids = await readdir(path.join(state, LOCKS)).catch(() => []);
  for (const uid of uids.filter((each) => each.startsWith(FILES))) {
    const stored = await runStore(state, uid)
      .read(id)
      .catch(() => undefined);
    if (stored) return oneLine(stored.run.cluster.context, 600);
  }
  return undefined;
}

function overFiles({ verb }: Call, id: string, files: string): UserError {
  const command = `{tool} ${verb} ${id} -f ${files}`;
  return new UserError(
    { en: `run ${id} changed manifests, not this cluster`, zh: `运行 ${id} 修改的是清单，而不是本集群` },
    { en: `in the directory where it was started: ${command}`, zh: `在启动该运行的目录中执行：${command}` },
  );
}

async function newest(
  call: Call,
  live: Pick<Live, 'store' | 'identity'>,
  fits: ((run: RunSummary) => boolean)[],
): Promise<string | undefined> {
  const { runs, unreadable } = await live.store.list();
  for (const each of unreadable) sayUnreadable(call, each);
  for (const run of runs) if (run.lengthUnknown) call.say(call.t(maybeCut(run)));
  const id = fits.map((fit) => runs.find(fit)).find(Boolean)?.id;
  if (unreadable.length) throw damagedBeside(call, unreadable, id);
  return id;
}

/** With what to do about it: it may be the run that is meant. */
export function sayUnreadable(call: Call, { id, why, next }: Unreadable): void {
  call.say(call.t({ en: `run ${id} cannot be read: ${why.en}`, zh: `无法读取运行 ${id}：${why.zh}` }));
  if (next) call.say(call.t({ en: `  ${next.en}`, zh: `  ${next.zh}` }));
}

/** Of a run with `lengthUnknown`. */
export const maybeCut = ({ id }: { id: string }): Text => ({
  en: `warning: run ${id}: journal.length is missing, so the journal may be truncated: steps may have run that are not listed. Verify the objects: {tool} runs ${id}{reach}`,
  zh: `警告：运行 ${id} 缺少 journal.length，运行日志可能不完整，末尾可能缺少已执行步骤的记录。请核对相关对象：{tool} runs ${id}{reach}`,
});

/** The unreadable run may be the newest; to resume or undo an older one would do what the user did not ask for. */
function damagedBeside({ verb }: Call, unreadable: readonly { id: string }[], readable: string | undefined): UserError {
  const ids = unreadable.map(({ id }) => id).join(', ');
  return new UserError(
    {
      en: `${ids} cannot be read, so the run to use is ambiguous`,
      zh: `无法读取 ${unreadable.map(({ id }) => id).join('、')}，因此无法确定要操作哪次运行`,
    },
    readable === undefined
      ? { en: 'list the runs: {tool} runs{reach}', zh: '列出所有运行：{tool} runs{reach}' }
      : {
          en: `if the newest that can be read is meant: {tool} ${verb} ${readable}{reach}; list the runs: {tool} runs{reach}`,
          zh: `如果要操作的是最近一次可读取的运行：{tool} ${verb} ${readable}{reach}；列出所有运行：{tool} runs{reach}`,
        },
  );
}

export const isIn =
  (...states: RunState[]) =>
  ({ state }: RunSummary): boolean =>
    states.includes(state);

/** What the runs are of that this call is about. */
export const ranOn = ({ flags }: Pick<Call, 'flags'>): Text =>
  flags.filename === undefined ? { en: 'this cluster', zh: '该集群' } : { en: 'these manifests', zh: '这些清单' };
