// Plans that drain Nodes which cannot be drained: a PodDisruptionBudget refuses, a Pod has no controller or an emptyDir, or the Plan's own fields contradict each other.
// Sources: rancher/system-upgrade-controller v0.20.1 pkg/upgrade/job/job.go, pkg/upgrade/plan (Validate), issues 78, 103; kubernetes staging/src/k8s.io/kubectl/pkg/drain; longhorn issue 5910.
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, PointRead, Ref, Text } from '../../../engine/contracts.ts';
import { isGap, seen } from '../../../engine/gaps.ts';
import { CONFIG_MAPS, controllerIn, DEPLOYMENTS, jobSettings } from '../controller.ts';
import { blockingOn, secondsOf } from '../drains.ts';
import { pendingOf, planName, upgradesK3s } from '../plans.ts';
import { budgets, nodes, type PlanRow, plans, workloads } from '../reads.ts';

const reads = { nodes: { ...nodes, optional: true } as const, plans, workloads, budgets };
type Is = 'conflict' | 'budget' | 'unmanaged' | 'empty-dir' | 'deadline' | 'endless';
interface Args {
  is: Is;
  plan: string;
  /** Budgets, or namespaces of the Pods. */
  names: string[];
  skipWait: boolean;
  /** Seconds. */
  timeout: number;
  deadline: number;
}

const check: Check<typeof reads, Args> = {
  id: 'k3s/plan-drain',
  title: { en: 'Plans can drain their Nodes', zh: 'Plan 能够腾空其节点' },
  headline: { en: 'Plans cannot drain their Nodes', zh: 'Plan 无法腾空其节点' },
  page: {
    impact: {
      en: 'kubectl drain retries a refused eviction until its timeout, or without end: the Node stays cordoned and is not upgraded. spec.drain.skipWaitForDeleteTimeout does not get past a PodDisruptionBudget; it counts only after an eviction was accepted.',
      zh: 'kubectl drain 会反复重试被拒绝的驱逐，直到超时或永远重试：节点处于封锁状态且不会升级。spec.drain.skipWaitForDeleteTimeout 无法绕过 PodDisruptionBudget，它只在驱逐被接受之后才起作用。',
    },
    detection: {
      en: 'For Nodes that a Plan with spec.drain has left, counts the Pods of each PodDisruptionBudget, and looks for Pods without a controller (without drain.force) and with emptyDir (where drain does not delete it). Pods of DaemonSets are ignored. Also compares drain.timeout with the deadline of the Job.',
      zh: '对带 spec.drain 的 Plan 尚未升级的节点，统计各 PodDisruptionBudget 的 Pod，并查找没有控制器的 Pod（未设 drain.force 时）和使用 emptyDir 的 Pod（腾空不删除 emptyDir 时）。忽略 DaemonSet 的 Pod。还会比较 drain.timeout 与 Job 的时限。',
    },
    fix: {
      en: 'manual: add a replica or relax the budget during the upgrade; set drain.force or drain.deleteEmptydirData if the Pods can be deleted; set drain.timeout below the deadline.',
      zh: '手动：在升级期间增加副本或放宽 PodDisruptionBudget；Pod 可以删除时设置 drain.force 或 drain.deleteEmptydirData；将 drain.timeout 设为小于 Job 时限的值。',
    },
    limits: {
      en: 'spec.drain.podSelector is not taken into account. spec.cordon beside spec.drain changes nothing.',
      zh: '不考虑 spec.drain.podSelector。spec.drain 之外再设 spec.cordon 没有作用。',
    },
  },
  sources: [
    'rancher/system-upgrade-controller v0.20.1: pkg/upgrade/job/job.go, pkg/upgrade/plan/plan.go',
    'rancher/system-upgrade-controller: issues 78, 103',
    'kubernetes/kubernetes: staging/src/k8s.io/kubectl/pkg/drain/drain.go',
    'longhorn/longhorn: issue 5910',
  ],
  applies: { stage: 'both' },
  reads,
  pointReads: [DEPLOYMENTS, CONFIG_MAPS] satisfies PointRead[],
  judge: async (rows, { look }) => {
    const found: Finding<Args>[] = [];
    for (const plan of rows.plans.filter(upgradesK3s)) {
      const pending = pendingOf(plan, seen(rows.nodes));
      // Without the Nodes only what the Plan says of itself can be judged.
      if (!plan.drain || (!isGap(rows.nodes) && !pending.length)) continue;
      const names = new Set(pending.map(({ ref }) => ref.name));
      found.push(...ofPods(plan, names, seen(rows.workloads), seen(rows.budgets)));
      if (plan.drain.conflicts) found.push(told(plan, 'conflict'));
      const settings = await jobSettings(await controllerIn(plan.ref.namespace ?? '', look), look);
      const [timeout, deadline] = [secondsOf(plan.drain.timeout), plan.deadline ?? settings.deadline];
      if (timeout && deadline && timeout >= deadline) found.push(told(plan, 'deadline', { timeout, deadline }));
      if (!timeout && !deadline) found.push(told(plan, 'endless'));
    }
    return found;
  },
  say: (args, { length }) => SAID[args.is](args, length),
};
export default check;

function ofPods(plan: PlanRow, nodes: ReadonlySet<string>, all: Parameters<typeof blockingOn>[1], rules: Parameters<typeof blockingOn>[2]) {
  const { force, disablesEviction, deletesEmptyDirs, skipWait } = plan.drain!;
  const here = all.filter(({ node, daemon }) => nodes.has(node) && !daemon);
  const [unmanaged, emptyDirs] = [here.filter(({ controlled }) => !controlled), here.filter(({ emptyDir }) => emptyDir)];
  const blocking = disablesEviction ? [] : blockingOn(nodes, all, rules);
  const namespaces = (pods: typeof here) => [...new Set(pods.map(({ ref }) => ref.namespace ?? ''))].sort();
  const refs = (pods: typeof here) => pods.map(({ ref }) => ref);
  return [
    ...blocking.map(({ budget, pods, ready, kept }) =>
      told(
        plan,
        'budget',
        { names: [`${budget.namespace}/${budget.name}`], skipWait: skipWait > 0 },
        {
          objects: [budget],
          seen: { en: `${pods} Pods, ${ready} ready, ${kept} to be kept`, zh: `${pods} 个 Pod，其中 ${ready} 个就绪，需保留 ${kept} 个` },
        },
      ),
    ),
    ...(!force && unmanaged.length
      ? [told(plan, 'unmanaged', { names: namespaces(unmanaged) }, { objects: refs(unmanaged), seen: 'metadata.ownerReferences: []' })]
      : []),
    ...(!deletesEmptyDirs && emptyDirs.length
      ? [told(plan, 'empty-dir', { names: namespaces(emptyDirs) }, { objects: refs(emptyDirs), seen: 'spec.volumes: emptyDir' })]
      : []),
  ];
}

const SEEN: Record<Is, string> = {
  ...{ conflict: 'spec.drain.deleteLocalData, spec.drain.deleteEmptydirData', budget: '', unmanaged: '', 'empty-dir': '' },
  ...{ deadline: 'spec.drain.timeout', endless: 'spec.jobActiveDeadlineSecs: 0' },
};

function told(plan: PlanRow, is: Is, more: Partial<Args> = {}, at: { objects?: Ref[]; seen?: string | Text } = {}): Finding<Args> {
  const { objects = [plan.ref], seen: field = SEEN[is] } = at;
  return finding<Args>({
    severity: is === 'deadline' || is === 'endless' ? 'warning' : 'blocker',
    key: [planName(plan), is, ...(is === 'budget' ? (more.names ?? []) : [])],
    certainty: is === 'budget' ? 'high' : 'certain',
    objects,
    args: { is, plan: planName(plan), names: [], skipWait: false, timeout: 0, deadline: 0, ...more },
    evidence: [{ seen: field }],
  });
}

const SAID: Record<Is, (args: Args, count: number) => Text> = {
  conflict: ({ plan }) => ({
    en: `Plan ${plan} sets both deleteLocalData and deleteEmptydirData: the controller rejects it`,
    zh: `Plan ${plan} 同时设置了 deleteLocalData 和 deleteEmptydirData：控制器会拒绝它`,
  }),
  budget: ({ plan, names, skipWait }) => ({
    en: `Plan ${plan} cannot drain: PodDisruptionBudget ${names.join(', ')} allows no eviction${skipWait ? ' (skipWaitForDeleteTimeout does not change that)' : ''}`,
    zh: `Plan ${plan} 无法腾空节点：PodDisruptionBudget ${names.join('、')} 不允许驱逐${skipWait ? '（skipWaitForDeleteTimeout 不能改变这一点）' : ''}`,
  }),
  unmanaged: ({ plan, names }, count) => ({
    en: `Plan ${plan} cannot drain: ${count} Pod${count === 1 ? ' has' : 's have'} no controller (${names.join(', ')}), and drain.force is not set`,
    zh: `Plan ${plan} 无法腾空节点：${count} 个 Pod 没有控制器（${names.join('、')}），且未设置 drain.force`,
  }),
  'empty-dir': ({ plan, names }, count) => ({
    en: `Plan ${plan} cannot drain: ${count} Pod${count === 1 ? ' has' : 's have'} an emptyDir (${names.join(', ')}), which the drain must not delete`,
    zh: `Plan ${plan} 无法腾空节点：${count} 个 Pod 使用 emptyDir（${names.join('、')}），而腾空不允许删除它`,
  }),
  deadline: ({ plan, timeout, deadline }) => ({
    en: `Plan ${plan} drains for up to ${timeout} s, but its Job ends after ${deadline} s: the Node stays cordoned`,
    zh: `Plan ${plan} 最多用 ${timeout} 秒腾空节点，但其 Job 在 ${deadline} 秒后结束：节点仍处于封锁状态`,
  }),
  endless: ({ plan }) => ({
    en: `Plan ${plan} drains without drain.timeout and without a deadline: one refused eviction stops it for good`,
    zh: `Plan ${plan} 腾空节点时既没有 drain.timeout 也没有时限：只要有一次驱逐被拒绝就会一直停在那里`,
  }),
};
