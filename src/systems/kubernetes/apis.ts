// API versions of the table as checks ask for them: which kinds are stored, where their objects are read, what takes the place of a version, and what a path removes.
import type { Text } from '../../engine/contracts.ts';
import { minorOf } from '../../versions/kubernetes.ts';
import { type Api, apis } from './knowledge/tables.ts';

/** `policy/v1beta1`, `v1`. */
export const apiVersionOf = ({ group, version }: Pick<Api, 'group' | 'version'>): string => (group ? `${group}/${version}` : version);
const keyOf = (apiVersion: string, kind: string): string => `${apiVersion} ${kind}`;

/** Made for one request and never stored; only the metric shows who asks for them. */
const NOT_STORED =
  /Review$|^(?:Binding|Eviction|Scale|JobTemplate|PodStatusResult|APIGroupDiscovery|NodeMetrics|PodMetrics|TokenRequest|SerializedReference|RangeAllocation)$/;
export const isStored = (kind: string): boolean => !NOT_STORED.test(kind);
/** Made by the system itself, in numbers; no manifests of them are kept. */
const OF_THE_SYSTEM = new Set(['Event', 'Endpoints', 'ComponentStatus', 'LeaseCandidate', 'ResourceSlice', 'VolumeAttachment']);

/** The row of this version of a kind. */
export function apiOf(apiVersion: string, kind: string): Api | undefined {
  return byKey().get(keyOf(apiVersion, kind));
}

let keyed: { rows: readonly Api[]; map: Map<string, Api> } | undefined;
function byKey(): Map<string, Api> {
  const { apis: rows } = apis();
  if (keyed?.rows !== rows) keyed = { rows, map: new Map(rows.map((row) => [keyOf(apiVersionOf(row), row.kind), row])) };
  return keyed.map;
}

/** Does the table deprecate a kind of this version? */
export const isDeprecatedVersion = ({ group, version }: Pick<Api, 'group' | 'version'>): boolean =>
  apis().apis.some((row) => row.version === version && row.group === group && row.deprecated !== undefined);

let named: { rows: readonly Api[]; pattern: RegExp } | undefined;

/** May a text (YAML or JSON) declare an object of a version that the table deprecates? By its words alone: it is asked of megabytes. */
export function namesDeprecated(text: string): boolean {
  const { apis: rows } = apis();
  if (named?.rows !== rows) {
    const old = rows.filter(({ deprecated, removed }) => deprecated ?? removed);
    const any = (words: Iterable<string>) => [...new Set(words)].map((word) => word.replace(/[.]/g, '\\.')).join('|');
    const versions = any(old.filter(({ group }) => group).map(apiVersionOf));
    const kinds = any(old.filter(({ group }) => !group).map(({ kind }) => kind));
    // Behind an alias, a tag or a block sign anything may stand.
    named = {
      rows,
      pattern: new RegExp(
        `apiVersion["']?\\s*:\\s*(?:["']?(?:${versions})(?![\\w.])|[*&!|>])|kind["']?\\s*:\\s*(?:["']?(?:${kinds})\\b|[*&!|>])`,
      ),
    };
  }
  return named.pattern.test(text);
}

export interface Bites {
  api: Api;
  severity: 'blocker' | 'notice';
  /** It is gone in the installed minor. */
  already?: true;
  /** It should be, and the API servers serve it all the same. */
  still?: true;
  /** The first minor of the path that no longer serves it; of a notice, the minor that will, where one is named. */
  minor?: string;
}

/** What a path means for a version of a kind; undefined: nothing, or it is gone already. */
export function bites(apiVersion: string, kind: string, hops: readonly string[]): Bites | undefined {
  const api = apiOf(apiVersion, kind);
  const last = hops.at(-1);
  if (!api || !last) return undefined;
  if (api.removed !== undefined && hops.includes(api.removed)) return { api, severity: 'blocker', minor: api.removed };
  const isGone = api.removed !== undefined && minorOf(api.removed) <= minorOf(last);
  const isDeprecated = api.deprecated !== undefined && minorOf(api.deprecated) <= minorOf(last);
  return isDeprecated && !isGone ? { api, severity: 'notice', minor: api.removed } : undefined;
}

/** What the installed minor does not serve any more; undefined: it does, or the table does not know it. */
export function goneBefore(apiVersion: string, kind: string, from: string | undefined): Bites | undefined {
  const api = apiOf(apiVersion, kind);
  if (api?.removed === undefined || from === undefined || minorOf(api.removed) > minorOf(from)) return undefined;
  return { api, severity: 'blocker', minor: api.removed, already: true };
}

/** The same of a file that will be applied to the last minor of the path: whatever went before counts too. */
export function bitesInFile(apiVersion: string, kind: string, last: string): Bites | undefined {
  const api = apiOf(apiVersion, kind);
  const by = (minor: string | undefined) => minor !== undefined && minorOf(minor) <= minorOf(last);
  if (api && by(api.removed)) return { api, severity: 'blocker', minor: api.removed };
  return api && by(api.deprecated) ? { api, severity: 'notice', minor: api.removed } : undefined;
}

/** What to write instead: as the table says, followed to its end; else the newest version of the kind in its group that stays. */
export function replacementOf(api: Api): string | undefined {
  for (let [row, left] = [api, 5]; left > 0; left--) {
    const [next = '', kind = ''] = (row.replacement ?? '').split(' ');
    const following = next ? apiOf(next, kind) : undefined;
    if (!following) return next ? `${next} ${kind}` : staying(row);
    if (following.deprecated === undefined) return keyOf(apiVersionOf(following), following.kind);
    row = following;
  }
  return undefined;
}

/** What to write instead on this path: the newest version that the target serves, and the installed minor too where there is one, so that it can be applied before. */
export function insteadOf(api: Api, { from, to }: { from?: string; to: string }): string | undefined {
  const isServed = ({ introduced, removed }: Api, minor: string) =>
    minorOf(introduced) <= minorOf(minor) && !(removed !== undefined && minorOf(removed) <= minorOf(minor));
  const family = familyOf(api).filter((row) => row !== api && isServed(row, to));
  const before = from === undefined ? [] : family.filter((row) => isServed(row, from));
  const [best] = (before.length ? before : family).toSorted((a, b) => rankOf(b) - rankOf(a));
  if (!best) return undefined;
  return best.kind === api.kind ? apiVersionOf(best) : keyOf(apiVersionOf(best), best.kind);
}

/** Every version of the kind, in all groups that it has moved through. */
function familyOf(api: Api): Api[] {
  const names = [`${api.group} ${api.kind}`];
  for (let [row, left] = [api as Api | undefined, 5]; row && left > 0; left--) {
    const [next = '', kind = ''] = (row.replacement ?? '').split(' ');
    row = next ? apiOf(next, kind) : undefined;
    if (row) names.push(`${row.group} ${row.kind}`);
  }
  return apis().apis.filter(({ group, kind }) => names.includes(`${group} ${kind}`));
}

/** A stable version before any other, then the one that came last. */
const rankOf = ({ version, introduced }: Api): number => (/^v\d+$/.test(version) ? 1000 : 0) + minorOf(introduced);

function staying({ group, kind }: Api): string | undefined {
  const row = apis().apis.find(
    (each) => each.group === group && each.kind === kind && each.deprecated === undefined && /^v\d+$/.test(each.version),
  );
  return row && keyOf(apiVersionOf(row), kind);
}

/** Nothing takes the place of this version of the resource. */
export const onlyVersion = (apiVersion: string, resource: string): boolean =>
  apis().apis.some((row) => apiVersionOf(row) === apiVersion && pluralOf(row.kind) === resource && !replacementOf(row));

/** `podsecuritypolicies.policy` with the hop that removes its last version. */
export function goneResources(hops: readonly string[]): Map<string, string> {
  const byResource = Map.groupBy(
    apis().apis.filter(({ kind }) => isStored(kind)),
    ({ group, kind }) => `${pluralOf(kind)}.${group}`,
  );
  return new Map(
    [...byResource].flatMap(([resource, rows]): [string, string][] => {
      const removed = rows.map((row) => row.removed);
      if (removed.some((minor) => minor === undefined)) return [];
      const last = removed.reduce((a, b) => (minorOf(a!) >= minorOf(b!) ? a : b))!;
      return hops.includes(last) ? [[resource, last]] : [];
    }),
  );
}

// ---- where objects are read -----------------------------------------------------------------------------------------

/** Where the objects of kinds with deprecated versions are read (`ingresses.networking.k8s.io`: by the group of what replaces it), with those versions. */
export function resourcesToRead(since: number): [resource: string, versions: Api[]][] {
  const rows = apis().apis.filter(
    ({ kind, removed, deprecated }) =>
      deprecated !== undefined && isStored(kind) && !OF_THE_SYSTEM.has(kind) && (removed === undefined || minorOf(removed) > since),
  );
  return [...Map.groupBy(rows, homeOf)].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Does each full check list this version of the resource, because the path concerns it and the installed minor serves no newer one? */
export function listedByChecks(apiVersion: string, resource: string, { from, hops }: { from: string; hops: readonly string[] }): boolean {
  const api = apis().apis.find((row) => apiVersionOf(row) === apiVersion && pluralOf(row.kind) === resource);
  const read = api && resourcesToRead(minorOf(from) - 1).find(([name]) => name === homeOf(api));
  if (!api || !read?.[1].some((each) => bites(apiVersionOf(each), each.kind, hops))) return false;
  const isServed = ({ introduced, removed }: Api) =>
    minorOf(introduced) <= minorOf(from) && !(removed !== undefined && minorOf(removed) <= minorOf(from));
  const newer = familyOf(api).filter((row) => row !== api && row.kind === api.kind && isServed(row) && rankOf(row) > rankOf(api));
  return isServed(api) && !newer.length;
}

function homeOf(api: Api): string {
  const [apiVersion = '', kind = api.kind] = (replacementOf(api) ?? '').split(' ');
  const group = apiVersion && kind === api.kind ? (apiVersion.includes('/') ? apiVersion.split('/')[0]! : '') : api.group;
  return group ? `${pluralOf(api.kind)}.${group}` : pluralOf(api.kind);
}

/** As apimachinery's UnsafeGuessKindToResource; a test on a real API server holds it. */
export function pluralOf(kind: string): string {
  const lower = kind.toLowerCase();
  if (lower === 'endpoints') return lower;
  if (lower.endsWith('s')) return `${lower}es`;
  return lower.endsWith('y') ? `${lower.slice(0, -1)}ies` : `${lower}s`;
}

/** When it goes, as findings say it. `past`: before the installed version, or it is not known which one is installed; Chinese tells it from what is to come. */
export function goingText({ minor, removed, still, past }: { minor?: string; removed: boolean; still?: true; past?: true }): Text {
  if (still) return { en: `removed in ${minor}, still served here`, zh: `该版本已在 ${minor} 中移除，目前仍提供` };
  if (removed) return { en: `removed in ${minor}`, zh: `该版本${past ? '已' : '将'}在 ${minor} 中移除` };
  return minor
    ? { en: `deprecated, removed in ${minor}`, zh: `该版本已弃用，将在 ${minor} 中移除` }
    : { en: 'deprecated', zh: '该版本已弃用' };
}
