// The in-place upgrade of Kubernetes, minor by minor: back up etcd, then the control plane, then the kubelets. A person does it with the tool that installed the cluster; every step says how it is
// seen to be done. Sources: kubernetes/website tasks/administer-cluster/kubeadm/kubeadm-upgrade.md and version-skew-policy.md; kubernetes 143087 for kubeadm's own copy of etcd.
import type { Rule, StageDraft, Text, Upgrading } from '../../engine/contracts.ts';
import { foundBy } from '../../engine/on-the-way.ts';
import { TO_LOG } from '../../engine/rights.ts';
import { oneLine } from '../../text/sanitise.ts';
import { commented, shellWord } from '../../text/shell.ts';
import { UserError } from '../../text/user-error.ts';
import { compare, minor, minorOf, parse } from '../../versions/kubernetes.ts';
import { kubeadm } from './knowledge/tables.ts';
import { tagOf } from './reads.ts';
import { addonStage } from './upgrade-addons.ts';
import { etcdctl, LIMIT, restored } from './upgrade-backup.ts';
import { logsOf, loweredStage, raisedStage } from './upgrade-logs.ts';
import { acceptedToLose, type NodeWay, nodeStage, replacesServers } from './upgrade-nodes.ts';
import { notesStage } from './upgrade-notes.ts';
import { type ClusterParts, partsOf } from './upgrade-parts.ts';
import { eksAddons } from './upgrade-provider.ts';
import { controlPlaneStage } from './upgrade-servers.ts';
import { changesNothing, fixedOf, goalOf, type Hop, inOrder, manual } from './upgrade-steps.ts';

/** What the stages are made of, and what is watched; Nodes are cordoned, drained and uncordoned. */
export const WRITES: Rule[] = [
  ...TO_LOG,
  { verbs: ['get', 'list', 'patch'], group: '', resource: 'nodes' },
  { verbs: ['get', 'list'], group: '', resource: 'pods' },
  { verbs: ['create'], group: '', resource: 'pods/eviction' },
  { verbs: ['get', 'list'], group: 'batch', resource: 'cronjobs' },
  { verbs: ['list'], group: 'velero.io', resource: 'backups' },
  { verbs: ['list'], group: 'k3s.cattle.io', resource: 'etcdsnapshotfiles' },
  { verbs: ['list'], group: 'discovery.k8s.io', resource: 'endpointslices' },
  { verbs: ['get'], group: '', resource: 'configmaps', names: ['kubeadm-config'] },
  { verbs: ['get'], group: 'apps', resource: 'daemonsets', names: ['kube-proxy'] },
  { verbs: ['get'], group: 'apps', resource: 'deployments', names: ['coredns'] },
  { verbs: ['get'], group: 'coordination.k8s.io', resource: 'leases', names: ['kube-controller-manager', 'kube-scheduler'] },
];

export async function stages(at: Upgrading): Promise<StageDraft[]> {
  const { from, to = '' } = at.path;
  const parts = await partsOf(at);
  if (parts.by === 'K3s') throw ofK3s(to);
  if (parts.by === 'EKS' && minorOf(String(from)) === minorOf(to)) throw ofEks(minorOf(to));
  if (at.stopController && (parts.by || parts.kubeadm)) throw keepsController(parts.by ?? 'kubeadm');
  const hops = hopsOf(String(from), to, at.path.hops);
  // The API servers are there already: left are kubelets that are not.
  const there = hops.length === 1 && !parts.by && compare(hops[0]!.version, String(from)) <= 0;
  const logs = await logsOf(at, parts);
  const way: Omit<NodeWay, 'last'> = { mode: at.nodes ?? 'drain', within: at.within ?? DRAINED, logs, lost: acceptedToLose(at) };
  if (there) return [...componentsLeft(hops[0]!, at, parts), ...kubeletsLeft(hops[0]!, parts, { ...way, last: true })];
  const ahead = hops[0] && newerThan(hops[0], parts);
  if (ahead) throw downgrades(ahead, goalOf(hops[0]!, parts.by));
  return hops.flatMap((hop, i) => [
    ...notesStage(hop, at, parts),
    // A provider's etcd is the provider's matter.
    ...(parts.by && parts.by !== 'RKE2' ? [] : [backup(hop, parts)]),
    ...(i === 0 ? raisedStage(hop.hop, logs, true) : []),
    controlPlaneStage(hop, parts, at.stopController === true, foundBy(at, fixedOf(at))),
    ...raisedStage(hop.hop, logs, false),
    ...addonStage(hop, parts),
    ...eksAddons(hop, parts, i === hops.length - 1),
    ...behindServers(hop, parts, { ...way, last: i === hops.length - 1 }),
  ]);
}

/** The Nodes, and logs as they were: of API servers before their machines are replaced. */
function behindServers(hop: Hop, parts: ClusterParts, way: NodeWay): StageDraft[] {
  const nodes = nodeStage(hop, parts, way);
  if (replacesServers(parts, way)) return [...loweredStage(hop.hop, { ...way.logs, kubelets: new Map() }), ...nodes];
  return way.last ? [...nodes, ...loweredStage(hop.hop, way.logs)] : nodes;
}

interface Runs {
  /** An instance, as a sentence names it. */
  what: Text;
  version: string;
}
/** What of the control plane runs a newer version than the first one on the way; of a provider's own patches only the minors can be compared. */
function newerThan({ version }: Hop, { by, instances, servers }: ClusterParts): Runs | undefined {
  const running: Runs[] = [
    ...servers.map((each) => ({ what: { en: `API server ${each.address}`, zh: `API 服务器 ${each.address}` }, version: each.version })),
    ...instances.map(({ component, node, image }) => ({
      what: { en: `${component} on Node ${node}`, zh: `Node ${node} 上的 ${component}` },
      version: tagOf(image),
    })),
  ];
  const isNewer = (each: string) => (by ? minorOf(each) > minorOf(version) : parse(each) !== undefined && compare(each, version) > 0);
  return running.find((each) => isNewer(each.version));
}

const downgrades = ({ what, version }: Runs, to: string): UserError =>
  new UserError(
    {
      en: `upgrading kubernetes: ${what.en} runs ${oneLine(version, 100)}, newer than ${to}: a control plane cannot be downgraded`,
      zh: `升级 kubernetes：${what.zh} 的版本是 ${oneLine(version, 100)}，比 ${to} 新：控制平面不能降级`,
    },
    {
      en: 'finish or revert the upgrade that was begun, so that all components run one minor version: {tool} check kubernetes/control-plane-skew{place}; explain: {tool} explain kubernetes/control-plane-skew',
      zh: '先完成或退回已开始的升级，使所有组件处于同一个次要版本：{tool} check kubernetes/control-plane-skew{place}；说明：{tool} explain kubernetes/control-plane-skew',
    },
  );

/** What an upgrade that was cut behind the API servers has left. Steps of an API server that is there need no change. */
function componentsLeft(hop: Hop, at: Upgrading, parts: ClusterParts): StageDraft[] {
  const images = [...parts.instances.map(({ image }) => image), ...(parts.kubeProxy ? [parts.kubeProxy] : [])];
  const isOlder = (version: string): boolean => parse(version) !== undefined && compare(version, hop.version) < 0;
  if (!images.some((image) => isOlder(tagOf(image)))) return [];
  return [controlPlaneStage(hop, parts, at.stopController === true, foundBy(at, fixedOf(at))), ...addonStage(hop, parts)];
}

/** None where nothing is older. */
function kubeletsLeft(hop: Hop, parts: ClusterParts, way: NodeWay): StageDraft[] {
  const isOlder = (kubelet: string): boolean => parse(kubelet) !== undefined && compare(kubelet, hop.version) < 0;
  return parts.members.some(({ kubelet }) => isOlder(kubelet)) ? nodeStage(hop, parts, way) : [];
}

/** Seconds for the Pods of a Node to go. */
const DRAINED = 900;

function keepsController(by: string): UserError {
  return new UserError(
    {
      en: `upgrading kubernetes: kube-controller-manager cannot be stopped meanwhile: ${by} upgrades it with the API server`,
      zh: `升级 kubernetes：升级期间无法停止 kube-controller-manager，因为 ${by} 会将它与 API 服务器一起升级`,
    },
    { en: 'without: {retry:stop-controller-manager}', zh: '去掉后执行：{retry:stop-controller-manager}' },
  );
}

/** A minor is taken at its newest known patch; the version that was asked for, as it is. Within one minor there is one hop: the target. */
function hopsOf(from: string, to: string, minors: readonly string[]): Hop[] {
  const hops = minors.length ? minors : compare(from, to) < 0 ? [to] : [];
  return hops.map((hop, i): Hop => {
    const asked = i === hops.length - 1 ? to : hop;
    const version = /^v/.test(asked) ? asked : newestOf(asked);
    return { hop, version, first: i === 0, before: i === 0 ? from : newestOf(hops[i - 1]!), patches: patchesFrom(version) };
  });
}

function newestOf(hop: string): string {
  const known = kubeadm().images.find((row) => row.minor === minor(minorOf(hop)));
  return `v${known?.kubeadm ?? `${minor(minorOf(hop))}.0`}`;
}

/** Patches newer than the one that is known when this is written. */
const NEWER = 24;

/** That version, and the patches that may come out behind it: newer is as good. Of a pre-release, itself alone. */
function patchesFrom(version: string): string[] {
  const [, head, patch] = /^(v1\.\d+\.)(\d+)$/.exec(version) ?? [];
  return head ? Array.from({ length: NEWER + 1 }, (_, i) => `${head}${Number(patch) + i}`) : [version];
}

function ofK3s(to: string): UserError {
  return new UserError(
    {
      en: 'upgrading kubernetes: this is K3s, which replaces the whole node binary',
      zh: '升级 kubernetes：该集群是 K3s，升级的是节点上的整个 k3s 二进制文件',
    },
    {
      en: `plan it as K3s: {tool} plan k3s --to ${newestOf(to)}+k3s1{place}`,
      zh: `按 K3s 规划：{tool} plan k3s --to ${newestOf(to)}+k3s1{place}`,
    },
  );
}

function ofEks(installed: number): UserError {
  const next = minor(installed + 1);
  return new UserError(
    {
      en: 'upgrading kubernetes: EKS patches its control plane itself, and node groups with aws eks update-nodegroup-version',
      zh: '升级 kubernetes：EKS 自行更新控制平面的补丁版本；节点组请用 aws eks update-nodegroup-version 更新',
    },
    {
      en: `to the next minor: {tool} plan kubernetes --to ${next}{place}`,
      zh: `升级到下一个次要版本：{tool} plan kubernetes --to ${next}{place}`,
    },
  );
}

/** Where nothing in the cluster shows a backup of etcd, a person confirms it. That it can be restored nothing shows: it is rehearsed once. */
function backup({ hop, version, before, first }: Hop, { by: distribution, etcd: [etcd], backup: seen }: ClusterParts): StageDraft {
  const file = `before-${version}.db`;
  const save = etcd
    ? [
        etcdctl(shellWord(etcd.pod), `snapshot save /var/lib/etcd/${file}`),
        `ssh ${shellWord(etcd.node)} sudo cat /var/lib/etcd/${file} > ${file}`,
      ]
    : [
        commented('export ETCDCTL_ENDPOINTS= ETCDCTL_CACERT= ETCDCTL_CERT= ETCDCTL_KEY=', {
          en: 'set them as kube-apiserver has them: --etcd-servers (one of them), --etcd-cafile, --etcd-certfile, --etcd-keyfile',
          zh: '请按 kube-apiserver 的参数设置：--etcd-servers（其中一个）、--etcd-cafile、--etcd-certfile、--etcd-keyfile',
        }),
        `etcdctl snapshot save ${file}`,
      ];
  const minutes = LIMIT / 60;
  const by = seen
    ? { en: ` (seen by ${seen.by}, not older than ${minutes} minutes)`, zh: `（以 ${seen.by} 的记录为准，须在最近 ${minutes} 分钟内）` }
    : { en: '', zh: '' };
  const own = distribution
    ? { en: '', zh: '' }
    : {
        en: "; kubeadm's own copy of etcd is not a backup (kubernetes#143087)",
        zh: '；kubeadm 自己保存的 etcd 副本不是备份（kubernetes#143087）',
      };
  const saved = changesNothing(
    manual(
      {
        en: `back up etcd${by.en}: restoring it is a way back from ${version} to ${before} in any case, but loses later writes${own.en}`,
        zh: `备份 etcd${by.zh}：在任何情况下都能用它从 ${version} 回退到 ${before}，但会丢失之后的写入${own.zh}`,
      },
      seen ? [seen.command(version)] : [...save, `etcdutl snapshot status ${file} -w table`],
      seen && [seen.seen],
    ),
  );
  const rehearsed = changesNothing(
    manual(
      {
        en: 'restore the backup once on another machine, as a rehearsal: what cannot be restored is not a backup',
        zh: '在另一台机器上试恢复一次该备份：无法恢复的备份不能算备份',
      },
      seen ? seen.restore() : restored(file),
    ),
  );
  // Before the repairs: they write, too.
  return {
    hop,
    first: true,
    title: { en: `Back up etcd before ${version}`, zh: `升级到 ${version} 之前备份 etcd` },
    steps: inOrder(first ? [saved, rehearsed] : [saved]),
  };
}
