// Pods that have no other Node to go to, and sets that are below their size already: a drain leaves them Pending until their Node is back. Source: kube-scheduler's filters
// (src/kube/placement.ts); StatefulSets and DaemonSets by their status.
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Json, Ref, RowOf, Rows, Text } from '../../../engine/contracts.ts';
import { annotation, each, flag, labels, list, number, time, tree, word } from '../../../engine/read/index.ts';
import { type Bound, type Placed, placement } from '../../../kube/placement.ts';
import { notDrained } from '../nodes-way.ts';
import { isEvicted, workloadOf } from '../workloads.ts';

const POD = {
  mirror: annotation('kubernetes.io/config.mirror'),
  labels: labels(),
  phase: word('status.phase', ''),
  node: word('spec.nodeName', ''),
  deleted: time('metadata.deletionTimestamp'),
  owners: each('metadata.ownerReferences', { kind: word('kind', ''), name: word('name', ''), controller: flag('controller', false) }),
  selector: labels('spec.nodeSelector'),
  affinity: tree('spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution'),
  apart: tree('spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution'),
  spread: tree('spec.topologySpreadConstraints'),
  tolerations: each('spec.tolerations', { key: word('key'), operator: word('operator'), value: word('value'), effect: word('effect') }),
  claims: each('spec.volumes', { name: word('persistentVolumeClaim.claimName', '') }),
  containers: each('spec.containers', { ports: each('ports', { host: number('hostPort'), protocol: word('protocol', 'TCP') }) }),
};
const reads = {
  nodes: list('nodes', {
    labels: labels(),
    cordoned: flag('spec.unschedulable', false),
    taints: each('spec.taints', { key: word('key', ''), value: word('value', ''), effect: word('effect', '') }),
  }),
  pods: list('pods', POD, {
    only: ({ phase, node, deleted }) => node !== '' && phase !== 'Succeeded' && phase !== 'Failed' && deleted === undefined,
  }),
  claims: list('persistentvolumeclaims', { volume: word('spec.volumeName', '') }),
  volumes: list('persistentvolumes', { affinity: tree('spec.nodeAffinity.required') }),
  statefulSets: list('statefulsets.apps', {
    wanted: number('spec.replicas', 1),
    seen: number('status.replicas'),
    ready: number('status.readyReplicas', 0),
  }),
  daemonSets: list('daemonsets.apps', { wanted: number('status.desiredNumberScheduled', 0), ready: number('status.numberReady', 0) }),
};
type Is = Bound | 'only' | 'below';
interface Args {
  is: Is;
  workload: string;
  ready: number;
  wanted: number;
}

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/drain-constraints',
  title: { en: 'every Pod can move to another Node', zh: '所有 Pod 都能调度到其他节点' },
  headline: { en: 'Pods cannot move while their Node is drained', zh: '腾空节点时 Pod 无法调度到其他节点' },
  page: {
    impact: {
      en: 'A Pod that only its own Node can take stays Pending from the drain until the Node is schedulable again. A StatefulSet or DaemonSet that already lacks ready Pods loses another one.',
      zh: '只能运行在所在节点上的 Pod，从腾空节点起停留在 Pending，直到该节点恢复可调度。StatefulSet 或 DaemonSet 已有 Pod 未就绪时，腾空会使就绪的 Pod 再少一个。',
    },
    detection: {
      en: 'Compares node selectors, required affinity, tolerations, node affinity of volumes, host ports, anti-affinity and spread by hostname with the other Nodes. Pods of DaemonSets, static Pods and Pods without a controller are ignored.',
      zh: '将节点选择算符、必需的亲和性、容忍度、卷的节点亲和性、主机端口、按主机名的反亲和性与拓扑分布同其他节点比较。DaemonSet 的 Pod、静态 Pod 和没有控制器的 Pod 会被忽略。',
    },
    fix: {
      en: 'manual: plan for the outage, or add a Node that the Pod fits. A local volume does not follow its Pod: move its data, or restore the data from a backup.',
      zh: '手动：预留停机时间，或增加一个适合该 Pod 的节点。本地卷不会随 Pod 迁移：需自行迁移数据，或从备份恢复。',
    },
    limits: {
      en: 'CPU and memory on the other Nodes are checked by kubernetes/drain-room.',
      zh: '其他节点的 CPU 和内存由 kubernetes/drain-room 检查。',
    },
  },
  sources: [
    'kubernetes/kubernetes: pkg/scheduler/framework/plugins',
    'kubernetes/website: content/en/docs/tasks/administer-cluster/safely-drain-node.md',
  ],
  applies: { stage: 'before' },
  reads,
  judge: ({ nodes, pods, claims, volumes, statefulSets, daemonSets }: Rows<typeof reads>, at) => {
    const kept = notDrained(at);
    if (kept) return kept;
    const affinityOf = new Map(volumes.map(({ ref, affinity }) => [ref.name, affinity]));
    const volumeOf = new Map(claims.map(({ ref, volume }) => [`${ref.namespace}/${ref.name}`, affinityOf.get(volume)]));
    const placed = pods.map((pod) => ({ pod, as: placedOf(pod, volumeOf) }));
    const byNode = Map.groupBy(
      placed.map(({ as }) => as),
      ({ node }) => node,
    );
    const places = nodes.map(({ ref, ...node }) => ({ name: ref.name, ...node }));
    const boundBy = placement(places, (node) => byNode.get(node) ?? []);
    const bound = placed.flatMap(({ pod, as }) => {
      const is = isEvicted(pod) && isMadeAgain(pod) ? boundBy(as) : undefined;
      return is ? [{ is, ref: pod.ref, workload: named(pod) }] : [];
    });
    const open = nodes.filter(({ cordoned }) => !cordoned).map(({ ref }) => ref);
    // One finding says as much as one for every workload.
    const found =
      open.length === 1 && bound.length ? [told({ is: 'only', workload: open[0]!.name, ready: 0, wanted: bound.length }, open)] : undefined;
    // One that its controller has not looked at yet is not below anything.
    const below = [...statefulSets.filter(({ seen }) => seen !== undefined), ...daemonSets].filter(({ wanted, ready }) => ready < wanted);
    return [
      ...(found ??
        [...Map.groupBy(bound, ({ is, workload }) => `${is} ${workload}`).values()].map((same) =>
          told(
            { ...same[0]!, ready: 0, wanted: 0 },
            same.map(({ ref }) => ref),
          ),
        )),
      ...below.map(({ ref, wanted, ready }) =>
        told({ is: 'below', workload: `${ref.kind} ${ref.namespace}/${ref.name}`, ready, wanted }, [ref]),
      ),
    ];
  },
  say: (args, objects) => SAYS[args.is](args, objects.length),
};
export default check;

/** What has no controller is deleted, which unmanaged-pods says. */
const isMadeAgain = ({ owners }: RowOf<typeof POD>): boolean => owners.some(({ controller }) => controller);

function named(pod: RowOf<typeof POD>): string {
  const { kind, name } = workloadOf(pod);
  return `${kind} ${pod.ref.namespace}/${name}`;
}

function placedOf({ ref, claims, containers, ...pod }: RowOf<typeof POD>, volumeOf: ReadonlyMap<string, Json | undefined>): Placed {
  const ports = containers.flatMap((container) => container.ports.flatMap(({ host, protocol }) => (host ? [`${host}/${protocol}`] : [])));
  const volumes = claims.flatMap(({ name }) => volumeOf.get(`${ref.namespace}/${name}`) ?? []);
  return { ...pod, namespace: ref.namespace ?? '', ports, volumes };
}

const told = ({ is, workload, ready, wanted }: Args, objects: Ref[]): Finding<Args> =>
  finding({
    severity: 'warning',
    key: [is, workload],
    certainty: 'high',
    objects,
    args: { is, workload, ready, wanted },
    evidence: [{ seen: FIELDS[is] }],
  });
const FIELDS: Record<Is, string> = {
  volume: 'spec.nodeAffinity.required',
  node: 'spec.nodeSelector, spec.affinity, spec.tolerations',
  port: 'spec.containers.ports.hostPort',
  apart: 'spec.affinity.podAntiAffinity',
  spread: 'spec.topologySpreadConstraints',
  only: 'spec.unschedulable',
  below: 'status.readyReplicas, status.numberReady',
};

const pending = (workload: string, count: number, why: Text): Text => ({
  en: `${workload}: ${why.en}; ${count === 1 ? 'its Pod stays' : `${count} Pods stay`} Pending while the Node is drained`,
  zh: `${workload}：${why.zh}；腾空节点期间 ${count} 个 Pod 停留在 Pending`,
});
const SAYS: Record<Is, (args: Args, count: number) => Text> = {
  volume: ({ workload }, count) => pending(workload, count, { en: 'its volume is bound to the Node', zh: '其卷绑定在该节点上' }),
  node: ({ workload }, count) =>
    pending(workload, count, {
      en: 'no other Node fits selector, affinity and tolerations',
      zh: '没有其他节点满足选择算符、亲和性和容忍度',
    }),
  port: ({ workload }, count) =>
    pending(workload, count, { en: 'its host port is in use on every other Node', zh: '其主机端口在其他节点上均被占用' }),
  apart: ({ workload }, count) =>
    pending(workload, count, { en: 'anti-affinity excludes every other Node', zh: '反亲和性排除了其他所有节点' }),
  spread: ({ workload }, count) =>
    pending(workload, count, { en: 'topology spread excludes every other Node', zh: '拓扑分布约束排除了其他所有节点' }),
  only: ({ workload, wanted }) => ({
    en: `${workload} is the only schedulable Node: ${wanted} ${wanted === 1 ? 'Pod stays' : 'Pods stay'} Pending while it is drained`,
    zh: `${workload} 是唯一可调度的节点：腾空期间 ${wanted} 个 Pod 停留在 Pending`,
  }),
  below: ({ workload, ready, wanted }) => ({
    en: `${workload}: only ${ready} of ${wanted} Pods ${ready === 1 ? 'is' : 'are'} ready; a drain can take another one`,
    zh: `${workload}：目前 ${wanted} 个 Pod 中仅 ${ready} 个就绪；腾空时可能再少一个`,
  }),
};
