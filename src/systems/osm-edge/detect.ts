// Finding osm-edge: Deployments that run its images. One cluster may hold several meshes; upstream's Open Service Mesh has other images and is left alone.
// The image of the controller decides the version: chart 1.1.3 deploys images 1.1.1, and a failed upgrade leaves the controller behind the others (facts: captures of a real one).
import type { Cluster, Gap, HelmDriver, HelmRelease, Installation, PointReader, Text } from '../../engine/contracts.ts';
import { inOurWords, isGap } from '../../engine/gaps.ts';
import { type ReleaseRow, releases } from '../../helm/releases.ts';
import { parse } from '../../versions/chart.ts';
import { CONTROLLER, releaseOf, tagsOf, type Workload, workloads } from './reads.ts';

export const READS = { workloads: { ...workloads, optional: true } as const, releases: releases({ optional: true }) };

interface MeshRows {
  workloads: Workload[] | Gap;
  releases: ReleaseRow[] | Gap;
}

/** Found, absent, or cannot tell: without the Deployments there is nothing to go by. */
export async function detect(
  rows: MeshRows,
  _look?: PointReader,
  { helmDriver }: Pick<Cluster, 'helmDriver'> = {},
): Promise<Installation[] | Gap> {
  if (isGap(rows.workloads)) return rows.workloads;
  const ours = rows.workloads.filter((each) => tagsOf(each).length);
  const meshes = Map.groupBy(ours, (each) => `${each.ref.namespace}/${nameOf(each)}`);
  const records = isGap(rows.releases) ? [] : rows.releases;
  return [...meshes.values()].map((mesh) => installation(mesh, records, helmDriver)).sort((a, b) => a.id.localeCompare(b.id));
}

/** osm-bootstrap has no mesh name in charts of old. */
const nameOf = (each: Workload): string => releaseOf(each)?.name ?? each.meshName ?? 'osm';

/** The controller first: a fix may have deleted it, so that the upgrade creates it with another selector. */
function installation(workloads: readonly Workload[], records: readonly ReleaseRow[], driver?: HelmDriver): Installation {
  const all = workloads.toSorted((a, b) => Number(b.app === CONTROLLER) - Number(a.app === CONTROLLER));
  const [first] = all as [Workload];
  const namespace = first.ref.namespace ?? '';
  const sources = all.flatMap(saidBy);
  return {
    id: `osm-edge@${namespace}/${nameOf(first)}`,
    system: 'osm-edge',
    namespace,
    name: nameOf(first),
    byHelm: releaseOf(first) !== undefined,
    version: sources.map(({ says }) => parse(says)).find(Boolean) ?? noVersion(namespace),
    sources,
    release: newest(
      records.filter((record) => record.namespace === namespace && record.name === nameOf(first)),
      driver,
    ),
  };
}

/** Of two histories that of `driver` counts, of Secrets unless it says otherwise. */
function newest(rows: readonly ReleaseRow[], driver: HelmDriver = 'secret'): HelmRelease | undefined {
  if (driver === 'elsewhere') return undefined;
  const row = rows.find((each) => each.driver === driver) ?? rows[0];
  const [record] = row?.history ?? [];
  if (!row || !record) return undefined;
  const { namespace, name } = row;
  return {
    namespace,
    name,
    revision: record.revision,
    status: record.status,
    ...(row.driver === 'configmap' ? { driver: 'configmap' } : {}),
  };
}

const noVersion = (namespace: string): Gap => ({
  why: 'failed',
  verb: 'decode',
  resource: 'deployments.apps',
  namespace,
  name: CONTROLLER,
  ...inOurWords({ en: 'its image has no version tag', zh: '其镜像没有版本标签' }),
});

function saidBy(workload: Workload): Installation['sources'] {
  const at = `Deployment ${workload.ref.namespace}/${workload.ref.name}`;
  return [
    ...tagsOf(workload).map((says) => ({ from: { en: `image of ${at}`, zh: `${at} 的镜像` }, says })),
    ...(workload.version ? [{ from: LABEL(at), says: workload.version.replace(/^v/, '') }] : []),
  ];
}

const LABEL = (at: string): Text => ({ en: `label app.kubernetes.io/version of ${at}`, zh: `${at} 的标签 app.kubernetes.io/version` });
