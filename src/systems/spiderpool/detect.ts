// Finding Spiderpool: its workloads by label, its Helm release by what the workloads name and by the release's own record.
// Every place that names a version is reported. What runs decides: the tags of images, then the labels of the workloads. The chart of a release counts behind them, from its
// deployed revision by what the record itself says, and only where it is Spiderpool's own: that of a pending or failed revision says what was wanted, a wrapper's is another thing.

import { RELEASE_BODIES, refOfRecord, releaseConfigMaps, releaseSecrets } from '../../chart/release.ts';
import type { Cluster, Gap, HelmRelease, Installation, PointReader, Text } from '../../engine/contracts.ts';
import { inOurWords, isGap } from '../../engine/gaps.ts';
import { list } from '../../engine/read/index.ts';
import { history, type ReleaseRecord } from '../../helm/records.ts';
import { decodeRelease, type Release } from '../../helm/release.ts';
import { describe } from '../../kube/refs.ts';
import { parse } from '../../versions/chart.ts';
import { CHART } from './chart.ts';
import { daemonSets, deployments, type Workload } from './reads.ts';

export const READS = {
  // Either of them is enough to find an installation; without a finding, what could not be seen makes it "cannot tell".
  deployments,
  daemonSets,
  releases: { ...releaseSecrets, optional: true } as const,
  releasesInConfigMaps: releaseConfigMaps,
  // No version stands in them.
  pools: list('spiderippools.spiderpool.spidernet.io', {}, { optional: true, harmless: true }),
};
/** The newest record of a release that looks like Spiderpool's, to read its chart's version. */
export const ASKS = RELEASE_BODIES;

interface Seen {
  deployments: Workload[] | Gap;
  daemonSets: Workload[] | Gap;
  releases: ReleaseRecord[] | Gap;
  releasesInConfigMaps: ReleaseRecord[] | Gap;
  pools: unknown[] | Gap;
}

/** Found, absent, or cannot tell: a workload list that could not be seen, or pools without anything that serves them. */
export async function detect(rows: Seen, look: PointReader, { helmDriver }: Pick<Cluster, 'helmDriver'>): Promise<Installation[] | Gap> {
  const workloads = [...listed(rows.deployments), ...listed(rows.daemonSets)];
  const records = [...listed(rows.releases), ...listed(rows.releasesInConfigMaps)];
  const places = new Map<string, Place>();
  for (const workload of workloads) {
    const place = placeOf(workload);
    const known = places.get(keyOf(place));
    places.set(keyOf(place), { ...place, workloads: [...(known?.workloads ?? []), workload] });
  }
  // A first install that failed leaves a release without workloads; its name is all there is to go by until its chart is read.
  for (const { namespace, name } of records) {
    if (name.includes('spiderpool') && !places.has(keyOf({ namespace, name })))
      places.set(keyOf({ namespace, name }), { namespace, name, workloads: [] });
  }
  const found: Installation[] = [];
  for (const place of places.values()) {
    const installation = await installationAt(place, history(records, place.namespace, place.name, helmDriver), look);
    if (installation) found.push(installation);
  }
  if (found.length) return found.sort((a, b) => a.id.localeCompare(b.id));
  for (const list of [rows.deployments, rows.daemonSets]) if (isGap(list)) return list;
  if (!isGap(rows.pools) && rows.pools.length) return NO_WORKLOAD;
  return [];
}

const NO_WORKLOAD: Gap = {
  why: 'failed',
  verb: 'discover',
  resource: 'deployments.apps',
  ...inOurWords({
    en: 'SpiderIPPools exist, but no workload is labelled app.kubernetes.io/name=spiderpool',
    zh: '存在 SpiderIPPool，但没有工作负载带有标签 app.kubernetes.io/name=spiderpool',
  }),
};

/** A release, or what would be one: where, and under which name. */
interface Place {
  namespace: string;
  name: string;
  workloads: Workload[];
}

const keyOf = ({ namespace, name }: Pick<Place, 'namespace' | 'name'>): string => `${namespace}/${name}`;
const listed = <Row>(rows: Row[] | Gap): Row[] => (isGap(rows) ? [] : rows);

function placeOf({ ref, release, releaseNamespace, instance }: Workload): Omit<Place, 'workloads'> {
  return { namespace: releaseNamespace ?? ref.namespace ?? '', name: release ?? instance ?? 'spiderpool' };
}

async function installationAt(place: Place, records: ReleaseRecord[], look: PointReader): Promise<Installation | undefined> {
  const newest = records[0];
  const body = newest && (await recordOf(newest, look));
  // A label that was edited does not make a revision deployed.
  const isDeployed = newest?.status === 'deployed' && (!body || body.status === '' || body.status === 'deployed');
  const deployed = isDeployed ? newest : records.find((record) => record !== newest && record.status === 'deployed');
  // Where none is, as after a first install that was interrupted, the newest is all there is to go by.
  const counting = deployed ?? newest;
  const chart = counting === newest ? body?.chart : counting && (await recordOf(counting, look))?.chart;
  if (!place.workloads.length && chart?.name !== CHART.chart) return undefined;
  const said = place.workloads.flatMap(saidBy);
  const byChart = chart && isOwn(chart) ? [{ from: revisionOf(place, counting!), says: chart.version }] : [];
  const sources = [...said, ...byChart];
  const version = sources.map(({ says }) => parse(says)).find(Boolean);
  return {
    id: `spiderpool@${keyOf(place)}`,
    system: 'spiderpool',
    namespace: place.namespace,
    name: place.name,
    byHelm: records.length > 0 || place.workloads.some(({ release }) => release !== undefined),
    version: version ?? {
      why: 'failed',
      verb: 'decode',
      resource: 'deployments.apps',
      namespace: place.namespace,
      ...inOurWords({ en: 'nothing there names a version', zh: '该处没有任何对象标明版本' }),
    },
    sources,
    release: newest && releaseOf(newest),
  };
}

const revisionOf = (place: Place, { revision }: ReleaseRecord): Text => ({
  en: `release ${keyOf(place)} revision ${revision}`,
  zh: `release ${keyOf(place)} 的修订版本 ${revision}`,
});

/** Spiderpool's own chart depends on no other. */
const isOwn = ({ name, dependencies }: Release['chart']): boolean => name === CHART.chart && !dependencies.length;

const releaseOf = ({ kind, namespace, name, revision, status }: ReleaseRecord): HelmRelease => ({
  ...{ namespace, name, revision, status },
  ...(kind === 'ConfigMap' ? { driver: 'configmap' } : {}),
});

async function recordOf(record: ReleaseRecord, look: PointReader): Promise<Release | undefined> {
  const found = await look.get(refOfRecord(record));
  if (!found || isGap(found)) return undefined;
  const release = decodeRelease(found);
  return 'why' in release ? undefined : release;
}

/** An image of Spiderpool's own, with a tag; a digest behind the tag does not matter. */
const IMAGE = /\/spiderpool-(?:agent|controller):(?<tag>[\w.-]+)/;

function saidBy({ ref, containers, version, chart }: Workload): Installation['sources'] {
  const at = describe(ref);
  const tags = containers.flatMap(({ image }) => IMAGE.exec(image)?.groups?.tag ?? []);
  return [
    ...tags.map((says) => ({ from: ofIt('image', at), says })),
    ...(version ? [{ from: ofIt('label app.kubernetes.io/version', at), says: version }] : []),
    ...(chart ? [{ from: ofIt('label helm.sh/chart', at), says: chart.replace(/^spiderpool-/, '') }] : []),
  ];
}

const ofIt = (what: string, at: string): Text => ({ en: `${what} of ${at}`, zh: `${at} 的 ${what}` });
