// The minors of etcd that a path crosses: from which patch each may be reached, and that none may be skipped. kubeadm brings etcd with each minor (knowledge/kubeadm.json).
// Floors: knowledge/etcd-floors.json.
import type { Check, Finding, Ref, RowOf, Rows, Text } from '../../../engine/contracts.ts';
import { each, list, mentions, word } from '../../../engine/read/index.ts';
import { minorOf } from '../../../versions/kubernetes.ts';
import { etcdFloors, kubeadm } from '../knowledge/tables.ts';
import { providersMatter } from '../managed.ts';
import { later, nodes, tagOf } from '../reads.ts';

const pod = () => ({
  containers: each('spec.containers', {
    name: word('name', ''),
    image: word('image', ''),
    command: mentions('command', etcdFloors().removedFlags.names),
    args: mentions('args', etcdFloors().removedFlags.names),
  }),
});
const reads = later(() => ({ pods: list('pods', pod(), { labels: 'tier=control-plane' }), nodes }));
type Is = 'skips' | 'below' | 'advised' | 'flags';
interface Args {
  is: Is;
  installed: string;
  reached: string;
  floor: string;
  hop: string;
}

const check: Check<ReturnType<typeof reads>, Args> = {
  id: 'kubernetes/etcd-upgrade-path',
  title: { en: 'etcd can be upgraded to the etcd of the target version', zh: 'etcd 可升级到目标版本所带的版本' },
  headline: { en: 'etcd is too old for the upgrade', zh: 'etcd 版本过低，无法直接升级' },
  page: {
    impact: {
      en: 'etcd supports an upgrade to the next minor only from a minimum patch, and not over a skipped minor. A member upgraded from an older patch can fail to start, or drop out of the cluster; then only a restore helps.',
      zh: 'etcd 只支持从规定的最低补丁版本升级到下一个次要版本，且不能跳过次要版本。从更低版本升级的成员可能启动失败，也可能脱离集群；此时只能恢复备份。',
    },
    detection: {
      en: 'Compares the image of the etcd static Pods with the etcd that kubeadm installs for each minor on the way, and looks for --experimental flags, which etcd 3.7 dropped.',
      zh: '将 etcd 静态 Pod 的镜像与途经的每个次要版本中 kubeadm 所带的 etcd 比较，并查找 etcd 3.7 已移除的 --experimental 参数。',
    },
    fix: {
      en: 'manual: back up etcd, then upgrade it to the named patch, one member after the other, before the upgrade of Kubernetes.',
      zh: '手动：先备份 etcd，再逐个成员升级到所列补丁版本，然后升级 Kubernetes。',
    },
    limits: {
      en: 'External etcd is not visible: run etcdctl endpoint status --cluster. Distributions may ship another etcd than kubeadm.',
      zh: '外部 etcd 不可见：请执行 etcdctl endpoint status --cluster。发行版所带的 etcd 可能与 kubeadm 不同。',
    },
  },
  sources: [
    'kubernetes/kubernetes: cmd/kubeadm/app/constants/constants.go',
    'etcd-io/website: content/en/docs/v3.6/upgrades/upgrade_3_6.md, PR 1165',
  ],
  applies: { stage: 'before' },
  needs: ['target'],
  get reads() {
    return reads();
  },
  judge: ({ pods, nodes }: Rows<ReturnType<typeof reads>>, { path: { from, hops } }) => {
    const theirs = providersMatter(from, nodes);
    if (theirs) return theirs;
    const members = membersIn(pods);
    if (members.length) return [...Map.groupBy(members, ({ version }) => version).values()].flatMap((same) => findings(same, hops));
    const minors = [String(from), ...hops].map((hop) => partsOf(etcdOf(hop) ?? '')[1]);
    return new Set(minors).size > 1 ? { unknown: NOT_SEEN } : [];
  },
  say: (args, { length }) => SAYS[args.is](args, length),
};
export default check;

const NOT_SEEN: Text = {
  en: 'the path crosses a minor of etcd and no etcd static Pod is visible: run etcdctl endpoint status --cluster',
  zh: '升级路径跨越 etcd 的次要版本，但看不到 etcd 静态 Pod：请执行 etcdctl endpoint status --cluster',
};

interface Member {
  ref: Ref;
  version: string;
  flags: string[];
}
const membersIn = (pods: readonly RowOf<ReturnType<typeof pod>>[]): Member[] =>
  pods.flatMap(({ ref, containers }) => {
    const etcd = containers.find(({ name }) => name === 'etcd');
    const version = /^v?(\d+\.\d+\.\d+)/.exec(tagOf(etcd?.image ?? ''))?.[1];
    return etcd && version ? [{ ref, version, flags: [...etcd.command, ...etcd.args] }] : [];
  });

const etcdOf = (version: string): string | undefined => kubeadm().images.find(({ minor }) => minorOf(minor) === minorOf(version))?.etcd;
const minorIn = (version: string): number => partsOf(version)[1] ?? 0;
const partsOf = (version: string): number[] => version.split('.').map((part) => Number.parseInt(part, 10));
const isBelow = (a: string, b: string): boolean => {
  const [left, right] = [partsOf(a), partsOf(b)];
  const at = left.findIndex((part, i) => part !== right[i]);
  return at >= 0 && left[at]! < right[at]!;
};

/** What each hop does to etcd; behind a hop it is as new as that hop brings it. */
function findings(members: Member[], hops: readonly string[]): Finding<Args>[] {
  let installed = members[0]!.version;
  return hops.flatMap((hop) => {
    const reached = etcdOf(hop);
    if (!reached || !isBelow(installed, reached)) return [];
    const found = judged(installed, reached);
    const args = { installed, reached, hop };
    const old =
      minorIn(installed) < etcdFloors().removedFlags.in && minorIn(reached) >= etcdFloors().removedFlags.in
        ? members.filter(({ flags }) => flags.length)
        : [];
    installed = reached;
    return [
      ...(found ? [finding(members, { ...args, ...found })] : []),
      ...(old.length ? [finding(old, { ...args, is: 'flags', floor: [...new Set(old.flatMap(({ flags }) => flags))].join(', ') })] : []),
    ];
  });
}

function judged(installed: string, reached: string): Pick<Args, 'is' | 'floor'> | undefined {
  const [, has = 0] = partsOf(installed);
  const [, gets = 0] = partsOf(reached);
  if (gets === has) return undefined;
  if (gets > has + 1) return { is: 'skips', floor: `3.${has + 1}` };
  const floor = etcdFloors().floors.find(({ into }) => into === gets);
  if (floor && isBelow(installed, floor.least)) return { is: 'below', floor: floor.advised };
  return floor && isBelow(installed, floor.advised) ? { is: 'advised', floor: floor.advised } : undefined;
}

const finding = (members: Member[], args: Args): Finding<Args> => ({
  severity: args.is === 'advised' ? 'warning' : 'blocker',
  key: [args.is, args.installed, args.reached],
  certainty: 'high',
  objects: members.map(({ ref }) => ref),
  args,
  evidence: [{ seen: `etcd ${members[0]!.version}`, at: members[0]!.ref }, { seen: `kubeadm ${args.hop}: etcd ${args.reached}` }],
  hop: args.hop,
});

const membersOf = (length: number): string => `${length} member${length === 1 ? '' : 's'}`;

const SAYS: Record<Is, (args: Args, length: number) => Text> = {
  skips: ({ installed, reached, floor, hop }, length) => ({
    en: `etcd ${installed} (${membersOf(length)}) → ${reached} in ${hop} skips a minor: upgrade etcd to ${floor} first`,
    zh: `etcd ${installed}（${length} 个成员）→ ${reached}（${hop}）跳过了次要版本：请先将 etcd 升级到 ${floor}`,
  }),
  below: ({ installed, reached, floor, hop }, length) => ({
    en: `etcd ${installed} (${membersOf(length)}) → ${reached} in ${hop}: not supported, upgrade etcd to ${floor} first`,
    zh: `etcd ${installed}（${length} 个成员）→ ${reached}（${hop}）：不受支持，请先将 etcd 升级到 ${floor}`,
  }),
  advised: ({ installed, reached, floor, hop }, length) => ({
    en: `etcd ${installed} (${membersOf(length)}) → ${reached} in ${hop}: upgrade etcd to ${floor} first, as etcd advises`,
    zh: `etcd ${installed}（${length} 个成员）→ ${reached}（${hop}）：etcd 建议先升级到 ${floor}`,
  }),
  flags: ({ reached, floor, hop }, length) => ({
    en: `etcd (${membersOf(length)}) has ${floor}: ${reached} in ${hop} does not start with it`,
    zh: `etcd（${length} 个成员）使用了 ${floor}：${hop} 所带的 ${reached} 无法启动`,
  }),
};
