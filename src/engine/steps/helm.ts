// A helm step: helm upgrade, and its inverse, helm rollback. What became of it is read from the records of the release, never from what helm printed,
// so that a run which was killed inside helm finds out as well: whose revision is the newest, in which state, and whether a helm still works on it.
import { setTimeout as sleep } from 'node:timers/promises';
import { shellWord } from '../../text/shell.ts';
import type { Look, Ref, ReleaseName, ReleaseReader, Revision, StepKind, StepOf, Text } from '../contracts.ts';
import { paced } from '../pace.ts';

import { valuesFile } from './keep.ts';
import { uidOf, versionOf } from './objects.ts';

type HelmStep = StepOf<'helm'>;

const limited = (command: string, seconds: number): Text => ({
  en: `${command} (up to ${seconds} s)`,
  zh: `${command}（最多 ${seconds} 秒）`,
});

export const helm: StepKind<HelmStep> = {
  preview: ({ action, release: { namespace, name }, from, chart, within }) => [
    action === 'rollback'
      ? limited(`helm rollback ${name} ${from} -n ${namespace}`, within)
      : limited(`helm upgrade ${name} -n ${namespace}: ${chart.name} ${chart.version}`, within),
  ],
  commands: ({ action, release, from, chart, within, reuse }) => {
    const at = `-n ${shellWord(release.namespace)} --timeout ${within}s`;
    const name = shellWord(release.name);
    if (action === 'rollback') return [`helm rollback ${name} ${from} ${at}`];
    return [
      `helm upgrade ${name} ${shellWord(chart.path)} ${at} ${reuse ? '--reuse-values' : '--reset-values'} --values ${shellWord(valuesFile(release))}`,
    ];
  },
  look: async (step, world, halt) =>
    world.helm ? lookAt(step, await settled(step, step.within, world.helm, { halt })) : { is: 'refused', because: NO_HELM },
  // The look tells in `now` which record stands in the way.
  write: (step, now) => ({ verb: 'helm', step, clear: typeof now?.clear === 'number' ? now.clear : undefined }),
  remember: () => undefined,
  inverse: (step) => (step.action === 'rollback' ? { none: NO_WAY_BACK } : { ...step, guard: [], action: 'rollback' }),
};

const NO_HELM: Text = { en: 'helm cannot be called here', zh: '此处无法调用 helm' };
const NO_WAY_BACK: Text = { en: 'a rollback cannot be undone', zh: '回滚无法再撤销' };

/** ms between two looks at a release that helm is working on. */
const POLL = 1000;
/** A helm may take its --timeout, and a little more to say so. */
const GRACE_MS = 30_000;

const isPending = ({ status }: Revision): boolean => status.startsWith('pending-');

interface RevisionEnd {
  newest?: Revision;
  alive: boolean;
  /** Pending, and written too lately to be sure that no helm is running. */
  restless: boolean;
}

interface Patience {
  /** Seconds for which nothing must have been written to what is pending. */
  quiet?: number;
  /** Aborted: the run was halted, and the wait ends. */
  halt?: AbortSignal;
}

/** The newest revision once no helm of this machine works on it any more, and what is pending has been left alone for `quiet` seconds. */
async function settled(
  { release }: { release: ReleaseName },
  within: number,
  reader: ReleaseReader,
  { quiet = 0, halt }: Patience,
): Promise<RevisionEnd> {
  const until = performance.now() + within * 1000 + GRACE_MS;
  let seen: { touched: number; at: number } | undefined;
  for (;;) {
    const alive = await reader.isAlive(release);
    const newest = await reader.newest(release);
    if (newest && newest.touched !== seen?.touched) seen = { touched: newest.touched, at: Date.now() };
    // By a clock that is ahead of ours: it was written no later than it was seen. Not a time: it is never quiet, and nothing is waited for.
    const last = seen && Math.min(seen.touched, seen.at);
    const restless = newest !== undefined && isPending(newest) && !(Date.now() - last! >= paced(quiet * 1000));
    const awaited = alive || (restless && !Number.isNaN(last));
    if (!awaited || performance.now() >= until || halt?.aborted) return { newest, alive, restless };
    await sleep(paced(POLL), undefined, { signal: halt }).catch(() => undefined);
  }
}

function lookAt(step: HelmStep, { newest, alive }: RevisionEnd): Look {
  if (!newest) return { is: 'refused', because: { en: 'there is no such release any more', zh: '该 release 已不存在' } };
  if (alive) return { is: 'moved', paths: [], because: ALIVE };
  return step.action === 'rollback' ? lookBack(step, newest) : lookAhead(step, newest);
}

const ALIVE: Text = {
  en: 'another helm process on this machine is working on the release; wait for it, then resume',
  zh: '本机上另一个 helm 正在操作该 release；请等待其结束后再继续',
};

/** The revision that our upgrade makes, or one just like it. */
const isOurs = ({ from, chart }: HelmStep, newest: Revision): boolean =>
  newest.revision === from + 1 && newest.chart === `${chart.name}-${chart.version}`;

/** Ours once more: what came behind it was rolled back. */
const isOursAgain = ({ from, chart }: HelmStep, { status, description, chart: its }: Revision): boolean =>
  status === 'deployed' && description === `Rollback to ${from + 1}` && its === `${chart.name}-${chart.version}`;

function lookAhead(step: HelmStep, newest: Revision): Look {
  if (newest.revision === step.from)
    return isPending(newest) ? { is: 'refused', because: stands(newest) } : { is: 'to-do', now: undefined };
  if (!isOurs(step, newest)) return { is: 'moved', paths: [], because: anothers(newest) };
  if (newest.status === 'deployed') return { is: 'done', now: undefined };
  if (!isPending(newest)) return { is: 'refused', because: stands(newest) };
  // A helm on another machine might be behind it; with the very same values it is ours.
  if (newest.digest !== step.config) return { is: 'moved', paths: [], because: anothers(newest) };
  // Seen with helm 3.17 and 4.1: a rollback from here fails; without the record of the cut revision the upgrade goes through.
  return { is: 'to-do', now: { clear: newest.revision } };
}

function lookBack(step: HelmStep, newest: Revision): Look {
  const clear = isPending(newest) ? { clear: newest.revision } : undefined;
  if (isOurs(step, newest) && (!clear || newest.digest === step.config)) return { is: 'to-do', now: clear };
  if (isOursAgain(step, newest)) return { is: 'to-do', now: undefined };
  if (newest.description === `Rollback to ${step.from}` && newest.status === 'deployed') return { is: 'done', now: undefined };
  // Cut before it made a record, or in a rollback: helm puts everything back to how `from` has it, whatever stands there now.
  if (newest.revision === step.from || newest.status === 'pending-rollback') return { is: 'to-do', now: clear };
  // A rollback of ours that failed: from there the next one finds the objects that this one missed (seen with helm 4.1).
  if (newest.status === 'failed' && newest.description.startsWith('Rollback ')) return { is: 'to-do', now: undefined };
  return { is: 'moved', paths: [], because: anothers(newest) };
}

const stands = ({ revision, status, description }: Revision): Text => ({
  en: `revision ${revision} is ${status}: ${description}`,
  zh: `修订版本 ${revision} 的状态为 ${status}：${description}`,
});
const anothers = ({ revision, status }: Revision): Text => ({
  en: `revision ${revision} (${status}) was created in the meantime`,
  zh: `其间已创建修订版本 ${revision}（${status}）`,
});

// ---- a revision that stays pending ----------------------------------------------------------------------------------

export const unpend: StepKind<StepOf<'unpend'>> = {
  preview: ({ release: { namespace, name }, revision, quiet }) => [
    {
      en: `- ${namespace}/${name}, revision ${revision} (pending for at least ${quiet} s)`,
      zh: `- ${namespace}/${name} 修订版本 ${revision}（处于 pending 至少 ${quiet} 秒）`,
    },
  ],
  commands: ({ release: { namespace, name }, revision }) => [
    `kubectl delete secret ${shellWord(`sh.helm.release.v1.${name}.v${revision}`)} -n ${shellWord(namespace)}`,
  ],
  look: async (step, world, halt) => {
    // In a rehearsal no helm is running, and the record is an object like any other.
    if (world.assume) {
      const now = await world.get(recordOf(step));
      return now ? { is: 'to-do', now } : { is: 'done', now };
    }
    if (!world.helm) return { is: 'refused', because: NO_HELM };
    const { newest, alive, restless } = await settled(step, step.quiet, world.helm, { quiet: step.quiet, halt });
    if (!newest || newest.revision < step.revision) return { is: 'done', now: undefined };
    if (newest.revision > step.revision || !isPending(newest)) return { is: 'obsolete', because: stands(newest) };
    if (alive) return { is: 'moved', paths: [], because: ALIVE };
    if (Number.isNaN(newest.touched)) return { is: 'refused', because: TIMELESS };
    if (restless) return { is: 'moved', paths: [], because: RESTLESS };
    return { is: 'to-do', now: undefined };
  },
  write: (step, now) => {
    if (!now) return { verb: 'unpend', release: step.release, revision: step.revision };
    return { verb: 'delete', on: { ...recordOf(step), uid: uidOf(now) }, resourceVersion: versionOf(now) };
  },
  remember: () => undefined,
  inverse: () => ({ none: NEVER_WAS }),
};

const recordOf = ({ release: { namespace, name }, revision }: StepOf<'unpend'>): Ref => ({
  ...{ apiVersion: 'v1', kind: 'Secret', namespace, name: `sh.helm.release.v1.${name}.v${revision}` },
});

const RESTLESS: Text = {
  en: 'another helm process still writes to the record',
  zh: '仍有 helm 进程在写入该记录',
};
const TIMELESS: Text = {
  en: 'the time of the last write to the record is unknown, so a running helm cannot be ruled out',
  zh: '该记录最后写入的时间未知，无法排除仍有 helm 在运行',
};
const NEVER_WAS: Text = {
  en: 'the record of an unfinished upgrade is not restored',
  zh: '未完成的升级所留下的记录不会恢复',
};
