// Manifests as a source: laid over a cluster as if they had been applied, or alone (--offline). An object of a file stands in the place of the cluster's own of the
// same name, with the status and the identity that the cluster gave to that one.
import { createHash } from 'node:crypto';
import type { ApiResource, Gap, ListQuery, Manifest, Raw, ResourceName, Source } from '../engine/contracts.ts';
import { isGap } from '../engine/gaps.ts';
import { picker } from '../kube/fields.ts';
import { isRaw } from '../kube/json.ts';
import { labelSelector } from '../kube/labels.ts';
import { keyOf, refOf } from '../kube/refs.ts';
import { BUILT_IN_RESOURCES, resourceName } from '../kube/resources.ts';
import { apisOf, type ByResource, byResource, inNamespace, kindKey } from './apis.ts';

interface Prepared {
  apis: ReadonlyMap<string, ApiResource>;
  /** All of them, with their namespaces. */
  placed: Manifest[];
  /** Of each object the declaration that counts. */
  mine: ByResource;
  byKey: ReadonlyMap<string, Raw>;
  served: ReadonlyMap<ResourceName, ApiResource>;
}

async function prepared(all: readonly Manifest[], namespace: string, cluster?: Source): Promise<Prepared> {
  // What a component reads at its start is not an object of any API server, a patch is none until it is merged into one, and what stands inside another is applied by its controller, wherever that is.
  const isObject = ({ configuration, part }: Manifest) => !configuration && !part;
  const apis = await apisOf(all.filter(isObject), cluster);
  const placed = all.map((each) => (isObject(each) ? inNamespace(each, apis, namespace) : each));
  const declared = placed.filter(isObject).map(asApplied);
  const named = lastOnes(declared.filter(({ unnamed }) => !unnamed));
  // What has no name yet is an object of its own each time.
  const counting = [...named, ...declared.filter(({ unnamed }) => unnamed)];
  return {
    apis,
    placed,
    mine: byResource(counting, apis),
    byKey: new Map(named.map(({ object }) => [keyOf(refOf(object)), object])),
    served: new Map([...apis.values()].map((api) => [resourceName(api), api])),
  };
}

/** `namespace`: for objects that name none. */
export async function overCluster(cluster: Source, all: readonly Manifest[], namespace: string): Promise<Source> {
  const { placed, mine, byKey, served } = await prepared(all, namespace, cluster);
  return {
    ...cluster,
    manifests: () => placed,
    async resource(name) {
      const answer = await cluster.resource(name);
      return answer === undefined || isGap(answer) ? (served.get(name) ?? answer) : answer;
    },
    list: (query, sink) => listOver(cluster, query, sink, mine.get(query.resource) ?? [], byKey),
    async get(ref) {
      const declared = byKey.get(keyOf(ref));
      const live = await cluster.get(ref);
      if (!declared) return live;
      return live === undefined || isGap(live) ? declared : applied(declared, live);
    },
  };
}

async function listOver(
  cluster: Source,
  query: ListQuery,
  sink: Parameters<Source['list']>[1],
  manifests: readonly Manifest[],
  byKey: ReadonlyMap<string, Raw>,
): Promise<undefined | Gap> {
  if (!manifests.length) return cluster.list(query, sink);
  const prune = picker(query.fields);
  const selected = labelSelector(query.labels);
  const replaced = new Map<string, Raw>();
  const gap = await cluster.list(query, {
    object(object) {
      const key = keyOf(refOf(object));
      if (byKey.has(key)) replaced.set(key, object);
      else sink.object(object);
    },
    restart() {
      replaced.clear();
      sink.restart();
    },
  });
  if (gap) return gap;
  for (const { object } of manifests) {
    const live = replaced.get(keyOf(refOf(object)));
    if (selected(object)) sink.object(prune(live ? applied(object, live) : object));
  }
  return undefined;
}

/** Alone: a kind of which nothing is declared was not looked at, unless it belongs to an API that the manifests do declare. `name`: where they are from. */
export async function alone(all: readonly Manifest[], namespace: string, name: string): Promise<Source> {
  const { apis, placed, mine, byKey, served } = await prepared(all, namespace);
  const groups = new Set([...apis.values()].map(({ group }) => group).filter((group) => !BUILT_IN.has(group)));
  const uid = `sha256:${createHash('sha256')
    .update([...byKey.keys()].sort().join('\n'))
    .digest('hex')}`;
  const unseen = (verb: Gap['verb'], resource: ResourceName): Gap => ({ why: 'not-collected', verb, resource });
  const isDeclared = (resource: ResourceName) => mine.has(resource) || groups.has(groupIn(resource));
  return {
    manifests: () => placed,
    identity: async () => ({ uid, certain: false, server: '', context: name }),
    serverVersion: async () => unseen('get', 'version'),
    resource: async (resource) => served.get(resource) ?? unseen('discover', resource),
    async list({ resource, labels, fields }, sink) {
      if (!isDeclared(resource)) return unseen('list', resource);
      const [prune, selected] = [picker(fields), labelSelector(labels)];
      for (const { object } of mine.get(resource) ?? []) if (selected(object)) sink.object(prune(object));
      return undefined;
    },
    async get(ref) {
      const api = apis.get(kindKey(ref));
      const declared = byKey.get(keyOf(ref));
      return declared ?? { ...unseen('get', api ? resourceName(api) : ref.kind), namespace: ref.namespace, name: ref.name };
    },
    log: async (pod) => ({ ...unseen('log', 'pods'), namespace: pod.namespace, name: pod.name }),
  };
}

const BUILT_IN = new Set(BUILT_IN_RESOURCES.map(({ group }) => group));
const groupIn = (resource: ResourceName): string => (resource.includes('.') ? resource.slice(resource.indexOf('.') + 1) : '');

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** Only an API server writes these: what holds one was taken out of a cluster. */
const OF_CLUSTER = ['uid', 'resourceVersion', 'managedFields'];

/** kubectl apply overwrites its annotation: one that a manifest in a file carries says nothing. An object that was read from a cluster says how it was applied there. */
function asApplied(manifest: Manifest): Manifest {
  const { object } = manifest;
  const { annotations, ...metadata } = object.metadata as Raw;
  if (!isRaw(annotations) || !Object.hasOwn(annotations, LAST_APPLIED) || OF_CLUSTER.some((key) => metadata[key] != null)) return manifest;
  const { [LAST_APPLIED]: _, ...others } = annotations;
  return { ...manifest, object: { ...object, metadata: { ...metadata, annotations: others } } };
}

/** Of one object declared twice the last one counts: it is applied last. */
function lastOnes(manifests: readonly Manifest[]): Manifest[] {
  return [...new Map(manifests.map((manifest) => [keyOf(refOf(manifest.object)), manifest])).values()];
}

/** What the cluster gave to an object, and an apply leaves as it is. */
const GIVEN = [
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'managedFields',
  'ownerReferences',
  'finalizers',
];

function applied(declared: Raw, live: Raw): Raw {
  const now = isRaw(live.metadata) ? live.metadata : {};
  const given = Object.fromEntries(Object.entries(now).filter(([key]) => GIVEN.includes(key)));
  return {
    ...(live.status === undefined ? {} : { status: live.status }),
    ...declared,
    metadata: { ...given, ...(declared.metadata as Raw) },
  };
}
