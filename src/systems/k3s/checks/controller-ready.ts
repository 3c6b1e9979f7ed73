// Plans that wait for a system-upgrade-controller that is not there, does not run, is not the leader, could not start again, or still has its former settings.
// Sources: rancher/system-upgrade-controller v0.20.1 manifests/ (affinity to control-plane Nodes, no toleration of the cordon taint; settings are read at start); kube-hetzner issue 1604;
// rancher/wrangler v3 pkg/leader (without the Lease a controller only waits, and its Pod is Ready all the same).
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, PointRead, Text } from '../../../engine/contracts.ts';
import {
  CONFIG_MAPS,
  CONTROLLER,
  type Controller,
  controllerIn,
  controllerPods,
  DEPLOYMENTS,
  LEASES,
  lastLed,
  settingsWritten,
} from '../controller.ts';
import { openPlans } from '../plans.ts';
import { type NodeRow, nodes, type PlanRow, plans } from '../reads.ts';

const reads = { nodes, plans, controllers: controllerPods };
type Is = 'missing' | 'not-ready' | 'lease' | 'no-lease' | 'cordoned' | 'settings';
interface Args {
  is: Is;
  namespace: string;
  settings: string;
  /** When the Lease was last renewed. */
  led?: string;
}

const check: Check<typeof reads, Args> = {
  id: 'k3s/controller-ready',
  title: { en: 'the system-upgrade-controller of every Plan runs', zh: '每个 Plan 都有运行中的 system-upgrade-controller' },
  headline: { en: 'system-upgrade-controller does not run for Plans', zh: 'Plan 的 system-upgrade-controller 未正常运行' },
  page: {
    impact: {
      en: 'Without a running controller no Plan is carried out, and Nodes that a Job has cordoned are not uncordoned. The controller runs on control-plane Nodes alone and does not tolerate a cordon: with all of them cordoned it stays Pending after a restart.',
      zh: '控制器没有运行时，Plan 不会执行，已由 Job 封锁的节点也不会取消封锁。控制器只运行在控制平面节点上，且不容忍封锁：如果控制平面节点全部处于封锁状态，控制器重启后会一直 Pending。',
    },
    detection: {
      en: 'Reads Deployment system-upgrade-controller and the controller Pods in the namespace of each Plan that has Nodes left, whether all control-plane Nodes are cordoned, and whether the ConfigMap is newer than the Pod. If the ConfigMap turns leader election on, also reads the Lease of the controller: its holder renews it every few seconds; 5 minutes without a renewal are reported.',
      zh: '对仍有节点未升级的 Plan，读取其命名空间中的 Deployment system-upgrade-controller 和控制器 Pod、控制平面节点是否全部处于封锁状态，以及 ConfigMap 是否在 Pod 启动之后被修改。如果 ConfigMap 启用了选主，还检查控制器的 Lease 是否仍在续期（容许 5 分钟；持有者每隔几秒续期一次）。',
    },
    fix: {
      en: 'manual: install or fix the controller; uncordon one control-plane Node; restart the controller after a change of its ConfigMap, or where its Lease is not renewed (its log says why).',
      zh: '手动：安装或修复控制器；取消封锁一个控制平面节点；修改 ConfigMap 后，或其 Lease 不再续期时（原因见其日志），重启控制器。',
    },
  },
  sources: [
    'rancher/system-upgrade-controller v0.20.1: manifests/system-upgrade-controller.yaml, main.go',
    'rancher/wrangler v3: pkg/leader/leader.go',
    'mysticaltech/terraform-hcloud-kube-hetzner: issue 1604',
    'k3s-io/k3s: issue 9350',
  ],
  applies: { stage: 'both' },
  reads,
  pointReads: [DEPLOYMENTS, CONFIG_MAPS, LEASES] satisfies PointRead[],
  judge: async (rows, { look, now }) => {
    const found: Finding<Args>[] = [];
    for (const [namespace, open] of Map.groupBy(openPlans(rows.plans, rows.nodes), ({ plan }) => plan.ref.namespace ?? '')) {
      const own = open.map(({ plan }) => plan);
      const pods = rows.controllers.filter(({ ref }) => ref.namespace === namespace);
      const controller = await controllerIn(namespace, look);
      if (!controller && !pods.length) {
        // One that runs elsewhere is another check's.
        if (!rows.controllers.length) found.push(told('missing', namespace, own));
        continue;
      }
      const runs = pods.some(({ conditions }) => conditions.some(({ type, status }) => type === 'Ready' && status === 'True'));
      if (!runs && !controller?.ready) found.push(told('not-ready', namespace, own, controller));
      const started = Math.max(...pods.map(({ startTime = 0 }) => startTime));
      const led = controller && runs ? await lastLed(controller, look) : undefined;
      if (led === 'never' && now - started > LEADERLESS) found.push(told('no-lease', namespace, own, controller));
      if (typeof led === 'number' && now - led > LEADERLESS)
        found.push(told('lease', namespace, own, controller, new Date(led).toISOString().replace(/\.\d+Z$/, 'Z')));
      if (allCordoned(rows.nodes)) found.push(told('cordoned', namespace, own, controller));
      const written = controller && (await settingsWritten(controller, look));
      if (written !== undefined && pods.length && written > started + TOLERANCE) found.push(told('settings', namespace, own, controller));
    }
    return found;
  },
  say: ({ is, namespace, settings, led = '' }, { length }) => SAID[is](namespace, is === 'lease' ? led : settings, length),
};
export default check;

/** ms: the clocks of the API server and of a kubelet differ. */
const TOLERANCE = 5_000;
/** ms: a Lease lasts for 45 s, and this machine has another clock. */
const LEADERLESS = 300_000;
const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane';

function allCordoned(all: readonly NodeRow[]): boolean {
  const servers = all.filter(({ labels }) => labels[CONTROL_PLANE] !== undefined);
  return servers.length > 0 && servers.every(({ cordoned }) => cordoned);
}

const SEEN: Record<Is, (settings: string) => string> = {
  missing: () => 'apps/v1 Deployment',
  'not-ready': () => 'status.readyReplicas',
  lease: () => 'spec.renewTime',
  'no-lease': () => 'coordination.k8s.io/v1 Lease',
  cordoned: () => 'spec.unschedulable: true',
  settings: (name) => `ConfigMap ${name}`,
};

const SEVERITY: Partial<Record<Is, Finding['severity']>> = { cordoned: 'warning', settings: 'notice' };

function told(is: Is, namespace: string, own: PlanRow[], controller?: Controller, led?: string): Finding<Args> {
  const { ref, settings = '' } = controller ?? {};
  return finding<Args>({
    ...{ severity: SEVERITY[is] ?? 'blocker', key: [is, namespace] },
    ...{ certainty: is === 'settings' || is === 'lease' ? 'high' : 'certain', args: { is, namespace, settings, led } },
    objects: is === 'missing' || !ref ? own.map((plan) => plan.ref) : [ref],
    evidence: [{ seen: SEEN[is](settings) }],
  });
}

const SAID: Record<Is, (namespace: string, said: string, count: number) => Text> = {
  missing: (namespace, _, count) => ({
    en: `no system-upgrade-controller runs in ${namespace}: ${count} Plan${count === 1 ? ' is' : 's are'} not carried out`,
    zh: `${namespace} 中没有运行 system-upgrade-controller：${count} 个 Plan 不会执行`,
  }),
  'not-ready': (namespace) => ({
    en: `system-upgrade-controller in ${namespace} is not ready: its Plans are not carried out`,
    zh: `${namespace} 中的 system-upgrade-controller 未就绪：其 Plan 不会执行`,
  }),
  lease: (namespace, led) => ({
    en: `Lease ${namespace}/${CONTROLLER} was last renewed at ${led}: no controller carries out the Plans`,
    zh: `Lease ${namespace}/${CONTROLLER} 最后一次续期是在 ${led}：没有控制器在执行 Plan`,
  }),
  'no-lease': (namespace) => ({
    en: `Lease ${namespace}/${CONTROLLER} does not exist: the controller waits to become leader, and its Plans are not carried out`,
    zh: `Lease ${namespace}/${CONTROLLER} 不存在：控制器仍在等待成为 leader，其 Plan 不会执行`,
  }),
  cordoned: (namespace) => ({
    en: `all control-plane Nodes are cordoned: the system-upgrade-controller of ${namespace} cannot start again`,
    zh: `控制平面节点全部处于封锁状态：${namespace} 的 system-upgrade-controller 无法重新启动`,
  }),
  settings: (namespace, settings) => ({
    en: `ConfigMap ${namespace}/${settings} was changed after the controller started: it runs with the former settings`,
    zh: `ConfigMap ${namespace}/${settings} 在控制器启动之后被修改：控制器仍使用之前的设置`,
  }),
};
