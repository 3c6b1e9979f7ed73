// Nodes: who made one unschedulable and when, and who else has laid a hand on it.
import type { Raw } from '../engine/contracts.ts';
import { isRaw, parseJson } from './json.ts';
import { pointerGet } from './pointer.ts';

export const HOSTNAME = 'kubernetes.io/hostname';

/** Who last wrote spec.unschedulable. Neither: managedFields do not say (a Node that was made so has no entry, nor gets one later). */
export interface Cordon {
  manager?: string;
  /** ms; the API server's clock, in whole seconds. */
  at?: number;
}

/** undefined: Pods may be scheduled there. */
export function cordonOf(node: Raw): Cordon | undefined {
  if (pointerGet(node, '/spec/unschedulable') !== true) return undefined;
  const entries = pointerGet(node, '/metadata/managedFields');
  const writers = (Array.isArray(entries) ? entries : [])
    .filter((entry) => pointerGet(entry, '/fieldsV1/f:spec/f:unschedulable') !== undefined)
    .map((entry) => ({ manager: textAt(entry as Raw, '/manager'), at: timeAt(entry as Raw, '/time') }));
  return writers.toSorted((a, b) => (b.at ?? 0) - (a.at ?? 0))[0] ?? {};
}

/** Set by what is about to remove the machine, before or after it cordons. */
const TAINTS = new Set(['ToBeDeletedByClusterAutoscaler', 'karpenter.sh/disrupted', 'karpenter.sh/disruption']);
/** Rancher and Cluster API note a drain that they carry out on the Node. */
const DRAIN_ANNOTATION = /^(?:rke\.cattle\.io\/(?:pre-|post-)?drain|(?:[\w-]+\.)*cluster\.x-k8s\.io\/.*drain)/;

/** Taints and annotations that say that something else is emptying this Node: it must not be uncordoned under its hands. */
export function othersAtWork(node: Raw): string[] {
  const taints = pointerGet(node, '/spec/taints');
  const annotations = pointerGet(node, '/metadata/annotations');
  return [
    ...(Array.isArray(taints) ? taints : []).flatMap((taint) => {
      const key = textAt(taint as Raw, '/key');
      return key !== undefined && TAINTS.has(key) ? [key] : [];
    }),
    ...(isRaw(annotations) ? Object.keys(annotations) : []).filter((key) => DRAIN_ANNOTATION.test(key)),
  ];
}

/** kured keeps its lock, or locks, on its own DaemonSet. Source: kubereboot/kured pkg/daemonsetlock. */
export const KURED_LOCK = 'weave.works/kured-node-lock';

/** Names of the Nodes that hold kured's lock. What is not a lock of kured's names none. */
export function kuredHolders(daemonSet: Raw): string[] {
  const annotations = pointerGet(daemonSet, '/metadata/annotations');
  const written = isRaw(annotations) ? annotations[KURED_LOCK] : undefined;
  if (typeof written !== 'string') return [];
  try {
    const lock = parseJson(written);
    const several = pointerGet(lock, '/locks');
    return [lock, ...(Array.isArray(several) ? several : [])].flatMap((one) => textAt(one as Raw, '/nodeID') ?? []);
  } catch {
    return [];
  }
}

/** A string at that place. */
export function textAt(object: Raw, pointer: string): string | undefined {
  const value = pointerGet(object, pointer);
  return typeof value === 'string' ? value : undefined;
}

/** ms; undefined where no time stands. */
export function timeAt(object: Raw, pointer: string): number | undefined {
  const time = Date.parse(textAt(object, pointer) ?? '');
  return Number.isNaN(time) ? undefined : time;
}
