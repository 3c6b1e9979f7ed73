// A cluster's answers in memory: what was listed, what was asked, and what could not be seen. Read from a file or folder, or recorded live.
import { createHash } from 'node:crypto';
import type {
  ApiResource,
  ClusterIdentity,
  Column,
  Field,
  Gap,
  Raw,
  Ref,
  ResourceName,
  ServedResource,
  TextQuery,
} from '../engine/contracts.ts';
import { isRaw } from '../kube/json.ts';
import { groupOf, keyOf, refOf } from '../kube/refs.ts';
import { BUILT_IN_RESOURCES, guessPlural, resourceName, splitApiVersion } from '../kube/resources.ts';

/** A list as it was asked: whatever asks for no more than this can be answered from it. */
export interface Listed {
  labels?: string;
  fields: readonly Field[] | 'whole';
  /** How it was kept; left out: as it is. */
  marks?: readonly string[];
}
export interface Collected {
  objects: Raw[];
  /** Empty: single objects are known, no list of them. */
  lists: Listed[];
}
export interface Dump {
  identity: ClusterIdentity;
  /** As of a Source; a folder of plain dumps does not say. */
  recordedAt?: number;
  serverVersion?: string;
  apis: Map<ResourceName, ApiResource | 'not-installed'>;
  collected: Map<ResourceName, Collected>;
  /** Answers of point reads by `keyOf`; `none`: there was no such object. */
  gets: Map<string, Raw | 'none'>;
  /** By `logKey`; `none`: there was no such log. */
  logs: Map<string, string | 'none'>;
  /** Answers of text paths, by `textKey`: lines by server. */
  texts: Map<string, Map<string, string[]>>;
  /** What was answered when all APIs were asked for. */
  served?: { resources: ServedResource[]; gaps: Gap[] };
  absent: Gap[];
  /** A resource that is neither collected nor absent was read and is empty. Never so for a recorded dump: that one knows what was asked. */
  whole: boolean;
  /** What may be kept of each resource, where the dump is written into a file; of what is not declared only the names. */
  declared?: { get(resource: ResourceName): readonly Column[] | undefined };
}

export function logKey(namespace: string | undefined, pod: string, container: string): string {
  return `${namespace ?? ''}/${pod}/${container}`;
}

export const textKey = ({ path, every }: TextQuery): string => `${path}${every ? ' of every server' : ''}`;

export interface DumpParts extends Partial<Omit<Dump, 'apis' | 'collected'>> {
  objects: Iterable<Raw>;
  apis?: readonly ApiResource[];
  notInstalled?: readonly ResourceName[];
  /** What was listed. Left out: all that is there is all there is of its resource. */
  lists?: ReadonlyMap<ResourceName, Listed[]>;
}

/** A dump of these objects. Which resource a kind belongs to comes from `apis`, from CustomResourceDefinitions among the objects, or from what is common. */
export function dumpOf(parts: DumpParts): Dump {
  const byKind = Map.groupBy(parts.objects, kindOf);
  const apis = apisOf(parts, byKind);
  const collected = new Map<ResourceName, Collected>();
  for (const [name, lists] of parts.lists ?? []) collected.set(name, { objects: [], lists });
  for (const [kind, objects] of byKind) {
    const name = resourceName(apis.get(kind) as ApiResource);
    collected.set(name, {
      objects: [...unique(objects).values()],
      lists: parts.lists === undefined ? [{ fields: 'whole' }] : (parts.lists.get(name) ?? []),
    });
  }
  // A recorded dump asked discovery itself; elsewhere what every cluster serves is taken to be served.
  const served =
    parts.lists === undefined
      ? [...apis.values()]
      : [...(parts.apis ?? []), ...[...byKind.keys()].map((kind) => apis.get(kind) as ApiResource)];
  const named = new Map<ResourceName, ApiResource | 'not-installed'>(served.map((api) => [resourceName(api), api]));
  for (const name of parts.notInstalled ?? []) named.set(name, 'not-installed');
  return {
    identity: parts.identity ?? identityOf(collected),
    ...(parts.recordedAt === undefined ? {} : { recordedAt: parts.recordedAt }),
    serverVersion: parts.serverVersion,
    apis: named,
    collected,
    gets: parts.gets ?? new Map(),
    logs: parts.logs ?? new Map(),
    texts: parts.texts ?? new Map(),
    served: parts.served,
    absent: parts.absent ?? [],
    whole: parts.whole ?? false,
    declared: parts.declared,
  };
}

const positions = new WeakMap<Collected, Map<string, number>>();

/** Where an object stands among those of its resource, by `keyOf`. Positions never change; a rehearsal replaces objects in their place. */
export function positionsOf(collected: Collected): ReadonlyMap<string, number> {
  const known = positions.get(collected);
  if (known !== undefined) return known;
  const made = new Map(collected.objects.map((object, at) => [keyOf(refOf(object)), at]));
  positions.set(collected, made);
  return made;
}

/** `group/Kind`. */
export function kindOf({ apiVersion, kind }: { apiVersion?: unknown; kind?: unknown }): string {
  return `${groupOf(String(apiVersion))}/${String(kind)}`;
}

/** Of an object that is there twice the later one counts. */
function unique(objects: readonly Raw[]): Map<string, Raw> {
  return new Map(objects.map((object) => [keyOf(refOf(object)), object]));
}

function apisOf(parts: DumpParts, byKind: ReadonlyMap<string, Raw[]>): Map<string, ApiResource> {
  const apis = new Map<string, ApiResource>();
  const learn = (api: ApiResource): void => void apis.set(`${api.group}/${api.kind}`, api);
  for (const api of BUILT_IN_RESOURCES) learn(api);
  for (const definition of byKind.get('apiextensions.k8s.io/CustomResourceDefinition') ?? []) {
    const api = definedBy(definition);
    if (api !== undefined) learn(api);
  }
  for (const api of parts.apis ?? []) learn(api);
  for (const [kind, objects] of byKind) if (!apis.has(kind)) learn(guessed(objects));
  return apis;
}

function definedBy({ spec }: Raw): ApiResource | undefined {
  if (!isRaw(spec) || !isRaw(spec.names)) return undefined;
  const { plural, kind } = spec.names;
  const { group } = spec;
  const versions = Array.isArray(spec.versions) ? spec.versions.filter(isRaw) : [];
  const version = versions.find(({ storage }) => storage === true) ?? versions[0] ?? {};
  if (typeof plural !== 'string' || typeof kind !== 'string' || typeof group !== 'string') return undefined;
  const subresources = isRaw(version.subresources) ? version.subresources : isRaw(spec.subresources) ? spec.subresources : {};
  return {
    group,
    version: String(version.name ?? spec.version ?? ''),
    resource: plural,
    kind,
    namespaced: spec.scope !== 'Cluster',
    subresources: Object.keys(subresources),
  };
}

function guessed(objects: readonly Raw[]): ApiResource {
  const refs = objects.map(refOf);
  const { apiVersion, kind } = refs[0] as Ref;
  const [group, version] = splitApiVersion(apiVersion);
  return {
    group,
    version,
    resource: guessPlural(kind),
    kind,
    namespaced: refs.some(({ namespace }) => namespace !== undefined),
    subresources: [],
  };
}

/** As live: the uid of kube-system. Without it, a digest of which objects there are: the same dump is the same cluster. */
function identityOf(collected: ReadonlyMap<ResourceName, Collected>): ClusterIdentity {
  const system = collected
    .get('namespaces')
    ?.objects.map(refOf)
    .find(({ name }) => name === 'kube-system');
  if (system?.uid !== undefined) return { uid: system.uid, certain: true, server: '', context: '' };
  const names = [...collected.values()].flatMap(({ objects }) => objects.map((object) => keyOf(refOf(object))));
  const digest = createHash('sha256').update(names.sort().join('\n')).digest('hex');
  return { uid: `sha256:${digest}`, certain: false, server: '', context: '' };
}
