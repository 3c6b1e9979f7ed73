// Plans that take down more etcd members at a time than the cluster can lose: the API server stops answering in the middle of the upgrade, and nothing can stop the Plan any more.
// Sources: rancher/system-upgrade-controller v0.20.1 pkg/upgrade/plan (SelectConcurrentNodes); etcd.io/docs, FAQ (failure tolerance).
import type { Check, Finding, Text } from '../../../engine/contracts.ts';
import { ETCD, pendingOf, planName, upgradesK3s } from '../plans.ts';
import { type NodeRow, nodes, type PlanRow, plans } from '../reads.ts';

const reads = { nodes, plans };
interface Args {
  /** The next member is stopped before the last one is back. */
  at: 'once' | 'heels';
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
  title: { en: 'Plans leave etcd its quorum', zh: 'Plan 升级时 etcd 始终保有多数成员' },
  headline: { en: 'Plans stop too many etcd members at once', zh: 'Plan 同时停止的 etcd 成员过多' },
  page: {
    impact: {
      en: 'The controller upgrades up to spec.concurrency Nodes at a time, and restarts K3s on each. When half of the etcd members or fewer are running, the API server stops answering until a majority is back. A Job ends when K3s is stopped for its restart: without spec.postCompleteDelay the next member can be stopped before the last one is back.',
      zh: '控制器同时升级最多 spec.concurrency 个节点，并重启其上的 K3s。运行中的 etcd 成员不超过半数时，API 服务器无法响应，直到恢复多数。Job 在 K3s 重启时即结束：没有 spec.postCompleteDelay 时，控制器可能在上一个成员恢复之前就停止下一个成员。',
    },
    detection: {
      en: 'Counts the Nodes with label node-role.kubernetes.io/etcd that a Plan still has to upgrade, and those that are not Ready. Clusters of one or two members are not judged: every upgrade of theirs interrupts the API server.',
      zh: '统计仍待 Plan 升级、且带有标签 node-role.kubernetes.io/etcd 的节点，以及未就绪的 etcd 节点。只有一个或两个成员的集群不作判断：任何升级都会中断 API 服务器。',
    },
    fix: {
      en: 'manual: set spec.concurrency of the Plan to 1, and spec.postCompleteDelay to 30s or more.',
      zh: '手动：将 Plan 的 spec.concurrency 设为 1，并将 spec.postCompleteDelay 设为 30s 或更长。',
    },
  },
  sources: [
    'rancher/system-upgrade-controller v0.20.1: pkg/upgrade/plan/plan.go',
    'rancher/system-upgrade-controller: issue 256, pull request 335',
    'etcd.io/docs: FAQ, failure tolerance',
  ],
  applies: { stage: 'before' },
  reads,
  judge: (rows) => {
    const members = rows.nodes.filter(({ labels }) => labels[ETCD] !== undefined);
    return members.length < 3
      ? []
      : rows.plans.filter(upgradesK3s).flatMap((plan) => tooMany(plan, members) ?? onItsHeels(plan, members) ?? []);
  },
  say: ({ at, plan, concurrency, members, down, spare }) =>
    at === 'heels'
      ? HEELS(plan, members)
      : {
          en: `Plan ${plan} upgrades ${concurrency} of ${members} etcd members at a time${down ? `, ${down} not Ready` : ''}: the cluster can lose ${spare}`,
          zh: `Plan ${plan} 同时升级 ${members} 个 etcd 成员中的 ${concurrency} 个${down ? `，另有 ${down} 个未就绪` : ''}：集群最多容许 ${spare} 个停止`,
        },
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
    args: { at: 'once', plan: planName(plan), concurrency, members: members.length, down, spare },
    evidence: [{ seen: `spec.concurrency: ${plan.concurrency}`, at: plan.ref }],
  };
}

function onItsHeels(plan: PlanRow, members: readonly NodeRow[]): Finding<Args> | undefined {
  if (plan.postCompleteDelay !== undefined || pendingOf(plan, members).length < 2) return undefined;
  return {
    severity: 'warning',
    key: [planName(plan), 'delay'],
    certainty: 'high',
    objects: [plan.ref],
    args: { at: 'heels', plan: planName(plan), concurrency: plan.concurrency, members: members.length, down: 0, spare: 0 },
    evidence: [{ seen: 'spec.postCompleteDelay', at: plan.ref }],
  };
}
const HEELS = (plan: string, members: number): Text => ({
  en: `Plan ${plan} has no spec.postCompleteDelay: of ${members} etcd members the next is stopped before the last is surely back`,
  zh: `Plan ${plan} 没有 spec.postCompleteDelay：${members} 个 etcd 成员中，上一个尚未确定恢复就会停止下一个`,
});
