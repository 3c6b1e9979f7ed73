// Objects inside others, which a controller applies later, often to another cluster: where each kind keeps them. What a kind keeps as a string (the resources of a fleet Bundle) is not read.
// Sources: the types of crossplane-contrib/provider-kubernetes, crossplane, open-cluster-management-io/api, karmada-io/karmada, openshift/hive and openshift/api.
import type { Json, Raw } from '../engine/contracts.ts';
import { isRaw } from '../kube/json.ts';
import { describe, groupOf } from '../kube/refs.ts';

/** By group/Kind; `[]`: each of a list. */
const HELD: Record<string, string[]> = {
  'kubernetes.crossplane.io/Object': ['spec.forProvider.manifest'],
  'kubernetes.m.crossplane.io/Object': ['spec.forProvider.manifest'],
  'apiextensions.crossplane.io/Composition': ['spec.resources[].base', 'spec.pipeline[].input.resources[].base'],
  'work.open-cluster-management.io/ManifestWork': ['spec.workload.manifests[]'],
  'work.open-cluster-management.io/ManifestWorkReplicaSet': ['spec.manifestWorkTemplate.workload.manifests[]'],
  'work.karmada.io/Work': ['spec.workload.manifests[]'],
  'hive.openshift.io/SyncSet': ['spec.resources[]'],
  'hive.openshift.io/SelectorSyncSet': ['spec.resources[]'],
  'template.openshift.io/Template': ['objects[]'],
  // As it was before OpenShift had groups.
  '/Template': ['objects[]'],
  '/List': ['items[]'],
};
/** A Composition makes Objects that hold objects. */
export const MAX_DEPTH = 4;

export interface Inside {
  object: Raw;
  /** Keys and indexes that lead to it. */
  within: string[];
  /** It holds objects that stand too deep to be looked at. */
  holdsMore?: true;
}

/** In their order, also those inside of these. Each with apiVersion, kind and a name, which is empty where it has none yet. */
export function insideOf(outer: Raw, depth = 0): Inside[] {
  return heldBy(outer).flatMap(({ value, within }) => {
    if (depth === MAX_DEPTH && heldBy(value).length) return [{ object: named(value), within, holdsMore: true as const }];
    const deeper = insideOf(value, depth + 1).map((each) => ({ ...each, within: [...within, ...each.within] }));
    return [{ object: named(value), within }, ...deeper];
  });
}

/** Directly. */
function heldBy(outer: Raw): { value: Raw; within: string[] }[] {
  const paths = HELD[`${groupOf(String(outer.apiVersion))}/${String(outer.kind)}`] ?? [];
  return paths.flatMap((path) =>
    reached(outer, path.replaceAll('[]', '.[]').split('.'), []).flatMap(({ value, within }) =>
      isRaw(value) && typeof value.apiVersion === 'string' && typeof value.kind === 'string' ? [{ value, within }] : [],
    ),
  );
}

function reached(value: Json | undefined, [key, ...rest]: string[], within: string[]): { value: Json; within: string[] }[] {
  if (value === undefined) return [];
  if (key === undefined) return [{ value, within }];
  if (key === '[]') return Array.isArray(value) ? value.flatMap((item, at) => reached(item, rest, [...within, String(at)])) : [];
  return isRaw(value) ? reached(value[key], rest, [...within, key]) : [];
}

function named(object: Raw): Raw {
  const { name, namespace, generateName, ...metadata } = isRaw(object.metadata) ? object.metadata : {};
  const given = typeof name === 'string' ? name : typeof generateName === 'string' ? generateName : '';
  return { ...object, metadata: { ...metadata, name: given, ...(typeof namespace === 'string' ? { namespace } : {}) } };
}

/** How findings name what it stands in. */
export function outerName({ kind, metadata }: Raw): string {
  const { name, namespace } = isRaw(metadata) ? metadata : {};
  const text = (value: Json | undefined) => (typeof value === 'string' && value !== '' ? value : undefined);
  return describe({ apiVersion: '', kind: String(kind), name: text(name) ?? '', namespace: text(namespace) });
}
