// Nodes that two K3s Plans select: each cordons and upgrades them in its own time, and the one with the older version fails or downgrades.
// Source: rancher/system-upgrade-controller v0.20.1 pkg/upgrade/plan (each Plan selects for itself), pkg/upgrade/job (anti-affinity by Plan only, unless exclusive).
import type { Check, Finding } from '../../../engine/contracts.ts';
import { selectedBy } from '../ownership.ts';
import { planName, upgradesK3s } from '../plans.ts';
import { type NodeRow, nodes, type PlanRow, plans } from '../reads.ts';

const reads = { nodes, plans };
interface Args {
  plans: string[];
  nodes: number;
}

const check: Check<typeof reads, Args> = {
  id: 'k3s/plan-overlap',
  title: { en: 'each Node is selected by one K3s Plan', zh: '每个节点只被一个 K3s Plan 选中' },
  headline: { en: 'several K3s Plans select the same Nodes', zh: '多个 K3s Plan 选中了相同的节点' },
  page: {
    impact: {
      en: 'Plans know nothing of each other: both upgrade the Node, also at the same time. Where their versions differ, one of them refuses its Job, and the Node stays cordoned.',
      zh: 'Plan 之间互不知晓：它们都会升级该节点，甚至同时进行。如果版本不同，其中一个的 Job 会失败，节点仍处于封锁状态。',
    },
    detection: {
      en: 'Compares spec.nodeSelector of all Plans whose image is k3s-upgrade with the labels of the Nodes.',
      zh: '将镜像为 k3s-upgrade 的所有 Plan 的 spec.nodeSelector 与节点的标签比较。',
    },
    fix: {
      en: 'manual: narrow spec.nodeSelector of one Plan, or delete that Plan.',
      zh: '手动：缩小其中一个 Plan 的 spec.nodeSelector 范围，或删除该 Plan。',
    },
  },
  sources: ['rancher/system-upgrade-controller v0.20.1: pkg/upgrade/plan/plan.go, pkg/upgrade/job/job.go'],
  applies: { stage: 'both' },
  reads,
  judge: ({ nodes: all, plans: rows }) => {
    const selecting = rows.filter(upgradesK3s).map((plan) => ({ plan, selected: new Set(selectedBy(plan, all)) }));
    const shared = all.flatMap((node) => {
      const of = selecting.filter(({ selected }) => selected.has(node)).map(({ plan }) => plan);
      return of.length > 1 ? [{ node, of }] : [];
    });
    return [...Map.groupBy(shared, ({ of }) => of.map(planName).join(' ')).values()].map(finding);
  },
  say: ({ plans: names, nodes: count }) => ({
    en: `Plans ${names.join(', ')} select the same ${count === 1 ? 'Node' : `${count} Nodes`}`,
    zh: `Plan ${names.join('、')} 选中了相同的 ${count} 个节点`,
  }),
};
export default check;

function finding(same: { node: NodeRow; of: PlanRow[] }[]): Finding<Args> {
  const { of } = same[0]!;
  const names = of.map(planName);
  return {
    severity: 'blocker',
    key: names,
    certainty: 'certain',
    objects: of.map(({ ref }) => ref),
    args: { plans: names, nodes: same.length },
    evidence: same.slice(0, 10).map(({ node }) => ({ seen: `metadata.labels`, at: node.ref })),
  };
}
