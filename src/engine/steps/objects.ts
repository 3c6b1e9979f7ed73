// What every kind of step has to know about objects: who one is, what a journal may keep of it, and what this tool never touches.

import { isRaw } from '../../kube/json.ts';
import { pointerGet } from '../../kube/pointer.ts';
import { describe, groupOf, refOf } from '../../kube/refs.ts';
import { type Raw, type Ref, type Text, type World, WorldError } from '../contracts.ts';

export const metadataOf = (object: Raw): Raw => (isRaw(object.metadata) ? object.metadata : {});
export const uidOf = (object: Raw | undefined): string | undefined => textAt(object, '/metadata/uid');
export const versionOf = (object: Raw | undefined): string | undefined => textAt(object, '/metadata/resourceVersion');
/** Deletion was asked for; it goes when its finalizers and its grace period are over. */
export const isLeaving = (object: Raw): boolean => pointerGet(object, '/metadata/deletionTimestamp') !== undefined;
/** It is not there, or another object has taken its name. */
export const isGone = (object: Raw | undefined, { uid }: Ref): object is undefined =>
  object === undefined || (uid !== undefined && uidOf(object) !== uid);

function textAt(object: Raw | undefined, path: string): string | undefined {
  const value = object && pointerGet(object, path);
  return typeof value === 'string' ? value : undefined;
}

const isOf = (object: { apiVersion?: unknown; kind?: unknown }, group: string, kind: string): boolean =>
  object.kind === kind && groupOf(String(object.apiVersion)) === group;
export const isPod = (object: { apiVersion?: unknown; kind?: unknown }): boolean => isOf(object, '', 'Pod');
export const isSecret = (object: { apiVersion?: unknown; kind?: unknown }): boolean => isOf(object, '', 'Secret');
export const isDefinition = (object: { apiVersion?: unknown; kind?: unknown }): boolean =>
  isOf(object, 'apiextensions.k8s.io', 'CustomResourceDefinition');
/** Gone for good when deleted: what comes after it is another one. */
export const isOneOff = (object: { apiVersion?: unknown; kind?: unknown }): boolean => isPod(object) || isOf(object, 'batch', 'Job');

// ---- remembering ----------------------------------------------------------------------------------------------------

/** Who it was, and nothing else. */
export function identity(object: Raw | undefined): Raw | undefined {
  if (!object || !isRaw(object.metadata)) return undefined;
  const { apiVersion, kind } = object;
  const { namespace, name, uid } = metadataOf(object);
  const metadata = Object.fromEntries(Object.entries({ namespace, name, uid }).filter(([, value]) => value !== undefined)) as Raw;
  return { apiVersion: apiVersion!, kind: kind!, metadata };
}

/** All of it but managedFields, the server's own bookkeeping: half the size, and no undo writes them. Of a Secret never a value. */
export function whole(object: Raw | undefined): Raw | undefined {
  if (!object) return undefined;
  const { managedFields: _, ...metadata } = metadataOf(object);
  if (!isSecret(object)) return { ...object, metadata };
  const { data: _data, stringData: _text, ...rest } = object;
  const { annotations: _annotations, ...bare } = metadata;
  return { ...rest, metadata: bare };
}

/** As a person would write it: without what the server gives to an object or counts up in it. */
export function bare(object: Raw): Raw {
  const {
    uid: _uid,
    resourceVersion: _version,
    generation: _generation,
    creationTimestamp: _created,
    deletionTimestamp: _deleted,
    deletionGracePeriodSeconds: _grace,
    managedFields: _managed,
    selfLink: _link,
    ...metadata
  } = metadataOf(object);
  return { ...object, metadata };
}

export function withoutStatus(object: Raw): Raw {
  const { status: _, ...rest } = object;
  return rest;
}

// ---- never ----------------------------------------------------------------------------------------------------------

/** Why this object is never deleted or evicted by us, whatever a plan says; undefined: it may be. */
export async function neverDeleted(object: Raw, world: World): Promise<Text | undefined> {
  if (isPod(object)) return hasController(object) || hasFinished(object) ? undefined : LONELY;
  if (isNamespace(object)) return stillHolds(object, world);
  return isDefinition(object) && (await hasObjects(object, world)) ? NOT_EMPTY : undefined;
}

const isNamespace = ({ apiVersion, kind }: Raw): boolean => apiVersion === 'v1' && kind === 'Namespace';
/** Names of objects that are told. */
const TOLD = 3;

/** Deleting a Namespace deletes everything in it. */
async function stillHolds(namespace: Raw, world: World): Promise<Text | undefined> {
  let inside: Raw[];
  try {
    inside = (await world.inside?.(refOf(namespace).name)) ?? [];
  } catch (error) {
    if (!(error instanceof WorldError) || error.kind !== 'forbidden') throw error;
    return {
      en: `cannot tell whether the Namespace is empty (${error.text.en}); delete it manually if nothing in it is needed`,
      zh: `无法确认该命名空间是否为空（${error.text.zh}）；确认其中没有需要的对象后，请手动删除`,
    };
  }
  const own = inside.filter((object) => !comesAndGoes(object)).map((object) => describe(refOf(object)));
  if (!own.length) return undefined;
  const rest = own.length - TOLD;
  const names = (separator: string) => own.slice(0, TOLD).join(separator);
  return {
    en: `the Namespace still contains ${names(', ')}${rest > 0 ? ` and ${rest} more` : ''}; deleting it would delete them`,
    zh: `该命名空间仍包含 ${names('、')}${rest > 0 ? ` 等 ${own.length} 个对象` : ''}，删除它会连带删除这些对象`,
  };
}

/** What every Namespace has, what goes with its owner or is on its way out, and what only tells of others. */
function comesAndGoes(object: Raw): boolean {
  const { kind, name } = refOf(object);
  if (isLeaving(object) || ownersOf(object).length > 0) return true;
  if (kind === 'ConfigMap') return name === 'kube-root-ca.crt';
  if (kind === 'ServiceAccount') return name === 'default';
  if (kind === 'Secret') return pointerGet(object, '/metadata/annotations/kubernetes.io~1service-account.name') !== undefined;
  return kind === 'Event' || kind === 'Lease' || kind === 'PodMetrics';
}

const LONELY: Text = {
  en: 'this Pod has no controller that would re-create it. If it is not needed, delete it manually, then resume',
  zh: '该 Pod 没有控制器，删除后不会重新创建。确认不再需要时，请手动删除后再继续',
};
const NOT_EMPTY: Text = {
  en: 'this CRD still has custom resources; deleting it would delete them all',
  zh: '该 CRD 仍有自定义资源，删除它会连带删除所有这些资源',
};

/** Of a Pod in one of these phases no container runs, nor will one ever again (Kubernetes: Pod lifecycle). What is lost are its logs. */
function hasFinished(pod: Raw): boolean {
  const phase = textAt(pod, '/status/phase');
  return phase === 'Succeeded' || phase === 'Failed';
}

/** A mirror Pod belongs to its Node: deleting it restarts nothing. */
function hasController(pod: Raw): boolean {
  return ownersOf(pod).some(({ controller, kind }) => controller === true && kind !== 'Node');
}

export function ownersOf(object: Raw): Raw[] {
  const { ownerReferences } = metadataOf(object);
  return Array.isArray(ownerReferences) ? ownerReferences.filter(isRaw) : [];
}

/** Any served version shows the objects of all. */
async function hasObjects(definition: Raw, world: World): Promise<boolean> {
  const group = textAt(definition, '/spec/group');
  const kind = textAt(definition, '/spec/names/kind');
  const served = versionsOf(definition).find((version) => version.served !== false);
  return served !== undefined && group !== undefined && kind !== undefined && world.any({ apiVersion: `${group}/${served.name}`, kind });
}

export function versionsOf(definition: Raw): Raw[] {
  const versions = pointerGet(definition, '/spec/versions');
  return Array.isArray(versions) ? versions.filter(isRaw) : [];
}

/** Secret values must not reach plan or journal, where a step that holds them would put them. */
export const secretValues = (paths: string[]): boolean => paths.some((path) => /^\/(data|stringData)(\/|$)/.test(path));
export const NO_SECRET_VALUES: Text = {
  en: 'refusing to run a step that contains values of a Secret: they would be stored in the journal',
  zh: '不执行包含 Secret 值的步骤：这些值会被写入运行日志',
};
