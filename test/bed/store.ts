// What an API server has stored, written where it stores it: objects as they lie in a cluster that has been running for months, with uids, times, managers and status that
// no client may write. The server decodes them, fills in its defaults, prunes what a CustomResourceDefinition does not know, and serves them like any other.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Raw } from '../../src/engine/contracts.ts';
import { isRaw } from '../../src/kube/json.ts';
import { groupOf, refOf } from '../../src/kube/refs.ts';
import type { Client } from './client.ts';

export interface Store {
  /** Those of a kind, in this version of it, that neither the server nor a CustomResourceDefinition among them serves. */
  unknown(objects: readonly Raw[]): Promise<Raw[]>;
  /**
   * From now on the cluster holds these objects and what it held at its start, nothing else. Answers when the server serves it so. Throws where neither this server nor the
   * older one would create one of them, with everything that this one says.
   */
  hold(objects: readonly Raw[], older?: () => Promise<Store>): Promise<void>;
  /** Those that the server would not create, and why. Nothing is created. */
  refused(objects: readonly Raw[]): Promise<Refusal[]>;
}

export interface Refusal {
  object: Raw;
  why: string;
}

const CRD = 'CustomResourceDefinition';
const CRDS = 'apiextensions.k8s.io/customresourcedefinitions';
const PREFIX = '/registry/';
/** Where a resource does not lie under its own name (kubernetes: pkg/kubeapiserver/default_storage_factory_builder.go, pkg/registry/core). */
const ODD_PLACES: Record<string, string> = {
  endpoints: 'services/endpoints',
  ingresses: 'ingress',
  nodes: 'minions',
  podsecuritypolicies: 'podsecuritypolicy',
  replicationcontrollers: 'controllers',
  services: 'services/specs',
};
/** Of the server itself, and under the name of the group all the same. */
const UNDER_GROUP = ['apiextensions.k8s.io', 'apiregistration.k8s.io'];
/** etcd's own limit of what goes into one transaction is 128. */
const AT_ONCE = 100;
const PATIENCE = 20_000;

/** Writes one object as it lies in this etcd, under its key (`/registry/pods/NAMESPACE/NAME`): with what no client may write. */
export async function putStored(etcd: string, key: string, object: object): Promise<void> {
  const body = JSON.stringify({ key: base64(key), value: base64(JSON.stringify(object)) });
  const answer = await fetch(`${etcd}/v3/kv/put`, { method: 'POST', body });
  if (!answer.ok) throw new Error(`etcd put: ${answer.status} ${await answer.text()}`);
}

/** `client`: of an admin, on the same plane. No one else may write to it: no controllers. */
export function storeOf({ etcd }: { etcd: string }, client: Client): Store {
  const held = new Map<string, string>();
  /** What lay there before, of the keys that were written over. */
  const before = new Map<string, string | undefined>();
  let builtIn: Kinds | undefined;

  async function inEtcd(path: string, body: object) {
    const answer = await fetch(`${etcd}/v3/kv/${path}`, { method: 'POST', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`etcd ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as { kvs?: { value: string }[] };
  }

  async function stored(key: string): Promise<string | undefined> {
    const { kvs = [] } = await inEtcd('range', { key: base64(key) });
    return kvs[0] && Buffer.from(kvs[0].value, 'base64').toString('latin1');
  }

  /** `undefined`: to be removed. */
  async function write(changes: readonly (readonly [key: string, value: string | undefined, encoding?: BufferEncoding])[]): Promise<void> {
    for (let at = 0; at < changes.length; at += AT_ONCE) {
      const success = changes.slice(at, at + AT_ONCE).map(([text, value, encoding]) => {
        const key = base64(text);
        return value === undefined ? { requestDeleteRange: { key } } : { requestPut: { key, value: base64(value, encoding) } };
      });
      await inEtcd('txn', { success });
    }
  }

  async function remove(keys: readonly string[]): Promise<void> {
    await write(keys.map((key) => [key, before.get(key), 'latin1']));
    for (const key of keys) held.delete(key);
  }

  async function add(placed: readonly Placed[], older?: () => Promise<Store>): Promise<void> {
    const refusals = await refusalsOf(placed);
    const objects = refusals.map(({ object }) => object);
    // What a server refuses today an older one may have stored.
    const never = refusals.length && older ? (await (await older()).refused(objects)).map(({ object }) => object) : objects;
    const said = refusals
      .filter(({ object }) => never.includes(object))
      .map(({ object, why }) => `${object.kind} ${refOf(object).name}: ${why}`);
    if (said.length) throw new Error(`the API server refuses to create:\n${said.join('\n')}`);
    for (const { key } of placed) if (!before.has(key)) before.set(key, await stored(key));
    await write(placed.map(({ key, text }) => [key, text]));
    for (const { key, text } of placed) held.set(key, text);
  }

  async function refusalsOf(placed: readonly Placed[]): Promise<Refusal[]> {
    const answers = placed.map(async ({ object, path }) => {
      const { status, body } = await client.request('POST', `${path}?dryRun=All&fieldValidation=Strict`, asCreated(object));
      // 409: what the server itself holds under that name.
      return status < 300 || status === 409 ? [] : [{ object, why: body.message ?? JSON.stringify(body) }];
    });
    return (await Promise.all(answers)).flat();
  }

  async function untilServed(crd: Raw, served: boolean): Promise<void> {
    const { group, plural, versions } = definedBy(crd);
    const limit = Date.now() + PATIENCE;
    const holds = async () => {
      for (const version of versions) {
        const { status } = await client.request('GET', `/apis/${group}/${version}/${plural}?limit=1`);
        if (status !== (served ? 200 : 404)) return false;
      }
      return (await isDiscovered(client, group, plural)) === served;
    };
    while (!(await holds())) {
      if (Date.now() > limit) throw new Error(`waited without result for ${plural}.${group} to be ${served ? 'served' : 'gone'}`);
      await sleep(20);
    }
  }

  return {
    async unknown(objects) {
      builtIn ??= await kindsOf(client);
      const kinds = [builtIn, new Map(objects.filter(isCrd).map((crd) => [kindKey(definedBy(crd)), definedBy(crd)]))];
      return objects.filter((object) => {
        const known = kinds
          .map((map) => map.get(kindKey({ group: groupOf(String(object.apiVersion)), kind: String(object.kind) })))
          .find(Boolean);
        return !known?.versions.includes(versionOf(object));
      });
    },
    async refused(objects) {
      builtIn ??= await kindsOf(client);
      const own = (object: Raw) => builtIn!.has(kindKey({ group: groupOf(String(object.apiVersion)), kind: String(object.kind) }));
      const notServed = objects.filter((object) => !own(object)).map((object) => ({ object, why: 'not served' }));
      return [...notServed, ...(await refusalsOf(objects.filter(own).map((object) => placeOf(object, builtIn!, new Map()))))];
    },
    async hold(objects, older) {
      builtIn ??= await kindsOf(client);
      const custom = new Map(
        objects.filter(isCrd).map((crd) => [kindKey(definedBy(crd)), { ...definedBy(crd), crd: keyOfCrd(refOf(crd).name) }]),
      );
      const placed = objects.map((object) => placeOf(object, builtIn!, custom));
      const crds = placed.filter(({ object }) => isCrd(object));
      const wanted = new Map(placed.map((one) => [one.key, one]));
      // A CustomResourceDefinition that changed goes before it comes back, so that it is seen which one is served; its objects go before it, and come after it.
      const isSteady = (key: string): boolean => {
        const one = wanted.get(key);
        return one !== undefined && held.get(key) === one.text && (one.crd === undefined || isSteady(one.crd));
      };
      const gone = [...held].filter(([key]) => !isSteady(key));
      const goneCrds = gone.filter(([key]) => key.startsWith(PREFIX + CRDS));
      await remove(gone.map(([key]) => key).filter((key) => !key.startsWith(PREFIX + CRDS)));
      await remove(goneCrds.map(([key]) => key));
      for (const [, text] of goneCrds) await untilServed(JSON.parse(text), false);
      const newCrds = crds.filter(({ key }) => !held.has(key));
      await add(newCrds, older);
      for (const { object } of newCrds) await untilServed(object, true);
      await add(
        placed.filter(({ key }) => !held.has(key)),
        older,
      );
    },
  };
}

// ---- which place an object has --------------------------------------------------------------------------------------

interface Kind {
  group: string;
  kind: string;
  plural: string;
  namespaced: boolean;
  /** Served ones. */
  versions: string[];
  /** Key of the CustomResourceDefinition. */
  crd?: string;
}
type Kinds = Map<string, Kind>;
interface Placed {
  object: Raw;
  text: string;
  /** In etcd. */
  key: string;
  /** Of its collection, on the server. */
  path: string;
  /** Key of what defines its kind, where that is not a matter of the server's own. */
  crd?: string;
}

const isCrd = ({ kind }: Raw): boolean => kind === CRD;
const kindKey = ({ group, kind }: Pick<Kind, 'group' | 'kind'>): string => `${group}/${kind}`;
const keyOfCrd = (name: string): string => `${PREFIX}${CRDS}/${name}`;
const versionOf = ({ apiVersion }: Raw): string => String(apiVersion).split('/').at(-1)!;

function placeOf(object: Raw, builtIn: Kinds, custom: Kinds): Placed {
  const { apiVersion, kind, namespace, name } = refOf(object);
  const key = kindKey({ group: groupOf(apiVersion), kind });
  const found = builtIn.get(key) ?? custom.get(key);
  if (!found) throw new Error(`no ${kind} of ${apiVersion} is served`);
  const { group, plural, namespaced, crd } = found;
  const place = crd || UNDER_GROUP.includes(group) ? `${group}/${plural}` : (ODD_PLACES[plural] ?? plural);
  return {
    object,
    text: JSON.stringify(object),
    key: PREFIX + [place, namespace, name].filter(Boolean).join('/'),
    path: `${group ? '/apis' : '/api'}/${apiVersion}/${namespaced ? `namespaces/${namespace}/` : ''}${plural}`,
    crd,
  };
}

/** Everything that the server itself serves. */
async function kindsOf(client: Client): Promise<Kinds> {
  const { groups } = (await client.request('GET', '/apis')).body;
  const named = groups.flatMap(({ versions }: { versions: { groupVersion: string }[] }) =>
    versions.map(({ groupVersion }) => groupVersion),
  );
  const kinds: Kinds = new Map();
  for (const apiVersion of ['v1', ...named]) {
    const { body } = await client.request('GET', `${apiVersion === 'v1' ? '/api' : '/apis'}/${apiVersion}`);
    for (const { name, kind, namespaced } of body.resources ?? []) {
      if (name.includes('/')) continue;
      const group = groupOf(apiVersion);
      const known: Kind = kinds.get(kindKey({ group, kind })) ?? { group, kind, plural: name, namespaced, versions: [] };
      known.versions.push(versionOf({ apiVersion }));
      kinds.set(kindKey(known), known);
    }
  }
  return kinds;
}

function definedBy({ spec }: Raw): Kind {
  if (!isRaw(spec) || !isRaw(spec.names) || !Array.isArray(spec.versions))
    throw new Error('a CustomResourceDefinition without names or versions');
  const served = spec.versions.filter(isRaw).filter((version) => version.served !== false);
  return {
    group: String(spec.group),
    kind: String(spec.names.kind),
    plural: String(spec.names.plural),
    namespaced: spec.scope === 'Namespaced',
    versions: served.map(({ name }) => String(name)),
  };
}

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';

/** By the one answer that names everything, where the server has that: the tool reads it, and it lags behind. */
async function isDiscovered(client: Client, group: string, plural: string): Promise<boolean> {
  const { body } = await client.request('GET', '/apis', undefined, undefined, AGGREGATED);
  if (body.kind === 'APIGroupDiscoveryList') {
    const { versions = [] } = body.items.find(({ metadata }: { metadata: { name: string } }) => metadata.name === group) ?? {};
    return versions.some(({ resources }: { resources: { resource: string }[] }) => resources.some(({ resource }) => resource === plural));
  }
  const there = body.groups.find(({ name }: { name: string }) => name === group);
  if (!there) return false;
  const listed = await client.request('GET', `/apis/${there.preferredVersion.groupVersion}`);
  return (listed.body.resources ?? []).some(({ name }: { name: string }) => name === plural);
}

/** Without what a client may not say: the server's own fields, addresses that it gives, selectors that it makes. */
function asCreated(object: Raw): Raw {
  const own = ['uid', 'resourceVersion', 'generation', 'managedFields', 'deletionTimestamp', 'deletionGracePeriodSeconds'];
  const created: Raw = { ...object, metadata: without(object.metadata, own) };
  if (object.kind === 'Service') created.spec = without(object.spec, ['clusterIP', 'clusterIPs']);
  if (object.kind === 'Job') created.spec = without(object.spec, ['selector']);
  return created;
}

const without = (object: unknown, keys: readonly string[]): Raw =>
  isRaw(object) ? Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key))) : {};

const base64 = (text: string, encoding: BufferEncoding = 'utf8') => Buffer.from(text, encoding).toString('base64');
