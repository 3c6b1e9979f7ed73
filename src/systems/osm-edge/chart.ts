// What the checks of chart/ need to know about osm-edge's chart: its values.schema.json is closed, so that a key which a version does not have stops helm.
// Source: charts/osm/values.schema.json at every tag (knowledge/schema.json).
import type { ChartFacts, Refused } from '../../chart/facts.ts';
import { NO_FACTS } from '../../chart/values.ts';
import type { Json, Raw } from '../../engine/contracts.ts';
import { pathOf, valueAt } from '../../helm/keys.ts';
import { isRaw } from '../../kube/json.ts';
import { compare } from '../../versions/chart.ts';
import { releases, type SchemaObject, schema } from './knowledge/tables.ts';

/** Keys under another name; those of the 1.1 charts that each component has for itself now are in no place alone. Source: charts/osm/values.yaml@v1.1.0+osm, @v1.1.0, @v1.2.3, @v1.3.0. */
const RENAMES = [
  { from: ['osm', 'pipyRepoImage'], to: ['osm', 'repoServer', 'image'] },
  { from: ['osm', 'envoyLogLevel'], to: ['osm', 'sidecarLogLevel'] },
  ...['osmController', 'injector', 'osmBootstrap', 'prometheus', 'grafana', 'tracing'].map((component) => ({
    ...{ from: ['osm', 'nodeSelector'], to: ['osm', component, 'nodeSelector'] },
  })),
];

export const CHART: ChartFacts = {
  system: 'osm-edge',
  chart: 'osm-edge',
  repository: 'https://flomesh-io.github.io/osm-edge',
  facts: { ...NO_FACTS, renames: RENAMES },
  refused: (version, values, whole) => {
    if (!releases().releases.some((release) => release.version === version) || version.includes('-ubi8')) return undefined;
    return Object.entries(schema().objects).flatMap(([path, since]) => {
      const now = standing(since, version);
      return now ? objectsAt(values, path).flatMap((one) => refusedBy(now, one, whole)) : [];
    });
  },
};

/** Charts for ubi8 have a schema of their own. The newest entry that is not newer than the version. */
function standing(since: Record<string, SchemaObject | null>, version: string): SchemaObject | undefined {
  const known = Object.keys(since).filter((from) => compare(from, version) <= 0);
  const newest = known.sort(compare).at(-1);
  return (newest && since[newest]) || undefined;
}

/** Lists of maps are not looked into. */
function objectsAt(values: Raw, path: string): { path: string[]; value: Raw }[] {
  if (path.includes('[]')) return [];
  const names = path ? pathOf(path) : [];
  const value: Json | undefined = names.length ? valueAt(values, names) : values;
  return isRaw(value) ? [{ path: names, value }] : [];
}

function refusedBy(
  { closed, allowed, required }: SchemaObject,
  { path, value }: { path: string[]; value: Raw },
  whole: boolean,
): Refused[] {
  const unknown = closed ? Object.keys(value).filter((key) => !allowed.includes(key)) : [];
  const missing = whole ? required.filter((key) => !Object.hasOwn(value, key)) : [];
  return [
    ...unknown.map((key): Refused => ({ path: [...path, key], why: 'unknown' })),
    ...missing.map((key): Refused => ({ path: [...path, key], why: 'required' })),
  ];
}
