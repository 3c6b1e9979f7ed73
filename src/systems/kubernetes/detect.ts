// Finding Kubernetes: it is wherever an API server answers. The whole cluster is the installation; its version is that of the oldest API server, from there minors are counted.
// Kubelets and the distribution are named beside it.
import type { Cluster, Gap, Installation, PointReader, Text } from '../../engine/contracts.ts';
import { inOurWords, isGap } from '../../engine/gaps.ts';
import { compare, distributionOf, parse } from '../../versions/kubernetes.ts';
import { managedBy } from './managed.ts';
import { type NodeRow, nodes } from './reads.ts';

export const READS = { nodes: { ...nodes, optional: true } as const };

export async function detect(rows: { nodes: NodeRow[] | Gap }, _look: PointReader, cluster: Cluster): Promise<Installation[]> {
  const members = isGap(rows.nodes) ? [] : rows.nodes;
  const version = versionOf(cluster);
  // Manifests alone are not a cluster.
  if (isGap(version) && version.why === 'not-collected' && !members.length) return [];
  return [
    {
      id: 'kubernetes@cluster',
      system: 'kubernetes',
      name: 'cluster',
      version,
      sources: [...serverSources(cluster, distributionIn(cluster, members)), ...kubeletSources(members)],
      byHelm: false,
      ...(cluster.unasked?.length ? { gaps: cluster.unasked } : {}),
    },
  ];
}

/** Several API servers differ while a control plane is being upgraded: the oldest has the whole way before it. */
function versionOf({ serverVersion, servers = [] }: Cluster): string | Gap {
  const all = servers.flatMap(({ version }) => parse(version) ?? []).toSorted(compare);
  if (all[0]) return all[0];
  if (isGap(serverVersion)) return serverVersion;
  return (
    parse(serverVersion) ?? {
      why: 'failed',
      verb: 'decode',
      resource: '/version',
      ...inOurWords({ en: `${serverVersion} is not a version of Kubernetes`, zh: `${serverVersion} 不是 Kubernetes 版本` }),
    }
  );
}

function serverSources({ serverVersion, servers = [] }: Cluster, of: string | undefined): Installation['sources'] {
  const mark = { en: of ? ` (${of})` : '', zh: of ? `（${of}）` : '' };
  if (servers.length > 1) {
    return servers.map(({ address, version }) => ({
      from: { en: `API server ${address}${mark.en}`, zh: `API 服务器 ${address}${mark.zh}` },
      says: version,
    }));
  }
  return isGap(serverVersion) ? [] : [{ from: { en: `API server${mark.en}`, zh: `API 服务器${mark.zh}` }, says: serverVersion }];
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
