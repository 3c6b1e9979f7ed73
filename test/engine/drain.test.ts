// The drain step over the rehearsal world: what is evicted and what is not, budgets that hold and let go, and the way back; and manual steps that are seen to be done wrongly.
import { expect, test } from 'vitest';
import { type Entry, type Raw, type Ref, type Step, type StepOf, type World, WorldError } from '../../src/engine/contracts.ts';
import { type Executed, type ExecuteOptions, executeRun, executeUndo } from '../../src/engine/execute.ts';
import { hasten } from '../../src/engine/pace.ts';
import { progressOf } from '../../src/engine/progress.ts';
import { drain } from '../../src/engine/steps/drain.ts';
import { wrongInRun } from '../../src/journal/well-formed.ts';
import { pointerGet } from '../../src/kube/pointer.ts';
import { pages, runOf, worldOf } from './worlds.ts';

hasten(100);

const NODE: Ref = { apiVersion: 'v1', kind: 'Node', name: 'w1', uid: 'w1' };
const node = (spec: Raw = {}, name = 'w1'): Raw => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, uid: name, resourceVersion: '1' },
  spec,
});
const pod = (name: string, owner: string | undefined, more: Raw = {}, on = 'w1'): Raw => ({
  ...{ apiVersion: 'v1', kind: 'Pod', spec: { nodeName: on }, status: { phase: 'Running' } },
  metadata: {
    ...{ name, namespace: 'shop', uid: name, resourceVersion: '1' },
    ...(owner ? { ownerReferences: [{ apiVersion: 'apps/v1', kind: owner, name: 'o', uid: 'o', controller: true }] } : {}),
    ...more,
  },
});
const COMMON = { guard: [], after: [], reasons: [], text: { en: 'x', zh: 'x' } };
const STEP = { id: '1', do: 'drain', on: NODE, within: 60, undo: 'compensates', ...COMMON } as StepOf<'drain'>;
type Ran = Executed & { entries: Entry[] };
async function go(
  world: World,
  entries: Entry[] = [],
  way = executeRun,
  step: Step = STEP,
  more: Partial<ExecuteOptions> = {},
): Promise<Ran> {
  const journal = pages();
  const halt = new AbortController().signal;
  const executed = await way(runOf(step), { world, journal, progress: progressOf(entries), halt, ...more });
  return { ...executed, entries: [...entries, ...journal.entries] };
}
const detail = ({ outcomes }: Executed) => outcomes.get('1')?.detail?.en;
const left = async (world: World) => (await world.select({ apiVersion: 'v1', kind: 'Pod' })).map(({ metadata }) => (metadata as Raw).name);
const cordoned = async (world: World) => pointerGet((await world.get(NODE))!, '/spec/unschedulable');

test('cordoned, then emptied of what runs elsewhere as well; DaemonSets, static Pods and other Nodes stay; and back', async () => {
  const world = worldOf(
    ...[node(), pod('web', 'ReplicaSet'), pod('done', undefined, {}), pod('agent', 'DaemonSet'), pod('other', 'ReplicaSet', {}, 'w2')],
    pod('static', undefined, { annotations: { 'kubernetes.io/config.mirror': 'x' } }),
  );
  world.assume!([
    { on: { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'done' }, changes: [{ path: '/status/phase', after: 'Succeeded' }] },
  ]);
  const done = await go(world);
  expect([done.state, detail(done)]).toEqual(['finished', undefined]);
  expect([await left(world), await cordoned(world)]).toEqual([['agent', 'other', 'static'], true]);
  expect((await go(world, done.entries, executeUndo)).outcomes.get('1')?.result).toBe('done');
  expect(await cordoned(world)).toBeUndefined();
  expect(wrongInRun(JSON.parse(JSON.stringify(runOf(STEP))), 'r')).toBeUndefined();
});

test('a Pod without a controller is named and stays; the Node is cordoned, and an undo uncordons it', async () => {
  const world = worldOf(node(), pod('web', 'ReplicaSet'), pod('lonely', undefined));
  const stopped = await go(world);
  expect([stopped.state, detail(stopped)]).toEqual(['stopped', expect.stringMatching(/^Pod shop\/lonely: this Pod has no controller/)]);
  expect(await left(world)).toEqual(['lonely']);
  expect((await go(world, stopped.entries, executeUndo)).state).toBe('finished');
  expect(await cordoned(world)).toBeUndefined();
});

test('a Pod without a controller that was accepted goes for good; another one stops the drain, and so does a later one of the same name', async () => {
  const accepted: Ref = { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'lonely', uid: 'lonely' };
  const step: Step = { ...STEP, lose: [accepted] };
  const gone = worldOf(node(), pod('web', 'ReplicaSet'), pod('lonely', undefined));
  expect((await go(gone, [], executeRun, step)).state).toBe('finished');
  expect(await left(gone)).toEqual([]);
  for (const other of [pod('another', undefined), pod('lonely', undefined, { uid: 'made-since' })]) {
    const world = worldOf(node(), other);
    expect(detail(await go(world, [], executeRun, step))).toContain('this Pod has no controller');
    expect(await left(world)).toHaveLength(1);
  }
  expect(wrongInRun(JSON.parse(JSON.stringify(runOf(step))), 'r')).toBeUndefined();
  expect(drain.commands!(step as StepOf<'drain'>)).toEqual([
    'kubectl cordon w1',
    'kubectl delete pod -n shop lonely --ignore-not-found',
    'kubectl drain w1 --ignore-daemonsets --delete-emptydir-data --timeout=60s',
  ]);
});

test('a Node of which the kubelet is upgraded already is neither cordoned nor drained, and the step says why; one behind it is', async () => {
  const unless = [{ on: NODE, must: [{ path: '/status/nodeInfo/kubeletVersion', is: 'v1.31.1' }] }];
  const step: Step = { ...STEP, unless };
  const at = (kubeletVersion: string) => worldOf({ ...node(), status: { nodeInfo: { kubeletVersion } } }, pod('web', 'ReplicaSet'));
  const there = at('v1.31.1');
  const skipped = await go(there, [], executeRun, step);
  expect([skipped.state, skipped.outcomes.get('1')?.result, detail(skipped)]).toEqual([
    ...['finished', 'already'],
    expect.stringMatching(/^skipped if Node w1: .*kubeletVersion is v1\.31\.1/),
  ]);
  expect([await left(there), await cordoned(there)]).toEqual([['web'], undefined]);
  const behind = at('v1.30.9');
  expect((await go(behind, [], executeRun, step)).outcomes.get('1')?.result).toBe('done');
  expect(await left(behind)).toEqual([]);
  expect(wrongInRun(JSON.parse(JSON.stringify(runOf(step))), 'r')).toBeUndefined();
});

test('a budget that holds for a while is waited for; one that never lets go fails with its words; resumed it goes on', async () => {
  const held = (times: number) => {
    const world = worldOf(node(), pod('web', 'ReplicaSet'), pod('api', 'ReplicaSet'));
    let tries = 0;
    return {
      ...world,
      write: async (...[write, options]: Parameters<World['write']>) => {
        if (write.verb === 'evict' && write.on.name === 'api' && tries++ < times) throw new WorldError('blocked', 'needs 1 healthy');
        return world.write(write, options);
      },
    };
  };
  expect((await go(held(3))).state).toBe('finished');
  const world = held(10_000);
  const late = await go(world);
  expect(detail(late)).toBe('Node w1 was not empty after 60 s: Pod shop/api: needs 1 healthy; make room, then resume');
  const free = worldOf(node({ unschedulable: true }), pod('api', 'ReplicaSet'));
  const resumed = await go(free, late.entries);
  expect(resumed.state).toBe('finished');
  // It was not cordoned when the run came to it.
  expect((await go(free, resumed.entries, executeUndo)).outcomes.get('1')?.result).toBe('done');
  expect(await cordoned(free)).toBeUndefined();
});

test('while a budget holds, Pod and budget are told; halted then, the step says what held it', async () => {
  const world = worldOf(node(), pod('web', 'ReplicaSet'), pod('api', 'ReplicaSet'));
  const holding: World = {
    ...world,
    write: async (write, options) => {
      if (write.verb === 'evict' && write.on.name === 'api')
        throw new WorldError('blocked', 'the disruption budget api needs 1 healthy Pod');
      return world.write(write, options);
    },
  };
  const stop = new AbortController();
  const told: (string | undefined)[] = [];
  const why = 'Pod shop/api: the disruption budget api needs 1 healthy Pod';
  const halted = await go(holding, [], executeRun, STEP, {
    halt: stop.signal,
    progressed: (_, { done }, held) => {
      told.push(held?.en);
      // With web gone, one of two.
      if (done === 1) stop.abort();
    },
  });
  expect(told).toEqual([undefined, why, why]);
  expect([halted.state, halted.outcomes.get('1')]).toEqual([
    'stopped',
    { result: 'in-doubt', detail: { en: why, zh: why.replace(': ', '：') } },
  ]);
  expect(halted.entries.filter(({ is }) => is === 'outcome')).toEqual([]);
});

test('a Node that was cordoned before stays so when it is undone', async () => {
  const world = worldOf(node({ unschedulable: true }), pod('web', 'ReplicaSet'));
  const done = await go(world);
  expect((await go(world, done.entries, executeUndo)).outcomes.get('1')?.result).toBe('left');
  expect(await cordoned(world)).toBe(true);
});

test('what a person does wrongly is seen and named, and stops the run', async () => {
  const when = { of: { apiVersion: 'v1', kind: 'Node' }, which: 'some' as const, must: [{ path: '/spec/unschedulable', is: true }] };
  const step = {
    ...{ id: '1', do: 'manual', commands: [], undo: 'none', ...COMMON },
    seen: [{ on: { ...NODE, name: 'w9', uid: undefined }, must: 'exist' }],
    wrong: [{ when, text: { en: 'a Node was cordoned too early', zh: '过早封锁了节点' } }],
  } as StepOf<'manual'>;
  const fine = await go(worldOf(node()), [], executeRun, step);
  expect(fine.outcomes.get('1')?.result).toBe('manual');
  const wrong = await go(worldOf(node({ unschedulable: true })), [], executeRun, step);
  expect([wrong.outcomes.get('1')?.result, detail(wrong)]).toEqual(['failed', expect.stringMatching(/^a Node was cordoned too early \(/)]);
  const ended = await go(worldOf(node({ unschedulable: true }), node({}, 'w9')), wrong.entries, executeRun, step);
  expect(ended.outcomes.get('1')?.result).toMatch(/done|already/);
  // Only as long as something else is so too.
  const besides = { on: { ...NODE, name: 'w8', uid: undefined }, must: 'exist' as const };
  const both = { ...step, wrong: step.wrong!.map((each) => ({ ...each, while: besides })) } as StepOf<'manual'>;
  const alone = await go(worldOf(node({ unschedulable: true })), [], executeRun, both);
  expect(alone.outcomes.get('1')?.result).toBe('manual');
  const together = await go(worldOf(node({ unschedulable: true }), node({}, 'w8')), [], executeRun, both);
  expect(together.outcomes.get('1')?.result).toBe('failed');
});

test('the commands that put it back name the one object that is seen; where there are several, which one is asked', async () => {
  const when = { of: { apiVersion: 'v1', kind: 'Node' }, which: 'some' as const, must: [{ path: '/spec/unschedulable', is: true }] };
  const commands = ['NODE=   # set it: which one', 'kubectl uncordon NODE'];
  const step = {
    ...{ id: '1', do: 'manual', commands: [], undo: 'none', ...COMMON },
    seen: [{ on: { ...NODE, name: 'w9', uid: undefined }, must: 'exist' }],
    wrong: [{ when, text: { en: 'a Node was cordoned', zh: '节点被封锁' }, commands, sets: 'NODE' }],
  } as StepOf<'manual'>;
  expect(wrongInRun(JSON.parse(JSON.stringify(runOf(step))), 'r')).toBeUndefined();
  const told = async (...nodes: Raw[]) => (await go(worldOf(...nodes), [], executeRun, step)).outcomes.get('1')?.commands;
  expect(await told(node({ unschedulable: true }, 'w1'), node({}, 'w2'))).toEqual(['NODE=w1', commands[1]]);
  expect(await told(node({ unschedulable: true }, 'w1'), node({ unschedulable: true }, 'w2'))).toEqual(commands);
  const twice = [...commands, ...commands];
  const apart = { ...step, wrong: [{ ...step.wrong![0]!, commands: twice }] };
  expect((await go(worldOf(node({ unschedulable: true })), [], executeRun, apart)).outcomes.get('1')?.commands).toEqual(twice);
});
