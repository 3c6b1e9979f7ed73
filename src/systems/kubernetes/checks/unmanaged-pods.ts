// Pods without a controller: kubectl drain refuses to evict them without --force, and with it they are gone for good. Source: kubectl pkg/drain/filters.go (unreplicatedFilter).
import type { Check, Finding, RowOf, Situation } from '../../../engine/contracts.ts';
import { annotation, each, flag, list, time, word } from '../../../engine/read/index.ts';
import { notDrained } from '../nodes-way.ts';

const ID = 'kubernetes/unmanaged-pods';
const POD = {
  mirror: annotation('kubernetes.io/config.mirror'),
  phase: word('status.phase', ''),
  node: word('spec.nodeName'),
  deleted: time('metadata.deletionTimestamp'),
  owners: each('metadata.ownerReferences', { controller: flag('controller', false) }),
};
const reads = { pods: list('pods', POD, { only: isLeft }) };
interface Args {
  namespace: string;
  /** Node by the name of the Pod, for what plans its drain. */
  nodes: Record<string, string>;
  /** false: how Nodes are upgraded was not said. */
  drained: boolean;
}

const check: Check<typeof reads, Args> = {
  id: ID,
  title: { en: 'every Pod has a controller', zh: '所有 Pod 都由控制器管理' },
  headline: { en: 'Pods without a controller stop a drain', zh: '没有控制器的 Pod 会阻止节点腾空' },
  page: {
    impact: {
      en: 'kubectl drain refuses to evict a Pod without a controller unless --force is set. With --force the Pod is deleted and not re-created.',
      zh: '未设置 --force 时，kubectl drain 拒绝驱逐没有控制器的 Pod。设置 --force 后该 Pod 会被删除，且不会重新创建。',
    },
    detection: {
      en: 'Reads the owner of each Pod that is on a Node. Static Pods, completed Pods and terminating Pods are ignored. With --nodes drain, and in plan and upgrade, a finding is a blocker.',
      zh: '读取已调度到 Node 的每个 Pod 的属主。静态 Pod、已结束的 Pod 和正在终止的 Pod 会被忽略。指定 --nodes drain 时，以及在升级和升级计划中，问题级别为阻断项。',
    },
    fix: {
      en: 'manual: put the Pod into a Deployment or a Job, or save its manifest and re-create it after the upgrade of its Node. With --accept kubernetes/unmanaged-pods, the upgrade deletes these Pods for good when it drains their Nodes.',
      zh: '手动：改用 Deployment 或 Job 运行，或保存其清单并在节点升级后重新创建。指定 --accept kubernetes/unmanaged-pods 时，升级在腾空节点时永久删除这些 Pod。',
    },
  },
  sources: ['kubernetes/kubectl: pkg/drain/filters.go'],
  applies: { stage: 'before' },
  reads,
  judge: ({ pods }, at) =>
    notDrained(at) ?? [...Map.groupBy(pods, ({ ref }) => ref.namespace ?? '')].map((each) => finding(each, at.nodes)),
  say: ({ namespace, drained }, { length }) => ({
    en: `${length} Pod${length === 1 ? '' : 's'} in namespace ${namespace} without a controller: kubectl drain refuses, and --force deletes ${length === 1 ? 'it' : 'them'} for good${drained ? `, as does upgrade with --accept ${ID}` : '; plan and upgrade drain Nodes by default and report a blocker'}`,
    zh: `命名空间 ${namespace} 中有 ${length} 个 Pod 没有控制器：kubectl drain 会拒绝驱逐，使用 --force 则会永久删除${drained ? `，升级时指定 --accept ${ID} 同样会永久删除` : '；升级及升级计划默认腾空节点，此时为阻断项'}`,
  }),
};
export default check;

/** On a Node, not static, neither completed nor terminating, and without a controller. */
function isLeft({ mirror, phase, node, deleted, owners }: RowOf<typeof POD>): boolean {
  if (mirror !== undefined || !node || deleted !== undefined) return false;
  return phase !== 'Succeeded' && phase !== 'Failed' && !owners.some(({ controller }) => controller);
}

/** Where it is known that Nodes are drained, one of them is where the upgrade ends. */
function finding([namespace, pods]: [string, RowOf<typeof POD>[]], nodes: Situation['nodes']): Finding<Args> {
  const drained = nodes === 'drain' || nodes === 'replace';
  return {
    severity: drained ? 'blocker' : 'warning',
    key: [namespace],
    certainty: 'certain',
    objects: pods.map(({ ref }) => ref),
    args: { namespace, nodes: Object.fromEntries(pods.map(({ ref, node = '' }) => [ref.name, node])), drained },
    evidence: pods.slice(0, 3).map(({ ref }) => ({ seen: 'metadata.ownerReferences: []', at: ref })),
  };
}
