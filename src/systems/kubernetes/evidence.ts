// Which version of its API an object is written in: not what the server returns (it converts), but what its writers said. By strength: a server-side apply, kubectl's
// last-applied annotation, an update. Source: apimachinery pkg/util/managedfields/internal: the key of an Apply entry leaves the version out, so that it shows the last
// apply; the key of an Update entry has it, so that an old entry stays while its manager owns a field there.
import type { Certainty } from '../../engine/contracts.ts';

/** One entry of metadata.managedFields. */
export interface Writer {
  manager: string;
  operation: string;
  apiVersion: string;
  subresource?: string;
  /** ms since the epoch. */
  time?: number;
}
export interface Written {
  writers: readonly Writer[];
  /** Of the annotation kubectl.kubernetes.io/last-applied-configuration. */
  lastApplied?: { apiVersion?: string; kind?: string };
}
export interface Evidence {
  apiVersion: string;
  /** `file`: what -f gave. `release`: the manifest of a Helm release. `exists`: of a kind that goes, whatever wrote it. */
  by: 'apply' | 'last-applied' | 'update' | 'file' | 'release' | 'exists';
  manager?: string;
  time?: number;
  certainty: Certainty;
  /** Another writer wrote the object later in a version that stays: only this writer is affected. */
  overtaken: boolean;
}

/** They are upgraded with the control plane: what they wrote says nothing about who has to change. */
const CONTROL_PLANE = new Set([
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'cloud-controller-manager',
  'k3s',
  'api-priority-and-fairness-config-producer-v1',
  'api-priority-and-fairness-config-consumer-v1',
]);
/** Entries that the API server makes itself of what others have written: before a first server-side apply, and beyond ten entries. Whose they are is not known. */
const NOT_A_CLIENT = new Set(['before-first-apply', 'ancient-changes']);
/** Helm writes what the chart says, so that its records tell, and not what it once wrote. */
const BY_RECORD = 'helm';
/** kubectl apply without --server-side writes both the annotation and this entry. */
const KUBECTL_APPLY = 'kubectl-client-side-apply';

/** The evidence for versions of which `isOld` holds, strongest first; none for residue that cannot bite. */
export function evidenceOf({ writers, lastApplied }: Written, kind: string, isOld: (apiVersion: string) => boolean): Evidence[] {
  const people = writers.filter(({ manager, subresource }) => !subresource && !CONTROL_PLANE.has(manager) && !NOT_A_CLIENT.has(manager));
  const isLater = (time: number | undefined, than: Writer) => time !== undefined && than.time !== undefined && than.time > time;
  const overtaken = (one: { time?: number; manager?: string }) =>
    people.some((other) => other.manager !== one.manager && !isOld(other.apiVersion) && isLater(one.time, other));
  const applies = people.filter(({ operation, apiVersion }) => operation === 'Apply' && isOld(apiVersion));
  const found: Evidence[] = applies.map((writer) => ({ ...told(writer), by: 'apply', certainty: 'certain', overtaken: overtaken(writer) }));

  const lastApply = Math.max(...people.filter(({ operation }) => operation === 'Apply').map(({ time }) => time ?? 0), 0);
  if (lastApplied?.apiVersion && isOld(lastApplied.apiVersion) && (lastApplied.kind ?? kind) === kind) {
    const writer = people.find(({ manager, apiVersion }) => manager === KUBECTL_APPLY && apiVersion === lastApplied.apiVersion);
    const mark = { manager: KUBECTL_APPLY, time: writer?.time };
    // A later apply by another client took the object over: the annotation was left behind.
    const isResidue = (writer?.time ?? 0) < lastApply;
    if (!isResidue)
      found.push({ apiVersion: lastApplied.apiVersion, by: 'last-applied', ...mark, certainty: 'high', overtaken: overtaken(mark) });
  }
  for (const writer of people) {
    if (writer.operation !== 'Update' || writer.manager === BY_RECORD || !isOld(writer.apiVersion)) continue;
    const movedOn = people.some((other) => other.manager === writer.manager && !isOld(other.apiVersion) && !isLater(other.time, writer));
    const isResidue = movedOn || (writer.time ?? 0) < lastApply;
    const isSaid = found.some(({ manager, apiVersion }) => manager === writer.manager && apiVersion === writer.apiVersion);
    if (!isResidue && !isSaid) found.push({ ...told(writer), by: 'update', certainty: 'medium', overtaken: overtaken(writer) });
  }
  return found;
}

const told = ({ manager, apiVersion, time }: Writer) => ({ manager, apiVersion, time });
