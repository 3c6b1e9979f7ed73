// The Helm release that an upgrade goes on from: its settings, and the chart that they were made for.
import type { Gap, PointReader, Raw, Ref, Situation, Text } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { history, type ReleaseRecord } from '../../helm/records.ts';
import { decodeRelease, type Release } from '../../helm/release.ts';
import { RELEASE_BODIES, releaseConfigMaps, releaseSecrets } from './reads.ts';

/** What a check reads to find it; the point reads besides for the record itself. */
export const RELEASE_READS = { releases: releaseSecrets, releasesInConfigMaps: releaseConfigMaps } as const;
export const RELEASE_ASKS = RELEASE_BODIES;

export interface Current {
  release: Release;
  /** Its record. */
  at: Ref;
}

/**
 * As `helm upgrade` chooses it (pkg/action/upgrade.go, prepareUpgrade): the newest revision that is deployed, else the newest of all.
 * undefined: there is no record, or it cannot be read; a Gap where it may not be seen.
 */
export async function currentRelease(
  rows: { releases: ReleaseRecord[]; releasesInConfigMaps: ReleaseRecord[] | Gap },
  { path: { installation }, look }: Pick<Situation, 'path' | 'look'>,
): Promise<Current | Gap | { unknown: Text }> {
  const all = [...rows.releases, ...(isGap(rows.releasesInConfigMaps) ? [] : rows.releasesInConfigMaps)];
  const records = history(all, installation.namespace ?? '', installation.name);
  const record = records.find(({ status }) => status === 'deployed') ?? records[0];
  return record ? await decoded(record, look) : { unknown: NO_RECORD };
}

async function decoded({ kind, namespace, object }: ReleaseRecord, look: PointReader): Promise<Current | Gap | { unknown: Text }> {
  const at: Ref = { apiVersion: 'v1', kind, namespace, name: object };
  const found: Raw | Gap | undefined = await look.get(at);
  if (found === undefined || isGap(found)) return found ?? { unknown: NO_RECORD };
  const release = decodeRelease(found);
  return 'why' in release ? { unknown: unreadable(object, release.why) } : { release, at };
}

const NO_RECORD: Text = {
  en: 'there is no release record in Secrets or ConfigMaps, so its settings are not known; look with: helm get values',
  zh: 'Secret 和 ConfigMap 中都没有 release 记录，无法得知其设置；请用 helm get values 查看',
};
const unreadable = (name: string, why: string): Text => ({
  en: `the release record ${name} cannot be read: ${why}`,
  zh: `无法读取 release 记录 ${name}：${why}`,
});
