// Nodes that were cordoned before a Plan gets to them: the controller uncordons every Node that its Job succeeds on, no matter who cordoned it.
// Source: rancher/system-upgrade-controller v0.20.1 pkg/upgrade/handle_batch.go, issue 341.
import type { Check, Finding, Text } from '../../../engine/contracts.ts';
import { isExcluded, pendingOf, planName } from '../plans.ts';
import { type NodeRow, nodes, type PlanRow, plans } from '../reads.ts';

const reads = { nodes, plans };
interface Args {
  plan: string;
}

const check: Check<typeof reads, Args> = {
  id: 'k3s/cordoned-before',
  title: { en: 'no Node is cordoned before its Plan starts', zh: 'Plan 开始前没有节点处于封锁状态' },
  headline: { en: 'Plans will uncordon Nodes cordoned before', zh: 'Plan 会取消节点原有的封锁' },
  page: {
    impact: {
      en: 'When its Job has succeeded on a Node, the controller uncordons that Node, even if another user cordoned it for maintenance.',
      zh: 'Job 在节点上成功后，控制器会取消该节点的封锁，即使它是由其他用户为维护而封锁的。',
    },
    detection: {
      en: 'Lists cordoned Nodes that a Plan with cordon or drain still has to upgrade, except the Nodes that it is upgrading now. With a target version, lists all other cordoned Nodes too.',
      zh: '列出处于封锁状态、仍待 Plan（设置了 cordon 或 drain）升级且当前未在升级的节点；计划升级时，还列出其他处于封锁状态的节点。',
    },
    fix: {
      en: 'manual: note these Nodes and cordon them again after the upgrade (upgrade k3s does so with --cordon-again), or exclude them with label plan.upgrade.cattle.io/<Plan>=disabled.',
      zh: '手动：记下这些节点并在升级后重新封锁（upgrade k3s 使用 --cordon-again 时会自动完成），或用标签 plan.upgrade.cattle.io/<Plan>=disabled 将其排除。',
    },
  },
  sources: ['rancher/system-upgrade-controller v0.20.1: pkg/upgrade/handle_batch.go', 'rancher/system-upgrade-controller: issue 341'],
  applies: { stage: 'before' },
  reads,
  judge: (rows, { path }) => {
    const found = rows.plans.flatMap((plan) => {
      if (!plan.cordons) return [];
      const before = pendingOf(plan, rows.nodes).filter(
        ({ cordoned, hostname, ref }) => cordoned && !plan.applying.includes(hostname) && !plan.applying.includes(ref.name),
      );
      return before.length
        ? [
            finding(
              plan,
              before.map(({ ref }) => ref),
            ),
          ]
        : [];
    });
    const named = new Set(found.flatMap(({ objects }) => objects.map(({ name }) => name)));
    const others = path.hops.length ? rows.nodes.filter((node) => isFree(node, rows.plans) && !named.has(node.ref.name)) : [];
    return others.length ? [...found, planned(others.map(({ ref }) => ref))] : found;
  },
  say: ({ plan }, { length }) =>
    plan === ''
      ? SAID_PLANNED(length)
      : {
          en: `Plan ${plan} will uncordon ${length} Node${length === 1 ? '' : 's'} that ${length === 1 ? 'is' : 'are'} cordoned already`,
          zh: `Plan ${plan} 会取消 ${length} 个节点原有的封锁`,
        },
};
export default check;

/** Cordoned, by no Plan that is at work, and not excluded from the Plans of K3s. */
const isFree = (node: NodeRow, plans: readonly PlanRow[]): boolean =>
  node.cordoned &&
  !plans.some((plan) => isExcluded(node, plan) || plan.applying.includes(node.hostname) || plan.applying.includes(node.ref.name));

const planned = (objects: Finding['objects']): Finding<Args> => ({
  severity: 'notice',
  key: ['planned'],
  certainty: 'certain',
  objects,
  args: { plan: '' },
  evidence: [{ seen: 'spec.unschedulable: true', at: objects[0] }],
});
const SAID_PLANNED = (count: number): Text => ({
  en: `an upgrade by Plans will uncordon ${count} Node${count === 1 ? '' : 's'} that ${count === 1 ? 'is' : 'are'} cordoned now`,
  zh: `用 Plan 升级会取消 ${count} 个节点现有的封锁`,
});

const finding = (plan: PlanRow, objects: Finding['objects']): Finding<Args> => ({
  severity: 'warning',
  key: [planName(plan)],
  certainty: 'certain',
  objects,
  args: { plan: planName(plan) },
  evidence: [{ seen: 'spec.unschedulable: true', at: objects[0] }],
});
