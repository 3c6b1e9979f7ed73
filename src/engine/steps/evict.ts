// An evict step: a Pod asked to go by way of its PodDisruptionBudgets. The executor waits while one of them refuses, up to `within`.
import { describe } from '../../kube/refs.ts';
import { shellWord } from '../../text/shell.ts';
import type { StepKind, StepOf } from '../contracts.ts';
import { lookAtDoomed } from './delete.ts';
import { identity, uidOf } from './objects.ts';
import { fedWith } from './shell.ts';

export const evict: StepKind<StepOf<'evict'>> = {
  preview: ({ on, within }) => [
    {
      en: `- ${describe(on)} (waits up to ${within} s for its PodDisruptionBudget)`,
      zh: `- ${describe(on)}（等待 PodDisruptionBudget 允许驱逐，最多 ${within} 秒）`,
    },
  ],
  commands: ({ on: { namespace = 'default', name } }) => [
    fedWith(`kubectl create --raw ${shellWord(`/api/v1/namespaces/${namespace}/pods/${name}/eviction`)} -f -`, {
      ...{ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { namespace, name } },
    }),
  ],
  look: (step, world) => lookAtDoomed(step, world),
  write: ({ on }, now) => ({ verb: 'evict', on: { ...on, uid: uidOf(now) } }),
  remember: identity,
  inverse: () => ({
    none: {
      en: 'an evicted Pod cannot be restored; its controller creates a new one',
      zh: '被驱逐的 Pod 无法恢复，其控制器会创建新的 Pod',
    },
  }),
};
