// Nodes that a Plan has labelled as done although their kubelet runs another version: Complete is not proof. The binary was not replaced, or K3s was not restarted.
// Source: rancher/system-upgrade-controller v0.20.1 pkg/upgrade/handle_batch.go (the label follows the Job, not the kubelet), issue 262.
import type { Check, Finding } from '../../../engine/contracts.ts';
import { compare, parse } from '../../../versions/k3s.ts';
import { selectedBy } from '../ownership.ts';
import { planLabel, planName, targetOf, upgradesK3s } from '../plans.ts';
import { type NodeRow, nodes, type PlanRow, plans } from '../reads.ts';

const reads = { nodes, plans };
interface Args {
  plan: string;
  version: string;
  runs: string;
}

const check: Check<typeof reads, Args> = {
  id: 'k3s/node-version',
  title: { en: 'Nodes run the version of their Plan', zh: '节点运行其 Plan 的版本' },
  headline: { en: 'Nodes labelled as upgraded run an older version', zh: '标记为已升级的节点仍运行旧版本' },
  page: {
    impact: {
      en: 'The Plan reports Complete and starts no Job on these Nodes again, although their kubelet still runs another version. A prepare step of a Plan for agents waits for them without end.',
      zh: 'Plan 报告 Complete，不会再在这些节点上启动 Job，但其 kubelet 仍运行其他版本。agent 的 Plan 的 prepare 步骤会一直等待它们。',
    },
    detection: {
      en: 'Compares label plan.upgrade.cattle.io/<Plan> with status.latestHash, and status.latestVersion with the kubelet version. A newer kubelet is not reported.',
      zh: '比较标签 plan.upgrade.cattle.io/<Plan> 与 status.latestHash，以及 status.latestVersion 与 kubelet 版本。kubelet 版本更高时不报告。',
    },
    fix: {
      en: 'manual: restart K3s on the Node. If the binary was not replaced, remove the label, so that the Plan runs its Job again.',
      zh: '手动：在该节点上重启 K3s。如果二进制文件未被替换，则移除该标签，让 Plan 再次运行其 Job。',
    },
  },
  sources: ['rancher/system-upgrade-controller v0.20.1: pkg/upgrade/handle_batch.go', 'rancher/system-upgrade-controller: issue 262'],
  applies: { stage: 'both' },
  reads,
  judge: (rows) =>
    rows.plans.filter(upgradesK3s).flatMap((plan) => {
      const version = targetOf(plan);
      if (version === undefined || parse(plan.latestVersion ?? '') !== version) return [];
      const behind = selectedBy(plan, rows.nodes).filter(
        (node) => isDone(plan, node) && compare(parse(node.kubeletVersion) ?? version, version) < 0,
      );
      return [...Map.groupBy(behind, ({ kubeletVersion }) => kubeletVersion)].map(([runs, same]) => finding(plan, { version, runs }, same));
    }),
  say: ({ plan, version, runs }, { length }) => ({
    en: `${length} Node${length === 1 ? '' : 's'} labelled as upgraded to ${version} by Plan ${plan} run${length === 1 ? 's' : ''} ${runs}`,
    zh: `Plan ${plan} 已将 ${length} 个节点标记为升级到 ${version}，但节点仍运行 ${runs}`,
  }),
};
export default check;

const isDone = ({ ref, latestHash }: PlanRow, { labels }: NodeRow): boolean =>
  latestHash !== undefined && labels[planLabel(ref.name)] === latestHash;

const finding = (plan: PlanRow, { version, runs }: { version: string; runs: string }, on: NodeRow[]): Finding<Args> => ({
  severity: 'blocker',
  key: [planName(plan), runs],
  certainty: 'certain',
  objects: on.map(({ ref }) => ref),
  args: { plan: planName(plan), version, runs },
  evidence: [{ seen: `status.nodeInfo.kubeletVersion: ${runs}`, at: on[0]!.ref }],
});
