// A revise step: a new revision of a Helm release, with other API versions in its stored manifest. Two writes: the new record, then the status of the old one; and back in the
// other order, so that helm finds a deployed revision at every moment. What is in the records is read and written by the world (helm/revise.ts): nothing of it reaches plan or journal.
import { shellWord } from '../../text/shell.ts';
import type { Raw, StepKind, StepOf, Text, World } from '../contracts.ts';
import { identity, metadataOf } from './objects.ts';

type ReviseStep = StepOf<'revise'>;

export const revise: StepKind<ReviseStep> = {
  preview: ({ release: { namespace, name }, from, to, apis }) => [
    `${namespace}/${name}: v${from} → v${to}`,
    ...apis.map(({ apiVersion, kind, to: next }) => ({
      en: `${kind}: ${apiVersion} → ${next ?? '(removed)'}`,
      zh: `${kind}: ${apiVersion} → ${next ?? '（移除）'}`,
    })),
  ],
  // helm itself has no command for it.
  commands: ({ release: { namespace, name } }) => [`helm get manifest ${shellWord(name)} -n ${shellWord(namespace)}`],
  look: async (step, world: World) => {
    if (!world.revised) return { is: 'refused', because: NO_RECORDS };
    if (await world.helm?.isAlive(step.release)) return { is: 'moved', paths: [], because: ALIVE };
    return world.revised(step);
  },
  write: (step, now) => {
    if (step.back)
      return now?.redeploy
        ? { verb: 'status', step, status: 'deployed', ...(step.labels ? { labels: step.labels } : {}) }
        : { verb: 'unrecord', step };
    return now?.superseded ? { verb: 'status', step, status: 'superseded' } : { verb: 'record', step };
  },
  // The labels say when helm last wrote it; they hold no value.
  remember: (object) => {
    const labels = object && metadataOf(object).labels;
    return object && { ...identity(object)!, metadata: { ...metadataOf(identity(object)!), ...(labels ? { labels } : {}) } };
  },
  inverse: (step, before) => {
    const labels = before && (metadataOf(before).labels as Raw | undefined);
    return { ...step, guard: [], undoNote: undefined, back: true, ...(labels ? { labels } : {}) };
  },
};

const NO_RECORDS: Text = { en: 'records of releases cannot be read here', zh: '此处无法读取 release 的记录' };
const ALIVE: Text = {
  en: 'a helm process on this machine is working on the release; wait for it, then resume',
  zh: '本机上有 helm 正在操作该 release；请等待其结束后再继续',
};
