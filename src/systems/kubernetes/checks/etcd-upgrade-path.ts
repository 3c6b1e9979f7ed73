// The minors of etcd that a path crosses: from which patch each may be reached, that none may be skipped, and which flags of a static Pod it does not start with. kubeadm installs etcd with
// each minor (knowledge/kubeadm.json) and writes the flags again, from the ConfigMap that kubeadm-config judges. Floors and flags: knowledge/etcd-floors.json.
import type { Check, Finding, Gap, Judgement, PointReader, Ref, RowOf, Rows, Text } from '../../../engine/contracts.ts';
import { inOurWords, isGap } from '../../../engine/gaps.ts';
import { annotation, each, flagged, list, mentions, rowOf, UNREADABLE, word, yaml } from '../../../engine/read/index.ts';
import { type EtcdRefused, etcdMinor, etcdOf, etcdRefuses, etcdVersion, removedEtcdFlags } from '../etcd-flags.ts';
import { etcdFloors } from '../knowledge/tables.ts';
import { inScript, providersMatter } from '../managed.ts';
import { later, nodes, tagOf } from '../reads.ts';

const pod = () => ({
  kubeadm: annotation('kubeadm.kubernetes.io/etcd.advertise-client-urls'),
  containers: each('spec.containers', {
    name: word('name', ''),
    image: word('image', ''),
    command: flagged('command', removedEtcdFlags()),
    args: flagged('args', removedEtcdFlags()),
    // A script, whose words are not read.
    shell: mentions('command', ['/bin/sh', '/bin/bash']),
  }),
});
const reads = later(() => ({ pods: list('pods', pod(), { labels: 'tier=control-plane' }), nodes: { ...nodes, optional: true } as const }));
const CONFIG: Ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'kube-system', name: 'kubeadm-config' };
const COLUMNS = { config: yaml('data.ClusterConfiguration', { apiVersion: word('apiVersion', '') }) };
type Is = 'skips' | 'below' | 'advised' | 'flags' | 'own';
interface Args {
  is: Is;
  installed: string;
  /** The etcd of kubeadm at that hop; of `own` the installed one. */
  reached: string;
  /** The patch to install first; of flags the flags. */
  floor: string;
  hop: string;
}

const check: Check<ReturnType<typeof reads>, Args> = {
  id: 'kubernetes/etcd-upgrade-path',
  title: { en: 'etcd can be upgraded to the etcd of the target version', zh: 'etcd 可升级到目标版本所带的版本' },
  headline: { en: 'etcd or its flags do not fit the target version', zh: 'etcd 的版本或参数不适合目标版本' },
  page: {
    impact: {
      en: 'etcd supports an upgrade to the next minor only from a minimum patch, and not over a skipped minor. A member upgraded from an older patch can fail to start, or drop out of the cluster; then only a restore helps. etcd 3.6 and 3.7 do not start with flags that they no longer have, such as --enable-v2 or --experimental-*.',
      zh: 'etcd 只支持从规定的最低补丁版本升级到下一个次要版本，且不能跳过次要版本。从更低版本升级的成员可能启动失败，也可能脱离集群；此时只能恢复备份。etcd 3.6 和 3.7 遇到已移除的参数（如 --enable-v2、--experimental-*）时无法启动。',
    },
    detection: {
      en: 'Compares the image of the etcd static Pods with the etcd that kubeadm installs for each minor on the way, and their flags with those that etcd 3.6 and 3.7 removed. Static Pods that kubeadm writes are left out for flags: see kubernetes/kubeadm-config.',
      zh: '将 etcd 静态 Pod 的镜像与途经的每个次要版本中 kubeadm 所带的 etcd 比较，并将其参数与 etcd 3.6 和 3.7 已移除的参数比较。由 kubeadm 生成的静态 Pod 不检查参数：参见 kubernetes/kubeadm-config。',
    },
    fix: {
      en: 'manual: back up etcd, then upgrade it to the named patch, one member after the other, before the upgrade of Kubernetes. Remove or replace the named flags in the static Pod manifest before the new etcd is installed. Before removing --enable-v2, run etcdutl check v2store.',
      zh: '手动：先备份 etcd，再逐个成员升级到所列补丁版本，然后升级 Kubernetes。安装新的 etcd 之前，在静态 Pod 清单中删除或替换所列参数。删除 --enable-v2 前先执行“etcdutl check v2store”。',
    },
    limits: {
      en: 'External etcd is not visible: run etcdctl endpoint status --cluster. Distributions may ship another etcd than kubeadm. Flags in patches (kubeadm --patches) or in a file (--config-file) are not visible.',
      zh: '外部 etcd 不可见：请执行 etcdctl endpoint status --cluster。发行版所带的 etcd 可能与 kubeadm 不同。补丁（kubeadm --patches）和文件（--config-file）中的参数不可见。',
    },
  },
  sources: [
    'kubernetes/kubernetes: cmd/kubeadm/app/constants/constants.go',
    'etcd-io/website: content/en/docs/v3.6/upgrades/upgrade_3_6.md, content/en/docs/v3.7/upgrades/upgrade_3_7.md, PR 1165',
    'go.etcd.io/etcd/server/v3 3.5.24, 3.6.5, 3.6.16, 3.7.0: etcdmain/config.go, embed/config.go',
  ],
  applies: { stage: 'before' },
  needs: ['target'],
  get reads() {
    return reads();
  },
  pointReads: [{ resource: 'configmaps', names: [CONFIG.name], columns: Object.values(COLUMNS) }],
  judge: async ({ pods, nodes }: Rows<ReturnType<typeof reads>>, { path: { from, hops }, look }): Promise<Judgement<Args>> => {
    const theirs = providersMatter(from, isGap(nodes) ? [] : nodes);
    if (theirs) return theirs;
    const members = membersIn(pods);
    const minors = [String(from), ...hops].map((hop) => etcdMinor(etcdOf(hop) ?? ''));
    const crosses = new Set(minors).size > 1;
    if (!members.length) return { findings: [], gaps: crosses ? [NOT_SEEN] : [] };
    const kept = await notOfKubeadm(members, look);
    return {
      findings: [...Map.groupBy(members, ({ version }) => version).values()].flatMap((same) => findings(same, kept, hops)),
      gaps: crosses ? kept.flatMap(({ ref, isScript }): Gap[] => (isScript ? [inScript('etcd', ref)] : [])) : [],
    };
  },
  say: (args, { length }) => SAYS[args.is](args, length),
};
export default check;

/** Of manifests alone it means nothing: a gap that only a cluster has. */
const NOT_SEEN: Gap = {
  ...{ why: 'not-collected', verb: 'list', resource: 'pods', namespace: 'kube-system' },
  ...inOurWords({
    en: 'the path crosses a minor of etcd and no etcd static Pod is visible',
    zh: '升级路径跨越 etcd 的次要版本，但看不到 etcd 静态 Pod',
  }),
  settle: {
    en: 'compare the versions of its members with the page of this check: etcdctl endpoint status --cluster',
    zh: '请将各成员的版本与本检查项的说明页比较：etcdctl endpoint status --cluster',
  },
};

interface Member {
  ref: Ref;
  version: string;
  flags: string[];
  byKubeadm: boolean;
  isScript: boolean;
}
const membersIn = (pods: readonly RowOf<ReturnType<typeof pod>>[]): Member[] =>
  pods.flatMap(({ ref, kubeadm, containers }) => {
    const etcd = containers.find(({ name }) => name === 'etcd');
    const version = etcdVersion(tagOf(etcd?.image ?? ''));
    if (!etcd || !version) return [];
    const flags = [...new Set([...etcd.command, ...etcd.args])];
    return [{ ref, version, flags, byKubeadm: kubeadm !== undefined, isScript: etcd.shell.length > 0 }];
  });

/** Members whose manifest kubeadm does not write again. Where it once did, and its configuration is not seen, the flags that it wrote itself are left out. */
async function notOfKubeadm(members: Member[], look: PointReader): Promise<Member[]> {
  if (!members.some(({ byKubeadm }) => byKubeadm)) return members;
  const found = await look.get(CONFIG);
  const { config } = found && !isGap(found) ? rowOf(COLUMNS)(found) : {};
  const writesAgain = config !== undefined && config !== UNREADABLE;
  const own = new Set(etcdFloors().flags.flatMap(({ name, byKubeadm }) => (byKubeadm ? [name] : [])));
  return members.flatMap((member) => {
    if (!member.byKubeadm) return [member];
    return writesAgain ? [] : [{ ...member, flags: member.flags.filter((name) => !own.has(name)) }];
  });
}

const partsOf = (version: string): number[] => version.split('.').map((part) => Number.parseInt(part, 10));
const isBelow = (a: string, b: string): boolean => {
  const [left, right] = [partsOf(a), partsOf(b)];
  const at = left.findIndex((part, i) => part !== right[i]);
  return at >= 0 && left[at]! < right[at]!;
};

/** What each hop does to etcd; behind a hop it is as new as that hop brings it. */
function findings(members: Member[], kept: readonly Member[], hops: readonly string[]): Finding<Args>[] {
  let installed = members[0]!.version;
  const mine = kept.filter(({ version }) => version === installed);
  // A manifest that has the newer etcd already.
  const own = hops.length ? refusing(mine, etcdMinor(installed)) : undefined;
  return [
    ...(own ? [finding(own.members, { is: 'own', installed, reached: installed, floor: own.flags, hop: hops[0]! }, own.refused)] : []),
    ...hops.flatMap((hop) => {
      const reached = etcdOf(hop);
      if (!reached || !isBelow(installed, reached)) return [];
      const found = judged(installed, reached);
      const gone = refusing(mine, etcdMinor(reached), etcdMinor(installed));
      const args = { installed, reached, hop };
      installed = reached;
      return [
        ...(found ? [finding(members, { ...args, ...found })] : []),
        ...(gone ? [finding(gone.members, { ...args, installed: members[0]!.version, is: 'flags', floor: gone.flags }, gone.refused)] : []),
      ];
    }),
  ];
}

/** Members with flags that are gone in a minor above `above` and up to `upTo`. */
function refusing(members: readonly Member[], upTo: number, above?: number) {
  const having = members.filter(({ flags }) => etcdRefuses(flags, upTo, above).length);
  if (!having.length) return undefined;
  const flags = having.flatMap((member) => member.flags);
  const refused = etcdRefuses(flags, upTo, above);
  return { members: having, refused, flags: refused.map(({ name }) => `--${name}`).join(', ') };
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

/** When a member whose manifest kubeadm does not write gets its next etcd, nothing here says: a warning. */
const GRADE: Record<Is, Finding['severity']> = { skips: 'blocker', below: 'blocker', advised: 'warning', flags: 'warning', own: 'blocker' };

const finding = (members: readonly Member[], args: Args, refused: readonly EtcdRefused[] = []): Finding<Args> => ({
  severity: GRADE[args.is],
  key: [args.is, args.installed, args.reached],
  certainty: args.is === 'own' ? 'certain' : 'high',
  objects: members.map(({ ref }) => ref),
  args,
  evidence: [
    { seen: `etcd ${members[0]!.version}`, at: members[0]!.ref },
    ...(args.is === 'own' ? [] : [{ seen: `kubeadm ${args.hop}: etcd ${args.reached}` }]),
    ...refused.flatMap(({ name, instead }) => (instead ? [{ seen: `--${name} → ${instead}` }] : [])),
  ],
  ...(args.is === 'own' ? {} : { hop: args.hop }),
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
  flags: ({ installed, reached, floor, hop }, length) => ({
    en: `etcd ${installed} (${membersOf(length)}) has ${floor}: etcd ${minorName(reached)} does not start with it; remove it before ${minorName(reached)} is installed (kubeadm ${hop}: ${reached})`,
    zh: `etcd ${installed}（${length} 个成员）使用了 ${floor}：etcd ${minorName(reached)} 无法启动；请在安装 ${minorName(reached)} 之前删除（kubeadm ${hop} 所带为 ${reached}）`,
  }),
  own: ({ installed, floor }, length) => ({
    en: `etcd ${installed} (${membersOf(length)}) has ${floor}: removed in etcd ${minorName(installed)} or earlier, it does not start`,
    zh: `etcd ${installed}（${length} 个成员）使用了 ${floor}：etcd ${minorName(installed)} 已无此参数，无法启动`,
  }),
};

const minorName = (version: string): string => `3.${etcdMinor(version)}`;
