// Removals that an installed version has made and its API servers have not: with an emulated version (--emulated-version, KEP-4330) they serve the APIs of that minor, and with
// KUBE_APISERVER_SERVE_REMOVED_APIS_FOR_ONE_RELEASE those of their own minor one release longer. Such removals are yet to come. Source: apiserver pkg/server/deleted_kinds.go.
import type { Cluster, Gap, Situation, UpgradePath } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { actsAs, minor, minorOf } from '../../versions/kubernetes.ts';
import { apiVersionOf, type Bites, bites, isStored } from './apis.ts';
import { apis } from './knowledge/tables.ts';

/** Minors up to that of the installed version whose removals have not come into force, the oldest first. */
export async function behindOf(version: string | Gap, cluster: Cluster): Promise<string[]> {
  if (isGap(version)) return [];
  const acting = emulatedIn(version, cluster);
  const first = (await isServedOneMoreRelease(minor(acting), cluster)) ? acting : acting + 1;
  return minorsFrom(first, minorOf(version));
}

/** The oldest minor that an API server behaves as. */
function emulatedIn(version: string, { servers, emulationMinor }: Cluster): number {
  const answers = servers?.length
    ? servers.map((each) => ({ ...each, gitVersion: each.version }))
    : [{ gitVersion: version, emulationMinor }];
  const minors = answers.map(actsAs).filter((each) => !Number.isNaN(each));
  return Math.min(minorOf(version), ...minors);
}

/** Only what discovery names still counts. Of groups and versions that it does not name nothing is asked. */
async function isServedOneMoreRelease(acting: string, cluster: Cluster): Promise<boolean> {
  for (const row of apis().apis.filter(({ removed, kind }) => removed === acting && isStored(kind)))
    if ((await cluster.servesAs(apiVersionOf(row), row.kind)) === true) return true;
  return false;
}

const minorsFrom = (first: number, last: number): string[] =>
  Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => minor(first + at));

type Way = Pick<UpgradePath, 'installation' | 'from' | 'hops'>;
type At = Pick<Situation, 'path' | 'cluster'>;

/** Every minor whose removals are still to come: those that the API servers are behind with, and those of the path. Without a hop only an emulated version can end. */
export const minorsAhead = (at: At): string[] =>
  at.path.hops.length ? [...(at.path.installation.behind ?? []), ...at.path.hops] : gatesAhead(at);

/** The same of what a feature gate changes: its default is that of the emulated version. */
export const gatesAhead = ({ path: { from, hops }, cluster }: At): string[] =>
  isGap(from) ? hops : [...minorsFrom(emulatedIn(from, cluster) + 1, minorOf(from)), ...hops];

/** The version whose APIs are served now. */
export function servedFrom({ installation: { behind = [] }, from }: Way): string | Gap {
  return behind[0] === undefined ? from : minor(minorOf(behind[0]) - 1);
}

/** The hop at which what a minor removes is gone at the latest: an emulated version is taken to end with the first upgrade. undefined: there is none; it goes once that version is raised. */
export const hopOf = ({ hops }: Way, removedIn: string): string | undefined => (hops.includes(removedIn) ? removedIn : hops[0]);

export type Ahead = (apiVersion: string, kind: string) => Bites | undefined;

/** What the path means for a version of a kind. Of the minors that the API servers are behind with only what they do serve is still to go. */
export async function aheadOf({ path, cluster }: At): Promise<Ahead> {
  const minors = minorsAhead({ path, cluster });
  const late = minors.filter((each) => !path.hops.includes(each));
  if (!late.length) return (apiVersion, kind) => bites(apiVersion, kind, minors);
  const isLate = (removed: string | undefined) => removed !== undefined && late.includes(removed);
  const gone = new Set<string>();
  for (const row of apis().apis.filter(({ removed }) => isLate(removed)))
    if ((await cluster.servesAs(apiVersionOf(row), row.kind)) === false) gone.add(`${apiVersionOf(row)} ${row.kind}`);
  return (apiVersion, kind) => {
    const found = bites(apiVersion, kind, minors);
    if (!found || !isLate(found.api.removed)) return found;
    return gone.has(`${apiVersion} ${kind}`) ? undefined : { ...found, still: true };
  };
}
