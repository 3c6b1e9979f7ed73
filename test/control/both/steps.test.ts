// Every kind of step but helm against a real API server, through the engine and the live World: answered, lost, cut, in conflict; then undone.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { connect } from '../../../src/cluster/kubeconfig.ts';
import { clusterWorld } from '../../../src/cluster/world.ts';
import type { Entry, Raw, Ref, Step, World } from '../../../src/engine/contracts.ts';
import { type Executed, executeDryRun, executeRun, executeUndo } from '../../../src/engine/execute.ts';
import { hasten } from '../../../src/engine/pace.ts';
import { progressOf } from '../../../src/engine/progress.ts';
import { lostByGoingBack } from '../../../src/engine/steps/definitions.ts';
import { bare, withoutStatus } from '../../../src/engine/steps/objects.ts';
import { pointerGet } from '../../../src/kube/pointer.ts';
import { refOf } from '../../../src/kube/refs.ts';
import { installCrd } from '../../bed/crds.ts';
import { type Fault, type FaultProxy, startFaultProxy } from '../../bed/fault-proxy.ts';
import { bed } from '../../bed/index.ts';
import { describeUpstream } from '../../bed/upstream.ts';
import { pages, runOf } from '../../engine/worlds.ts';

/** So many times as fast pass waits. */
const PACE = 5;
hasten(PACE);
const cluster = bed();
const never = new AbortController().signal;
let world: World;
let through: World;
let proxy: FaultProxy;
let namespace: string;
const connections: { close(): void }[] = [];

async function worldBy(kubeconfig: string): Promise<World> {
  const connection = await connect({ kubeconfig }, {});
  connections.push(connection);
  return clusterWorld(connection, never, { version: 'test' });
}
beforeAll(async () => {
  proxy = await startFaultProxy(cluster);
  world = await worldBy(cluster.kubeconfig);
  through = await worldBy(await proxy.kubeconfigFrom(cluster.kubeconfig));
  namespace = await cluster.namespace('steps');
  await installCrd(cluster, 'spiderendpoints-v2beta1');
  await installCrd(cluster, 'spiderippools-v2beta1');
});
beforeEach(() => {
  proxy.faults.length = 0;
  proxy.seen.length = 0;
});
afterAll(async () => {
  for (const connection of connections) connection.close();
  await proxy.close();
});

const common = { id: '1', undo: 'exact', guard: [], after: [], reasons: [], text: { en: 'x', zh: 'x' } };
const step = (parts: Record<string, unknown>): Step => ({ ...common, ...parts }) as unknown as Step;
type Ran = Executed & { entries: Entry[] };
async function go(on: World, steps: Step[], entries: Entry[] = []): Promise<Ran> {
  const journal = pages();
  const executed = await executeRun(runOf(...steps), { world: on, journal, progress: progressOf(entries), halt: never });
  return { ...executed, entries: [...entries, ...journal.entries] };
}
async function back(on: World, steps: Step[], entries: Entry[]): Promise<Ran> {
  const journal = pages();
  const executed = await executeUndo(runOf(...steps), { world: on, journal, progress: progressOf(entries), halt: never });
  return { ...executed, entries: [...entries, ...journal.entries] };
}
const result = ({ outcomes }: Executed, id = '1') => outcomes.get(id)?.result;
const detail = ({ outcomes }: Executed, id = '1') => outcomes.get(id)?.detail?.en;
/** What a person would compare, but for the status of a definition, which lives by itself; undefined: gone. */
const steady = async (ref: Ref) => {
  const object = await world.get({ ...ref, uid: undefined });
  return object && bare(ref.kind === 'CustomResourceDefinition' ? withoutStatus(object) : object);
};
const isWrite = ({ method }: { method: string }) => method !== 'GET';

/** Another user writes to the object between our read and our write, once. */
function contended(inner: World, meddle: () => Promise<unknown>): World {
  let done = false;
  return {
    ...inner,
    write: async (...args) => {
      if (!done) await meddle();
      done = true;
      return inner.write(...args);
    },
  };
}
const annotate = (ref: Ref) => async () =>
  cluster.request('PATCH', await cluster.path(objectOf(ref)), { metadata: { annotations: { at: `${performance.now()}` } } });
const objectOf = ({ apiVersion, kind, name, namespace: at }: Ref) => ({ apiVersion, kind, metadata: { name, namespace: at } });

interface Scenario {
  name: string;
  /** What is there at first. */
  first(): Raw[];
  /** What the step makes, and must not be there. */
  absent?(): Ref[];
  step(): Promise<Step>;
  /** Of whom it is said whether the step stands, and what a person would compare. */
  on(): Ref;
  stands(object: Raw | undefined): boolean;
  writes: number;
}
const config = (name: string, data: Raw): Raw => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data });
const pool = (records: Raw, count: number): Raw => ({
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderIPPool',
  metadata: { name: 'pool' },
  spec: { subnet: '10.6.0.0/16' },
  status: { allocatedIPs: JSON.stringify(records), allocatedIPCount: count, totalIPCount: 9 },
});
const endpoint = (finalizers: string[]): Raw => ({
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderEndpoint',
  metadata: { name: 'cart-0', namespace, finalizers, labels: { kept: 'yes' } },
  status: { current: { uid: 'u', node: 'n1', ips: [] }, ownerControllerType: 'StatefulSet', ownerControllerName: 'cart' },
});
const mouse = (fields: string[], versions = ['v1'], annotations: Raw = {}): Raw => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'mice.steps.test', ...(Object.keys(annotations).length ? { annotations } : {}) },
  spec: {
    group: 'steps.test',
    scope: 'Namespaced',
    names: { plural: 'mice', singular: 'mouse', kind: 'Mouse', listKind: 'MouseList' },
    versions: versions.map((name, at) => ({
      name,
      served: true,
      storage: at === 0,
      schema: {
        openAPIV3Schema: {
          type: 'object',
          properties: {
            spec: { type: 'object', properties: Object.fromEntries(fields.map((each) => [each, { type: 'string', default: '' }])) },
          },
        },
      },
    })),
  },
});
const RECORDS = '/status/allocatedIPs';
const uidOf = async (ref: Ref) => pointerGet((await world.get(ref))!, '/metadata/uid') as string;

const SCENARIOS: Scenario[] = [
  {
    name: 'patch, in a string of the status, with its counter',
    first: () => [pool({ '10.6.0.1': { pod: 'a/b' } }, 1)],
    step: async () =>
      step({
        ...{ do: 'patch', on: refOf(pool({}, 0)), subresource: 'status' },
        changes: [{ path: RECORDS, inString: '/10.6.0.2', after: { pod: 'c/d' } }],
        counters: [{ path: '/status/allocatedIPCount', keysOf: RECORDS }],
      }),
    on: () => refOf(pool({}, 0)),
    stands: (object) => pointerGet(object!, RECORDS) === '{"10.6.0.1":{"pod":"a/b"},"10.6.0.2":{"pod":"c/d"}}',
    writes: 1,
  },
  {
    name: 'create',
    first: () => [],
    absent: () => [refOf(config('made', {}))],
    step: async () => step({ do: 'create', object: config('made', { k: 'v' }) }),
    on: () => refOf(config('made', {})),
    stands: (object) => object !== undefined,
    writes: 1,
  },
  {
    name: 'create, with a status that is a subresource',
    first: () => [],
    absent: () => [refOf(pool({}, 0))],
    step: async () => step({ do: 'create', object: pool({ '10.6.0.1': { pod: 'a/b' } }, 1) }),
    on: () => refOf(pool({}, 0)),
    stands: (object) => pointerGet(object ?? {}, '/status/allocatedIPCount') === 1,
    writes: 2,
  },
  {
    name: 'apply',
    first: () => [mouse(['old', 'kept'], ['v1'], { theirs: 'kept', ours: 'before' })],
    step: async () => step({ do: 'apply', object: mouse(['kept', 'new'], ['v1'], { ours: 'after' }), undo: 'compensates' }),
    on: () => refOf(mouse([])),
    stands: (object) => pointerGet(object!, '/metadata/annotations/ours') === 'after',
    writes: 1,
  },
  {
    name: 'delete',
    first: () => [endpoint([])],
    step: async () => step({ do: 'delete', on: { ...refOf(endpoint([])), uid: await uidOf(refOf(endpoint([]))) }, undo: 'compensates' }),
    on: () => refOf(endpoint([])),
    stands: (object) => object === undefined,
    writes: 1,
  },
];

describe.each(SCENARIOS)('$name', ({ first, absent, step: make, on, stands, writes }) => {
  beforeEach(async () => {
    for (const ref of absent?.() ?? []) if (await world.get(ref)) await cluster.remove(objectOf(ref));
    await cluster.apply(...first());
    // What is new is still being written to: its names are accepted, then it is established.
    if (on().kind === 'CustomResourceDefinition')
      await expect.poll(async () => pointerGet((await world.get(on()))!, '/status/conditions/1/status'), { timeout: 20_000 }).toBe('True');
  });
  const lost: [string, Fault][] = [
    ['answered', { do: 'delay', ms: 0, times: 0 }],
    ['lost: the server did it, its answer broke off', { do: 'truncate' }],
    ['cut before the server got it', { do: 'cut' }],
    ['a 503 of something before the server', { do: 'answer', status: 503, body: 'busy' }],
    ['a 500', { do: 'answer', status: 500 }],
    ['throttled', { do: 'answer', status: 429, headers: { 'retry-after': '0' } }],
    ['a 409 out of nowhere', { do: 'answer', status: 409 }],
  ];
  test.each(lost)('%s; then back', async (_name, fault) => {
    const old = await steady(on());
    const steps = [await make()];
    proxy.faults.push({ ...fault, where: isWrite });
    const done = await go(through, steps);
    expect(result(done), detail(done)).toBe('done');
    expect(stands(await world.get({ ...on(), uid: undefined }))).toBe(true);
    const sent = proxy.seen.filter(isWrite).length;
    expect(sent).toBe(writes + (fault.do === 'truncate' || fault.times === 0 ? 0 : 1));
    proxy.faults.splice(0, 1, { ...fault, where: isWrite });
    const undone = await back(through, steps, done.entries);
    expect(result(undone), detail(undone)).toBe('done');
    expect(await steady(on())).toEqual(old);
    expect((await back(through, steps, undone.entries)).outcomes.size).toBe(0);
  });
  test('never answered: in doubt, stopped; resumed, it finds out', async () => {
    const steps = [await make()];
    proxy.faults.push({ do: 'cut', where: isWrite, times: 99 });
    const doubtful = await go(through, steps);
    expect([result(doubtful), doubtful.state]).toEqual(['in-doubt', 'stopped']);
    proxy.faults.length = 0;
    expect(result(await go(through, steps, doubtful.entries))).toBe('done');
  });
  const isThere = first().length > 0;
  test.skipIf(!isThere)('another user writes in between: read again', async () => {
    const steps = [await make()];
    proxy.seen.length = 0;
    const done = await go(contended(through, annotate(on())), steps);
    expect(result(done), detail(done)).toBe('done');
    expect(proxy.seen.filter(isWrite).length).toBe(writes + 1);
    expect(stands(await world.get({ ...on(), uid: undefined }))).toBe(true);
  });
  test('a dry run asks the server and stores nothing', async () => {
    const old = await world.get({ ...on(), uid: undefined });
    const seen: string[] = [];
    expect(await executeDryRun([await make()], world, (_step, outcome) => seen.push(outcome.detail?.en ?? outcome.result))).toMatchObject({
      accepted: 1,
    });
    expect(seen).toEqual(['done']);
    expect(await world.get({ ...on(), uid: undefined })).toEqual(old);
  });
});

describe('create', () => {
  test('of what another user made meanwhile fails and leaves it; without the right, or in no namespace, it says so', async () => {
    await cluster.remove(config('made', {}) as never);
    const steps = [step({ do: 'create', object: config('made', { k: 'v' }) })];
    const raced = await go(
      contended(world, () => cluster.apply(config('made', { k: 'theirs' }))),
      steps,
    );
    expect([result(raced), detail(raced)]).toEqual(['failed', expect.stringContaining('already exists')]);
    expect((await steady(refOf(config('made', {}))))?.data).toEqual({ k: 'theirs' });
    const forbidden = await go(await worldBy(await cluster.user('nobody')), steps);
    expect([result(forbidden), detail(forbidden)]).toEqual(['failed', expect.stringContaining('cannot get')]);
    const nowhere = config('made', {});
    const lost = await go(world, [step({ do: 'create', object: { ...nowhere, metadata: { name: 'x', namespace: 'no-such' } } })]);
    expect([result(lost), detail(lost)]).toEqual(['failed', expect.stringContaining('namespaces "no-such" not found')]);
  });
});

describe('delete', () => {
  const on = () => refOf(endpoint([]));
  test('behind a finalizer: leaving is done; undone once it is gone, and never over a successor', async () => {
    await cluster.apply(endpoint(['steps.test/held']));
    const before = await steady(on());
    const steps = [step({ do: 'delete', on: on(), undo: 'compensates' })];
    const done = await go(world, steps);
    expect(result(done)).toBe('done');
    expect(await world.get(on())).toMatchObject({ metadata: { deletionTimestamp: expect.any(String) } });
    expect(result(await back(world, steps, done.entries))).toBe('left');
    await cluster.request('PATCH', await cluster.path(objectOf(on())), { metadata: { finalizers: null } });
    expect(result(await back(world, steps, done.entries))).toBe('done');
    expect(await steady(on())).toEqual(before);
    await cluster.remove(objectOf(on()));
    await cluster.apply({ ...endpoint([]), status: { ...(endpoint([]).status as Raw), ownerControllerType: 'Pod' } });
    const late = await back(world, steps, done.entries);
    expect([result(late), detail(late)]).toEqual(['obsolete', `SpiderEndpoint ${namespace}/cart-0 is there again`]);
  });
  test('a finalizer taken away first, as a restart does it: both steps go back in order', async () => {
    await cluster.remove(objectOf(on()));
    await cluster.apply(endpoint(['steps.test/held']));
    const uid = await uidOf(on());
    const steps = [
      step({ do: 'patch', on: { ...on(), uid }, changes: [{ path: '/metadata/finalizers', before: ['steps.test/held'] }] }),
      step({ id: '2', do: 'delete', on: { ...on(), uid }, after: ['1'], undo: 'compensates' }),
    ];
    const done = await go(world, steps);
    expect([result(done), result(done, '2'), await world.get(on())]).toEqual(['done', 'done', undefined]);
    const undone = await back(world, steps, done.entries);
    expect([result(undone, '2'), result(undone), undone.state]).toEqual(['done', 'obsolete', 'finished']);
    expect(await steady(on())).toBeDefined();
  });
  test('of a definition with objects: refused, in either way', async () => {
    await cluster.apply(pool({}, 0));
    const name = 'spiderippools.spiderpool.spidernet.io';
    const definition: Ref = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name };
    const refused = await go(world, [step({ do: 'delete', on: definition })]);
    expect([result(refused), refused.state]).toEqual(['failed', 'unchanged']);
    expect(await world.get(definition)).toBeDefined();
    await cluster.remove(pool({}, 0) as never);
  });
});

describe('apply', () => {
  const on = () => refOf(mouse([]));
  const gone = async () => {
    if (await world.get(on())) await cluster.remove(objectOf(on()));
    await expect.poll(() => world.get(on()), { timeout: 20_000 }).toBeUndefined();
  };
  test('that creates a CRD is undone only while it has no objects', { timeout: 60_000 }, async () => {
    await gone();
    const steps = [
      step({ do: 'apply', object: mouse(['a']), undo: 'compensates' }),
      step({
        ...{ id: '2', do: 'wait', after: ['1'], within: 30, assume: [], undo: 'none' },
        until: [{ on: on(), must: [{ path: '/status/conditions/1/status', is: 'True' }] }],
      }),
    ];
    const done = await go(world, steps);
    expect([result(done), result(done, '2')], detail(done)).toEqual(['done', 'done']);
    const m: Raw = { apiVersion: 'steps.test/v1', kind: 'Mouse', metadata: { name: 'm', namespace }, spec: { a: 'x' } };
    await expect.poll(async () => result(await go(world, [step({ do: 'create', object: m })])), { timeout: 30_000 }).toBe('done');
    await expect.poll(() => world.any({ apiVersion: 'steps.test/v1', kind: 'Mouse' }).catch(() => false), { timeout: 20_000 }).toBe(true);
    const left = await back(world, steps, done.entries);
    expect([result(left), detail(left)]).toEqual(['left', expect.stringContaining('still has custom resources')]);
    await world.write({ verb: 'delete', on: refOf(m) });
    expect(result(await back(world, steps, left.entries))).toBe('done');
    await expect.poll(() => world.get(on()), { timeout: 20_000 }).toBeUndefined();
  });
  test('of a definition that was deleted meanwhile makes it; of one that appeared meanwhile looks again', { timeout: 60_000 }, async () => {
    await gone();
    await cluster.apply(mouse(['a']));
    const steps = [step({ do: 'apply', object: mouse(['b']), undo: 'compensates' })];
    const vanished = await go(contended(world, gone), steps);
    expect(result(vanished), detail(vanished)).toBe('done');
    await gone();
    const appeared = await go(
      contended(world, () => cluster.apply(mouse(['a']))),
      steps,
    );
    expect(result(appeared), detail(appeared)).toBe('done');
    expect(pointerGet((await world.get(on()))!, '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties')).toHaveProperty('b');
  });
  test('a version with stored objects is not dropped, nor an old definition put back without it', { timeout: 60_000 }, async () => {
    await gone();
    await cluster.apply(mouse(['a'], ['v1']));
    await expect.poll(async () => pointerGet((await world.get(on()))!, '/status/storedVersions'), { timeout: 20_000 }).toEqual(['v1']);
    const refused = await go(world, [step({ do: 'apply', object: mouse(['a'], ['v2']) })]);
    expect([result(refused), refused.state]).toEqual(['failed', 'unchanged']);
    const steps = [step({ do: 'apply', object: mouse(['a'], ['v2', 'v1']), undo: 'compensates' })];
    const done = await go(world, steps);
    expect(result(done), detail(done)).toBe('done');
    expect(pointerGet((await world.get(on()))!, '/status/storedVersions')).toEqual(['v1', 'v2']);
    const left = await back(world, steps, done.entries);
    expect([result(left), detail(left)]).toEqual(['left', expect.stringContaining('v2 (status.storedVersions)')]);
    await gone();
  });
});

describeUpstream('the CustomResourceDefinitions of the charts', ['data', 'spiderpool', 'charts'], (charts) => {
  const definition = (version: string, plural: string): Raw =>
    parse(readFileSync(join(charts, version, 'spiderpool', 'crds', `spiderpool.spidernet.io_${plural}.yaml`), 'utf8'));
  // A definition that is removed by force leaves its objects behind for the next of its name.
  beforeAll(() => cluster.remove(endpoint([]) as never));
  const next = definition('1.0.6', 'spidercoordinators');
  const old = definition('0.9.13', 'spidercoordinators');
  test('0.9.13 → 1.0.6: applied, verified to the letter, and back', { timeout: 60_000 }, async () => {
    await cluster.apply(old as never);
    await expect
      .poll(async () => pointerGet((await world.get(refOf(old)))!, '/status/storedVersions'), { timeout: 20_000 })
      .toEqual(['v2beta1']);
    const before = await world.get(refOf(old));
    const note = lostByGoingBack(before!, next);
    expect(note?.en).toContain('spec.detectGateway');
    const steps = [step({ do: 'apply', object: next, undo: 'compensates', undoNote: note })];
    const done = await go(world, steps);
    expect(result(done), detail(done)).toBe('done');
    const properties = '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties';
    expect(pointerGet((await world.get(refOf(next)))!, properties)).not.toHaveProperty('detectGateway');
    expect(result(await go(world, steps))).toBe('already');
    const undone = await back(world, steps, done.entries);
    expect(result(undone), detail(undone)).toBe('done');
    expect((await world.get(refOf(old)))!.spec).toEqual(before!.spec);
    await cluster.remove(old as never);
  });
  test.each(['spiderippools', 'spiderendpoints', 'spidersubnets', 'spidermultusconfigs'])(
    '%s of 1.2.2: what the server stores counts as done',
    { timeout: 60_000 },
    async (plural) => {
      const object = definition('1.2.2', plural);
      if (await world.get(refOf(object))) await cluster.remove(object as never);
      await expect.poll(() => world.get(refOf(object)), { timeout: 20_000 }).toBeUndefined();
      const steps = [step({ do: 'apply', object })];
      const made = await go(world, steps);
      expect(result(made), detail(made)).toBe('done');
      expect(result(await go(world, steps))).toBe('already');
      expect(result(await back(world, steps, made.entries))).toBe('done');
      await expect.poll(() => world.get(refOf(object)), { timeout: 20_000 }).toBeUndefined();
    },
  );
});

describe('evict', () => {
  const labels = { app: 'evicted' };
  const deployment = (): Raw => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'evicted', namespace },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    },
  });
  const budget = (): Raw => ({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'evicted', namespace },
    spec: { minAvailable: 1, selector: { matchLabels: labels } },
  });
  const pods = async (): Promise<Raw[]> => {
    const { body } = await cluster.request('GET', `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3Devicted`);
    return body.items.filter((item: Raw) => pointerGet(item, '/metadata/deletionTimestamp') === undefined);
  };
  /** The only Pod of the Deployment, Ready by our word. */
  async function ready(): Promise<Ref> {
    await cluster.apply(deployment() as never);
    await expect.poll(async () => (await pods()).length, { timeout: 20_000 }).toBe(1);
    const { name, uid } = (await pods())[0]!.metadata as { name: string; uid: string };
    const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
    await cluster.request('PATCH', `/api/v1/namespaces/${namespace}/pods/${name}/status`, { status });
    return { apiVersion: 'v1', kind: 'Pod', namespace, name, uid };
  }
  const blocked = async () => {
    await cluster.apply(budget() as never);
    const { generation } = (await world.get(refOf(budget())))!.metadata as { generation: number };
    await expect
      .poll(async () => (await world.get(refOf(budget())))?.status, { timeout: 20_000 })
      .toMatchObject({ observedGeneration: generation, disruptionsAllowed: 0, currentHealthy: 1 });
  };
  const lift = async () => cluster.request('PATCH', await cluster.path(budget() as never), { spec: { minAvailable: 0 } });
  const free = async () => {
    if (await world.get(refOf(budget()))) await cluster.remove(budget() as never);
  };
  const evict = (on: Ref, within = 30) => step({ do: 'evict', on, within, undo: 'none' });

  test.each(['truncate', 'cut', 'delay'] as const)(
    '%s: the Pod goes, its journal says only who it was, and undo says that nothing comes back',
    async (fault) => {
      await free();
      const on = await ready();
      proxy.faults.push({ do: fault, ms: 0, where: isWrite } as Fault);
      const done = await go(through, [evict(on)]);
      expect(result(done), detail(done)).toBe('done');
      expect(await world.get(on).then((now) => now && pointerGet(now, '/metadata/uid'))).not.toBe(on.uid);
      const { apiVersion, kind, name, uid } = on;
      expect(done.entries[0]).toMatchObject({ is: 'intent', before: { apiVersion, kind, metadata: { namespace, name, uid } } });
      expect(Object.keys((done.entries[0] as { before: Raw }).before)).toEqual(['apiVersion', 'kind', 'metadata']);
      const undone = await back(world, [evict(on)], done.entries);
      expect([result(undone), undone.state]).toEqual(['left', 'finished']);
    },
  );
  test.each([
    ['a PodDisruptionBudget', 'DisruptionBudget', 'eviction blocked by a PodDisruptionBudget for 3 s'],
    ['a server with too much to do', 'Overload', 'was throttling requests for 3 s'],
  ])('its seconds hold, although %s asks to be left alone for longer', async (_, reason, said) => {
    await free();
    const on = await ready();
    const body = { kind: 'Status', status: 'Failure', code: 429, message: 'later', details: { causes: [{ reason, message: 'later' }] } };
    proxy.faults.push({ do: 'answer', status: 429, headers: { 'retry-after': '10' }, body, where: isWrite, times: 99 });
    const begun = performance.now();
    const done = await go(through, [evict(on, 3)]);
    expect(performance.now() - begun).toBeLessThan(6000);
    expect([result(done), detail(done)]).toEqual(['failed', expect.stringContaining(said)]);
    expect(await world.get(on)).toBeDefined();
  });
  test('blocked by a PodDisruptionBudget: waits until it allows it', { timeout: 60_000 }, async () => {
    const on = await ready();
    await blocked();
    const running = go(through, [evict(on)]);
    await expect.poll(() => proxy.seen.filter(isWrite).length, { timeout: 10_000 }).toBeGreaterThan(1);
    await lift();
    const done = await running;
    expect(result(done), detail(done)).toBe('done');
    expect(done.entries.filter(({ is }) => is === 'intent')).toHaveLength(1);
  });
  test('blocked for longer than it may wait: failed with what the budget says, and resumed later', { timeout: 60_000 }, async () => {
    await free();
    const on = await ready();
    await blocked();
    await expect(world.write({ verb: 'evict', on })).rejects.toMatchObject({ kind: 'blocked', status: 429 });
    const vain = await go(world, [evict(on, 1)]);
    expect([result(vain), vain.state]).toEqual(['failed', 'unchanged']);
    expect(detail(vain)).toMatch(
      /blocked by a PodDisruptionBudget for 1 s: .*disruption budget evicted.*kubectl get poddisruptionbudgets -n/,
    );
    await lift();
    const done = await go(world, [evict(on)], vain.entries);
    expect(result(done), detail(done)).toBe('done');
  });
  test('of a successor evicts no Pod; of a Pod without a controller neither; two budgets are refused at once', {
    timeout: 60_000,
  }, async () => {
    await free();
    const on = await ready();
    expect(result(await go(world, [evict({ ...on, uid: 'another' })]))).toBe('already');
    await expect(world.write({ verb: 'evict', on: { ...on, uid: '00000000-0000-0000-0000-000000000000' } })).rejects.toMatchObject({
      kind: 'conflict',
    });
    expect((await pods()).length).toBe(1);

    const lonely: Raw = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'lonely', namespace },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    };
    await cluster.apply(lonely as never);
    for (const kind of ['evict', 'delete']) {
      const refused = await go(world, [step({ do: kind, on: refOf(lonely), within: 5 })]);
      expect([result(refused), detail(refused)]).toEqual(['failed', expect.stringContaining('no controller')]);
    }
    expect(await world.get(refOf(lonely))).toBeDefined();

    await blocked();
    await cluster.apply({ ...budget(), metadata: { name: 'second', namespace } } as never);
    const twice = await go(world, [evict(on)]);
    expect([result(twice), detail(twice)]).toEqual(['failed', expect.stringContaining('more than one PodDisruptionBudget')]);
    await cluster.remove({ ...budget(), metadata: { name: 'second', namespace } } as never);
    await free();
  });
  test('a server that knows only policy/v1beta1 is asked in its own words', async () => {
    await free();
    const on = await ready();
    const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'BadRequest', code: 400 };
    // The words of 1.20 and 1.21, where policy/v1 has no Eviction.
    const message =
      'Eviction in version "v1" cannot be handled as a Eviction: no kind "Eviction" is registered for version "policy/v1" in scheme "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"';
    proxy.faults.push({ do: 'answer', status: 400, method: 'POST', body: { ...status, message } });
    const done = await go(through, [evict(on)]);
    expect(proxy.seen.filter(isWrite)).toHaveLength(2);
    expect([result(done), detail(done)]).toEqual(['done', undefined]);
  });
  test('without the right: forbidden, at once', async () => {
    const on = await ready();
    const reader = await cluster.user('user-1', [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }]);
    const refused = await go(await worldBy(reader), [evict(on)]);
    expect([result(refused), detail(refused)]).toEqual(['failed', expect.stringContaining('forbidden')]);
  });
});

describe('wait', () => {
  const on = () => refOf(config('watched', {}));
  const waiting = (within: number, more = {}) =>
    step({ do: 'wait', until: [{ on: on(), must: [{ path: '/data/ready', is: 'yes' }] }], within, assume: [], undo: 'none', ...more });
  test('looks about once a second, through an API server that comes and goes', { timeout: 60_000 }, async () => {
    await cluster.apply(config('watched', { ready: 'no' }) as never);
    const running = go(through, [waiting(30)]);
    await new Promise((resolve) => setTimeout(resolve, 3000 / PACE));
    expect(proxy.seen.filter(({ path }) => path.includes('watched')).length).toBeLessThanOrEqual(4);
    proxy.faults.push({ do: 'answer', status: 500, times: 2, path: /watched/ });
    await new Promise((resolve) => setTimeout(resolve, 2500 / PACE));
    await cluster.apply(config('watched', { ready: 'yes' }) as never);
    expect(result(await running)).toBe('done');
  });
  test('timed out: what did not happen', async () => {
    await cluster.apply(config('watched', { ready: 'no' }) as never);
    const vain = await go(world, [waiting(1)]);
    expect(detail(vain)).toContain(
      `/data/ready of ConfigMap ${namespace}/watched is no, not yes; find out why (kubectl describe ConfigMap watched -n ${namespace})`,
    );
  });
  test('what may not be looked at is not waited for', async () => {
    const refused = await go(await worldBy(await cluster.user('nobody')), [waiting(60)]);
    expect([result(refused), detail(refused)]).toEqual(['failed', expect.stringContaining('forbidden')]);
  });
});
