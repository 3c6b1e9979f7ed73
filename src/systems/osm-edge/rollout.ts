// Deployments of the control plane: when they run what they should, and how they are restarted, so that their programs do again what they do when they start (CRDs, webhook configurations).
// Source: kubectl pkg/polymorphichelpers/objectrestarter.go (the annotation; paused Deployments are refused).
import type { Condition, Expectation, PointRead, PointReader, Ref, Refusal, Rule, StepDraft } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { flag, word } from '../../engine/read/index.ts';
import { pointerGet } from '../../kube/pointer.ts';

const RESTARTED = '/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt';
/** Seconds. */
const WITHIN = 600;

export const ROLLOUT_READS: PointRead[] = [
  {
    resource: 'deployments.apps',
    columns: [word("spec.template.metadata.annotations['kubectl.kubernetes.io/restartedAt']"), flag('spec.paused', false)],
  },
];
export const ROLLOUT_RIGHTS: Rule[] = [{ verbs: ['get', 'patch'], group: 'apps', resource: 'deployments' }];

export const deployment = (namespace: string, name: string): Ref => ({ apiVersion: 'apps/v1', kind: 'Deployment', namespace, name });

const counted = (...pairs: [string, string][]): Expectation[] => [
  { path: '/status/observedGeneration', same: '/metadata/generation' },
  ...pairs.map(([path, same]) => ({ path, same })),
];
export const rolledOut = (namespace: string, name: string): Condition => ({
  on: deployment(namespace, name),
  must: counted(
    ['/status/updatedReplicas', '/spec/replicas'],
    ['/status/replicas', '/spec/replicas'],
    ['/status/readyReplicas', '/spec/replicas'],
  ),
});

/** `also`: what must hold besides before the restart has done its work. `when`: as in a draft. */
export async function restart(
  namespace: string,
  names: readonly string[],
  { look, now }: { look: PointReader; now: number },
  also: Condition[] = [],
  when: StepDraft['when'] = 'before',
): Promise<(StepDraft | Refusal)[]> {
  const started: (StepDraft & { on: Ref })[] = [];
  const refused: Refusal[] = [];
  for (const name of names) {
    const on = deployment(namespace, name);
    const live = await look.get(on);
    if (!live || isGap(live) || pointerGet(live, '/spec/paused') === true)
      refused.push({ refused: NOT_STARTED(namespace, name), objects: [on] });
    else started.push({ ...restarted(on, pointerGet(live, RESTARTED), now), when });
  }
  if (!started.length) return refused;
  const wait: StepDraft = {
    ...{ do: 'wait', guard: [], undo: 'none', within: WITHIN, lasting: 5, assume: [], after: started, when },
    until: [...started.map(({ on }) => rolledOut(namespace, on.name)), ...also],
    text: {
      en: `wait until new Pods of ${started.map(({ on }) => on.name).join(' and ')} are ready`,
      zh: `等待 ${started.map(({ on }) => on.name).join('、')} 的新 Pod 就绪`,
    },
  };
  return [...started, wait, ...refused];
}

function restarted(on: Ref, before: unknown, now: number): StepDraft & { on: Ref } {
  const was = typeof before === 'string' ? { before } : {};
  return {
    ...{ do: 'patch', on, undo: 'exact' },
    guard: [{ on, must: [{ path: RESTARTED, ...(was.before === undefined ? {} : { is: was.before }) }] }],
    changes: [{ path: RESTARTED, ...was, after: new Date(now).toISOString().replace(/\.\d+Z$/, 'Z') }],
    // The time of day is not part of a verdict.
    brief: () => ({ en: 'restarts', zh: '重启' }),
    text: { en: `restart Deployment ${on.namespace}/${on.name}`, zh: `重启 Deployment ${on.namespace}/${on.name}` },
    undoNote: { en: 'undo: restores its old template, which restarts it once more', zh: '撤销时：恢复其原来的模板，会再重启一次' },
  };
}

const NOT_STARTED = (namespace: string, name: string) => ({
  en: `Deployment ${namespace}/${name} is missing or paused: kubectl rollout resume deployment/${name} -n ${namespace}`,
  zh: `Deployment ${namespace}/${name} 不存在或已暂停：kubectl rollout resume deployment/${name} -n ${namespace}`,
});
