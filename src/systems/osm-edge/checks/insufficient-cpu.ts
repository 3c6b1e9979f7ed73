// Room for the rolling update of the control plane: each Deployment starts one Pod more, with the CPU that it requests on one Node, before the old one goes.
// Sources: charts/osm/values.yaml at every tag (requests; priorityClassName system-node-critical); kubernetes pkg/scheduler/framework/plugins/noderesources (fit); guide: troubleshooting, Insufficient cpu.
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Ref, RowOf } from '../../../engine/contracts.ts';
import { each, flag, label, list, word } from '../../../engine/read/index.ts';
import { millicores } from '../../../kube/quantity.ts';
import { controlPods, isAlive, unscheduled } from '../control-plane.ts';
import { manual } from '../manual.ts';
import { PARTS } from '../reads.ts';

const REQUESTS = { cpu: word('resources.requests.cpu') };
const POD = { node: word('spec.nodeName'), phase: word('status.phase'), containers: each('spec.containers', REQUESTS) };
const reads = {
  deployments: list(
    'deployments.apps',
    { app: label('app'), containers: each('spec.template.spec.containers', REQUESTS) },
    { labels: 'app.kubernetes.io/name=openservicemesh.io' },
  ),
  nodes: list('nodes', { cpu: word('status.allocatable.cpu'), cordoned: flag('spec.unschedulable', false) }),
  all: list('pods', POD, { only: ({ node, phase }) => node !== undefined && phase !== 'Succeeded' && phase !== 'Failed' }),
  pods: controlPods,
};
interface Args {
  is: 'pending' | 'no-room';
  namespace: string;
  names: string[];
  /** Thousandths of a core: wanted at most on one Node, and what the Node with the most room has. */
  wanted: number;
  room: number;
}

const check: Check<typeof reads, Args> = {
  id: 'osm-edge/insufficient-cpu',
  title: { en: 'a Node has room for each new control plane Pod', zh: '有节点可容纳控制平面的新 Pod' },
  headline: { en: 'Nodes lack CPU for new control plane Pods', zh: '没有节点有足够 CPU 运行控制平面的新 Pod' },
  page: {
    impact: {
      en: 'An upgrade starts a new Pod of osm-bootstrap, osm-controller and osm-injector beside the old one (1.1 cores by default). Where no Node has that much CPU unrequested, the Pods stay Pending ("Insufficient cpu"), or preempt workloads: they have priority class system-node-critical.',
      zh: '升级时 osm-bootstrap、osm-controller、osm-injector 会在旧 Pod 之外各启动一个新 Pod（默认共 1.1 核）。如果没有节点剩余足够的 CPU，Pod 会停留在 Pending（“Insufficient cpu”），或者抢占其他工作负载：它们的 PriorityClass 为 system-node-critical。',
    },
    detection: {
      en: 'Compares the CPU requests of each Deployment with allocatable CPU minus the requests of all Pods, per Node that is not cordoned; and reads what the scheduler says of control plane Pods that are Pending.',
      zh: '按每个未封锁的节点，将各 Deployment 的 CPU 请求与可分配 CPU 减去全部 Pod 请求后的余量比较，并读取调度器对 Pending 的控制平面 Pod 的说明。',
    },
    fix: { en: 'manual: add a Node, or lower the requests of other workloads.', zh: '手动：增加节点，或降低其他工作负载的请求量。' },
    limits: {
      en: 'Memory, taints, affinity and init containers are not judged. Other requests in the values of the upgrade are not taken into account.',
      zh: '不判断内存、污点、亲和性和 init 容器，也不考虑升级时 values 中不同的请求量。',
    },
  },
  sources: [
    'flomesh-io/osm-edge: charts/osm/values.yaml@v1.3.9',
    'kubernetes/kubernetes: pkg/scheduler/framework/plugins/noderesources/fit.go',
  ],
  applies: { stage: 'both' },
  reads,
  judge: ({ deployments, nodes, all, pods }, { path: { installation, from, to } }) => {
    const { namespace = '' } = installation;
    const pending = pods.filter((pod) => pod.ref.namespace === namespace && isAlive(pod) && /Insufficient cpu/.test(unscheduled(pod)));
    if (pending.length)
      return [
        found(
          'pending',
          pending.map(({ ref }) => ref),
          { namespace, names: [...new Set(pending.map(({ app, ref }) => app ?? ref.name))], wanted: 0, room: 0 },
        ),
      ];
    if (!to || to === from || !nodes.length) return [];
    const own = deployments.filter(({ ref, app }) => ref.namespace === namespace && PARTS.some((part) => part === app));
    const used = Map.groupBy(all, ({ node }) => node);
    const room = Math.max(
      0,
      ...nodes
        .filter(({ cordoned }) => !cordoned)
        .map(({ ref, cpu }) => (millicores(cpu) ?? 0) - sum((used.get(ref.name) ?? []).map(requestOf))),
    );
    const tight = own.filter((one) => requestOf(one) > room);
    return tight.length
      ? [
          found(
            'no-room',
            tight.map(({ ref }) => ref),
            { namespace, names: tight.map(({ ref }) => ref.name), wanted: Math.max(...tight.map(requestOf)), room: Math.round(room) },
          ),
        ]
      : [];
  },
  say: ({ is, names, namespace, wanted, room }) =>
    is === 'pending'
      ? {
          en: `Pods of ${names.join(', ')} in ${namespace} are Pending: Insufficient cpu`,
          zh: `${namespace} 中 ${names.join('、')} 的 Pod 处于 Pending：“Insufficient cpu”`,
        }
      : {
          en: `new Pods of ${names.join(', ')} need ${wanted}m CPU on one Node, the most that is left is ${room}m: they stay Pending or preempt others`,
          zh: `${names.join('、')} 的新 Pod 需要某个节点有 ${wanted}m CPU，而余量最多为 ${room}m：会停留在 Pending 或抢占其他 Pod`,
        },
  remedy: {
    writes: [],
    steps: async ([first]) => [
      manual(
        {
          en: `add a Node, or lower the requests of other workloads${first?.args.wanted ? `, until one Node has ${first.args.wanted}m CPU left` : ''}`,
          zh: `增加节点，或降低其他工作负载的请求量${first?.args.wanted ? `，使某个节点至少剩余 ${first.args.wanted}m CPU` : ''}`,
        },
        'kubectl describe nodes',
      ),
    ],
  },
};
export default check;

type Requests = Pick<RowOf<typeof POD>, 'containers'>;
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
const requestOf = ({ containers }: Requests): number => sum(containers.map(({ cpu }) => millicores(cpu) ?? 0));

const found = (is: Args['is'], objects: Ref[], args: Omit<Args, 'is'>): Finding<Args> =>
  finding<Args>({
    severity: is === 'pending' ? 'blocker' : 'warning',
    // Nodes come and go, and other Pods with them.
    certainty: is === 'pending' ? 'certain' : 'medium',
    key: [is, args.namespace],
    objects,
    args: { ...args, is },
    evidence: [
      { seen: is === 'pending' ? 'status.conditions[type=PodScheduled]: Insufficient cpu' : `resources.requests.cpu: ${args.wanted}m` },
    ],
  });
