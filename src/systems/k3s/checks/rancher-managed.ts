// Clusters whose K3s version Rancher manages: Plans of one's own are disabled there or fight with Rancher's, so that the version has to be changed in Rancher.
// Sources: rancher/rancher pkg/controllers/management/k3sbasedupgrade, managementuser/nodesyncer, pkg/capr (marks, and the selector that disables foreign Plans).
import { finding } from '../../../engine/builders.ts';
import type { Check, PointRead, Text } from '../../../engine/contracts.ts';
import { DEPLOYMENTS } from '../controller.ts';
import { isDisabled, isRanchers, rancherAgent, rancherOf } from '../ownership.ts';
import { planName, upgradesK3s } from '../plans.ts';
import { nodes, plans } from '../reads.ts';

const reads = { nodes, plans };
type Is = 'disabled' | 'fights' | 'managed';
interface Args {
  is: Is;
  plan: string;
  mark: string;
}

const check: Check<typeof reads, Args> = {
  id: 'k3s/rancher-managed',
  title: { en: 'Rancher does not manage the K3s version', zh: 'K3s 版本未由 Rancher 管理' },
  headline: { en: 'Rancher manages the version of K3s', zh: 'K3s 的版本由 Rancher 管理' },
  page: {
    impact: {
      en: 'Rancher writes its own Plans and puts label upgrade.cattle.io/disable into the selector of all others: such a Plan selects no Node and never runs. Changes to the Plans of Rancher are reverted.',
      zh: 'Rancher 会创建自己的 Plan，并在其他 Plan 的选择算符中加入标签 upgrade.cattle.io/disable：这样的 Plan 不选中任何节点，永远不会执行。对 Rancher 的 Plan 的修改会被还原。',
    },
    detection: {
      en: 'Looks for labels that Rancher puts on Nodes and Plans, for Plans in cattle-system, and for Deployment cattle-system/cattle-cluster-agent. The agent alone does not show whether version management is on.',
      zh: '查找 Rancher 在节点和 Plan 上写入的标签、cattle-system 中的 Plan，以及 Deployment cattle-system/cattle-cluster-agent。仅凭 agent 无法判断是否启用了版本管理。',
    },
    fix: {
      en: 'manual: change the Kubernetes version of the cluster in Rancher, or switch version management off there (annotation rancher.io/imported-cluster-version-management).',
      zh: '手动：在 Rancher 中修改集群的 Kubernetes 版本，或在其中关闭版本管理（注解 rancher.io/imported-cluster-version-management）。',
    },
    limits: {
      en: 'fix and upgrade change nothing in such a cluster.',
      zh: 'fix 和 upgrade 不会更改这样的集群。',
    },
  },
  sources: ['rancher/rancher: pkg/controllers/management/k3sbasedupgrade, pkg/controllers/managementuser/nodesyncer, pkg/capr'],
  applies: { stage: 'before' },
  reads,
  pointReads: [DEPLOYMENTS] satisfies PointRead[],
  judge: async (rows, { look }) => {
    const rancher = rancherOf(rows.nodes, rows.plans) ?? (await rancherAgent(look));
    if (!rancher) return [];
    const own = rows.plans.filter((plan) => upgradesK3s(plan) && !isRanchers(plan));
    const at = rancher.at!;
    const evidence = [{ seen: rancher.mark, at }];
    if (!own.length)
      return [
        finding<Args>({
          ...{ severity: 'notice', key: ['managed'], certainty: at.kind === 'Deployment' ? 'high' : 'certain' },
          ...{ objects: [at], args: { is: 'managed', plan: '', mark: rancher.mark }, evidence },
        }),
      ];
    return own.map((plan) => {
      const is: Is = isDisabled(plan) ? 'disabled' : 'fights';
      return finding<Args>({
        ...{ severity: 'warning', key: [is, planName(plan)], certainty: is === 'disabled' ? 'certain' : 'high' },
        ...{ objects: [plan.ref], args: { is, plan: planName(plan), mark: rancher.mark }, evidence },
      });
    });
  },
  say: ({ is, plan, mark }) => SAID[is](plan, mark),
};
export default check;

const SAID: Record<Is, (plan: string, mark: string) => Text> = {
  disabled: (plan) => ({
    en: `Plan ${plan} was disabled by Rancher (upgrade.cattle.io/disable in its selector): it never runs`,
    zh: `Plan ${plan} 已被 Rancher 禁用（选择算符中有 upgrade.cattle.io/disable）：不会执行`,
  }),
  fights: (plan, mark) => ({
    en: `Plan ${plan} is in a cluster that Rancher manages (${mark}): Rancher may disable it`,
    zh: `Plan ${plan} 所在的集群由 Rancher 管理（${mark.replace(', ', '，')}）：Rancher 可能会禁用它`,
  }),
  managed: (_, mark) => ({
    en: `Rancher manages this cluster (${mark}): upgrade K3s in Rancher`,
    zh: `该集群由 Rancher 管理（${mark.replace(', ', '，')}）：请在 Rancher 中升级 K3s`,
  }),
};
