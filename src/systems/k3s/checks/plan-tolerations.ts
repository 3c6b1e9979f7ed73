// Nodes with a taint that the Jobs of a Plan do not tolerate: their Pods stay Pending, and the Plan waits on them for ever.
// Source: rancher/system-upgrade-controller v0.20.1 pkg/upgrade/job/job.go (tolerations); k3s-io/k3s issue 6514, system-upgrade-controller issue 76.
import type { Check, Finding } from '../../../engine/contracts.ts';
import { pendingOf, planName, untolerated, upgradesK3s } from '../plans.ts';
import { type NodeRow, nodes, type PlanRow, plans } from '../reads.ts';

const reads = { nodes, plans };
interface Args {
  plan: string;
  taint: string;
}

const check: Check<typeof reads, Args> = {
  id: 'k3s/plan-tolerations',
  title: { en: 'Plans tolerate the taints of their Nodes', zh: 'Plan 容忍其节点的污点' },
  headline: { en: 'Plans do not tolerate taints of their Nodes', zh: 'Plan 不容忍其节点的污点' },
  page: {
    impact: {
      en: "The Pod of the Job stays Pending, and the Node is not upgraded. It occupies one of the Plan's concurrency slots, so the other Nodes wait as well.",
      zh: 'Job 的 Pod 一直处于 Pending，节点不会升级。它会占用 Plan 的一个并发名额，其他节点的升级也会因此停止。',
    },
    detection: {
      en: 'Compares spec.tolerations of each Plan with the taints of the Nodes that it still has to upgrade. The Jobs tolerate node.kubernetes.io/unschedulable by themselves.',
      zh: '将每个 Plan 的 spec.tolerations 与其尚未升级的节点的污点比较。Job 自身已容忍 node.kubernetes.io/unschedulable。',
    },
    fix: { en: 'manual: add a toleration to spec.tolerations of the Plan.', zh: '手动：在 Plan 的 spec.tolerations 中添加容忍度。' },
  },
  sources: [
    'rancher/system-upgrade-controller v0.20.1: pkg/upgrade/job/job.go',
    'k3s-io/k3s: issue 6514',
    'rancher/system-upgrade-controller: issue 76',
  ],
  applies: { stage: 'both' },
  reads,
  judge: (rows) =>
    rows.plans.filter(upgradesK3s).flatMap((plan) => {
      const closed = pendingOf(plan, rows.nodes).flatMap((node) => {
        const taint = untolerated(node, plan);
        return taint ? [{ node, taint }] : [];
      });
      return [...Map.groupBy(closed, ({ taint }) => taint)].map(([taint, same]) =>
        finding(
          plan,
          taint,
          same.map(({ node }) => node),
        ),
      );
    }),
  say: ({ plan, taint }, { length }) => ({
    en: `Plan ${plan} does not tolerate taint ${taint} of ${length} Node${length === 1 ? '' : 's'}: ${length === 1 ? 'its Job stays' : 'their Jobs stay'} Pending`,
    zh: `Plan ${plan} 不容忍 ${length} 个节点的污点 ${taint}：其 Job 会一直处于 Pending`,
  }),
};
export default check;

const finding = (plan: PlanRow, taint: string, on: NodeRow[]): Finding<Args> => ({
  severity: 'blocker',
  key: [planName(plan), taint],
  certainty: 'certain',
  objects: on.map(({ ref }) => ref),
  args: { plan: planName(plan), taint },
  evidence: [{ seen: `spec.taints: ${taint}`, at: on[0]!.ref }],
});
