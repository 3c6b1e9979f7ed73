// A dump as a world: rehearsal writes into it what a run would write to the cluster, by the rules of an API server.
import { type ApiResource, type Json, type Raw, type Ref, type World, WorldError, type Write } from '../engine/contracts.ts';
import { deepEqual } from '../kube/json.ts';
import { applyPatch, pointerGet, pointerSet } from '../kube/pointer.ts';
import { describe, keyOf, refOf } from '../kube/refs.ts';
import { type Dump, positionsOf } from './dump.ts';
import { resourcesByKind } from './source.ts';

/** The dump itself is changed; a `dumpSource` over it sees that. */
export function dumpWorld(dump: Dump): World {
  const resourceOf = resourcesByKind(dump);

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

  function store(ref: Ref, object: Raw): void {
    const listed = place(ref);
    if (listed !== undefined) listed.objects[listed.at] = object;
    if (dump.gets.has(keyOf(ref))) dump.gets.set(keyOf(ref), object);
  }

  return {
    async get(ref) {
      const found = read(ref);
      return found && versioned(found);
    },
    async write(write, options) {
      const found = read(write.on);
      if (found === undefined) throw new WorldError('missing', `${describe(write.on)} not found`, 404);
      const api = dump.apis.get(resourceOf(write.on));
      const written = patched(versioned(found), write, api === 'not-installed' ? undefined : api);
      if (options?.dryRun !== true) store(write.on, written);
      return written;
    },
  };
}

/** What was collected without a resourceVersion gets one, since every write tests it. */
function versioned(object: Raw): Raw {
  return pointerGet(object, '/metadata/resourceVersion') === undefined ? pointerSet(object, '/metadata/resourceVersion', '1') : object;
}

function patched(now: Raw, write: Write, api: ApiResource | undefined): Raw {
  if (write.on.uid !== undefined && refOf(now).uid !== write.on.uid)
    throw new WorldError('conflict', `${describe(write.on)} has another uid`, 409);
  const next = ofSubresource(now, applyPatch(now, write.patch), write, api);
  for (const path of ['/metadata/uid', '/metadata/resourceVersion']) {
    if (!deepEqual(pointerGet(now, path), pointerGet(next, path)))
      throw new WorldError('conflict', `${describe(write.on)}: ${path} is another one`, 409);
  }
  if (!sameName(now, next)) throw new WorldError('refused', `${describe(write.on)}: its name and kind cannot be changed`, 422);
  return deepEqual(now, next) ? now : bumped(now, next);
}

/** Through `status` only the status is written; and only through it, where the resource has that subresource. */
function ofSubresource(now: Raw, next: Raw, write: Write, api: ApiResource | undefined): Raw {
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
