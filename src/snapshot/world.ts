// A dump as a world: rehearsal writes into it what a run would write to the cluster, by the rules of an API server. What controllers would do then is assumed, not played.
import {
  type ApiResource,
  type ApiWrite,
  type Assumption,
  isApiWrite,
  type Json,
  type Raw,
  type Ref,
  type ResourceName,
  type Text,
  type World,
  WorldError,
} from '../engine/contracts.ts';
import { readerOf, setInPlace } from '../engine/steps/fields.ts';
import { deepEqual, isRaw } from '../kube/json.ts';
import { labelSelector } from '../kube/labels.ts';
import { applyPatch, pointerGet, pointerRemove, pointerSet } from '../kube/pointer.ts';
import { describe, keyOf, notServed, refOf } from '../kube/refs.ts';
import { applied } from './applied.ts';
import { type Dump, dumpOf, positionsOf } from './dump.ts';
import { resourcesByKind } from './source.ts';

const NOT_REHEARSED: Text = { en: 'helm is not rehearsed', zh: '演练不会调用 helm' };

/** The dump itself is changed; a `dumpSource` made over it afterwards sees that. */
export function dumpWorld(dump: Dump): World {
  let resourceOf = resourcesByKind(dump);
  let made = 0;

  function place(ref: Ref): { objects: Raw[]; at: number } | undefined {
    const collected = dump.collected.get(resourceOf(ref));
    const at = collected && positionsOf(collected).get(keyOf(ref));
    return collected === undefined || at === undefined ? undefined : { objects: collected.objects, at };
  }

  /** A point read is newer and wholer than what a list gave. */
  function read(ref: Ref): Raw | undefined {
    const asked = dump.gets.get(keyOf(ref));
    if (asked !== undefined) return asked === 'none' ? undefined : asked;
    const listed = place(ref);
    return listed?.objects[listed.at];
  }

  function store(given: Raw): void {
    const object = withStored(given);
    const ref = refOf(object);
    const listed = place(ref);
    if (listed !== undefined) listed.objects[listed.at] = object;
    else withObjects(resourceOf(ref), (objects) => [...objects, object]);
    // What is new is known whole, whatever the lists of its kind hold.
    if (dump.gets.has(keyOf(ref)) || listed === undefined) dump.gets.set(keyOf(ref), object);
    learn(object);
  }

  function drop(ref: Ref): void {
    const listed = place(ref);
    if (listed !== undefined) withObjects(resourceOf(ref), (objects) => objects.toSpliced(listed.at, 1));
    if (dump.gets.has(keyOf(ref))) dump.gets.set(keyOf(ref), 'none');
  }

  /** Positions are remembered per Collected: with other objects it is another one. */
  function withObjects(resource: ResourceName, change: (objects: Raw[]) => Raw[]): void {
    const { objects, lists } = dump.collected.get(resource) ?? { objects: [], lists: [{ fields: 'whole' as const }] };
    dump.collected.set(resource, { objects: change(objects), lists });
  }

  /** A CRD brings its kind. */
  function learn(object: Raw): void {
    if (object.kind !== 'CustomResourceDefinition') return;
    const name = refOf(object).name;
    const api = dumpOf({ objects: [object] }).apis.get(name);
    if (api === undefined) return;
    dump.apis.set(name, api);
    if (!dump.collected.has(name)) withObjects(name, (objects) => objects);
    resourceOf = resourcesByKind(dump);
  }

  function apiOf(ref: Ref): ApiResource | undefined {
    const api = dump.apis.get(resourceOf(ref));
    if (api === 'not-installed') throw notServed(ref, 404);
    return api;
  }

  /** What is there under this name; throws as a server does for what is not, or is another. */
  function expected(on: Ref, resourceVersion?: string): Raw {
    const found = read(on);
    if (found === undefined) throw new WorldError('missing', `${describe(on)} not found`, 404);
    const now = versioned(found);
    if (on.uid !== undefined && refOf(now).uid !== on.uid) throw new WorldError('conflict', `${describe(on)} has another uid`, 409);
    if (resourceVersion !== undefined && pointerGet(now, '/metadata/resourceVersion') !== resourceVersion)
      throw new WorldError('conflict', `${describe(on)} has another resourceVersion`, 409);
    return now;
  }

  /** `after`: undefined: it is gone. */
  function outcomeOf(write: ApiWrite): { ref: Ref; after: Raw | undefined; answer: Raw | undefined } {
    switch (write.verb) {
      case 'patch': {
        const after = patched(expected(write.on), write, apiOf(write.on));
        return { ref: write.on, after: isOver(after) ? undefined : after, answer: after };
      }
      case 'create':
        return creation(write.object);
      case 'apply': {
        if (write.resourceVersion === undefined) return creation(write.object);
        const now = expected(refOf(write.object), write.resourceVersion);
        const next = applied(now, write.object);
        const after = deepEqual(now, next) ? now : bumped(now, next);
        return { ref: refOf(after), after, answer: after };
      }
      case 'delete': {
        const now = expected(write.on, write.resourceVersion);
        const leaving = held(now) ? onItsWayOut(now) : undefined;
        return { ref: write.on, after: leaving, answer: leaving };
      }
      case 'verbosity':
        throw new WorldError('refused', `${describe(write.on)} is not in a snapshot`);
      case 'evict':
        // Whether a budget allows it depends on controllers, which are not here.
        expected(write.on);
        return { ref: write.on, after: undefined, answer: undefined };
    }
  }

  function creation(object: Raw): ReturnType<typeof outcomeOf> {
    const ref = refOf(object);
    const api = apiOf(ref);
    if (read(ref) !== undefined) throw new WorldError('conflict', `${describe(ref)} already exists`, 409);
    const after = born(api?.subresources.includes('status') ? withStatus(object, undefined) : object, ++made);
    return { ref, after, answer: after };
  }

  // A rehearsal lays nothing on a disk; what comes behind a backup is rehearsed all the same.
  const backups = new Set<string>();
  return {
    hasBackup: async (file) => backups.has(file),
    ...(dump.recordedAt === undefined ? {} : { recordedAt: dump.recordedAt }),
    async get(ref) {
      const found = read(ref);
      return found && versioned(found);
    },
    async write(write, options) {
      if (write.verb === 'backup') {
        if (options?.dryRun !== true) backups.add(write.file);
        return undefined;
      }
      if (!isApiWrite(write)) throw new WorldError('refused', NOT_REHEARSED);
      const { ref, after, answer } = outcomeOf(write);
      if (options?.dryRun === true) return answer;
      if (after === undefined) drop(ref);
      else store(after);
      return answer;
    },
    async any({ apiVersion, kind }) {
      return (dump.collected.get(resourceOf({ apiVersion, kind, name: '' }))?.objects.length ?? 0) > 0;
    },
    async inside(namespace) {
      return [...dump.collected.values()].flatMap(({ objects }) => objects).filter((object) => refOf(object).namespace === namespace);
    },
    async page({ apiVersion, kind }) {
      return { objects: dump.collected.get(resourceOf({ apiVersion, kind, name: '' }))?.objects ?? [], left: 0 };
    },
    async select({ apiVersion, kind, namespace, labels, fields }) {
      const selected = labelSelector(labels);
      const objects = dump.collected.get(resourceOf({ apiVersion, kind, name: '' }))?.objects ?? [];
      return objects
        .filter((object) => selected(object) && (namespace === undefined || refOf(object).namespace === namespace))
        .map((object) => read(refOf(object)) ?? object)
        .map(versioned)
        .filter((object) => !fields || hasField(object, fields));
    },
    async read({ path }) {
      throw new WorldError('refused', { en: `${path} is not read in a rehearsal`, zh: `演练不会读取 ${path}` });
    },
    // In memory everything may be written.
    allowed: async () => [],
    assume(assumptions) {
      for (const each of assumptions) {
        if ('gone' in each) {
          const found = read(each.gone);
          if (found !== undefined && (each.gone.uid === undefined || refOf(found).uid === each.gone.uid)) drop(each.gone);
        } else store(changed(read(each.on) ?? born(emptyOf(each.on), ++made), each));
      }
    },
  };
}

/** A server notes of a CRD every version in which objects may be stored. */
function withStored(object: Raw): Raw {
  if (object.kind !== 'CustomResourceDefinition') return object;
  const versions = pointerGet(object, '/spec/versions');
  const storage = Array.isArray(versions) ? versions.filter(isRaw).find((each) => each.storage === true)?.name : undefined;
  const stored = pointerGet(object, '/status/storedVersions');
  if (typeof storage !== 'string' || !Array.isArray(stored) || stored.includes(storage)) return object;
  return pointerSet(object, '/status/storedVersions', [...stored, storage]);
}

/** `spec.nodeName=n1`. */
function hasField(object: Raw, selector: string): boolean {
  const [path = '', value] = selector.split('=', 2);
  return pointerGet(object, `/${path.replaceAll('.', '/')}`) === value;
}

/** As a controller would have written it. */
function changed(object: Raw, { changes }: Extract<Assumption, { on: Ref }>): Raw {
  const next = changes.reduce<Raw>((current, { path, inString, after }) => {
    if (inString === undefined) return after === undefined ? pointerRemove(current, path) : pointerSet(current, path, after);
    const held = readerOf(current).held(path) ?? {};
    setInPlace(held, inString, after);
    return pointerSet(current, path, JSON.stringify(held));
  }, versioned(object));
  return deepEqual(object, next) ? object : bumped(object, next);
}

function emptyOf({ apiVersion, kind, namespace, name }: Ref): Raw {
  return { apiVersion, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) } };
}

/** What a server gives to a new object. */
function born(object: Raw, count: number): Raw {
  const uid = `00000000-0000-4000-8000-${String(count).padStart(12, '0')}`;
  const creationTimestamp = new Date().toISOString().replace(/\.\d+/, '');
  const metadata = { ...(isRaw(object.metadata) ? object.metadata : {}), uid, resourceVersion: '1', generation: 1, creationTimestamp };
  return { ...object, metadata };
}

function held(object: Raw): boolean {
  const finalizers = pointerGet(object, '/metadata/finalizers');
  return Array.isArray(finalizers) && finalizers.length > 0;
}

const DELETED = '/metadata/deletionTimestamp';

function onItsWayOut(now: Raw): Raw {
  if (pointerGet(now, DELETED) !== undefined) return now;
  return bumped(now, pointerSet(now, DELETED, new Date().toISOString().replace(/\.\d+/, '')));
}

/** Its last finalizer has gone. */
function isOver(object: Raw): boolean {
  return pointerGet(object, DELETED) !== undefined && !held(object);
}

/** What was collected without a resourceVersion gets one, since every write tests it. */
function versioned(object: Raw): Raw {
  return pointerGet(object, '/metadata/resourceVersion') === undefined ? pointerSet(object, '/metadata/resourceVersion', '1') : object;
}

type PatchWrite = Extract<ApiWrite, { verb: 'patch' }>;

function patched(now: Raw, write: PatchWrite, api: ApiResource | undefined): Raw {
  const next = ofSubresource(now, applyPatch(now, write.patch), write, api);
  for (const path of ['/metadata/uid', '/metadata/resourceVersion']) {
    if (!deepEqual(pointerGet(now, path), pointerGet(next, path)))
      throw new WorldError('conflict', `${describe(write.on)}: ${path} is another one`, 409);
  }
  if (!sameName(now, next)) throw new WorldError('refused', `${describe(write.on)}: its name and kind cannot be changed`, 422);
  return deepEqual(now, next) ? now : bumped(now, next);
}

/** Through `status` only the status is written; and only through it, where the resource has that subresource. */
function ofSubresource(now: Raw, next: Raw, write: PatchWrite, api: ApiResource | undefined): Raw {
  if (write.subresource === 'status') return withStatus(now, next.status);
  return api?.subresources.includes('status') ? withStatus(next, now.status) : next;
}

function withStatus(object: Raw, status: Json | undefined): Raw {
  const { status: _, ...rest } = object;
  return status === undefined ? rest : { ...rest, status };
}

function sameName(a: Raw, b: Raw): boolean {
  const names = (object: Raw): Json[] =>
    ['/apiVersion', '/kind', '/metadata/name', '/metadata/namespace'].map((path) => pointerGet(object, path) ?? null);
  return deepEqual(names(a), names(b));
}

/** A new resourceVersion with every change; a new generation when anything beside metadata and status changed. */
function bumped(now: Raw, next: Raw): Raw {
  const version = Number(pointerGet(now, '/metadata/resourceVersion'));
  const written = pointerSet(next, '/metadata/resourceVersion', String(Number.isSafeInteger(version) ? version + 1 : 2));
  const generation = pointerGet(now, '/metadata/generation');
  const { metadata: _a, status: _b, ...before } = now;
  const { metadata: _c, status: _d, ...after } = next;
  if (typeof generation !== 'number' || deepEqual(before, after)) return written;
  return pointerSet(written, '/metadata/generation', generation + 1);
}
