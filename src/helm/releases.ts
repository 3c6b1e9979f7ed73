// Helm releases as a read of a check: every record of any driver in any namespace by its labels, and the bodies of those that matter.
import type { BodiesRead, Gap, Raw, Ref } from '../engine/contracts.ts';
import { isGap } from '../engine/gaps.ts';
import { hot } from '../engine/read/index.ts';
import { keyOf } from '../kube/refs.ts';
import { recordBody } from './record-column.ts';
import { RECORD_COLUMNS, type ReleaseRecord, releaseRecord } from './records.ts';
import { type Release, unpackedRelease } from './release.ts';

/** One release of the cluster. */
export interface ReleaseRow {
  namespace: string;
  name: string;
  driver: 'secret' | 'configmap';
  /** Of the record that decides: the newest that is deployed, else the newest of all, as helm upgrade chooses it. */
  revision: number;
  status: string;
  ref: Ref;
  /** All revisions, newest first. One without a revision (`odd`) may be the newest. */
  history: ReleaseRecord[];
  /** What the deciding record holds, unpacked at each look; `why` it could not be read, or a Gap. undefined: bodies were not asked for. */
  readonly body?: Release | { why: string } | Gap;
}

const RECORDS = { labels: 'owner=helm' } as const;

/**
 * `chart`: releases of the chart of this name alone, and those of which it cannot be told; it needs the bodies.
 * `bodies`: with what the deciding record holds.
 */
export function releases({
  chart,
  bodies = chart !== undefined,
  ...seen
}: {
  chart?: string;
  bodies?: boolean;
  optional?: boolean;
  harmless?: boolean;
} = {}): BodiesRead<ReleaseRow> {
  return {
    read: 'bodies',
    lists: {
      secrets: hot('secrets', RECORD_COLUMNS, releaseRecord, RECORDS),
      configmaps: hot('configmaps', RECORD_COLUMNS, releaseRecord, { ...RECORDS, optional: true, harmless: true }),
    },
    bodies: bodies ? ['secrets', 'configmaps'].map((resource) => ({ resource, columns: [recordBody] })) : [],
    wants: (rows) => (bodies ? grouped(rows as ReleaseRecord[]).map(({ ref }) => ref) : []),
    make: (rows, body) => {
      const all = grouped(rows as ReleaseRecord[]);
      if (!bodies) return all;
      const whole = all.map((row) => unpackedLater(row, body));
      return chart === undefined ? whole : whole.filter((row) => isOf(row.body, chart));
    },
    ...(chart === undefined ? { installed } : {}),
    ...seen,
  };
}

/** Not what helm uninstall --keep-history has left. */
const installed = (rows: readonly unknown[]): string[] =>
  (rows as ReleaseRow[]).flatMap(({ namespace, name, status }) => (status === 'uninstalled' ? [] : [`${namespace}/${name}`]));

const isOf = (body: ReleaseRow['body'], chart: string): boolean => !body || isGap(body) || 'why' in body || body.chart.name === chart;

/** Two hundred releases of 60 kB of manifest, unpacked together, are 20 MB. */
const unpackedLater = (row: ReleaseRow, body: (ref: Ref) => Raw | undefined | Gap): ReleaseRow => ({
  ...row,
  get body() {
    return decoded(body(row.ref));
  },
});

function decoded(body: Raw | undefined | Gap): ReleaseRow['body'] {
  if (body === undefined) return { why: 'its record was just deleted' };
  return isGap(body) ? body : unpackedRelease(body);
}

function grouped(records: readonly ReleaseRecord[]): ReleaseRow[] {
  const byRelease = Map.groupBy(records, ({ namespace, name, kind }) => `${namespace}/${name}/${kind}`);
  return [...byRelease.values()]
    .map((all) => {
      const history = all.toSorted((a, b) => b.revision - a.revision);
      const one = history.find(({ status }) => status === 'deployed') ?? history[0]!;
      const ref: Ref = { apiVersion: 'v1', kind: one.kind, namespace: one.namespace, name: one.object };
      return {
        namespace: one.namespace,
        name: one.name,
        driver: one.kind === 'Secret' ? 'secret' : 'configmap',
        revision: one.revision,
        status: one.status,
        ref,
        history,
      } satisfies ReleaseRow;
    })
    .sort((a, b) => (keyOf(a.ref) < keyOf(b.ref) ? -1 : 1));
}
