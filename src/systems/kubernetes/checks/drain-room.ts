// Nodes whose Pods request more than the other Nodes that can take them have left: after a drain some of them stay Pending, wherever the others go. Counted as the scheduler
// counts: requests against allocatable, on Nodes that taints, selector and affinity allow. Source: kubernetes pkg/scheduler/framework/plugins/noderesources/fit.go.
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, RowOf } from '../../../engine/contracts.ts';
import { annotation, each, flag, labels, list, maybe, time, tree, word } from '../../../engine/read/index.ts';
import { leading } from '../../../kube/placement.ts';
import { quantityOf } from '../../../kube/quantity.ts';
import { notDrained } from '../nodes-way.ts';
import { isEvicted } from '../workloads.ts';

const RESOURCES = ['cpu', 'memory'] as const;
const NODE = {
  labels: labels(),
  cordoned: flag('spec.unschedulable', false),
  taints: each('spec.taints', { key: word('key', ''), value: word('value', ''), effect: word('effect', '') }),
  cpu: word('status.allocatable.cpu', ''),
  memory: word('status.allocatable.memory', ''),
};
const REQUESTS = { cpu: word('resources.requests.cpu', '0'), memory: word('resources.requests.memory', '0') };
const AMOUNTS = { cpu: word('cpu'), memory: word('memory') };
const POD = {
  mirror: annotation('kubernetes.io/config.mirror'),
  node: word('spec.nodeName', ''),
  phase: word('status.phase', ''),
  deleted: time('metadata.deletionTimestamp'),
  owners: each('metadata.ownerReferences', { kind: word('kind', ''), controller: flag('controller', false) }),
  selector: labels('spec.nodeSelector'),
  affinity: tree('spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution'),
  tolerations: each('spec.tolerations', { key: word('key'), operator: word('operator'), value: word('value'), effect: word('effect') }),
  containers: each('spec.containers', REQUESTS),
  init: each('spec.initContainers', { ...REQUESTS, restarts: word('restartPolicy', '') }),
  whole: maybe('spec.resources.requests', AMOUNTS),
  overhead: maybe('spec.overhead', AMOUNTS),
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
      en: 'If the other Nodes lack room when a Node is drained, some of its Pods stay Pending until it is schedulable again.',
      zh: '其他节点容纳不下全部 Pod 时，腾空节点期间部分 Pod 会停留在 Pending，直到该节点恢复可调度。',
    },
    detection: {
      en: 'Compares CPU and memory that the Pods of each Node request (init containers, sidecars, requests of the Pod as a whole and its overhead included) with what is left of allocatable on the other schedulable Nodes whose taints and labels admit them. Pods of DaemonSets and static Pods do not move.',
      zh: '统计每个节点上的 Pod 请求的 CPU 和内存（含 init 容器、sidecar、Pod 级请求和 Pod 开销），与其他节点剩余的可分配资源比较；只计入可调度且污点和标签允许的节点。DaemonSet 的 Pod 和静态 Pod 不会移动。',
    },
    fix: {
      en: 'manual: add a Node during the upgrade, or scale down less important workloads.',
      zh: '手动：升级期间增加一个节点，或缩容次要的工作负载。',
    },
    limits: {
      en: 'The sum over these Nodes is compared: a Pod can still fit on none of them. Other resources, and the number of Pods that a Node takes, are not counted.',
      zh: '比较的是这些节点的总和：总量足够时 Pod 仍可能放不下。不计算其他资源和节点的 Pod 数上限。',
    },
  },
  sources: [
    'kubernetes/kubernetes: pkg/scheduler/framework/plugins/noderesources/fit.go',
    'kubernetes/component-helpers: resource/helpers.go',
  ],
  applies: { stage: 'before' },
  reads,
  judge: ({ nodes, pods }, at) => {
    const kept = notDrained(at);
    if (kept) return kept;
    const byNode = Map.groupBy(pods, ({ node }) => node);
    const open = nodes.filter(({ cordoned }) => !cordoned);
    // Of a single Node drain-constraints speaks.
    if (open.length < 2) return [];
    const leads = leading(open.map(({ ref, ...node }) => ({ name: ref.name, ...node })));
    const groups = new Map(
      open.map(({ ref: { name } }) => [
        name,
        [...Map.groupBy((byNode.get(name) ?? []).filter(isEvicted), (pod) => leads({ ...pod, volumes: [] }))],
      ]),
    );
    const lacks = lacking();
    return RESOURCES.flatMap((resource) => {
      // A Node that is full already takes nothing from the others.
      const roomOn = (node: NodeRow) => (quantityOf(node[resource]) || 0) - sum(byNode.get(node.ref.name) ?? [], resource);
      const left = new Map(open.map((node) => [node.ref.name, Math.max(0, roomOn(node))]));
      const totals = new Map<Places, number>();
      const total = (places: Places): number => {
        const known = totals.get(places) ?? places.reduce((all, { name }) => all + left.get(name)!, 0);
        totals.set(places, known);
        return known;
      };
      return open.flatMap(({ ref }): Finding<Args>[] => {
        // Of the Pods that the same Nodes can take, with those that fewer of these can: whatever they need is needed there.
        const hasOther = (places: Places) => places.some(({ name }) => name !== ref.name);
        const isOwn = (names: readonly string[]) => names.every((name) => name === ref.name);
        const rooms = groups.get(ref.name)!.flatMap(([places]) => {
          const inside = groups.get(ref.name)!.filter(([others]) => hasOther(others) && isOwn(lacks(places, others)));
          const needed = inside.reduce((all, [, same]) => all + sum(same, resource), 0);
          const free = total(places) - (places.some(({ name }) => name === ref.name) ? left.get(ref.name)! : 0);
          // Where no other Node will do, drain-constraints says so.
          return hasOther(places) ? [{ needed, free }] : [];
        });
        const [worst] = rooms.sort((a, b) => b.needed - b.free - (a.needed - a.free));
        if (!worst || worst.needed - worst.free < SLIGHT) return [];
        const args = { resource, node: ref.name, needed: shown(resource, worst.needed), free: shown(resource, worst.free) };
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
    en: `Pods of Node ${node} request ${needed} ${resource === 'cpu' ? 'CPU' : 'of memory'}, but the other Nodes that taints and labels allow have only ${free} left: some stay Pending while it is drained`,
    zh: `Node ${node} 的 Pod 请求 ${needed} ${resource === 'cpu' ? 'CPU' : '内存'}，污点和标签允许的其他节点共剩余 ${free}：腾空期间部分 Pod 停留在 Pending`,
  }),
};
export default check;

type NodeRow = RowOf<typeof NODE>;
type Pod = RowOf<typeof POD>;
const sum = (pods: readonly Pod[], resource: Args['resource']): number => pods.reduce((all, pod) => all + requestOf(pod, resource), 0);

/** Sidecars (init containers that restart) run beside the others, and beside the init containers that start after them; what is requested for the Pod as a whole stands above its containers. */
function requestOf({ containers, init, whole, overhead }: Pod, resource: Args['resource']): number {
  const amount = (text: string | undefined) => quantityOf(text ?? '0') || 0;
  if (whole?.[resource] !== undefined) return amount(whole[resource]) + amount(overhead?.[resource]);
  let [sidecars, most] = [0, 0];
  for (const one of init) {
    const own = amount(one[resource]);
    if (one.restarts === 'Always') sidecars += own;
    most = Math.max(most, one.restarts === 'Always' ? sidecars : sidecars + own);
  }
  const running = containers.reduce((of, container) => of + amount(container[resource]), sidecars);
  return Math.max(running, most) + amount(overhead?.[resource]);
}

type Places = readonly { name: string }[];

/** Which of the others are not among these places: two of them at most, which is enough to know; asked for the same lists again and again. */
function lacking(): (places: Places, others: Places) => string[] {
  const names = new Map<Places, Set<string>>();
  const known = new Map<Places, Map<Places, string[]>>();
  return (places, others) => {
    const before = known.get(places)?.get(others);
    if (before) return before;
    const here = names.get(places) ?? new Set(places.map(({ name }) => name));
    const missing = others.flatMap(({ name }) => (here.has(name) ? [] : name)).slice(0, 2);
    names.set(places, here);
    known.set(places, (known.get(places) ?? new Map()).set(others, missing));
    return missing;
  };
}

/** What sums of fractions differ by. */
const SLIGHT = 1e-6;
const [MIB, GIB] = [1024 ** 2, 1024 ** 3];
const tenths = (value: number): string => `${Math.round(value * 10) / 10}`;
/** Of less than one the smaller unit, so that something is never shown as 0. */
function shown(resource: Args['resource'], value: number): string {
  if (resource === 'cpu') return value === 0 || value >= 1 ? tenths(value) : `${Math.ceil(Math.round(value * 1e6) / 1000)}m`;
  return value >= GIB ? `${tenths(value / GIB)}Gi` : `${Math.ceil(value / MIB)}Mi`;
}
