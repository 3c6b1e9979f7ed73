// Finding Kubernetes: it is wherever an API server answers. The whole cluster is the installation; its version is that of the oldest API server, from there minors are counted.
// Kubelets and the distribution are named beside it.
import type { Cluster, Gap, Installation, PointReader, Text } from '../../engine/contracts.ts';
import { inOurWords, isGap } from '../../engine/gaps.ts';
import { actsAs, compare, distributionOf, minor, minorOf, parse } from '../../versions/kubernetes.ts';
import { behindOf } from './behind.ts';
import { managedBy } from './managed.ts';
import { controlPlaneOf, type NodeRow, nodes, type StaticPod, staticPods, tagOf } from './reads.ts';

const optional = { optional: true } as const;
/** Of the Pods what several checks list too, so that nothing is listed twice. Where each API server answers for itself they are not needed: `unseenOthers` says when they are. */
export const READS = () => {
  const { pods, kops } = staticPods();
  const beside = { ...optional, harmless: true } as const;
  return { nodes: { ...nodes, ...optional }, pods: { ...pods, ...beside }, kops: { ...kops, ...beside } };
};
interface Seen {
  nodes: NodeRow[] | Gap;
  pods: StaticPod[] | Gap;
  kops: StaticPod[] | Gap;
}

export async function detect(rows: Seen, _look: PointReader, cluster: Cluster): Promise<Installation[]> {
  const members = isGap(rows.nodes) ? [] : rows.nodes;
  const others = othersOf(rows, cluster);
  const version = versionOf(cluster, others);
  // Manifests alone are not a cluster.
  if (isGap(version) && version.why === 'not-collected' && !members.length) return [];
  const behind = await behindOf(version, cluster);
  return [
    {
      id: 'kubernetes@cluster',
      system: 'kubernetes',
      name: 'cluster',
      version,
      ...newestOf(cluster, others, version),
      ...(behind.length ? { behind } : {}),
      sources: [...serverSources(cluster, distributionIn(cluster, members)), ...others, ...kubeletSources(members)],
      byHelm: false,
      ...withGaps([...(cluster.unasked ?? []), ...unseenOthers(rows, cluster)]),
    },
  ];
}

/**
 * Where only the address of the kubeconfig answers, which leads to any of several API servers: the static Pods of another version than the one that answered. An image's tag says less
 * than a server's own answer, so it does not count where each answered by its own address.
 */
function othersOf({ pods, kops }: Seen, { serverVersion, servers }: Cluster): Installation['sources'] {
  const answered = isGap(serverVersion) ? undefined : parse(serverVersion);
  if (servers || answered === undefined) return [];
  const seen = controlPlaneOf({ pods: isGap(pods) ? [] : pods, kops: isGap(kops) ? [] : kops });
  return seen.flatMap(({ component, ref: { name }, image }) => {
    const says = component === 'kube-apiserver' ? parse(tagOf(image)) : undefined;
    return says !== undefined && compare(says, answered) !== 0 ? [{ from: { en: `Pod ${name}`, zh: `Pod ${name}` }, says }] : [];
  });
}

/** Of that address alone it is not known whether it is the only version. A snapshot that never held the Pods says nothing against it. */
function unseenOthers({ pods, kops }: Seen, { servers }: Cluster): Gap[] {
  if (servers) return [];
  const [first] = [pods, kops].flatMap((rows) => (isGap(rows) && rows.why !== 'not-collected' ? [rows] : []));
  return first ? [first] : [];
}
const withGaps = (gaps: Gap[]): Pick<Installation, 'gaps'> => (gaps.length ? { gaps } : {});

/** Several API servers differ while a control plane is being upgraded: the oldest has the whole way before it. */
function versionOf({ serverVersion, servers = [] }: Cluster, others: Installation['sources']): string | Gap {
  const all = servers.flatMap(({ version }) => parse(version) ?? []).toSorted(compare);
  if (all[0]) return all[0];
  const answered = isGap(serverVersion) ? undefined : parse(serverVersion);
  const oldest = answered === undefined ? undefined : [answered, ...others.map(({ says }) => says)].toSorted(compare)[0];
  if (oldest !== undefined) return oldest;
  if (isGap(serverVersion)) return serverVersion;
  return {
    ...{ why: 'failed', verb: 'decode', resource: '/version' },
    ...inOurWords({ en: `${serverVersion} is not a version of Kubernetes`, zh: `${serverVersion} 不是 Kubernetes 版本` }),
  };
}

/** The way back of a control plane that is half upgraded begins at what is upgraded. */
function newestOf(
  { serverVersion, servers }: Cluster,
  others: Installation['sources'],
  oldest: string | Gap,
): Pick<Installation, 'newest'> {
  const answered = servers?.map(({ version }) => version) ?? (isGap(serverVersion) ? [] : [serverVersion]);
  const all = [...answered.flatMap((version) => parse(version) ?? []), ...others.map(({ says }) => says)];
  const newest = all.toSorted(compare).at(-1);
  return newest !== undefined && !isGap(oldest) && compare(oldest, newest) < 0 ? { newest } : {};
}

function serverSources({ serverVersion, servers = [], emulationMinor }: Cluster, of: string | undefined): Installation['sources'] {
  const source = (address: string, says: string, emulates: string | undefined) => {
    const acting = actsAs({ gitVersion: says, emulationMinor: emulates });
    const older = acting < minorOf(says) ? minor(acting) : undefined;
    const en = [of, older && `emulates ${older}`].filter(Boolean).join(', ');
    const zh = [of, older && `模拟 ${older}`].filter(Boolean).join('，');
    return { from: { en: `API server${address}${en && ` (${en})`}`, zh: `API 服务器${address}${zh && `（${zh}）`}` }, says };
  };
  if (servers.length > 1) return servers.map(({ address, version, emulationMinor: own }) => source(` ${address}`, version, own));
  return isGap(serverVersion) ? [] : [source('', serverVersion, servers[0]?.emulationMinor ?? emulationMinor)];
}

function kubeletSources(members: readonly NodeRow[]): Installation['sources'] {
  // A Node that has not registered yet says nothing.
  const counts = Map.groupBy(
    members.filter(({ kubelet }) => kubelet),
    ({ kubelet }) => kubelet,
  );
  return [...counts]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([says, { length }]) => ({ from: kubeletsOf(length), says, beside: true as const }));
}

const kubeletsOf = (count: number): Text => ({
  en: `kubelet of ${count} Node${count === 1 ? '' : 's'}`,
  zh: `${count} 个 Node 的 kubelet`,
});

function distributionIn({ serverVersion, servers = [] }: Cluster, members: readonly NodeRow[]): string | undefined {
  const version = servers[0]?.version ?? serverVersion;
  return (isGap(version) ? undefined : distributionOf(version)) ?? managedBy(version, members);
}
