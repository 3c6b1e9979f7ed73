// What the stages of an upgrade are made of: the static Pods of the control plane, the Nodes with their kubelets, and whose cluster it is.
import type { ListRead, RowOf, Text, Upgrading } from '../../engine/contracts.ts';
import { isGap, unread } from '../../engine/gaps.ts';
import { each, flag, keys, type Line, label, list, rowOf, UNREADABLE, word, yaml } from '../../engine/read/index.ts';
import { isRaw } from '../../kube/json.ts';
import { pointerGet } from '../../kube/pointer.ts';
import { oneLine } from '../../text/sanitise.ts';
import { UserError } from '../../text/user-error.ts';
import { distributionOf } from '../../versions/kubernetes.ts';
import { LINES } from './coredns.ts';
import { managedBy } from './managed.ts';
import { namesOf, type ProviderNames } from './provider-names.ts';
import { controlPlaneOf, staticPods } from './reads.ts';
import { BACKUP_READS, type Backup, backedUp } from './upgrade-backup.ts';

const MEMBER = {
  kubelet: word('status.nodeInfo.kubeletVersion', ''),
  os: word('status.nodeInfo.osImage', ''),
  /** Empty: not known. */
  machine: word('status.nodeInfo.architecture', ''),
  cordoned: flag('spec.unschedulable'),
  aks: label('kubernetes.azure.com/cluster'),
  // The names of pools, by each provider's own label.
  aksPool: label('kubernetes.azure.com/agentpool'),
  // Of Nodes older than AKS 1.21, and still beside it.
  olderAksPool: label('agentpool'),
  gkePool: label('cloud.google.com/gke-nodepool'),
  nodegroup: label('eks.amazonaws.com/nodegroup'),
  eksctl: label('alpha.eksctl.io/cluster-name'),
  region: label('topology.kubernetes.io/region'),
  // The control plane, whatever runs it there; RKE2 runs its servers on them.
  server: label('node-role.kubernetes.io/control-plane'),
  etcd: label('node-role.kubernetes.io/etcd'),
};
export type Member = RowOf<typeof MEMBER>;
/** It becomes a part of a URL in commands, and a kubelet may say anything. */
const plainMachine = (member: Member): Member => (/^[a-z0-9]{1,20}$/.test(member.machine) ? member : { ...member, machine: '' });
export type Component = 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler';

/** A container of the control plane in its static Pod. */
export interface Instance {
  component: Component;
  pod: string;
  namespace: string;
  node: string;
  image: string;
}
export interface ClusterParts {
  /** A provider or distribution that upgrades the control plane as one; undefined: upstream's components. */
  by?: string;
  /** What the provider calls it. */
  names: ProviderNames;
  kubeadm: boolean;
  /** What its ClusterConfiguration says; undefined: it could not be understood, or is not there. */
  joining?: { endpoint: boolean; externalEtcd: boolean };
  instances: Instance[];
  /** Members of etcd in static Pods. */
  etcd: { pod: string; node: string }[];
  members: Member[];
  /** Image of kube-proxy, where a DaemonSet runs it. */
  kubeProxy?: string;
  /** Image of CoreDNS, where Deployment coredns runs it. */
  coreDns?: string;
  /** Of its Corefile, where kubeadm upgrades it. */
  corefile?: Line[];
  /** The control plane's Leases that are there. */
  leases: string[];
  /** Who held them when the plan was made: the process, not only its Node. */
  holders: Record<string, string>;
  /** Each API server can be asked by its own address. */
  each: boolean;
  /** Those that answered so. */
  servers: { address: string; version: string }[];
  /** How a backup of etcd is seen, and made; undefined: nothing in the cluster shows one. */
  backup?: Backup;
}

/** For a snapshot. */
export const PARTS_READ = () => ({
  reads: { members: list('nodes', MEMBER), ...staticPods(), ...BACKUP_READS },
  pointReads: [
    { resource: 'daemonsets.apps', names: ['kube-proxy'], columns: [IMAGES] },
    { resource: 'deployments.apps', names: ['coredns'], columns: [IMAGES] },
    {
      resource: 'leases.coordination.k8s.io',
      names: ['kube-controller-manager', 'kube-scheduler'],
      columns: [word('spec.holderIdentity', '')],
    },
    { resource: 'configmaps', names: ['kubeadm-config'], columns: Object.values(CONFIG) },
    { resource: 'configmaps', names: ['coredns'], columns: Object.values(LINES) },
  ],
});
const CONFIG = {
  cluster: yaml('data.ClusterConfiguration', { endpoint: word('controlPlaneEndpoint', ''), external: keys('etcd.external') }),
};
const IMAGES = each('spec.template.spec.containers', { name: word('name', ''), image: word('image', '') });

/** No API server has such a Node, but a snapshot that someone else made may: quoted, it would still be a flag of the commands that name it. */
const isFlag = (name: string): boolean => name.startsWith('-');
const notName = (name: string): UserError =>
  new UserError(
    {
      en: `planning kubernetes: ${oneLine(name, 80)} is not a name of a Node`,
      zh: `规划 kubernetes：${oneLine(name, 80)} 不是有效的节点名称`,
    },
    { en: 'take a new snapshot: {tool} snapshot FILE{reach}', zh: '请重新生成快照：{tool} snapshot FILE{reach}' },
  );

/** Throws UserError where something of it cannot be read: a plan that takes it for missing would be a wrong one. */
export async function partsOf({ path, source, context = '' }: Pick<Upgrading, 'path' | 'source' | 'context'>): Promise<ClusterParts> {
  const rowsOf = async <Row>(read: ListRead<Row>): Promise<Row[]> => {
    const rows: Row[] = [];
    const { resource, labels, fields } = read;
    const gap = await source.list(
      { resource, labels, fields },
      {
        object: (object) => {
          const row = read.keep(object);
          if (row) rows.push(row);
        },
        restart: () => rows.splice(0),
      },
    );
    if (gap) throw unread('kubernetes', gap);
    return rows;
  };
  const there = async (apiVersion: string, kind: string, name: string, so?: Text) => {
    const found = await source.get({ apiVersion, kind, namespace: 'kube-system', name });
    if (isGap(found)) throw unread('kubernetes', found, so);
    return found;
  };
  const reads = staticPods();
  const pods = { pods: await rowsOf(reads.pods), kops: await rowsOf(reads.kops) };
  const members = (await rowsOf(list('nodes', MEMBER))).map(plainMachine).toSorted((a, b) => a.ref.name.localeCompare(b.ref.name));
  const odd = members.find(({ ref }) => isFlag(ref.name));
  if (odd) throw notName(odd.ref.name);
  const proxy = await there('apps/v1', 'DaemonSet', 'kube-proxy');
  const dns = await there('apps/v1', 'Deployment', 'coredns');
  const leases: string[] = [];
  const holders: Record<string, string> = {};
  for (const name of ['kube-controller-manager', 'kube-scheduler']) {
    const lease = await there('coordination.k8s.io/v1', 'Lease', name);
    if (!lease) continue;
    leases.push(name);
    const holder = pointerGet(lease, '/spec/holderIdentity');
    if (typeof holder === 'string' && holder) holders[name] = holder;
  }
  const instances = controlPlaneOf(pods)
    .map(({ component, ref, node, image }) => ({ component, pod: ref.name, namespace: ref.namespace ?? '', node, image }))
    .toSorted((a, b) => a.node.localeCompare(b.node));
  const etcd = pods.pods
    .filter(({ containers }) => containers.some(({ name }) => name === 'etcd'))
    .map(({ ref, node }) => ({ pod: ref.name, node }))
    .toSorted((a, b) => a.node.localeCompare(b.node));
  const by = managedBy(path.from, members) ?? (isGap(path.from) ? undefined : distributionOf(path.from));
  // Of a provider's cluster it changes nothing.
  const config = by ? undefined : await there('v1', 'ConfigMap', 'kubeadm-config', UNKNOWN_TOOL);
  const corefile = config && (await there('v1', 'ConfigMap', 'coredns'));
  const said = config && rowOf(CONFIG)(config).cluster;
  return {
    by,
    names: namesOf(by, context, members),
    kubeadm: config !== undefined,
    ...(said && said !== UNREADABLE ? { joining: { endpoint: said.endpoint !== '', externalEtcd: said.external.length > 0 } } : {}),
    ...{ instances, members, etcd, leases, holders, ...(await askedEach(source)) },
    ...(await backedUp(source, by)),
    ...(proxy ? { kubeProxy: imageIn(proxy, 'kube-proxy') } : {}),
    ...(dns ? { coreDns: imageIn(dns, 'coredns') } : {}),
    ...(corefile ? { corefile: rowOf(LINES)(corefile).lines ?? [] } : {}),
  };
}

const UNKNOWN_TOOL: Text = {
  en: 'whether kubeadm upgrades this control plane is unknown',
  zh: '无法得知该控制平面是否由 kubeadm 升级',
};

/** Their addresses are often not those that lead there from outside. */
async function askedEach(source: Upgrading['source']): Promise<Pick<ClusterParts, 'each' | 'servers'>> {
  const found = new Map<string, string>();
  const line = (text: string, address: string): boolean => {
    const version = /"gitVersion":\s*"([^"]{1,100})"/.exec(text)?.[1];
    if (version !== undefined && address) found.set(address, version);
    return version !== undefined;
  };
  const gaps = await source.text?.({ path: '/version', every: true }, { line, restart: () => found.clear() });
  return { each: gaps?.length === 0, servers: [...found].map(([address, version]) => ({ address, version })) };
}

function imageIn(workload: unknown, of: string): string | undefined {
  const at = ['spec', 'template', 'spec', 'containers'].reduce<unknown>((value, key) => (isRaw(value) ? value[key] : undefined), workload);
  const container = Array.isArray(at) ? at.filter(isRaw).find(({ name }) => name === of) : undefined;
  return typeof container?.image === 'string' ? container.image : undefined;
}
