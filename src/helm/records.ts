// Helm's release records by their labels alone: which release, which revision, which status. Labels: helm pkg/storage/driver (name, owner, status, version).
import type { Gap, HelmDriver, Raw } from '../engine/contracts.ts';
import { label } from '../engine/read/index.ts';
import { isRaw } from '../kube/json.ts';
import { redactMarked } from '../text/redact.ts';
import { oneLine } from '../text/sanitise.ts';

/** One revision of one release, as Helm stores it in a Secret or ConfigMap. */
export interface ReleaseRecord {
  kind: string;
  /** The Secret's or ConfigMap's own name. */
  object: string;
  namespace: string;
  name: string;
  /** 0: the label says none. */
  revision: number;
  status: string;
  /** What the label says instead, sanitised. */
  odd?: string;
}

/** To declare for `releaseRecord`. */
export const RECORD_COLUMNS = ['name', 'status', 'version'].map(label);

/** As Helm counts them; `1e3`, `0x10` and `1.5` are numbers, and no revisions. */
const REVISION = /^[1-9]\d{0,8}$/;

/** undefined: the labels are not those of a release record. */
export function releaseRecord(object: Raw): ReleaseRecord | undefined {
  const { name: own, namespace, labels } = object.metadata as { name: string; namespace: string; labels?: Record<string, string> };
  if (!labels?.name || !labels.status) return undefined;
  const record = { kind: String(object.kind), object: own, namespace, name: labels.name, status: labels.status };
  const version = String(labels.version ?? '');
  return REVISION.test(version)
    ? { ...record, revision: Number(version) }
    : { ...record, revision: 0, odd: oneLine(redactMarked(version), 40) };
}

/** When a record was last written, ms since the epoch: by helm's labels (seconds), else by its managedFields or its creation. NaN: unknown. */
export function lastWritten({ metadata }: Raw): number {
  const { managedFields, creationTimestamp, labels } = metadata as Raw;
  const { modifiedAt, createdAt } = (isRaw(labels) ? labels : {}) as Record<string, string>;
  const said = Number((modifiedAt || createdAt || undefined) ?? Number.NaN) * 1000;
  if (!Number.isNaN(said)) return said;
  const writes = Array.isArray(managedFields) ? managedFields.filter(isRaw).map(({ time }) => Date.parse(String(time))) : [];
  const times = [...writes, Date.parse(String(creationTimestamp))].filter((time) => !Number.isNaN(time));
  return times.length ? Math.max(...times) : Number.NaN;
}

const ofRelease = <R extends ReleaseRecord>(records: readonly R[], namespace: string, name: string): R[] =>
  records.filter((record) => record.namespace === namespace && record.name === name);

/** HELM_DRIVER as helm reads it (pkg/action/action.go, Init); undefined: not set. What helm does not know it refuses, so that nothing in the cluster counts. */
export function helmDriver(said: string | undefined): HelmDriver | undefined {
  if (!said) return undefined;
  const driver = said.replace(/s$/, '');
  return driver === 'secret' || driver === 'configmap' ? driver : 'elsewhere';
}

/**
 * All revisions of one release, newest first. None where it cannot be told which one is the newest: see `oddRecords`.
 * Each storage driver has a history of its own: where there are two, that of `driver` counts, of Secrets unless it says otherwise.
 */
export const history = <R extends ReleaseRecord>(records: readonly R[], namespace: string, name: string, driver?: HelmDriver): R[] =>
  byDriver(records, namespace, name, driver)[0];

/** The other history, where there are two. */
export const otherHistory = (records: readonly ReleaseRecord[], namespace: string, name: string, driver?: HelmDriver): ReleaseRecord[] =>
  byDriver(records, namespace, name, driver)[1];

/** The one that counts, and the other. */
function byDriver<R extends ReleaseRecord>(
  records: readonly R[],
  namespace: string,
  name: string,
  driver: HelmDriver = 'secret',
): [R[], R[]] {
  const all = ofRelease(records, namespace, name).toSorted((a, b) => b.revision - a.revision);
  if (driver === 'elsewhere' || all.some(({ odd }) => odd !== undefined)) return [[], []];
  const [its, others] = [all.filter((each) => driverOf(each) === driver), all.filter((each) => driverOf(each) !== driver)];
  return its.length ? [its, others] : [others, []];
}

export const driverOf = ({ kind }: Pick<ReleaseRecord, 'kind'>): 'secret' | 'configmap' => (kind === 'Secret' ? 'secret' : 'configmap');

/** Records without a revision: each may be the newest one. */
export function oddRecords(records: readonly ReleaseRecord[], namespace: string, name: string): Gap[] {
  return ofRelease(records, namespace, name).flatMap(({ kind, object, odd }) =>
    odd === undefined
      ? []
      : [
          {
            why: 'failed',
            verb: 'decode',
            resource: `${kind.toLowerCase()}s`,
            namespace,
            name: object,
            detail: `metadata.labels.version: "${odd}"`,
          },
        ],
  );
}
