// Helm's release records by their labels alone: which release, which revision, which status. Labels: helm pkg/storage/driver (name, owner, status, version).
import type { Raw } from '../engine/contracts.ts';

/** One revision of one release, as Helm stores it in a Secret or ConfigMap. */
export interface ReleaseRecord {
  kind: string;
  /** The Secret's or ConfigMap's own name. */
  object: string;
  namespace: string;
  name: string;
  revision: number;
  status: string;
  /** When it was last written, ms since the epoch; the labels hold seconds. */
  touched: number;
}

/** undefined: the labels are not those of a release record. */
export function releaseRecord(object: Raw): ReleaseRecord | undefined {
  const { name: own, namespace, labels } = object.metadata as { name: string; namespace: string; labels?: Record<string, string> };
  const revision = Number(labels?.version);
  if (!labels?.name || !labels.status || !Number.isSafeInteger(revision) || revision < 1) return undefined;
  const touched = Number(labels.modifiedAt ?? labels.createdAt) * 1000;
  return { kind: String(object.kind), object: own, namespace, name: labels.name, revision, status: labels.status, touched };
}

/** All revisions of one release, newest first. */
export function history(records: readonly ReleaseRecord[], namespace: string, name: string): ReleaseRecord[] {
  return records.filter((record) => record.namespace === namespace && record.name === name).toSorted((a, b) => b.revision - a.revision);
}
