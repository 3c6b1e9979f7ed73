// Plans that upgrade nothing and report Complete all the same: no concurrency, no selector, or a selector that no Node meets.
// Source: rancher/system-upgrade-controller v0.20.1 pkg/upgrade/plan (SelectConcurrentNodes), pkg/apis (no defaults).
import type { Check, Finding, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { selectedBy } from '../ownership.ts';
import { planName, upgradesK3s } from '../plans.ts';
import { nodes, type PlanRow, plans } from '../reads.ts';

const reads = { nodes: { ...nodes, optional: true } as const, plans };
type Is = 'concurrency' | 'selector' | 'master' | 'none';
interface Args {
  plan: string;
  is: Is;
}

const check: Check<typeof reads, Args> = {
  id: 'k3s/plan-selects-nodes',
  title: { en: 'every Plan selects Nodes', zh: '每个 Plan 都选中了节点' },
  headline: { en: 'Plans select no Nodes', zh: 'Plan 未选中任何节点' },
  page: {
    impact: {
      en: 'The controller sets condition Complete to True at once, and upgrades nothing. A Plan whose prepare step waits for such a Plan waits for Nodes that never change.',
      zh: '控制器会立即将状况 Complete 设为 True，但不会升级任何节点。如果另一个 Plan 的 prepare 步骤等待这样的 Plan，则会一直等待不会变化的节点。',
    },
    detection: {
      en: 'Reads spec.concurrency (0 where it is missing) and spec.nodeSelector, and compares the selector with the labels of the Nodes. Nodes that were installed with K3s 1.34 or newer have no label node-role.kubernetes.io/master.',
      zh: '读取 spec.concurrency（缺失即为 0）和 spec.nodeSelector，并与节点的标签比较。以 K3s 1.34 或更新版本安装的节点没有标签 node-role.kubernetes.io/master。',
    },
    fix: {
      en: 'manual: set spec.concurrency and spec.nodeSelector of the Plan.',
      zh: '手动：设置 Plan 的 spec.concurrency 和 spec.nodeSelector。',
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
      const selected = isGap(rows.nodes) ? 1 : selectedBy(plan, rows.nodes).length;
      return finding(plan, whyNone(plan, selected)) ?? [];
    }),
  say: ({ plan, is }) => ({ en: `Plan ${plan} ${SAID[is].en}`, zh: `Plan ${plan} ${SAID[is].zh}` }),
};
export default check;

function whyNone({ concurrency, selector }: PlanRow, selected: number): Is | undefined {
  if (selector === null) return 'selector';
  if (concurrency <= 0) return 'concurrency';
  if (selected) return undefined;
  return JSON.stringify(selector).includes('"node-role.kubernetes.io/master"') ? 'master' : 'none';
}

const finding = (plan: PlanRow, is: Is | undefined): Finding<Args> | undefined =>
  is && {
    severity: 'blocker',
    key: [planName(plan), is],
    certainty: 'certain',
    objects: [plan.ref],
    args: { plan: planName(plan), is },
    evidence: [
      {
        seen:
          is === 'concurrency'
            ? `spec.concurrency: ${plan.concurrency}`
            : `spec.nodeSelector: ${JSON.stringify(plan.selector).slice(0, 300)}`,
        at: plan.ref,
      },
    ],
  };

const SAID: Record<Is, Text> = {
  concurrency: { en: 'has no spec.concurrency: 0 Nodes are upgraded at a time', zh: '没有 spec.concurrency：同时升级的节点数为 0' },
  selector: { en: 'has no spec.nodeSelector: it selects no Node', zh: '没有 spec.nodeSelector：不会选中任何节点' },
  master: {
    en: 'selects label node-role.kubernetes.io/master, which no Node has (K3s 1.34 and newer do not set it)',
    zh: '选择标签 node-role.kubernetes.io/master，但没有节点带有该标签（K3s 1.34 起不再设置）',
  },
  none: { en: 'has a spec.nodeSelector that no Node matches', zh: '的 spec.nodeSelector 没有匹配任何节点' },
};
