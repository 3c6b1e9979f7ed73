// Nodes whose Pods request more than all other Nodes have left: after a drain some of them stay Pending, wherever the others go. Counted as the scheduler counts: requests against
// allocatable. Source: kubernetes pkg/scheduler/framework/plugins/noderesources/fit.go.
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, RowOf } from '../../../engine/contracts.ts';
import { annotation, each, flag, list, time, word } from '../../../engine/read/index.ts';
import { quantityOf } from '../../../kube/quantity.ts';
import { notDrained } from '../nodes-way.ts';
import { isEvicted } from '../workloads.ts';

const RESOURCES = ['cpu', 'memory'] as const;
const NODE = {
  cordoned: flag('spec.unschedulable', false),
  cpu: word('status.allocatable.cpu', ''),
  memory: word('status.allocatable.memory', ''),
};
const POD = {
  mirror: annotation('kubernetes.io/config.mirror'),
  node: word('spec.nodeName', ''),
  phase: word('status.phase', ''),
  deleted: time('metadata.deletionTimestamp'),
  owners: each('metadata.ownerReferences', { kind: word('kind', ''), controller: flag('controller', false) }),
  containers: each('spec.containers', { cpu: word('resources.requests.cpu', '0'), memory: word('resources.requests.memory', '0') }),
};
const reads = {
  nodes: list('nodes', NODE),
  pods: list('pods', POD, {
    only: ({ node, phase, deleted }) => node !== '' && phase !== 'Succeeded' && phase !== 'Failed' && deleted === undefined,
  }),
};
interface Args {
  resource: (typeof RESOURCES)[number];
  node: string;
  /** As Kubernetes writes it: cores or thousandths, Gi or Mi. */
  needed: string;
  free: string;
}

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/drain-room',
  title: { en: 'the other Nodes have room for the Pods of each Node', zh: '其他节点有足够资源容纳任一节点的 Pod' },
  headline: { en: 'Pods of a Node do not fit on the other Nodes', zh: '其他节点的剩余资源容不下该节点的 Pod' },
  page: {
    impact: {
      en: 'When the Node is drained, some of its Pods stay Pending until it is schedulable again.',
      zh: '腾空该节点时，部分 Pod 会停留在 Pending，直到该节点恢复可调度。',
    },
    detection: {
      en: 'Compares CPU and memory that the Pods of each Node request with what is left of allocatable on all other schedulable Nodes. Pods of DaemonSets and static Pods do not move.',
      zh: '将每个节点上的 Pod 请求的 CPU 和内存与其他所有可调度节点可分配资源的剩余量比较。DaemonSet 的 Pod 和静态 Pod 不会移动。',
    },
    fix: {
      en: 'manual: add a Node during the upgrade, or scale down less important workloads.',
      zh: '手动：升级期间增加一个节点，或缩容次要的工作负载。',
    },
    limits: {
      en: 'The sum over all Nodes is compared: a Pod can still fit on none of them. Init containers and other resources are not counted.',
      zh: '比较的是所有节点的总和：总量足够时 Pod 仍可能放不下。不计算 init 容器和其他资源。',
    },
  },
  sources: ['kubernetes/kubernetes: pkg/scheduler/framework/plugins/noderesources/fit.go'],
  applies: { stage: 'before' },
  reads,
  judge: ({ nodes, pods }, at) => {
    const kept = notDrained(at);
    if (kept) return kept;
    const byNode = Map.groupBy(pods, ({ node }) => node);
    const open = nodes.filter(({ cordoned }) => !cordoned);
    // Of a single Node drain-constraints speaks.
    if (open.length < 2) return [];
    return RESOURCES.flatMap((resource) => {
      // A Node that is full already takes nothing from the others.
      const roomOn = (node: NodeRow) => (quantityOf(node[resource]) || 0) - sum(byNode.get(node.ref.name) ?? [], resource);
      const left = new Map(open.map((node) => [node.ref.name, Math.max(0, roomOn(node))]));
      const all = [...left.values()].reduce((sofar, each) => sofar + each, 0);
      return open.flatMap(({ ref }): Finding<Args>[] => {
        const needed = sum((byNode.get(ref.name) ?? []).filter(isEvicted), resource);
        const free = all - left.get(ref.name)!;
        if (needed <= free) return [];
        const args = { resource, node: ref.name, needed: shown(resource, needed), free: shown(resource, free) };
        return [
          finding({
            severity: 'warning',
            key: [resource, ref.name],
            objects: [ref],
            args,
            evidence: [{ seen: `status.allocatable.${resource}` }],
          }),
        ];
      });
    });
  },
  say: ({ resource, node, needed, free }) => ({
    en: `Pods of Node ${node} request ${needed} ${resource === 'cpu' ? 'CPU' : 'of memory'}, all other Nodes have ${free} left: some stay Pending while it is drained`,
    zh: `Node ${node} 的 Pod 请求 ${needed} ${resource === 'cpu' ? 'CPU' : '内存'}，其他节点共剩余 ${free}：腾空期间部分 Pod 停留在 Pending`,
  }),
};
export default check;

type NodeRow = RowOf<typeof NODE>;
type Pod = RowOf<typeof POD>;
const sum = (pods: readonly Pod[], resource: Args['resource']): number =>
  pods.reduce((all, { containers }) => all + containers.reduce((of, container) => of + (quantityOf(container[resource]) || 0), 0), 0);

const [MIB, GIB] = [1024 ** 2, 1024 ** 3];
const tenths = (value: number): string => `${Math.round(value * 10) / 10}`;
/** Of less than one the smaller unit, so that something is never shown as 0. */
function shown(resource: Args['resource'], value: number): string {
  if (resource === 'cpu') return value === 0 || value >= 1 ? tenths(value) : `${Math.ceil(value * 1000)}m`;
  return value >= GIB ? `${tenths(value / GIB)}Gi` : `${Math.ceil(value / MIB)}Mi`;
}
