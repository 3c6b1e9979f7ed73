// Plans whose version is older than what their Nodes run. The upgrade image of the target refuses that and leaves the Node cordoned; images before the guard really downgrade, and the
// datastore does not survive it. Sources: k3s-io/k3s-upgrade scripts/upgrade.sh at every tag (knowledge/guards.json); k3s-io/k3s issues 14530, 7537.
import type { Check, Finding, Text } from '../../../engine/contracts.ts';
import { compare, parse } from '../../../versions/k3s.ts';
import { isGuarded, refusesDate } from '../guard.ts';
import { isServer, pendingOf, planName, targetOf, upgradesK3s } from '../plans.ts';
import { type NodeRow, nodes, type PlanRow, plans } from '../reads.ts';

const reads = { nodes, plans };
interface Args {
  plan: string;
  from: string;
  to: string;
  /** The image of the target refuses. */
  guarded: boolean;
  server: boolean;
  /** It is newer, and was built in an earlier month. */
  byDate: boolean;
}

const check: Check<typeof reads, Args> = {
  id: 'k3s/plan-downgrade',
  title: { en: 'no Plan is older than its Nodes', zh: 'Plan 的版本不低于其节点的版本' },
  headline: { en: 'Plans would downgrade their Nodes', zh: 'Plan 会使其节点降级' },
  page: {
    impact: {
      en: 'Upgrade images since v1.24.16, v1.25.12, v1.26.7 and v1.27.4 refuse a downgrade: the Job fails, and the Node stays cordoned. Older images have no guard and really downgrade K3s; a server then cannot read its datastore.',
      zh: '自 v1.24.16、v1.25.12、v1.26.7 和 v1.27.4 起，升级镜像会拒绝降级：Job 失败，节点仍处于封锁状态。更早的镜像没有此检查，会真的将 K3s 降级，server 随后无法读取其数据存储。',
    },
    detection: {
      en: 'Compares the version of each Plan with the kubelet versions of the Nodes that it still has to upgrade. A lower number behind +k3s counts too, although the guard ignores it. A newer version that was built in an earlier month is refused as well; the dates of known releases are compared.',
      zh: '将每个 Plan 的版本与其尚未升级的节点的 kubelet 版本比较。+k3s 之后的数字更低也算作降级，尽管镜像的检查会忽略它。版本更新但构建月份更早时镜像同样会拒绝，按已知版本的日期比较。',
    },
    fix: {
      en: 'manual: set spec.version of the Plan to the version that its Nodes run, or a newer one.',
      zh: '手动：将 Plan 的 spec.version 设为其节点正在运行的版本或更新的版本。',
    },
  },
  sources: [
    { en: 'k3s-io/k3s-upgrade: scripts/upgrade.sh at every tag', zh: 'k3s-io/k3s-upgrade: scripts/upgrade.sh（所有 tag）' },
    'docs.k3s.io/upgrades/automated (downgrade prevention)',
    'k3s-io/k3s: issues 7537, 14530',
  ],
  applies: { stage: 'both' },
  reads,
  judge: (rows) => rows.plans.filter(upgradesK3s).flatMap((plan) => finding(plan, pendingOf(plan, rows.nodes)) ?? []),
  say: ({ plan, from, to, guarded, server, byDate }) =>
    byDate
      ? SAID_DATE(plan, from, to)
      : {
          en: `Plan ${plan} takes Nodes from ${from} back to ${to}: ${guarded ? 'the image refuses, and they stay cordoned' : `the image has no guard, and K3s is downgraded${server ? ' under its datastore' : ''}`}`,
          zh: `Plan ${plan} 将节点从 ${from} 降级到 ${to}：${guarded ? '镜像会拒绝，节点仍处于封锁状态' : `镜像没有此检查，会真的将 K3s 降级${server ? '，数据存储可能无法读取' : ''}`}`,
        },
};
export default check;

function finding(plan: PlanRow, pending: NodeRow[]): Finding<Args> | undefined {
  const to = targetOf(plan);
  const late = to === undefined ? undefined : builtLater(to, pending);
  if (late) return dated(plan, to!, late);
  const newer = to === undefined ? [] : pending.filter(({ kubeletVersion }) => compare(parse(kubeletVersion) ?? to, to) > 0);
  if (!to || !newer.length) return undefined;
  const from = newer
    .map(({ kubeletVersion }) => parse(kubeletVersion)!)
    .toSorted(compare)
    .at(-1)!;
  const sameRelease = from.replace(/\+.*/, '') === to.replace(/\+.*/, '');
  const guarded = isGuarded(to) && !sameRelease;
  return {
    severity: 'blocker',
    key: [planName(plan)],
    certainty: 'certain',
    objects: [plan.ref],
    args: { plan: planName(plan), from, to, guarded, server: newer.some(isServer), byDate: false },
    evidence: newer.slice(0, 10).map(({ ref, kubeletVersion }) => ({ seen: `kubeletVersion: ${kubeletVersion}`, at: ref })),
  };
}

/** Nodes of an older version that was built in a later month: the guard refuses the newer one. */
function builtLater(to: string, pending: readonly NodeRow[]): { nodes: NodeRow[]; certain: boolean } | undefined {
  const older = pending.flatMap((node) => {
    const from = parse(node.kubeletVersion);
    if (from === undefined || compare(from, to) >= 0 || !isGuarded(to)) return [];
    const { refuses, certain } = refusesDate(from, to);
    return refuses ? [{ node, certain }] : [];
  });
  return older.length ? { nodes: older.map(({ node }) => node), certain: older.some(({ certain }) => certain) } : undefined;
}

function dated(plan: PlanRow, to: string, { nodes: older, certain }: { nodes: NodeRow[]; certain: boolean }): Finding<Args> {
  const from = parse(older[0]!.kubeletVersion)!;
  return {
    severity: certain ? 'blocker' : 'warning',
    key: [planName(plan), 'built'],
    certainty: certain ? 'high' : 'medium',
    objects: [plan.ref],
    args: { plan: planName(plan), from, to, guarded: true, server: older.some(isServer), byDate: true },
    evidence: older.slice(0, 10).map(({ ref, kubeletVersion }) => ({ seen: `kubeletVersion: ${kubeletVersion}`, at: ref })),
  };
}

const SAID_DATE = (plan: string, from: string, to: string): Text => ({
  en: `Plan ${plan} takes Nodes from ${from} to ${to}, which was built in an earlier month: the image refuses, and they stay cordoned`,
  zh: `Plan ${plan} 将节点从 ${from} 升级到 ${to}，而后者的构建月份更早：镜像会拒绝，节点仍处于封锁状态`,
});
