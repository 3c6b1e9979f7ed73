// Deployments and StatefulSets of one replica: unavailable from the eviction of their Pod until the new one is ready on another Node.
import type { Check, Finding, Ref } from '../../../engine/contracts.ts';
import { list, number } from '../../../engine/read/index.ts';
import { notDrained } from '../nodes-way.ts';

// The API server writes 1 where nothing is said.
const WORKLOAD = { replicas: number('spec.replicas', 1) };
const only = { only: ({ replicas }: { replicas: number }) => replicas === 1 };
const reads = { deployments: list('deployments.apps', WORKLOAD, only), statefulSets: list('statefulsets.apps', WORKLOAD, only) };
interface Args {
  namespace: string;
}

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/single-replica',
  title: { en: 'workloads have more than one replica', zh: '工作负载有多个副本' },
  headline: { en: 'workloads with one replica are down during a drain', zh: '单副本工作负载在节点腾空时不可用' },
  page: {
    impact: {
      en: 'A drain evicts the only Pod of the workload. It is unavailable until its new Pod is ready on another Node.',
      zh: '腾空节点会驱逐该工作负载唯一的 Pod。在新 Pod 于其他节点就绪之前，该工作负载不可用。',
    },
    detection: {
      en: 'Reads spec.replicas of Deployments and StatefulSets. Workloads scaled to 0 are ignored.',
      zh: '读取 Deployment 和 StatefulSet 的 spec.replicas。副本数为 0 的工作负载会被忽略。',
    },
    fix: {
      en: 'manual: scale to two replicas during the upgrade, if the workload supports it.',
      zh: '手动：如果工作负载支持，升级期间扩容到两个副本。',
    },
  },
  sources: ['kubernetes/website: content/en/docs/tasks/administer-cluster/safely-drain-node.md'],
  applies: { stage: 'before' },
  reads,
  judge: ({ deployments, statefulSets }, at) =>
    notDrained(at) ??
    [
      ...Map.groupBy(
        [...deployments, ...statefulSets].map(({ ref }) => ref),
        ({ namespace = '' }) => namespace,
      ),
    ].map(finding),
  say: ({ namespace }, { length }) => ({
    en: `${length} workload${length === 1 ? '' : 's'} in namespace ${namespace} with one replica: unavailable while the Node is drained`,
    zh: `命名空间 ${namespace} 中有 ${length} 个单副本工作负载：腾空所在节点期间不可用`,
  }),
};
export default check;

const finding = ([namespace, objects]: [string, Ref[]]): Finding<Args> => ({
  severity: 'notice',
  key: [namespace],
  certainty: 'certain',
  objects,
  args: { namespace },
  evidence: objects.slice(0, 3).map((at) => ({ seen: 'spec.replicas=1', at })),
});
