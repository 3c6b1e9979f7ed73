// Embedded etcd that must be of a newer patch before the next minor: 3.5 → 3.6 (K3s 1.34) and 3.6 → 3.7 (K3s 1.37). Members of the old patch may lose their membership data, or not start.
// Sources: k3s-io/k3s pull requests 13493, 13494; etcd.io/blog (upgrade from 3.5 to 3.6); etcd-io/website issues 1165, 1168; release pages of K3s (component tables).
import type { Check, Finding, Text } from '../../../engine/contracts.ts';
import { compare, minorOf, parse } from '../../../versions/k3s.ts';
import { etcdSteps } from '../knowledge/tables.ts';
import { ETCD, openPlans, targetOf } from '../plans.ts';
import { type NodeRow, nodes, plans } from '../reads.ts';

const reads = { nodes, plans };
interface Args {
  from: string;
  into: string;
  least: string;
  etcd: string;
}

const check: Check<typeof reads, Args> = {
  id: 'k3s/etcd-upgrade-path',
  title: { en: 'embedded etcd can be upgraded to the etcd of the target version', zh: '内嵌 etcd 可以升级到目标版本的 etcd' },
  headline: { en: 'embedded etcd is too old for the target version', zh: '内嵌 etcd 版本过旧，不能升级到目标版本' },
  page: {
    impact: {
      en: 'K3s 1.34 includes etcd 3.6, which needs 3.5.26 or newer before it; K3s 1.37 includes etcd 3.7, which needs 3.6.11 or newer before it. From an older patch a member may fail to join or lose its membership data.',
      zh: 'K3s 1.34 自带 etcd 3.6，升级前需要 3.5.26 或更新版本；K3s 1.37 自带 etcd 3.7，升级前需要 3.6.11 或更新版本。从更旧的补丁版本升级时，成员可能无法加入或丢失成员数据。',
    },
    detection: {
      en: 'Compares the K3s versions of the Nodes with label node-role.kubernetes.io/etcd with the first release of their minor that includes the needed etcd. SQLite and external datastores are not affected. Stops an upgrade only if a Plan upgrades to the next minor directly: plan and upgrade go through the newest patch first.',
      zh: '读取带有标签 node-role.kubernetes.io/etcd 的节点的 K3s 版本，与同一个次要版本中最早自带所需 etcd 的版本比较。不涉及 SQLite 和外部数据存储。只有集群中的 Plan 跳过这一步、直接升级到下一个次要版本时，才会阻止升级；“upgrade-guard plan”和“upgrade”会先升级到当前次要版本的最新补丁版本。',
    },
    fix: {
      en: 'manual: upgrade all servers to the newest patch release of their minor first.',
      zh: '手动：先将所有 server 升级到各自次要版本的最新补丁版本。',
    },
  },
  sources: ['k3s-io/k3s: pull requests 13493, 13494', 'etcd-io/website: issues 1165, 1168', 'k3s-io/docs: docs/release-notes'],
  applies: { stage: 'before' },
  needs: ['target'],
  reads,
  judge: (rows, { path: { to, hops } }) => {
    const members = rows.nodes.filter(({ labels }) => labels[ETCD] !== undefined);
    if (!members.length) return { notApplicable: NO_ETCD };
    return etcdSteps().steps.flatMap((step) => {
      if (minorOf(to!) < minorOf(step.into)) return [];
      const old = members.filter(({ kubeletVersion }) => isTooOld(parse(kubeletVersion), step));
      if (!old.length) return [];
      // A Plan that goes there at once is what breaks them; the way that is planned leads through a patch that is new enough.
      const straight = openPlans(rows.plans, old).some(({ plan }) => minorOf(targetOf(plan) ?? '') >= minorOf(step.into));
      const led = hops.some((hop) => minorOf(hop) === minorOf(parse(old[0]!.kubeletVersion)!) && !isTooOld(hop, step));
      return [finding(old, step, straight || !led ? 'blocker' : 'warning')];
    });
  },
  say: ({ from, into, least, etcd }, { length }) => ({
    en: `${length} etcd member${length === 1 ? '' : 's'} (${from}) must run ${least} or newer (etcd ${etcd}) before ${into}`,
    zh: `升级到 ${into} 之前，${length} 个 etcd 成员（${from}）须先升级到 ${least} 或更新版本（etcd ${etcd}）`,
  }),
};
export default check;

const NO_ETCD: Text = { en: 'no embedded etcd: no Node has role etcd', zh: '没有内嵌 etcd：没有 etcd 角色的节点' };

type Step = ReturnType<typeof etcdSteps>['steps'][number];
/** Older than the first good release of its minor. Of earlier minors nothing is said: their way leads through one of these. */
function isTooOld(version: string | undefined, { least }: Step): boolean {
  const own = least.find((each) => version !== undefined && minorOf(each) === minorOf(version));
  return own !== undefined && compare(version!, own) < 0;
}

function finding(old: NodeRow[], { into, least, etcd }: Step, severity: 'blocker' | 'warning'): Finding<Args> {
  const from = old.map(({ kubeletVersion }) => parse(kubeletVersion)!).toSorted(compare)[0]!;
  const wanted = least.find((each) => minorOf(each) === minorOf(from))!;
  return {
    severity,
    key: [into],
    certainty: 'high',
    objects: old.map(({ ref }) => ref),
    args: { from, into, least: wanted, etcd },
    evidence: old.slice(0, 10).map(({ ref, kubeletVersion }) => ({ seen: `status.nodeInfo.kubeletVersion: ${kubeletVersion}`, at: ref })),
  };
}
