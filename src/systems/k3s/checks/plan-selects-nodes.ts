// Plans that upgrade nothing and report Complete all the same: no concurrency, no selector, a selector that no Node meets, or Nodes that are all excluded by label.
// Source: rancher/system-upgrade-controller v0.20.1 pkg/upgrade/plan (SelectConcurrentNodes), pkg/apis (no defaults).
import type { Check, Finding, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { selectedBy } from '../ownership.ts';
import { isExcluded, planLabel, planName, upgradesK3s } from '../plans.ts';
import { type NodeRow, nodes, type PlanRow, plans } from '../reads.ts';

const reads = { nodes: { ...nodes, optional: true } as const, plans };
type Is = 'concurrency' | 'selector' | 'master' | 'none' | 'disabled';
interface Args {
  plan: string;
  is: Is;
  /** That excludes Nodes. */
  label?: string;
}

const check: Check<typeof reads, Args> = {
  id: 'k3s/plan-selects-nodes',
  title: { en: 'every Plan selects Nodes', zh: '每个 Plan 都选中了节点' },
  headline: { en: 'Plans select no Nodes', zh: 'Plan 未选中任何节点' },
  page: {
    impact: {
      en: 'The controller sets condition Complete to True at once, and upgrades nothing. A Plan whose prepare step waits for such a Plan waits for Nodes that never change.',
      zh: '控制器会立即将状况 Complete 设为 True，但不会升级任何节点。如果另一个 Plan 的 prepare 步骤等待这样的 Plan，就会一直等待永远不会升级的节点。',
    },
    detection: {
      en: 'Reads spec.concurrency (0 where it is missing) and spec.nodeSelector, and compares the selector with the labels of the Nodes; those with label plan.upgrade.cattle.io/<Plan>=disabled are excluded. Nodes that were installed with K3s 1.34 or newer have no label node-role.kubernetes.io/master.',
      zh: '读取 spec.concurrency（缺失即为 0）和 spec.nodeSelector，并与节点的标签比较；带有标签 plan.upgrade.cattle.io/<Plan>=disabled 的节点会被排除。以 K3s 1.34 或更新版本安装的节点没有标签 node-role.kubernetes.io/master。',
    },
    fix: {
      en: 'manual: set spec.concurrency and spec.nodeSelector of the Plan, or remove the label that excludes its Nodes.',
      zh: '手动：设置 Plan 的 spec.concurrency 和 spec.nodeSelector，或移除排除其节点的标签。',
    },
  },
  sources: [
    'rancher/system-upgrade-controller v0.20.1: pkg/upgrade/plan/plan.go',
    'k3s-io/k3s: issue 11117',
    'vitobotta/hetzner-k3s: issue 756',
  ],
  applies: { stage: 'both' },
  reads,
  judge: (rows) =>
    rows.plans.filter(upgradesK3s).flatMap((plan) => {
      // Without the Nodes only what the Plan says of itself can be judged.
      return finding(plan, isGap(rows.nodes) ? whyNone(plan) : whyNone(plan, selectedBy(plan, rows.nodes))) ?? [];
    }),
  say: ({ plan, is, label = '' }) => {
    const { en, zh } = is === 'disabled' ? ALL_DISABLED(label) : SAID[is];
    return { en: `Plan ${plan} ${en}`, zh: `Plan ${plan} ${zh}` };
  },
};
export default check;

function whyNone(plan: PlanRow, selected?: readonly NodeRow[]): Is | undefined {
  const { concurrency, selector } = plan;
  if (selector === null) return 'selector';
  if (concurrency <= 0) return 'concurrency';
  if (selected?.length && selected.every((node) => isExcluded(node, plan))) return 'disabled';
  if (!selected || selected.length) return undefined;
  return JSON.stringify(selector).includes('"node-role.kubernetes.io/master"') ? 'master' : 'none';
}

const finding = (plan: PlanRow, is: Is | undefined): Finding<Args> | undefined =>
  is && {
    severity: is === 'disabled' ? 'warning' : 'blocker',
    key: [planName(plan), is],
    certainty: 'certain',
    objects: [plan.ref],
    args: { plan: planName(plan), is, ...(is === 'disabled' ? { label: planLabel(plan.ref.name) } : {}) },
    evidence: [
      {
        seen:
          is === 'concurrency'
            ? `spec.concurrency: ${plan.concurrency}`
            : is === 'disabled'
              ? `${planLabel(plan.ref.name)}: disabled`
              : `spec.nodeSelector: ${JSON.stringify(plan.selector).slice(0, 300)}`,
        at: plan.ref,
      },
    ],
  };

const ALL_DISABLED = (label: string): Text => ({
  en: `selects only Nodes that label ${label}=disabled excludes`,
  zh: `只选中了被标签 ${label}=disabled 排除的节点`,
});
const SAID: Record<Exclude<Is, 'disabled'>, Text> = {
  concurrency: { en: 'has no spec.concurrency: 0 Nodes are upgraded at a time', zh: '没有 spec.concurrency：同时升级的节点数为 0' },
  selector: { en: 'has no spec.nodeSelector: it selects no Node', zh: '没有 spec.nodeSelector：不会选中任何节点' },
  master: {
    en: 'selects label node-role.kubernetes.io/master, which no Node has (K3s 1.34 and newer do not set it)',
    zh: '选择标签 node-role.kubernetes.io/master，但没有节点带有该标签（K3s 1.34 起不再设置）',
  },
  none: { en: 'has a spec.nodeSelector that no Node matches', zh: '的 spec.nodeSelector 没有匹配任何节点' },
};
