// Which resources the server knows: names as checks write them, or apiVersion and kind as objects have them, to what a URL needs.
// One request for all groups where the server aggregates discovery (1.27 and later); else one per group version that is asked for.
import type { ApiResource, Gap, ResourceName, ServedResource } from '../engine/contracts.ts';
import { inOurWords } from '../engine/gaps.ts';
import { gapOf, object, statusOf } from './answers.ts';
import type { Answer, Transport } from './transport.ts';

export interface Discovery {
  /** undefined: not installed. A Gap speaks of this resource's group alone. Throws NoAnswer. */
  byName(name: ResourceName): Promise<ApiResource | undefined | Gap>;
  /** The same in exactly this version. */
  byKind(apiVersion: string, kind: string): Promise<ApiResource | undefined | Gap>;
  /** Everything. A version that is listed and does not answer is a gap named `group/version`. */
  all(): Promise<{ resources: ServedResource[]; gaps: Gap[] } | Gap>;
  /** Looks again at the next question: an API may have come or gone. */
  forget(): void;
}

const AGGREGATED = ['v2', 'v2beta1'].map((version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`);
const ACCEPT = [...AGGREGATED, 'application/json'].join(',');
/** 200 CRDs with their subresources make about 1 MB. */
const LONGEST = 64 * 1024 * 1024;

type Known = Omit<ServedResource, 'preferred'>;
/** What one group version serves; undefined: there is no such version. */
type Served = Known[] | undefined | Gap;
/** Versions of one group in the server's order of preference; `served` where the first request told. */
type Versions = { version: string; served?: Known[] | Gap; gap?: Gap }[];

export function discovery(transport: Transport): Discovery {
  let groups: Promise<Map<string, Versions> | Gap> | undefined;
  const served = new Map<string, Promise<Served>>();

  /** A failure is thrown to its caller, and the next caller asks again. */
  function once<T>(promise: Promise<T>, forget: () => void): Promise<T> {
    promise.catch(forget);
    return promise;
  }
  function allGroups(): Promise<Map<string, Versions> | Gap> {
    groups ??= once(fetchGroups(transport), () => {
      groups = undefined;
    });
    return groups;
  }
  async function versionsOf(group: string): Promise<Versions | Gap> {
    if (group === '') return [{ version: 'v1' }];
    const all = await allGroups();
    return all instanceof Map ? (all.get(group) ?? []) : all;
  }
  function load(group: string, version: string): Promise<Served> {
    const key = `${group}/${version}`;
    const known = served.get(key) ?? once(fetchVersion(transport, group, version), () => served.delete(key));
    served.set(key, known);
    return known;
  }
  /** The first of these versions that serves what is looked for; else the first Gap among them. */
  async function find(versions: Versions, group: string, asked: ResourceName, wanted: (api: ApiResource) => boolean) {
    let gap: Gap | undefined;
    for (const one of versions) {
      const there = one.served ?? (await load(group, one.version));
      if (there && 'why' in there) gap ??= { ...there, resource: asked };
      const found = Array.isArray(there) ? there.find(wanted) : undefined;
      if (!found) continue;
      const { verbs: _, ...api } = found;
      return api;
    }
    return gap;
  }

  return {
    async byName(name) {
      const { resource, group } = splitName(name);
      const versions = await versionsOf(group);
      if ('why' in versions) return { ...versions, resource: name };
      return find(versions, group, name, (api) => api.resource === resource);
    },
    async byKind(apiVersion, kind) {
      const { group, version } = splitVersion(apiVersion);
      const asked = group ? `${kind}.${group}` : kind;
      const versions = await versionsOf(group);
      if ('why' in versions) return { ...versions, resource: asked };
      return find(
        versions.filter((one) => one.version === version),
        group,
        asked,
        (api) => api.kind === kind,
      );
    },
    async all() {
      const all = await allGroups();
      if (!(all instanceof Map)) return all;
      const asked = [['', await versionsOf('')] as const, ...all].flatMap(([group, versions]) =>
        (Array.isArray(versions) ? versions : []).map(async (one) => {
          const name = group ? `${group}/${one.version}` : one.version;
          const there = one.served ?? (await load(group, one.version)) ?? notAnswering(name);
          const gap = 'why' in there ? there : one.gap;
          return { resources: 'why' in there ? [] : there, gaps: gap ? [{ ...gap, resource: name }] : [] };
        }),
      );
      const versions = await Promise.all(asked);
      return { resources: preferred(versions.flatMap(({ resources }) => resources)), gaps: versions.flatMap(({ gaps }) => gaps) };
    },
    forget() {
      groups = undefined;
      served.clear();
    },
  };
}

/** Of each resource the first, since versions come in the server's order. */
function preferred(all: Known[]): ServedResource[] {
  const seen = new Set<string>();
  return all.map((api) => {
    const name = resourceName(api);
    const first = !seen.has(name);
    seen.add(name);
    return { ...api, preferred: first };
  });
}

const notAnswering = (version: string): Gap => ({
  why: 'failed',
  verb: 'discover',
  resource: '',
  detail: `the server lists ${version} but does not answer for it (404)`,
});

/** `deployments.apps`: resource and group; `pods`: the group is empty. */
function splitName(name: ResourceName): { resource: string; group: string } {
  const dot = name.indexOf('.');
  return dot < 0 ? { resource: name, group: '' } : { resource: name.slice(0, dot), group: name.slice(dot + 1) };
}

export function resourceName(api: ApiResource): ResourceName {
  return api.group ? `${api.resource}.${api.group}` : api.resource;
}

function splitVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? { group: '', version: apiVersion } : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

/** Path of all objects of a resource, or of those in one namespace. */
export function collectionPath(api: ApiResource, namespace?: string): string {
  const root = api.group
    ? `/apis/${encodeURIComponent(api.group)}/${encodeURIComponent(api.version)}`
    : `/api/${encodeURIComponent(api.version)}`;
  const within = api.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}${within}/${encodeURIComponent(api.resource)}`;
}

export function objectPath(api: ApiResource, on: { namespace?: string; name: string }, subresource?: string): string {
  return `${collectionPath(api, on.namespace)}/${encodeURIComponent(on.name)}${subresource ? `/${subresource}` : ''}`;
}

async function fetchGroups(transport: Transport): Promise<Map<string, Versions> | Gap> {
  const answer = await transport.request({ method: 'GET', path: '/apis', accept: ACCEPT, maxBytes: LONGEST });
  if (answer.status !== 200) return gapOf({ verb: 'discover', resource: '' }, answer);
  const list = json(answer, 'APIGroupDiscoveryList', 'APIGroupList');
  if (!list || !isListed(list.items) || !isListed(list.groups)) return unreadable(answer);
  const groups = new Map<string, Versions>();
  for (const group of objects(list.items)) groups.set(String(objectOf(group.metadata).name ?? ''), aggregatedVersions(group));
  for (const group of objects(list.groups)) groups.set(String(group.name ?? ''), plainVersions(group));
  return groups;
}

/** An array, or none; anything else is not a list of nothing. */
const isListed = (value: unknown): boolean => value === undefined || value === null || Array.isArray(value);

/** Of an APIGroupDiscovery. A stale version is one whose (aggregated) server did not answer: what it lists, if anything, is old. */
function aggregatedVersions(group: Loose): Versions {
  const name = String(objectOf(group.metadata).name ?? '');
  return objects(group.versions).map((one) => {
    const version = String(one.version ?? '');
    const resources = objects(one.resources).flatMap((resource) => aggregatedResource(name, version, resource));
    if (one.freshness !== 'Stale') return { version, served: resources };
    const words = {
      en: `discovery of ${name}/${version} is stale: its server does not answer`,
      zh: `${name}/${version} 的 API 发现信息已过时：其服务器没有应答`,
    };
    const gap: Gap = { why: 'failed', verb: 'discover', resource: '', ...inOurWords(words) };
    return { version, served: resources.length ? resources : gap, gap };
  });
}

function aggregatedResource(group: string, version: string, resource: Loose): Known[] {
  // Only its subresources are served, by another kind.
  if (!objectOf(resource.responseKind).kind) return [];
  return [
    {
      group,
      version,
      resource: String(resource.resource ?? ''),
      kind: String(objectOf(resource.responseKind).kind),
      namespaced: resource.scope === 'Namespaced',
      subresources: objects(resource.subresources).map((one) => String(one.subresource ?? '')),
      verbs: texts(resource.verbs),
    },
  ];
}

function plainVersions(group: Loose): Versions {
  const preferred = String(objectOf(group.preferredVersion).version ?? '');
  const all = objects(group.versions).map((one) => String(one.version ?? ''));
  return [...new Set([preferred, ...all])].filter(Boolean).map((version) => ({ version }));
}

async function fetchVersion(transport: Transport, group: string, version: string): Promise<Served> {
  const path = group ? `/apis/${encodeURIComponent(group)}/${encodeURIComponent(version)}` : `/api/${encodeURIComponent(version)}`;
  const answer = await transport.request({ method: 'GET', path, maxBytes: LONGEST });
  // The core group is everywhere: a server without it is none of Kubernetes, and not one with nothing installed.
  if (answer.status === 404 && group) return undefined;
  if (answer.status !== 200) return gapOf({ verb: 'discover', resource: '' }, answer);
  const list = json(answer, 'APIResourceList');
  if (!list || !isListed(list.resources)) return unreadable(answer);
  const all = objects(list.resources).map((one) => ({ ...one, name: String(one.name ?? '') }));
  return all
    .filter(({ name }) => !name.includes('/'))
    .map((one) => ({
      group,
      version,
      resource: one.name,
      kind: String((one as Loose).kind ?? ''),
      namespaced: (one as Loose).namespaced === true,
      subresources: all.filter(({ name }) => name.startsWith(`${one.name}/`)).map(({ name }) => name.slice(one.name.length + 1)),
      verbs: texts((one as Loose).verbs),
    }));
}

function unreadable(answer: Answer): Gap {
  const { message } = statusOf(answer);
  const words = { en: `unreadable discovery: ${message}`, zh: `API 发现信息无法解析：${message}` };
  return { why: 'failed', verb: 'discover', resource: '', ...inOurWords(words) };
}

type Loose = Record<string, unknown>;

/** Of one of these kinds: `{}` is not an empty discovery. */
function json(answer: Answer, ...kinds: string[]): Loose | undefined {
  const list = object(answer);
  return list && kinds.includes(String(list.kind)) ? list : undefined;
}

function objectOf(value: unknown): Loose {
  return typeof value === 'object' && value !== null ? (value as Loose) : {};
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function objects(value: unknown): Loose[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'object' && one !== null) : [];
}
