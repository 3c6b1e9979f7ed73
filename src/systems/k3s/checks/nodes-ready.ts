// Nodes that a Plan cannot upgrade as they are: not Ready, so that no Job runs there; a name that is not the hostname, by which the controller deletes its own Jobs; a hostname that two share; Windows.
// Sources: rancher/system-upgrade-controller v0.20.1 pkg/upgrade (status.applying holds hostnames, Jobs name Nodes), issue 273; k3s-upgrade (Linux only); rancher/rancher issues 26013, 40084.
import { finding } from '../../../engine/builders.ts';
import type { Check, Text } from '../../../engine/contracts.ts';
import { isServer, openPlans, planName } from '../plans.ts';
import { type NodeRow, nodes, plans } from '../reads.ts';

const reads = { nodes, plans };
type Is = 'not-ready' | 'server-off' | 'hostname' | 'shared' | 'windows';
interface Args {
  is: Is;
  plan: string;
}

const check: Check<typeof reads, Args> = {
  id: 'k3s/nodes-ready',
  title: { en: 'Nodes of Plans can be upgraded', zh: 'Plan 的节点可以升级' },
  headline: { en: 'Plans have Nodes that they cannot upgrade', zh: 'Plan 有节点无法升级' },
  page: {
    impact: {
      en: "No Job runs on a Node that is not Ready: it occupies one of the concurrency slots, and if it is a server, every agent waits in prepare. If the Node's name differs from its hostname label, the controller deletes its own running Jobs.",
      zh: '未就绪的节点无法运行 Job：它会占用一个并发名额；如果是 server，所有 agent 会一直停在 prepare。节点名称与主机名不一致时，控制器会删除自己正在运行的 Job。',
    },
    detection: {
      en: 'Reads condition Ready, label kubernetes.io/hostname and label kubernetes.io/os of the Nodes that each Plan still has to upgrade, and of all servers for Plans with a prepare step.',
      zh: '读取每个 Plan 尚未升级的节点的 Ready 状况以及标签 kubernetes.io/hostname 和 kubernetes.io/os；对带 prepare 步骤的 Plan，还读取所有 server。',
    },
    fix: {
      en: 'manual: fix or remove the Node, exclude it with label plan.upgrade.cattle.io/<Plan>=disabled, or narrow spec.nodeSelector.',
      zh: '手动：修复或移除该节点，用标签 plan.upgrade.cattle.io/<Plan>=disabled 将其排除，或缩小 spec.nodeSelector 的范围。',
    },
  },
  sources: [
    'rancher/system-upgrade-controller v0.20.1: pkg/upgrade/handle_batch.go, pkg/upgrade/job/job.go',
    'rancher/system-upgrade-controller: issue 273',
    'rancher/rancher: issues 26013, 40084',
  ],
  applies: { stage: 'both' },
  reads,
  judge: (rows) =>
    openPlans(rows.plans, rows.nodes).flatMap(({ plan, pending }) => {
      const hosts = Map.groupBy(rows.nodes, ({ hostname }) => hostname);
      const off = plan.prepareArgs.length ? rows.nodes.filter((node) => isServer(node) && !node.ready && !pending.includes(node)) : [];
      const groups: Record<Is, NodeRow[]> = {
        windows: pending.filter(({ labels }) => labels['kubernetes.io/os'] === 'windows'),
        hostname: pending.filter(({ ref, hostname }) => ref.name !== hostname),
        shared: pending.filter(({ hostname }) => hosts.get(hostname)!.length > 1),
        'not-ready': pending.filter(({ ready }) => !ready),
        'server-off': off,
      };
      return Object.entries(groups).flatMap(([is, these]) =>
        these.length
          ? [
              finding<Args>({
                ...{ severity: is === 'not-ready' ? 'warning' : 'blocker', key: [planName(plan), is] },
                ...{ objects: these.map(({ ref }) => ref), args: { is: is as Is, plan: planName(plan) } },
                evidence: [{ seen: SEEN[is as Is] }],
              }),
            ]
          : [],
      );
    }),
  say: ({ is, plan }, { length }) => SAID[is](plan, length),
};
export default check;

const SEEN: Record<Is, string> = {
  ...{ 'not-ready': 'status.conditions[type=Ready]', 'server-off': 'status.conditions[type=Ready]' },
  ...{ hostname: 'kubernetes.io/hostname', shared: 'kubernetes.io/hostname', windows: 'kubernetes.io/os: windows' },
};
const some = (count: number): string => `${count} Node${count === 1 ? '' : 's'}`;
const SAID: Record<Is, (plan: string, count: number) => Text> = {
  'not-ready': (plan, count) => ({
    en: `Plan ${plan} still has to upgrade ${some(count)} not Ready: no Job runs there, and the Plan waits`,
    zh: `Plan ${plan} 还有 ${count} 个未就绪的节点：无法运行 Job，Plan 会一直等待`,
  }),
  'server-off': (plan, count) => ({
    en: `Plan ${plan} waits in its prepare step for ${count} server${count === 1 ? '' : 's'} not Ready`,
    zh: `Plan ${plan} 的 prepare 步骤会一直等待 ${count} 个未就绪的 server`,
  }),
  hostname: (plan, count) => ({
    en: `Plan ${plan} has ${some(count)} with a name that differs from label kubernetes.io/hostname: the controller deletes ${count === 1 ? 'its Job' : 'their Jobs'}`,
    zh: `Plan ${plan} 有 ${count} 个节点的名称与标签 kubernetes.io/hostname 不一致：控制器会删除其 Job`,
  }),
  shared: (plan, count) => ({
    en: `Plan ${plan} has ${some(count)} that share a hostname with another: the Jobs cannot tell them apart`,
    zh: `Plan ${plan} 有 ${count} 个节点与其他节点主机名相同：Job 无法区分`,
  }),
  windows: (plan, count) => ({
    en: `Plan ${plan} selects ${some(count)} with Windows: the K3s upgrade image is for Linux`,
    zh: `Plan ${plan} 选中了 ${count} 个 Windows 节点：K3s 升级镜像只适用于 Linux`,
  }),
};
