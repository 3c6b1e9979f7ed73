// Worlds for the engine's tests: the rehearsal world over a few objects, with trouble where a test wants it.
import {
  type Entry,
  type Raw,
  type Ref,
  type Run,
  type Step,
  type World,
  WorldError,
  type WorldErrorKind,
} from '../../src/engine/contracts.ts';
import { dumpOf } from '../../src/snapshot/dump.ts';
import { dumpWorld } from '../../src/snapshot/world.ts';

export const endpoint = (name: string, type: string, uid = `uid-${name}`): Raw => ({
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderEndpoint',
  metadata: { name, namespace: 'default', uid, resourceVersion: '7' },
  status: { ownerControllerType: type, kept: { as: 'it is' } },
});

export const refTo = (name: string, uid = `uid-${name}`): Ref => ({
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderEndpoint',
  namespace: 'default',
  name,
  uid,
});

export const worldOf = (...objects: Raw[]): World => dumpWorld(dumpOf({ objects, whole: true }));

const PATH = '/status/ownerControllerType';
export const patchStep = (name: string, more: Partial<Step> = {}): Step =>
  ({
    id: name,
    do: 'patch',
    on: refTo(name),
    changes: [{ path: PATH, before: 'None', after: 'Pod' }],
    guard: [{ on: refTo(name), must: [{ path: PATH, is: 'None' }] }],
    text: { en: name, zh: name },
    undo: 'exact',
    optional: true,
    after: [],
    reasons: ['f'],
    ...more,
  }) as Step;

/** In one stage; or in several, each as an array. */
export const runOf = (...steps: (Step | Step[])[]): Run => ({
  schema: 2,
  id: 'r',
  tool: 't',
  what: 'fix',
  at: '2026-01-01T00:00:00Z',
  checks: [],
  stages: (steps.some(Array.isArray) ? steps : [steps]).map((each, at) => ({
    ...{ id: String(at + 1), title: { en: `stage ${at + 1}`, zh: '' } },
    steps: [each].flat(2) as Step[],
  })),
  cluster: { uid: 'c', certain: true, server: '', context: '' },
});

export const typeOf = async (world: World, name: string): Promise<unknown> =>
  ((await world.get(refTo(name)))?.status as Raw | undefined)?.ownerControllerType;

/** A journal in memory. */
export function pages(): { entries: Entry[]; append(entry: Entry): Promise<void> } {
  const entries: Entry[] = [];
  return { entries, append: async (entry) => void entries.push(structuredClone(entry)) };
}

/** Fails the first `times` writes so; `applied`: the write happens all the same, only its answer is lost. */
export function troubled(world: World, kind: WorldErrorKind, times: number, applied = false): World & { writes: number } {
  const self = {
    ...world,
    writes: 0,
    write: async (...args: Parameters<World['write']>) => {
      self.writes++;
      if (self.writes > times) return world.write(...args);
      if (applied) await world.write(...args);
      throw new WorldError(kind, `trouble ${self.writes}`);
    },
  };
  return self;
}
