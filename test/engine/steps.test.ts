// The kinds of step, each by what it promises: done and undone over the rehearsal world, which writes by the rules of a server.

import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Change,
  type Entry,
  type Json,
  type Raw,
  type Ref,
  type Step,
  type StepOf,
  type World,
  WorldError,
} from '../../src/engine/contracts.ts';
import { type Executed, executeDryRun, executeRun, executeUndo } from '../../src/engine/execute.ts';
import { hasten } from '../../src/engine/pace.ts';
import { inverseOf } from '../../src/engine/perform.ts';
import { progressOf, runState, toUndo } from '../../src/engine/progress.ts';
import { lostByGoingBack, prunedFields } from '../../src/engine/steps/definitions.ts';
import { differences } from '../../src/engine/steps/differences.ts';
import { kindOf } from '../../src/engine/steps/index.ts';
import { bare } from '../../src/engine/steps/objects.ts';
import { pointerGet } from '../../src/kube/pointer.ts';
import { refOf } from '../../src/kube/refs.ts';
import { oldFields, oldPlan } from '../../src/systems/k3s/old-plan.ts';
import { textOf } from '../../src/text/language.ts';
import { endpoint, pages, refTo, runOf, troubled, worldOf } from './worlds.ts';

/** So many times as fast pass waits. */
const PACE = 5;
hasten(PACE);

const never = new AbortController().signal;
const common = { undo: 'exact', guard: [], after: [], reasons: [], text: { en: 'x', zh: 'x' } } as const;
// biome-ignore lint/suspicious/noExplicitAny: a step of any kind, from its parts
const step = <K extends Step['do']>(kind: K, parts: Record<string, any>): StepOf<K> =>
  ({ id: '1', ...common, do: kind, ...parts }) as unknown as StepOf<K>;

async function go(world: World, steps: Step[], entries: Entry[] = [], halt = never): Promise<Executed & { entries: Entry[] }> {
  const journal = pages();
  const executed = await executeRun(runOf(...steps), { world, journal, progress: progressOf(entries), halt });
  return { ...executed, entries: [...entries, ...journal.entries] };
}
async function back(world: World, steps: Step[], entries: Entry[]): Promise<Executed & { entries: Entry[] }> {
  const journal = pages();
  const executed = await executeUndo(runOf(...steps), { world, journal, progress: progressOf(entries), halt: never });
  return { ...executed, entries: [...entries, ...journal.entries] };
}
const result = ({ outcomes }: Executed, id = '1') => outcomes.get(id)?.result;
const detail = ({ outcomes }: Executed, id = '1') => outcomes.get(id)?.detail?.en;
const at = async (world: World, ref: Ref, path: string) => {
  const object = await world.get(ref);
  return object && pointerGet(object, path);
};
/** What a person would compare. */
const steady = async (world: World, ref: Ref) => {
  const object = await world.get(ref);
  return object && bare(object);
};

const POOL: Ref = { apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderIPPool', name: 'p', uid: 'uid-p' };
const pool = (records: Raw | string | undefined, count?: number): Raw => ({
  apiVersion: POOL.apiVersion,
  kind: POOL.kind,
  metadata: { name: 'p', uid: 'uid-p', resourceVersion: '3' },
  spec: { subnet: '10.6.0.0/16' },
  status: {
    totalIPCount: 9,
    ...(records === undefined ? {} : { allocatedIPs: typeof records === 'string' ? records : JSON.stringify(records) }),
    ...(count === undefined ? {} : { allocatedIPCount: count }),
  },
});
const record = (pod: string): Raw => ({ pod: `shop/${pod}`, podUid: `uid-${pod}` });
const RECORDS = '/status/allocatedIPs';
const COUNTER = { path: '/status/allocatedIPCount', keysOf: RECORDS };
const recordStep = (changes: Change[], more = {}) => step('patch', { on: POOL, changes, counters: [COUNTER], ...more });
const put = (ip: string, pod: string): Change => ({ path: RECORDS, inString: `/${ip}`, after: record(pod) });
const recordsOf = async (world: World) => JSON.parse(((await at(world, POOL, RECORDS)) as string) ?? 'null');

describe('patch, inside a string that holds JSON', () => {
  test('writes one record, keeps the others, counts, and is undone', async () => {
    const world = worldOf(pool({ '10.6.0.1': record('a') }, 7));
    const steps = [recordStep([put('10.6.0.2', 'b')])];
    const done = await go(world, steps);
    expect(result(done)).toBe('done');
    expect(await recordsOf(world)).toEqual({ '10.6.0.1': record('a'), '10.6.0.2': record('b') });
    expect(await at(world, POOL, COUNTER.path)).toBe(2);
    // Meanwhile the pool is used further: undo removes its own record and counts what is there then.
    const others = { '10.6.0.1': record('a'), '10.6.0.2': record('b'), '10.6.0.3': record('c') };
    await world.write({ verb: 'patch', on: POOL, patch: [{ op: 'replace', path: RECORDS, value: JSON.stringify(others) }] });
    expect(result(await back(world, steps, done.entries))).toBe('done');
    expect(await recordsOf(world)).toEqual({ '10.6.0.1': record('a'), '10.6.0.3': record('c') });
    expect(await at(world, POOL, COUNTER.path)).toBe(2);
  });
  test.each([undefined, ''])('into a pool whose string is %j, and back to none', async (empty) => {
    const world = worldOf(pool(empty));
    const steps = [recordStep([put('10.6.0.2', 'b')])];
    const done = await go(world, steps);
    expect(await recordsOf(world)).toEqual({ '10.6.0.2': record('b') });
    expect(await at(world, POOL, COUNTER.path)).toBe(1);
    await back(world, steps, done.entries);
    expect(await at(world, POOL, RECORDS)).toBeUndefined();
    expect(await at(world, POOL, COUNTER.path)).toBe(0);
  });
  test('a record that is another one by now is not overwritten', async () => {
    const world = worldOf(pool({ '10.6.0.2': record('z') }, 1));
    const done = await go(world, [recordStep([put('10.6.0.2', 'b')])]);
    expect(done.outcomes.get('1')).toMatchObject({ result: 'failed', detail: { en: expect.stringContaining(`${RECORDS} /10.6.0.2`) } });
    expect(await recordsOf(world)).toEqual({ '10.6.0.2': record('z') });
  });
  test.each(['no json', '7', '{"a":', '"text"'])('a string that is %s is not touched', async (text) => {
    const world = worldOf(pool(text, 1));
    expect(result(await go(world, [recordStep([put('10.6.0.2', 'b')])]))).toBe('failed');
    expect(result(await go(world, [step('patch', { on: POOL, changes: [], counters: [COUNTER] })]))).toBe('failed');
    expect(await at(world, POOL, RECORDS)).toBe(text);
  });
  test('a recount alone: done when right, never put back', async () => {
    const steps = [step('patch', { on: POOL, changes: [], counters: [COUNTER], undo: 'none' })];
    const world = worldOf(pool({ '10.6.0.1': record('a') }, 7));
    const done = await go(world, steps);
    expect(result(done)).toBe('done');
    expect(await at(world, POOL, COUNTER.path)).toBe(1);
    expect(result(await back(world, steps, done.entries))).toBe('left');
    const promised = await back(world, [{ ...steps[0]!, undo: 'exact' }], done.entries);
    expect([result(promised), detail(promised)]).toEqual(['left', expect.stringContaining('recomputed counter')]);
    expect(await at(world, POOL, COUNTER.path)).toBe(1);
    expect(result(await go(world, steps))).toBe('already');
  });
  test('previews name place and counter', () => {
    const one = recordStep([put('10.6.0.2', 'b')]);
    expect(
      kindOf(one)
        .preview(one)
        .map((line) => textOf(line).en),
    ).toEqual(['/status/allocatedIPs /10.6.0.2: (unset) → {"pod":"shop/b","podUid":"uid-b"}', '/status/allocatedIPCount: recomputed']);
  });
});

describe('patch', () => {
  test('done and undone, an object is as before, whatever is changed', async () => {
    const key = fc.constantFrom('a', 'b/c', 'd~e', 'f.g');
    const leaf: fc.Arbitrary<Json> = fc.oneof(
      fc.integer(),
      fc.string({ maxLength: 4 }),
      fc.constant<Json>({ x: 1 }),
      fc.constant<Json>(['y']),
    );
    const spec = fc.dictionary(key, fc.oneof(leaf, fc.dictionary(key, leaf)));
    await fc.assert(
      fc.asyncProperty(
        spec,
        fc.array(fc.tuple(key, key, fc.option(leaf, { nil: undefined })), { minLength: 1, maxLength: 4 }),
        async (body, wanted) => {
          const object: Raw = {
            apiVersion: 'v1',
            kind: 'ConfigMap',
            metadata: { name: 'c', namespace: 'n', uid: 'u', resourceVersion: '1' },
            spec: body as Json,
          };
          const places = new Map(
            wanted
              .map(([outer, inner, after]) => [`/spec/${esc(outer)}/${esc(inner)}`, after] as const)
              .filter(([path]) => {
                const parent = pointerGet(object, path.slice(0, path.lastIndexOf('/')));
                return typeof parent === 'object' && parent !== null && !Array.isArray(parent);
              }),
          );
          const changes = [...places].map(([path, after]): Change => ({ path, before: pointerGet(object, path), after }));
          fc.pre(changes.length > 0);
          const world = worldOf(object);
          const steps = [step('patch', { on: refOf(object), changes })];
          const before = await steady(world, refOf(object));
          const done = await go(world, steps);
          expect(done.state).toBe('finished');
          for (const { path, after } of changes) expect(await at(world, refOf(object), path)).toEqual(after);
          await back(world, steps, JSON.parse(JSON.stringify(done.entries)));
          expect(await steady(world, refOf(object))).toEqual(before);
        },
      ),
      { numRuns: 60 },
    );
  });
  test('the values of a Secret are never in a step, nor in a journal', async () => {
    const secret: Raw = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's', namespace: 'n', uid: 'u', annotations: { old: 'c2VjcmV0' } },
      data: { key: 'c2VjcmV0' },
    };
    const world = worldOf(secret);
    const refused = await go(world, [
      step('patch', { on: refOf(secret), changes: [{ path: '/data/key', before: 'c2VjcmV0', after: 'eA==' }] }),
    ]);
    expect(result(refused)).toBe('failed');
    expect(result(await go(world, [step('create', { object: { ...secret, metadata: { name: 't', namespace: 'n' } } })]))).toBe('failed');
    const labelled = await go(world, [
      step('patch', { on: refOf(secret), changes: [{ path: '/metadata/labels', after: { status: 'failed' } }] }),
    ]);
    expect(result(labelled)).toBe('done');
    const gone = await go(world, [step('delete', { on: refOf(secret), undo: 'none' })]);
    expect(result(gone)).toBe('done');
    expect(JSON.stringify([...refused.entries, ...labelled.entries, ...gone.entries])).not.toContain('c2VjcmV0');
  });
});
const esc = (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1');

describe('guards', () => {
  const a = refTo('a');
  const guarded = (must: unknown, on: Ref = a) =>
    step('patch', { on: a, changes: [{ path: '/status/x', after: 1 }], guard: [{ on, must }] });
  const run = async (must: unknown, on?: Ref) => result(await go(worldOf(endpoint('a', 'None'), pool({ k: 1 })), [guarded(must, on)]));
  test('present and different, absent, equal, inside a string', async () => {
    expect(await run([{ path: '/status/ownerControllerType', isNot: 'Pod' }])).toBe('done');
    expect(await run([{ path: '/status/ownerControllerType', isNot: 'None' }])).toBe('obsolete');
    expect(await run([{ path: '/status/missing', isNot: 'None' }])).toBe('obsolete');
    expect(await run([{ path: '/status/missing' }])).toBe('done');
    expect(await run([{ path: '/status/kept' }])).toBe('obsolete');
    expect(await run([{ path: RECORDS, inString: '/k', is: 1 }], POOL)).toBe('done');
    expect(await run([{ path: RECORDS, inString: '/k', isNot: 1 }], POOL)).toBe('obsolete');
    expect(await run([{ path: RECORDS, inString: '/other' }], POOL)).toBe('done');
    // A string that cannot be read says nothing, not even that something is absent.
    expect(await run([{ path: '/spec/subnet', inString: '/other' }], POOL)).toBe('obsolete');
  });
  test('a successor of the name counts as gone', async () => {
    expect(await run('exist', POOL)).toBe('done');
    expect(await run('exist', { ...POOL, uid: 'another' })).toBe('obsolete');
    expect(await run('be-gone', { ...POOL, uid: 'another' })).toBe('done');
    expect(await run('be-gone', { ...POOL, uid: undefined })).toBe('obsolete');
    expect(await run([{ path: '/spec/subnet', is: '10.6.0.0/16' }], { ...POOL, uid: 'another' })).toBe('obsolete');
  });
});

describe('create', () => {
  const map = (name: string, data: Raw): Raw => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'n' }, data });
  const ref = refOf(map('a', {}));
  const steps = [step('create', { object: map('a', { k: 'v' }) })];
  test('makes it, finds it done again, and deletes its own', async () => {
    const world = worldOf(map('b', {}));
    const done = await go(world, steps);
    expect(result(done)).toBe('done');
    expect(await at(world, ref, '/metadata/uid')).toBeTypeOf('string');
    expect(result(await go(world, steps))).toBe('already');
    expect(result(await back(world, steps, done.entries))).toBe('done');
    expect(await world.get(ref)).toBeUndefined();
  });
  test('never takes over what is there and differs', async () => {
    const world = worldOf(map('a', { k: 'other' }));
    const done = await go(world, steps);
    expect(result(done)).toBe('failed');
    expect(detail(done)).toContain('already exists');
    expect(await at(world, ref, '/data/k')).toBe('other');
  });
  test('undo leaves what another user has changed since, and a successor of its name', async () => {
    const world = worldOf();
    const done = await go(world, steps);
    await world.write({ verb: 'patch', on: ref, patch: [{ op: 'replace', path: '/data/k', value: 'mine' }] });
    const left = await back(world, steps, done.entries);
    expect(result(left)).toBe('left');
    expect(await at(world, ref, '/data/k')).toBe('mine');
    await world.write({ verb: 'delete', on: ref });
    await world.write({ verb: 'create', object: map('a', { k: 'v' }) });
    expect(result(await back(world, steps, done.entries))).toBe('already');
    expect(await world.get(ref)).toBeDefined();
  });
  test('a lost answer: what stands there is ours; undo deletes it also when only the intent is known', async () => {
    const world = worldOf();
    const done = await go(troubled(world, 'unanswered', 1, true), steps);
    expect(result(done)).toBe('done');
    const torn = done.entries.filter(({ is }) => is === 'intent');
    expect(result(await back(world, steps, torn))).toBe('done');
    expect(await world.get(ref)).toBeUndefined();
  });
  test('with a status where that is a subresource takes two writes; killed between them, it goes on', async () => {
    const object: Raw = { ...pool({ '10.6.0.1': record('a') }, 1), metadata: { name: 'p' } };
    const world = worldOf(crd(['v2beta1']));
    const writes: string[] = [];
    const watched: World = {
      ...world,
      write: async (write) => {
        writes.push(write.verb);
        return world.write(write);
      },
    };
    const both = [step('create', { object })];
    const done = await go(watched, both);
    expect(result(done)).toBe('done');
    expect(writes).toEqual(['create', 'patch']);
    expect(await at(world, { ...POOL, uid: undefined }, COUNTER.path)).toBe(1);
    expect(result(await back(world, both, done.entries))).toBe('done');

    const again = worldOf(crd(['v2beta1']));
    await again.write({ verb: 'create', object });
    expect(result(await go(again, both, [{ at: '', is: 'intent', direction: 'apply', step: '1' }]))).toBe('done');
    expect(await at(again, { ...POOL, uid: undefined }, COUNTER.path)).toBe(1);
  });
  test('that cannot finish its status is remembered as made, for undo', async () => {
    const object: Raw = { ...pool({}, 1), metadata: { name: 'p' } };
    const world = worldOf(crd(['v2beta1']));
    const refusing: World = {
      ...world,
      write: async (write) => (write.verb === 'patch' ? troubled(world, 'refused', 1).write(write) : world.write(write)),
    };
    const both = [step('create', { object })];
    const done = await go(refusing, both);
    expect([result(done), done.state]).toEqual(['failed', 'stopped']);
    expect(result(await back(world, both, done.entries))).toBe('done');
    expect(await world.get({ ...POOL, uid: undefined })).toBeUndefined();
  });
});

const schema = (...fields: string[]): Raw => ({
  openAPIV3Schema: {
    type: 'object',
    properties: { spec: { type: 'object', properties: Object.fromEntries(fields.map((field) => [field, { type: 'string' }])) } },
  },
});
const crd = (versions: string[], fields: string[] = ['subnet'], more: Raw = {}): Raw => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'spiderippools.spiderpool.spidernet.io' },
  spec: {
    group: 'spiderpool.spidernet.io',
    scope: 'Cluster',
    names: { plural: 'spiderippools', kind: 'SpiderIPPool' },
    versions: versions.map((name, i) => ({
      name,
      served: true,
      storage: i === 0,
      subresources: { status: {} },
      schema: schema(...fields),
    })),
  },
  ...more,
});
const CRD = refOf(crd([]));

describe('delete', () => {
  const owned = (name: string, more: Raw = {}): Raw => {
    const object = endpoint(name, 'Pod');
    return { ...object, metadata: { ...(object.metadata as Raw), finalizers: ['spiderpool.spidernet.io'], ...more } };
  };
  test('of an object with finalizers is done when it is on its way out; undone only when it is gone', async () => {
    const world = worldOf(owned('a'));
    const before = await steady(world, refTo('a'));
    const steps = [step('delete', { on: refTo('a'), undo: 'compensates' })];
    const done = await go(world, steps);
    expect(result(done)).toBe('done');
    expect(await at(world, refTo('a'), '/metadata/deletionTimestamp')).toBeDefined();
    expect(result(await go(world, steps))).toBe('already');
    const held = await back(world, steps, done.entries);
    expect(result(held)).toBe('left');
    expect(detail(held)).toContain('still terminating');
    await world.write({ verb: 'patch', on: refTo('a'), patch: [{ op: 'remove', path: '/metadata/finalizers' }] });
    expect(await world.get(refTo('a'))).toBeUndefined();
    expect(result(await back(world, steps, held.entries))).toBe('done');
    expect(await steady(world, refTo('a'))).toEqual(before);
    expect(await at(world, refTo('a'), '/metadata/uid')).not.toBe('uid-a');
  });
  test('is not undone once an object of that name exists again, nor without its owner', async () => {
    const owner = { apiVersion: 'v1', kind: 'Pod', name: 'a', uid: 'uid-pod' };
    const steps = [step('delete', { on: refTo('a'), undo: 'compensates' })];
    const world = worldOf({ ...owned('a', { finalizers: [], ownerReferences: [owner] }) });
    const done = await go(world, steps);
    const orphan = await back(world, steps, done.entries);
    expect([result(orphan), detail(orphan)]).toEqual(['obsolete', 'Pod default/a is gone']);
    await world.write({ verb: 'create', object: bare(endpoint('a', 'Deployment')) });
    const taken = await back(world, steps, done.entries);
    expect([result(taken), detail(taken)]).toEqual(['obsolete', 'SpiderEndpoint default/a is there again']);
  });
  test('where none was promised, none is done', async () => {
    const world = worldOf(endpoint('a', 'None'));
    const steps = [step('delete', { on: refTo('a'), undo: 'none', undoNote: { en: 'the Pod gets a new one', zh: '…' } })];
    const done = await go(world, steps);
    const left = await back(world, steps, done.entries);
    expect([result(left), detail(left), left.state]).toEqual(['left', 'the Pod gets a new one', 'finished']);
    expect(await world.get(refTo('a'))).toBeUndefined();
    expect(toUndo(runOf(...steps), progressOf(left.entries))).toEqual([]);
  });
  test('of one that has changed in between looks again; of another under its name is done', async () => {
    const inner = worldOf(endpoint('a', 'None'));
    let moved = false;
    const world: World = {
      ...inner,
      write: async (write) => {
        if (!moved) await inner.write({ verb: 'patch', on: refTo('a'), patch: [{ op: 'add', path: '/status/new', value: 1 }] });
        moved = true;
        return inner.write(write);
      },
    };
    expect(result(await go(world, [step('delete', { on: refTo('a') })]))).toBe('done');
    expect(await inner.get(refTo('a'))).toBeUndefined();
    const other = worldOf(endpoint('a', 'None', 'another'));
    expect(result(await go(other, [step('delete', { on: refTo('a') })]))).toBe('already');
    expect(await other.get({ ...refTo('a'), uid: undefined })).toBeDefined();
  });
  test('a CustomResourceDefinition goes only while it has no objects, in either way', async () => {
    const world = worldOf(crd(['v2beta1']), pool({}));
    const refused = await go(world, [step('delete', { on: CRD })]);
    expect([result(refused), refused.state]).toEqual(['failed', 'unchanged']);
    await world.write({ verb: 'delete', on: POOL });
    expect(result(await go(world, [step('delete', { on: CRD })]))).toBe('done');

    const fresh = worldOf();
    const made = [step('apply', { object: crd(['v2beta1']) })];
    const done = await go(fresh, made);
    await fresh.write({ verb: 'create', object: { ...pool({}), metadata: { name: 'p' } } });
    const left = await back(fresh, made, done.entries);
    expect([result(left), detail(left)]).toEqual(['left', expect.stringContaining('still has custom resources')]);
    await fresh.write({ verb: 'delete', on: { ...POOL, uid: undefined } });
    expect(result(await back(fresh, made, left.entries))).toBe('done');
    expect(await fresh.get(CRD)).toBeUndefined();
  });
});

const pod = (name: string, owners: Raw[] = []): Raw => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'shop', uid: `uid-${name}`, resourceVersion: '5', ownerReferences: owners },
  spec: { containers: [{ name: 'c', env: [{ name: 'TOKEN', value: 'canary' }] }] },
});
const OWNED = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'r', controller: true }];

describe.each(['evict', 'delete'] as const)('%s of a Pod', (kind) => {
  const of = (name: string, more = {}) => step(kind, { on: refOf(pod(name)), within: 5, undo: 'none', ...more });
  test('is refused without a controller, no matter who planned it', async () => {
    for (const owners of [
      [],
      [{ ...OWNED[0]!, controller: false }],
      [{ apiVersion: 'v1', kind: 'Node', name: 'n', uid: 'n', controller: true }],
    ]) {
      const world = worldOf(pod('a', owners));
      const refused = await go(world, [of('a')]);
      expect([result(refused), refused.state]).toEqual(['failed', 'unchanged']);
      expect(detail(refused)).toContain('has no controller');
      expect(await world.get(refOf(pod('a')))).toBeDefined();
    }
  });
  test('goes through without a controller once it has finished; undo says what the step says', async () => {
    const undoNote = { en: 'helm makes a new one', zh: 'helm 会创建新的 Pod' };
    for (const phase of ['Succeeded', 'Failed']) {
      const world = worldOf({ ...pod('a'), status: { phase } });
      const done = await go(world, [of('a', { undoNote })]);
      expect(result(done)).toBe('done');
      expect(await world.get(refOf(pod('a')))).toBeUndefined();
      const left = await back(world, [of('a', { undoNote })], done.entries);
      if (kind === 'delete') expect(detail(left)).toBe(undoNote.en);
    }
    for (const phase of ['Pending', 'Running', 'Unknown'])
      expect(detail(await go(worldOf({ ...pod('a'), status: { phase } }), [of('a')]))).toContain('has no controller');
  });
  test('keeps of it who it was, has no undo, and undo says so once', async () => {
    const world = worldOf(pod('a', OWNED));
    const done = await go(world, [of('a')]);
    expect(result(done)).toBe('done');
    expect(await world.get(refOf(pod('a')))).toBeUndefined();
    expect(done.entries[0]).toMatchObject({
      is: 'intent',
      before: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', namespace: 'shop', uid: 'uid-a' } },
    });
    expect(JSON.stringify(done.entries)).not.toContain('canary');
    const left = await back(world, [of('a')], done.entries);
    expect([result(left), left.state]).toEqual(['left', 'finished']);
    expect(
      runState({
        run: runOf(of('a')),
        progress: progressOf([
          ...left.entries,
          { at: '', is: 'begin', direction: 'undo', pid: 1 },
          { at: '', is: 'end', direction: 'undo', state: 'finished' },
        ]),
      }),
    ).toMatch(/^undone/);
    expect((await back(world, [of('a')], left.entries)).outcomes.size).toBe(0);
  });
  test('undo goes on behind it', async () => {
    const world = worldOf(pod('a', OWNED), endpoint('e', 'None'));
    const first = step('patch', { on: refTo('e'), changes: [{ path: '/status/x', after: 1 }] });
    const steps = [first, { ...of('a'), id: '2', after: ['1'] }];
    const done = await go(world, steps);
    const undone = await back(world, steps, done.entries);
    expect([result(undone, '2'), result(undone, '1'), undone.state]).toEqual(['left', 'done', 'finished']);
    expect(await at(world, refTo('e'), '/status/x')).toBeUndefined();
  });
  test('is done when the Pod is gone or another has its name; obsolete when its guard is broken', async () => {
    expect(result(await go(worldOf(), [of('a')]))).toBe('already');
    expect(result(await go(worldOf(pod('a', OWNED)), [of('a', { on: { ...refOf(pod('a')), uid: 'old' } })]))).toBe('already');
    expect(result(await go(worldOf(pod('a')), [of('a', { guard: [{ on: refOf(pod('a')), must: [{ path: '/spec/x', is: 1 }] }] })]))).toBe(
      'obsolete',
    );
  });
});

describe('evict', () => {
  const steps = [step('evict', { on: refOf(pod('a')), within: 2, undo: 'none' })];
  test('waits for its PodDisruptionBudget, with one intent', async () => {
    const world = troubled(worldOf(pod('a', OWNED)), 'blocked', 1);
    const done = await go(world, steps);
    expect(result(done)).toBe('done');
    expect(done.entries.map(({ is }) => is)).toEqual(['intent', 'outcome']);
  });
  test('timed out: says so, the run can be resumed', async () => {
    const world = troubled(worldOf(pod('a', OWNED)), 'blocked', 99);
    const begun = performance.now();
    const done = await go(world, steps);
    expect(performance.now() - begun).toBeGreaterThan(1900 / PACE);
    expect(done.outcomes.get('1')).toMatchObject({
      result: 'failed',
      detail: {
        en: expect.stringMatching(/for 2 s: trouble \d.*kubectl get poddisruptionbudgets -n shop/),
        zh: expect.stringContaining('PodDisruptionBudget'),
      },
    });
    expect(world.writes).toBeLessThanOrEqual(4);
    expect(result(await go(worldOf(pod('a', OWNED)), steps, done.entries))).toBe('done');
  });
  test('Ctrl-C ends the waiting at once, and nothing is in doubt', async () => {
    const halt = new AbortController();
    const world = troubled(worldOf(pod('a', OWNED)), 'blocked', 99);
    setTimeout(() => halt.abort(), 100);
    const begun = performance.now();
    const done = await go(world, [step('evict', { on: refOf(pod('a')), within: 60 })], [], halt.signal);
    expect(performance.now() - begun).toBeLessThan(900);
    expect([result(done), done.state]).toEqual(['failed', 'unchanged']);
  });
});

describe('wait', () => {
  const until = [{ on: refTo('a'), must: [{ path: '/status/ownerControllerType', is: 'Pod' }] }];
  /** As a cluster: nothing is assumed. */
  const live = (world: World): World => ({ ...world, assume: undefined });
  const turn = (world: World, value: string) =>
    world.write({ verb: 'patch', on: refTo('a'), patch: [{ op: 'replace', path: '/status/ownerControllerType', value }] });
  test('goes on as soon as it holds, and changes nothing', async () => {
    const world = live(worldOf(endpoint('a', 'None')));
    const steps = [step('wait', { until, within: 20, assume: [] })];
    setTimeout(() => turn(world, 'Pod'), 300 / PACE);
    const begun = performance.now();
    const done = await go(world, steps);
    expect([result(done), done.state]).toEqual(['done', 'finished']);
    expect(performance.now() - begun).toBeLessThan(20_000 / PACE);
    expect(done.entries.map(({ is }) => is)).toEqual(['outcome']);
    expect(toUndo(runOf(...steps), progressOf(done.entries))).toEqual([]);
  });
  test('a break starts the lasting again', async () => {
    const world = live(worldOf(endpoint('a', 'Pod')));
    setTimeout(() => turn(world, 'None'), 500 / PACE);
    setTimeout(() => turn(world, 'Pod'), 1500 / PACE);
    const begun = performance.now();
    expect(result(await go(world, [step('wait', { until, within: 10, lasting: 1, assume: [] })]))).toBe('done');
    expect(performance.now() - begun).toBeGreaterThan(2400 / PACE);
  });
  test('timed out: failed, says what did not happen and how to see why; resumed, it waits again', async () => {
    const world = live(worldOf(endpoint('a', 'None')));
    const steps = [
      step('patch', { id: '0', on: refTo('a'), changes: [{ path: '/status/x', after: 1 }] }),
      step('wait', { until, within: 1, assume: [], after: ['0'] }),
    ];
    const done = await go(world, steps);
    expect(done.state).toBe('stopped');
    expect(detail(done)).toBe(
      'timed out after 1 s: /status/ownerControllerType of SpiderEndpoint default/a is None, not Pod; find out why (kubectl describe SpiderEndpoint.spiderpool.spidernet.io a -n default), then resume',
    );
    await turn(world, 'Pod');
    const resumed = await go(world, steps, done.entries);
    expect([result(resumed), resumed.state]).toEqual(['done', 'finished']);
  });
  test('of several conditions the one that did not come about is looked at, not the first', async () => {
    const world = live(worldOf(endpoint('a', 'Pod'), endpoint('b', 'None')));
    const both = [...until, { ...until[0]!, on: refTo('b') }] as typeof until;
    const done = await go(world, [step('wait', { until: both, within: 1, assume: [] })]);
    expect(detail(done)).toMatch(/of SpiderEndpoint default\/b is None, not Pod; find out why \(kubectl describe \S+ b -n default\)/);
  });
  test('a server that is away is waited for; one that forbids to look is not', async () => {
    const inner = live(worldOf(endpoint('a', 'Pod')));
    let looks = 0;
    const away: World = {
      ...inner,
      get: async (ref) => {
        looks++;
        if (looks < 3) throw new WorldError('unanswered', 'connection refused');
        return inner.get(ref);
      },
    };
    expect(result(await go(away, [step('wait', { until, within: 30, assume: [] })]))).toBe('done');
    const forbidden: World = {
      ...inner,
      get: async () => {
        throw new WorldError('forbidden', 'no');
      },
    };
    expect(result(await go(forbidden, [step('wait', { until, within: 30, assume: [] })]))).toBe('failed');
  });
  test('what was not seen did not hold without a break', async () => {
    const inner = live(worldOf(endpoint('a', 'Pod')));
    let looks = 0;
    const begun = performance.now();
    const gap: World = {
      ...inner,
      get: async (ref) => {
        if (++looks === 2) throw new WorldError('unanswered', 'connection refused');
        return inner.get(ref);
      },
    };
    expect(result(await go(gap, [step('wait', { until, within: 30, lasting: 1, assume: [] })]))).toBe('done');
    expect(performance.now() - begun).toBeGreaterThan(2700 / PACE);
  });
  test('a rehearsal assumes what the step says, marks it, and does not wait for the rest', async () => {
    const changes = [{ path: '/status/ownerControllerType', after: 'Pod' }];
    const world = worldOf(endpoint('a', 'None'), endpoint('b', 'None'));
    const done = await go(world, [
      step('wait', { id: '1', until, within: 600, lasting: 60, assume: [{ on: refTo('a'), changes }] }),
      step('wait', { id: '2', until: [{ on: refTo('b'), must: 'be-gone' }], within: 600, assume: [{ gone: refTo('b') }] }),
      step('wait', {
        id: '3',
        until: [{ on: refTo('c', 'x'), must: 'exist' }],
        within: 600,
        assume: [{ on: refTo('c'), changes: [] }],
      }),
    ]);
    expect(done.outcomes.get('1')).toEqual({ result: 'done', detail: { en: 'assumed', zh: '假定如此' } });
    expect(result(done, '2')).toBe('done');
    expect([result(done, '3'), detail(done, '3')]).toEqual(['failed', expect.stringContaining('cannot be rehearsed')]);
  });
});

describe('apply of a CustomResourceDefinition', () => {
  const old = crd(['v2beta1'], ['subnet', 'vlan'], { status: { storedVersions: ['v2beta1'] } });
  const next = crd(['v2beta1'], ['subnet', 'mtu']);
  const labelled = { ...next, metadata: { ...(next.metadata as Raw), annotations: { by: 'us' } } };
  const theirs = { ...old, metadata: { ...(old.metadata as Raw), annotations: { theirs: 'kept', by: 'them' } } };
  test('replaces the versions, keeps what others set, and goes back', async () => {
    const world = worldOf(theirs);
    const before = await steady(world, CRD);
    const steps = [step('apply', { object: labelled, undo: 'compensates' })];
    const done = await go(world, steps);
    expect(result(done)).toBe('done');
    expect(await at(world, CRD, '/spec/versions')).toEqual(pointerGet(next, '/spec/versions'));
    expect(await at(world, CRD, '/metadata/annotations')).toEqual({ theirs: 'kept', by: 'us' });
    expect(result(await go(world, steps))).toBe('already');
    const inverse = inverseOf(steps[0]!, progressOf(done.entries));
    expect('undoNote' in inverse && inverse.undoNote?.en).toBe(
      'values of spec.vlan that the new schema drops from objects written in the meantime are not restored; values of spec.mtu are dropped once the old schema is back',
    );
    expect(result(await back(world, steps, done.entries))).toBe('done');
    expect(await steady(world, CRD)).toEqual(before);
  });
  test('a field that only the old schema has keeps it from being done', () => {
    expect(differences(crd(['v2beta1'], ['subnet', 'vlan']), crd(['v2beta1']))).toEqual([
      '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/vlan',
    ]);
    expect(
      differences(
        { ...crd(['v2beta1']), extra: 1, spec: { ...(crd(['v2beta1']).spec as Raw), conversion: { strategy: 'None' } } },
        crd(['v2beta1']),
      ),
    ).toEqual([]);
  });
  test('a version in which objects may be stored is not dropped, in either way', async () => {
    const world = worldOf(crd(['v1'], ['subnet'], { status: { storedVersions: ['v1'] } }));
    const refused = await go(world, [step('apply', { object: crd(['v2beta1']) })]);
    expect([result(refused), refused.state]).toEqual(['failed', 'unchanged']);
    expect(detail(refused)).toContain('v1 (status.storedVersions)');

    const steps = [step('apply', { object: crd(['v2beta1', 'v1']), undo: 'compensates' })];
    const done = await go(world, steps);
    expect(result(done)).toBe('done');
    await world.write({
      verb: 'patch',
      on: CRD,
      subresource: 'status',
      patch: [{ op: 'add', path: '/status/storedVersions/-', value: 'v2beta1' }],
    });
    const left = await back(world, steps, done.entries);
    expect([result(left), detail(left)]).toEqual(['left', expect.stringContaining('v2beta1 (status.storedVersions)')]);
    expect(await at(world, CRD, '/spec/versions/1/name')).toBe('v1');
  });
  test('undo leaves a CRD that another client has applied since', async () => {
    const world = worldOf(old);
    const steps = [step('apply', { object: next, undo: 'compensates' })];
    const done = await go(world, steps);
    const third = crd(['v2beta1'], ['subnet', 'mtu', 'vlanMode']);
    await world.write({
      verb: 'patch',
      on: CRD,
      patch: [{ op: 'replace', path: '/spec/versions', value: pointerGet(third, '/spec/versions')! }],
    });
    expect(result(await back(world, steps, done.entries))).toBe('left');
    expect(await at(world, CRD, '/spec/versions')).toEqual(pointerGet(third, '/spec/versions'));
  });
  test('pruned fields: by version, through arrays and maps, not where everything is kept', () => {
    const of = (properties: Raw): Raw => ({ spec: { versions: [{ name: 'v1', schema: { openAPIV3Schema: { properties } } }] } });
    const from = of({
      spec: {
        properties: {
          list: { items: { properties: { a: {}, b: {} } } },
          map: { additionalProperties: { properties: { c: {} } } },
          free: { properties: { d: {} } },
        },
      },
    });
    const to = of({
      spec: {
        properties: {
          list: { items: { properties: { a: {} } } },
          map: { additionalProperties: { properties: {} } },
          free: { 'x-kubernetes-preserve-unknown-fields': true },
        },
      },
    });
    expect(prunedFields(from, to)).toEqual(['spec.list.b', 'spec.map.c']);
    expect(prunedFields(to, from)).toEqual([]);
    expect(lostByGoingBack(from, from)).toBeUndefined();
  });
});

test('previews show no values of environments, and nothing that is secret by its key or its shape', () => {
  const jwt = `eyJ${'a'.repeat(20)}.eyJ${'b'.repeat(20)}.c`;
  const lines = [
    step('patch', {
      on: refTo('a'),
      changes: [
        { path: '/spec/upgrade/envs', before: [{ name: 'TOKEN', value: 'hunter2' }], after: [{ name: 'TOKEN', value: 'hunter3' }] },
        { path: '/spec/template/env/0/value', after: 'hunter4' },
        { path: '/data/password', before: 'hunter5' },
        { path: '/data/note', before: jwt, after: 'v1.31.1+k3s1' },
      ],
    }),
    step('create', {
      object: { ...endpoint('a', 'None'), spec: { env: [{ name: 'A', value: 'hunter6' }], clientSecret: 'hunter7', note: jwt } },
    }),
  ].flatMap((one) =>
    kindOf(one)
      .preview(one)
      .map((line) => textOf(line).en),
  );
  expect(lines.join('\n')).not.toMatch(/hunter|eyJ/);
  expect(lines).toContain('/data/note: REDACTED → v1.31.1+k3s1');
  expect(lines).toContain('/spec/upgrade/envs: [{"name":"TOKEN","value":"REDACTED"}] → [{"name":"TOKEN","value":"REDACTED"}]');
});

test('an object that is made again is shown without what its ConfigMap, its environments and its command lines hold', () => {
  const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'n', name: 'c' } };
  const container = { name: 'agent', image: 'img:1', args: ['hunter2'], env: [{ name: 'A', value: 'hunter2' }] };
  const spec = { selector: {}, template: { metadata: {}, spec: { containers: [container], volumes: [{ name: 'v' }] } } };
  const objects: Raw[] = [
    { ...configMap, data: { 'kubeconfig.yaml': 'token: hunter2', 'app.conf': 'password=hunter2' }, binaryData: { b: 'aHVudGVyMg==' } },
    { ...endpoint('a', 'None'), kind: 'DaemonSet', spec },
    {
      ...endpoint('a', 'None'),
      spec: { command: ['/bin/run', 'hunter2'], args: ['--level=3', '--dsn=hunter2'], note: 'password=hunter2' },
    },
  ];
  const lines = objects.flatMap((object) => {
    const one = step('create', { object });
    return kindOf(one)
      .preview(one)
      .map((line) => textOf(line).en);
  });
  expect(lines.join('\n')).not.toContain('hunter2');
  expect(lines).toContain('/data: kubeconfig.yaml (14 B), app.conf (16 B)');
  expect(lines).toContain('/binaryData: b (7 B)');
  expect(lines).toContain('/spec: {"selector":{},"template":{"spec":{"containers":[{"name":"agent","image":"img:1"}]}}}');
  expect(lines.join()).toContain('"args":["--level=3","--dsn=REDACTED"]');
  const patched = step('patch', { on: refTo('a'), changes: [{ path: '/data/app.conf', before: 'password=hunter2', after: 'level=3' }] });
  expect(
    kindOf(patched)
      .preview(patched)
      .map((line) => textOf(line).en),
  ).toEqual(['/data/app.conf: password=REDACTED → level=3']);
});

describe('a step whose undo is for a person', () => {
  const plan: Raw = {
    apiVersion: 'upgrade.cattle.io/v1',
    kind: 'Plan',
    metadata: { name: "k3s'server", namespace: 'system-upgrade', uid: 'u', labels: { a: 'b' } },
    spec: {
      version: 'v1.30.4+k3s1',
      upgrade: { image: 'rancher/k3s-upgrade', args: ['x'.repeat(700), '…"$HOME"\'s'], envs: [{ name: 'TOKEN', value: 'hunter2' }] },
    },
    status: { latestHash: 'abc' },
  };
  const changes = [{ path: '/spec/version', before: 'v1.30.4+k3s1', after: 'v1.31.1+k3s1' }];
  const shell = (lines: string[]) => lines.join('\n');
  test.each([
    step('delete', { on: refOf(plan), undo: 'none', restore: oldPlan(refOf(plan)) }),
    step('patch', { on: refOf(plan), changes, undo: 'none', restore: oldFields(refOf(plan), changes) }),
  ])('$do: is not put back; its old state is kept and the command told', async (one) => {
    const world = worldOf(plan);
    const done = await go(world, [one]);
    expect(result(done)).toBe('done');
    const after = await world.get(refOf(plan));
    expect(done.entries[0]).toMatchObject({ before: { spec: { version: 'v1.30.4+k3s1' } } });
    const inverse = inverseOf(one, progressOf(done.entries)) as StepOf<'manual'>;
    expect(inverse).toMatchObject({ do: 'manual', undo: 'none' });
    for (const line of kindOf(inverse).preview(inverse)) {
      expect(textOf(line).en.length).toBeLessThan(1000);
      expect(textOf(line).en).not.toContain('hunter2');
    }
    const undone = await back(world, [one], done.entries);
    expect(result(undone)).toBe('manual');
    expect(await world.get(refOf(plan))).toEqual(after);
    const { uid: _, ...metadata } = plan.metadata as Raw;
    const { status: __, ...rest } = plan;
    if (one.do === 'delete') {
      expect(inverse).toMatchObject({ commands: [], makes: { file: `${one.id}-plan-system-upgrade-k3s-server.json` } });
      expect(inverse.makes!.object).toEqual({ ...rest, metadata });
      return;
    }
    // What a shell makes of it is the old version.
    const text = execFileSync(
      'sh',
      [
        '-c',
        `kubectl() { for last; do :; done; if [ "$last" = - ]; then cat; else printf %s "$last"; fi; }\n${shell(inverse.commands.map((each) => textOf(each).en))}`,
      ],
      { encoding: 'utf8' },
    );
    expect(JSON.parse(text)).toEqual([{ op: 'add', path: '/spec/version', value: 'v1.30.4+k3s1' }]);
  });
});

test('a dry run tries every kind, waits for nothing, and does not judge what needs an earlier step', async () => {
  const world = worldOf(endpoint('a', 'None'), pod('p', OWNED), pod('blocked', OWNED), crd(['v2beta1']));
  const budgeted: World = {
    ...world,
    write: async (write, options) =>
      write.verb === 'evict' && write.on.name === 'blocked' ? troubled(world, 'blocked', 1).write(write) : world.write(write, options),
  };
  const map: Raw = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm', namespace: 'n' } };
  const seen: string[] = [];
  const sum = await executeDryRun(
    [
      step('create', { id: '1', object: map }),
      step('patch', { id: '2', on: refOf(map), changes: [{ path: '/data', after: {} }], after: ['1'] }),
      step('delete', { id: '3', on: refTo('a') }),
      step('evict', { id: '4', on: refOf(pod('p')), within: 600 }),
      step('evict', { id: '5', on: refOf(pod('blocked')), within: 600 }),
      step('wait', { id: '6', until: [{ on: refTo('a'), must: 'be-gone' }], within: 600, assume: [] }),
      step('apply', { id: '7', object: crd(['v2beta1'], ['subnet', 'x']) }),
    ],
    budgeted,
    ({ id }, outcome) => seen.push(`${id} ${outcome.result}`),
  );
  // A wait writes nothing: that it is not tried leaves nothing open.
  expect(sum).toEqual({ accepted: 4, refused: 0, held: 1, untried: 1 });
  expect(seen).toEqual(['1 done', '2 untried', '3 done', '4 done', '5 held', '6 untried', '7 done']);
  expect(await world.get(refTo('a'))).toBeDefined();
  expect(await at(world, CRD, '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/x')).toBeUndefined();
});
