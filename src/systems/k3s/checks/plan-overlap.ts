// Nodes that two K3s Plans select: each cordons and upgrades them in its own time, and the one with the older version fails or downgrades. And Nodes that none selects, or that a label excludes,
// while others are upgraded.
// Source: rancher/system-upgrade-controller v0.20.1 pkg/upgrade/plan (each Plan selects for itself), pkg/upgrade/job (anti-affinity by Plan only, unless exclusive).
import type { Check, Finding } from '../../../engine/contracts.ts';
import { compare, parse } from '../../../versions/k3s.ts';
import { selectedBy } from '../ownership.ts';
import { isExcluded, openPlans, planLabel, planName, targetOf, upgradesK3s } from '../plans.ts';
import { type NodeRow, nodes, type PlanRow, plans } from '../reads.ts';

const reads = { nodes, plans };
interface Args {
  plans: string[];
  nodes: number;
  /** Of Nodes that no Plan selects: where the others go. */
  left?: string;
  /** The label that excludes Nodes from this Plan. */
  label?: string;
}

const check: Check<typeof reads, Args> = {
  id: 'k3s/plan-overlap',
  title: { en: 'each Node is selected by one K3s Plan', zh: '每个节点只被一个 K3s Plan 选中' },
  headline: { en: 'Nodes selected by several K3s Plans, or by none', zh: '节点被多个 K3s Plan 选中，或未被选中' },
  page: {
    impact: {
      en: 'Plans know nothing of each other: both upgrade the Node, possibly at the same time. Where their versions differ, one of them refuses its Job, and the Node stays cordoned. A Node that no Plan selects stays on its version while the others are upgraded.',
      zh: 'Plan 之间互不知晓：它们都会升级该节点，甚至同时进行。如果版本不同，其中一个的 Job 会失败，节点仍处于封锁状态。未被任何 Plan 选中的节点在其他节点升级时保持原版本。',
    },
    detection: {
      en: 'Compares spec.nodeSelector of all Plans whose image is k3s-upgrade with the labels of the Nodes. While such a Plan has Nodes left, Nodes of older versions that no Plan selects, or that label plan.upgrade.cattle.io/<Plan>=disabled excludes, are reported too.',
      zh: '将镜像为 k3s-upgrade 的所有 Plan 的 spec.nodeSelector 与节点的标签比较。如有此类 Plan 尚未完成，还会列出版本更旧且未被任何 Plan 选中的节点，以及被标签 plan.upgrade.cattle.io/<Plan>=disabled 排除的节点。',
    },
    fix: {
      en: 'manual: narrow spec.nodeSelector of one Plan, or delete that Plan; widen one for Nodes that none selects. Remove the label that excludes a Node once it may be upgraded.',
      zh: '手动：缩小其中一个 Plan 的 spec.nodeSelector 范围，或删除该 Plan；有节点未被选中时，扩大某个 Plan 的范围。允许升级被排除的节点时，移除其标签。',
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
    return [
      ...[...Map.groupBy(shared, ({ of }) => of.map(planName).join(' ')).values()].map(finding),
      ...leftOut(rows, all),
      ...excluded(rows, all),
    ];
  },
  say: ({ plans: names, nodes: count, left, label }) =>
    label !== undefined
      ? {
          en: `${count} Node${count === 1 ? ' is' : 's are'} excluded from Plan ${names[0]} by label ${label}=disabled, and ${count === 1 ? 'stays' : 'stay'} behind ${left}`,
          zh: `${count} 个节点被标签 ${label}=disabled 从 Plan ${names[0]} 中排除，不会升级到 ${left}`,
        }
      : left === undefined
        ? {
            en: `Plans ${names.join(', ')} select the same ${count === 1 ? 'Node' : `${count} Nodes`}`,
            zh: `Plan ${names.join('、')} 选中了相同的 ${count} 个节点`,
          }
        : {
            en: `${count} Node${count === 1 ? ' is' : 's are'} selected by no K3s Plan, while others are upgraded to ${left}`,
            zh: `${count} 个节点未被任何 K3s Plan 选中，其他节点则升级到 ${left}`,
          },
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

/** They may be meant to come later. */
function leftOut(rows: readonly PlanRow[], all: readonly NodeRow[]): Finding<Args>[] {
  const target = openPlans(rows, all)
    .flatMap(({ plan }) => targetOf(plan) ?? [])
    .toSorted(compare)
    .at(-1);
  if (target === undefined) return [];
  const selected = new Set(rows.filter(upgradesK3s).flatMap((plan) => selectedBy(plan, all)));
  const left = all.filter((node) => !selected.has(node) && isOlder(node, target));
  return left.length
    ? [
        {
          ...{ severity: 'notice', key: ['none'], certainty: 'certain', objects: left.map(({ ref }) => ref) },
          args: { plans: [], nodes: left.length, left: target },
          evidence: left.slice(0, 10).map(({ ref }) => ({ seen: 'metadata.labels', at: ref })),
        },
      ]
    : [];
}

/** Meant so, and easily forgotten: the label stays when the reason for it is gone. */
function excluded(rows: readonly PlanRow[], all: readonly NodeRow[]): Finding<Args>[] {
  return openPlans(rows, all).flatMap(({ plan }) => {
    const target = targetOf(plan);
    const these = selectedBy(plan, all).filter((node) => isExcluded(node, plan) && isOlder(node, target));
    const label = planLabel(plan.ref.name);
    return these.length && target !== undefined
      ? [
          {
            ...{ severity: 'notice', key: ['disabled', planName(plan)], certainty: 'certain', objects: these.map(({ ref }) => ref) },
            args: { plans: [planName(plan)], nodes: these.length, left: target, label },
            evidence: these.slice(0, 10).map(({ ref }) => ({ seen: `${label}: disabled`, at: ref })),
          },
        ]
      : [];
  });
}

const isOlder = ({ kubeletVersion }: NodeRow, target: string | undefined): boolean =>
  target !== undefined && compare(parse(kubeletVersion) ?? target, target) < 0;
