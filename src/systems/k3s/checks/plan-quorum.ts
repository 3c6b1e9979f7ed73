// Plans that take down more etcd members at a time than the cluster can lose: the API server stops answering in the middle of the upgrade, and nothing can stop the Plan any more.
// Sources: rancher/system-upgrade-controller v0.20.1 pkg/upgrade/plan (SelectConcurrentNodes); etcd.io/docs, FAQ (failure tolerance).
import type { Check, Finding } from '../../../engine/contracts.ts';
import { ETCD, pendingOf, planName, upgradesK3s } from '../plans.ts';
import { type NodeRow, nodes, type PlanRow, plans } from '../reads.ts';

const reads = { nodes, plans };
interface Args {
  plan: string;
  concurrency: number;
  members: number;
  /** Members that are down already. */
  down: number;
  /** How many more the cluster can lose. */
  spare: number;
}

const check: Check<typeof reads, Args> = {
  id: 'k3s/plan-quorum',
  title: { en: 'Plans leave etcd its quorum', zh: 'Plan 升级时 etcd 保持法定成员数' },
  headline: { en: 'Plans stop too many etcd members at once', zh: 'Plan 同时停止的 etcd 成员过多' },
  page: {
    impact: {
      en: 'The controller upgrades up to spec.concurrency Nodes at a time, and restarts K3s on each. Once more than half of the etcd members are down, the API server stops answering until they are back.',
      zh: '控制器同时升级最多 spec.concurrency 个节点，并重启其上的 K3s。超过半数的 etcd 成员停止后，API 服务器在它们恢复之前无法响应。',
    },
    detection: {
      en: 'Counts the Nodes with label node-role.kubernetes.io/etcd that a Plan has still to upgrade, and those that are not Ready. Clusters of one or two members are not judged: every upgrade of theirs interrupts the API server.',
      zh: '统计 Plan 尚未升级的、带有标签 node-role.kubernetes.io/etcd 的节点，以及其中未就绪的节点。只有一个或两个成员的集群不作判断：任何升级都会中断 API 服务器。',
    },
    fix: { en: 'manual: set spec.concurrency of the Plan to 1.', zh: '手动：将 Plan 的 spec.concurrency 设为 1。' },
  },
  sources: ['rancher/system-upgrade-controller v0.20.1: pkg/upgrade/plan/plan.go', 'etcd.io/docs: FAQ, failure tolerance'],
  applies: { stage: 'before' },
  reads,
  judge: (rows) => {
    const members = rows.nodes.filter(({ labels }) => labels[ETCD] !== undefined);
    return members.length < 3 ? [] : rows.plans.filter(upgradesK3s).flatMap((plan) => tooMany(plan, members) ?? []);
  },
  say: ({ plan, concurrency, members, down, spare }) => ({
    en: `Plan ${plan} upgrades ${concurrency} of ${members} etcd members at a time${down ? `, ${down} not Ready` : ''}: the cluster can lose ${spare}`,
    zh: `Plan ${plan} 同时升级 ${members} 个 etcd 成员中的 ${concurrency} 个${down ? `，另有 ${down} 个未就绪` : ''}：集群只能承受失去 ${spare} 个`,
  }),
};
export default check;

function tooMany(plan: PlanRow, members: readonly NodeRow[]): Finding<Args> | undefined {
  const due = pendingOf(plan, members).length;
  const down = members.filter(({ ready }) => !ready).length;
  const spare = Math.max(0, Math.floor((members.length - 1) / 2) - down);
  const concurrency = Math.min(plan.concurrency, due);
  if (concurrency <= spare) return undefined;
  return {
    severity: 'blocker',
    key: [planName(plan)],
    certainty: 'certain',
    objects: [plan.ref],
    args: { plan: planName(plan), concurrency, members: members.length, down, spare },
    evidence: [{ seen: `spec.concurrency: ${plan.concurrency}`, at: plan.ref }],
  };
}
