// Plans that skip a minor version, or take agents beyond their servers. The controller checks neither.
// Sources: kubernetes.io/releases/version-skew-policy; docs.k3s.io/upgrades/automated; rancher/rke2 issue 6657 (a channel that moved two minors), k3s-io/k3s issue 2996.
import type { Check, Finding, Text } from '../../../engine/contracts.ts';
import { compare, minorOf, parse } from '../../../versions/k3s.ts';
import { isServer, pendingOf, planName, targetOf, upgradesK3s } from '../plans.ts';
import { type NodeRow, nodes, type PlanRow, plans } from '../reads.ts';

const reads = { nodes, plans };
type Is = 'skips' | 'ahead';
interface Args {
  plan: string;
  is: Is;
  to: string;
  from: string;
}

const check: Check<typeof reads, Args> = {
  id: 'k3s/plan-skew',
  title: { en: 'Plans go one minor version at a time', zh: 'Plan 每次只升级一个次要版本' },
  headline: { en: 'Plans break the version skew policy', zh: 'Plan 违反版本偏差策略' },
  page: {
    impact: {
      en: 'Servers must not skip a minor version: removed API versions and the datastore are migrated one minor at a time. An agent newer than its servers is not supported and may crash.',
      zh: 'server 不能跳过次要版本：API 的移除和数据存储的迁移都按次要版本逐个进行。agent 的版本高于 server 时不受支持，可能崩溃。',
    },
    detection: {
      en: 'Compares the version of each Plan with the kubelet versions of the Nodes that it still has to upgrade; for agents, with the servers as they will be when all Plans are complete.',
      zh: '将每个 Plan 的版本与其尚未升级的节点的 kubelet 版本比较；对 agent，则与所有 Plan 完成后的 server 版本比较。',
    },
    fix: {
      en: 'manual: set spec.version of the Plan to a release of the next minor version.',
      zh: '手动：将 Plan 的 spec.version 设为下一个次要版本的某个补丁版本。',
    },
  },
  sources: [
    'kubernetes.io/releases/version-skew-policy',
    'docs.k3s.io/upgrades/automated',
    'rancher/rke2: issue 6657',
    'k3s-io/k3s: issue 2996',
  ],
  applies: { stage: 'before' },
  reads,
  judge: (rows) => {
    const k3s = rows.plans.filter(upgradesK3s);
    const last = lowestServer(rows.nodes, k3s);
    return k3s.flatMap((plan) => finding(plan, pendingOf(plan, rows.nodes), last) ?? []);
  },
  say: ({ plan, is, to, from }) => SAID[is](plan, to, from),
};
export default check;

/** The oldest server version once every Plan is through. */
function lowestServer(all: readonly NodeRow[], k3s: readonly PlanRow[]): string | undefined {
  const later = all.filter(isServer).flatMap((node) => {
    const targets = k3s.filter((plan) => pendingOf(plan, [node]).length).flatMap((plan) => targetOf(plan) ?? []);
    const now = parse(node.kubeletVersion);
    return now === undefined ? [] : [now, ...targets].toSorted(compare).slice(-1);
  });
  return later.toSorted(compare)[0];
}

function finding(plan: PlanRow, pending: NodeRow[], servers: string | undefined): Finding<Args> | undefined {
  const to = targetOf(plan);
  const versions = pending.flatMap(({ kubeletVersion }) => parse(kubeletVersion) ?? []).toSorted(compare);
  const from = versions[0];
  if (!to || !from) return undefined;
  const told = (is: Is, than: string): Finding<Args> => ({
    severity: 'blocker',
    key: [planName(plan), is],
    certainty: 'certain',
    objects: [plan.ref],
    args: { plan: planName(plan), is, to, from: than },
    evidence: [
      { seen: `spec.version: ${to}`, at: plan.ref },
      { seen: `kubeletVersion: ${from}`, at: pending.find(({ kubeletVersion }) => parse(kubeletVersion) === from)!.ref },
    ],
  });
  if (pending.some(isServer)) return minorOf(to) - minorOf(from) > 1 ? told('skips', from) : undefined;
  return servers !== undefined && compare(to, servers) > 0 ? told('ahead', servers) : undefined;
}

const SAID: Record<Is, (plan: string, to: string, from: string) => Text> = {
  skips: (plan, to, from) => ({
    en: `Plan ${plan} takes servers from ${from} to ${to}, which skips a minor version`,
    zh: `Plan ${plan} 将 server 从 ${from} 升级到 ${to}，跳过了次要版本`,
  }),
  ahead: (plan, to, from) => ({
    en: `Plan ${plan} takes agents to ${to}, and a server stays on ${from}`,
    zh: `Plan ${plan} 将 agent 升级到 ${to}，但仍有 server 运行 ${from}`,
  }),
};
