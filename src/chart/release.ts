// The Helm release that an upgrade goes on from: its values, and the chart that they were made for.
import type { Check, Gap, HelmRelease, PointRead, PointReader, Ref, Situation, Text } from '../engine/contracts.ts';
import { isGap } from '../engine/gaps.ts';
import { hot } from '../engine/read/index.ts';
import { recordBody } from '../helm/record-column.ts';
import { history, RECORD_COLUMNS, type ReleaseRecord, releaseRecord } from '../helm/records.ts';
import { decodeRelease, type Release } from '../helm/release.ts';

/** Helm's records of every release: labels only, never their content. */
export const releaseSecrets = hot('secrets', RECORD_COLUMNS, releaseRecord, { labels: 'owner=helm' });

/** The same, where HELM_DRIVER is configmap. */
export const releaseConfigMaps = hot('configmaps', RECORD_COLUMNS, releaseRecord, { labels: 'owner=helm', optional: true, harmless: true });

/** A record with its content. */
export const RELEASE_BODIES: PointRead[] = ['secrets', 'configmaps'].map((resource) => ({ resource, columns: [recordBody], once: true }));

/** What a check reads to find the release; the point reads besides for the record itself. */
export const RELEASE_READS = { releases: releaseSecrets, releasesInConfigMaps: releaseConfigMaps } as const;
/** What checks of values have in common: they judge a target by the release that an upgrade goes on from. */
export const BY_RELEASE: Pick<Check<typeof RELEASE_READS>, 'applies' | 'needs' | 'reads' | 'pointReads'> = {
  applies: { stage: 'before' },
  needs: ['target'],
  reads: RELEASE_READS,
  pointReads: RELEASE_BODIES,
};
export interface ReleaseRows {
  releases: ReleaseRecord[];
  releasesInConfigMaps: ReleaseRecord[] | Gap;
}

export const recordsIn = ({ releases, releasesInConfigMaps }: ReleaseRows): ReleaseRecord[] => [
  ...releases,
  ...(isGap(releasesInConfigMaps) ? [] : releasesInConfigMaps),
];

export interface Current {
  release: Release;
  /** Its record. */
  at: Ref;
}

/**
 * As `helm upgrade` chooses it (pkg/action/upgrade.go, prepareUpgrade): the newest revision that is deployed, else the newest of all.
 * A Gap: there is a record that cannot be seen.
 */
export async function currentRelease(
  rows: ReleaseRows,
  { path: { installation }, look, cluster }: Pick<Situation, 'path' | 'look' | 'cluster'>,
): Promise<Current | Gap | { unknown: Text }> {
  const records = history(recordsIn(rows), installation.namespace ?? '', installation.name, cluster.helmDriver);
  const record = records.find(({ status }) => status === 'deployed') ?? records[0];
  return record ? await decoded(record, look) : { unknown: NO_RECORD };
}

/** How a person calls helm so that it finds the records. */
export const helmFor = (driver: HelmRelease['driver']): string => (driver ? `HELM_DRIVER=${driver} helm` : 'helm');

export const refOfRecord = ({ kind, namespace, object }: ReleaseRecord): Ref => ({ apiVersion: 'v1', kind, namespace, name: object });

/** The content of a record. */
export async function decoded(record: ReleaseRecord, look: PointReader): Promise<Current | Gap | { unknown: Text }> {
  const at = refOfRecord(record);
  const found = await look.get(at);
  if (found === undefined || isGap(found)) return found ?? { unknown: NO_RECORD };
  const release = decodeRelease(found);
  return 'why' in release ? { unknown: unreadable(record.object, release.why) } : { release, at };
}

const NO_RECORD: Text = {
  en: 'no release record in Secrets or ConfigMaps, so its values are not known; see: helm get values',
  zh: 'Secret 和 ConfigMap 中都没有 release 记录，无法得知其 values；请用 helm get values 查看',
};
const unreadable = (name: string, why: string): Text => ({
  en: `release record ${name} cannot be read (${why}); see: helm get values`,
  zh: `无法读取 release 记录 ${name}（“${why}”）；请用 helm get values 查看`,
});
