// A rollout in a namespace of the mesh that has Pods to create yet: each of them goes through the webhook of osm-injector, which an upgrade replaces.
// Sources: pkg/injector/webhook.go (failurePolicy Fail; which namespaces it selects); kubectl pkg/polymorphichelpers/rollout_status.go (when a rollout is not finished).
import { finding } from '../../../engine/builders.ts';
import type { Check, Ref } from '../../../engine/contracts.ts';
import { list, number, word } from '../../../engine/read/index.ts';
import { shellWord } from '../../../text/shell.ts';
import { manual } from '../manual.ts';
import { meshNamespaces, namespacesOf, workloads } from '../reads.ts';

const SEEN = { generation: number('metadata.generation', 0), observed: number('status.observedGeneration', 0) };
const ROLLED = { ...SEEN, wanted: number('spec.replicas', 1), updated: number('status.updatedReplicas', 0) };
const STRATEGY = { strategy: word('spec.updateStrategy.type', 'RollingUpdate') };
const reads = {
  namespaces: meshNamespaces,
  workloads,
  deployments: list('deployments.apps', ROLLED),
  statefulSets: list('statefulsets.apps', { ...ROLLED, ...STRATEGY, keeps: number('spec.updateStrategy.rollingUpdate.partition', 0) }),
  daemonSets: list('daemonsets.apps', {
    ...{ ...SEEN, ...STRATEGY },
    wanted: number('status.desiredNumberScheduled', 0),
    updated: number('status.updatedNumberScheduled', 0),
  }),
};
interface Args {
  name: string;
  wanted: number;
  updated: number;
}

const check: Check<typeof reads, Args> = {
  id: 'osm-edge/workload-rollout',
  title: { en: 'rollouts in the namespaces of the mesh are finished', zh: '网格命名空间中的滚动更新已完成' },
  headline: { en: 'Rollouts in the mesh are not finished', zh: '网格中有未完成的滚动更新' },
  page: {
    impact: {
      en: 'Every new Pod of the mesh is admitted by osm-injector (failurePolicy Fail). While the upgrade replaces osm-injector, Pods that a rollout still has to create can be refused, and the workload runs with fewer Pods until it answers again.',
      zh: '网格中的新 Pod 均须由 osm-injector 准入（failurePolicy 为 Fail）。升级替换 osm-injector 期间，滚动更新尚未创建的 Pod 可能被拒绝，在其恢复响应之前工作负载的 Pod 数量不足。',
    },
    detection: {
      en: 'Compares the generation and the updated Pods of each Deployment, StatefulSet and DaemonSet in the namespaces of the mesh with what it should have.',
      zh: '比较网格命名空间中每个 Deployment、StatefulSet 和 DaemonSet 的“metadata.generation”、已更新的 Pod 数量与期望值。',
    },
    fix: {
      en: 'manual: wait until kubectl rollout status says that the rollout is finished, or undo the rollout.',
      zh: '手动：等待“kubectl rollout status”显示完成，或撤销该滚动更新。',
    },
    limits: {
      en: 'Updated Pods that are not ready yet exist already, and are not reported. Update strategy OnDelete is not judged.',
      zh: '已更新但尚未就绪的 Pod 已经创建，不报告。不判断更新策略 OnDelete。',
    },
  },
  sources: ['flomesh-io/osm-edge: pkg/injector/webhook.go@v1.3.9', 'kubernetes/kubectl: pkg/polymorphichelpers/rollout_status.go'],
  applies: { stage: 'before' },
  reads,
  judge: ({ namespaces, workloads: own, deployments, statefulSets, daemonSets }, { path }) => {
    const mesh = namespacesOf(namespaces, own, path.installation);
    const kept = statefulSets.map((each) => ({ ...each, wanted: Math.max(0, each.wanted - each.keeps) }));
    return [...deployments, ...[...kept, ...daemonSets].filter(({ strategy }) => strategy !== 'OnDelete')]
      .filter(
        ({ ref, generation, observed, updated, wanted }) => mesh.has(ref.namespace ?? '') && (observed < generation || updated < wanted),
      )
      .map(({ ref, generation, observed, updated, wanted }) =>
        finding<Args>({
          severity: 'warning',
          certainty: 'high',
          key: [ref.kind, ref.namespace ?? '', ref.name],
          objects: [ref],
          args: { name: `${ref.kind} ${ref.namespace}/${ref.name}`, wanted, updated: Math.min(updated, wanted) },
          evidence: [
            { seen: `metadata.generation: ${generation}; status.observedGeneration: ${observed}; updated: ${updated} of ${wanted}` },
          ],
        }),
      );
  },
  say: ({ name, wanted, updated }) => ({
    en: `${name} is rolling out (${updated} of ${wanted} Pods updated): Pods that it creates while osm-injector does not answer are refused`,
    zh: `${name} 正在滚动更新（${wanted} 个 Pod 中已更新 ${updated} 个）：osm-injector 无响应期间创建的 Pod 会被拒绝`,
  }),
  remedy: {
    writes: [],
    steps: async (found) =>
      found.map(({ objects, args: { name } }) =>
        manual({ en: `wait until the rollout of ${name} is finished`, zh: `等待 ${name} 的滚动更新完成` }, statusOf(objects[0]!), objects),
      ),
  },
};
export default check;

const statusOf = ({ kind, namespace = '', name }: Ref): string =>
  `kubectl rollout status ${kind.toLowerCase()}/${shellWord(name)} -n ${shellWord(namespace)}`;
