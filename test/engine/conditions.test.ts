// Conditions over one object, over a selection, over elements, times and readings: what holds, what does not, and how far it is.
import { describe, expect, test } from 'vitest';
import type { Condition, Raw, World } from '../../src/engine/contracts.ts';
import { brokenGuard, conditionLines, firstMet, pending } from '../../src/engine/steps/conditions.ts';
import { kindOf } from '../../src/engine/steps/index.ts';
import { dumpOf } from '../../src/snapshot/dump.ts';
import { dumpWorld } from '../../src/snapshot/world.ts';

const node = (name: string, ready: string, more: Raw = {}): Raw => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, uid: name, labels: { 'node-role.kubernetes.io/worker': 'yes', name }, ...more },
  status: {
    conditions: [
      { type: 'DiskPressure', status: 'False' },
      { type: 'Ready', status: ready },
    ],
    count: 3,
  },
});
const world = (answers: string[], ...objects: Raw[]): World => ({
  ...dumpWorld(dumpOf({ objects, whole: true })),
  read: async () => answers.map((text) => ({ server: '', text })),
});
const NODES = { apiVersion: 'v1', kind: 'Node', labels: 'node-role.kubernetes.io/worker' };
const ready: { path: string; is: string }[] = [{ path: '/status/conditions[type=Ready]/status', is: 'True' }];
const some = (which: Extract<Condition, { of: object }>['which']): Condition => ({ of: NODES, which, must: ready });
const left = async (condition: Condition, ...objects: Raw[]) => (await pending([condition], world([], ...objects)))?.progress ?? 'holds';

describe('a selection', () => {
  const three = [node('a', 'True'), node('b', 'False'), node('c', 'Unknown'), { ...node('d', 'True'), kind: 'Other' }];
  test.each<[Extract<Condition, { of: object }>['which'], Raw[], unknown]>([
    ['every', three, { done: 1, of: 3, now: 'Node b' }],
    ['every', [node('a', 'True')], 'holds'],
    ['every', [], { done: 0, of: 1, now: undefined }],
    ['some', three, 'holds'],
    ['some', [node('b', 'False')], { done: 0, of: 1, now: 'Node b' }],
    ['none', three, { done: 2, of: 3, now: 'Node a' }],
    ['none', [], 'holds'],
    [{ atLeast: 2 }, three, { done: 1, of: 2, now: 'Node b' }],
    [{ atLeast: 1 }, three, 'holds'],
  ])('%j', async (which, objects, expected) => {
    expect(await left(some(which), ...objects)).toEqual(expected);
  });
  test('other labels, another namespace and another kind are not in it', async () => {
    const pods = ['a', 'b'].map(
      (namespace): Raw => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace, uid: namespace } }),
    );
    const all: Condition = { of: { apiVersion: 'v1', kind: 'Pod', namespace: 'a' }, which: { atLeast: 2 }, must: 'exist' };
    expect(await left(all, ...pods)).toEqual({ done: 1, of: 2, now: undefined });
  });
  test('says how many, and of the first that is off, what', async () => {
    const text = (await pending([some('every')], world([], ...three)))!.because;
    expect(text.en).toBe(
      '1 of 3 Node (node-role.kubernetes.io/worker): /status/conditions[type=Ready]/status of Node b is False, not True',
    );
  });
});

describe('objects that are told by another name', () => {
  const pod = (name: string, status: Raw): Raw => ({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'a', uid: name }, spec: { nodeName: `node-${name}` }, status },
  });
  const waiting = (message: string): Raw => ({
    c: [{ ready: true }, { ready: false, state: { waiting: { reason: 'ErrImagePull', message } } }],
  });
  const tells = { by: '/spec/nodeName', why: ['/status/c[ready=false]/state/waiting/message', '/status/reason'] };
  const of = { apiVersion: 'v1', kind: 'Pod', namespace: 'a' };
  const pods = [
    pod('p', { phase: 'Running' }),
    pod('q', { reason: '' }),
    pod('r', waiting('not found\u001b[31m')),
    pod('s', { reason: 'Evicted' }),
  ];

  test('each with why, those of which nothing is known last', async () => {
    const all: Condition = { of, which: 'every', must: [{ path: '/status/phase', is: 'Running' }], tells };
    const { because, progress } = (await pending([all], world([], ...pods)))!;
    expect(because.en).toBe('1 of 4 Pod in a: node-r (not found), node-s (Evicted), node-q');
    expect(because.zh).toBe('Pod（命名空间 a）4 个中有 1 个：node-r (not found)、node-s (Evicted)、node-q');
    expect(progress).toEqual({ done: 1, of: 4, now: 'node-q' });
  });
  test('what means failure names every one', async () => {
    const fails: Condition = {
      of,
      which: 'some',
      must: [{ path: '/status/c[ready=false]/state/waiting/reason', in: ['ErrImagePull'] }],
      tells,
    };
    expect(await firstMet([fails], world([], ...pods, pod('t', waiting('timeout'))))).toEqual({
      en: 'node-r (not found), node-t (timeout)',
      zh: 'node-r (not found)、node-t (timeout)',
    });
    expect(await firstMet([fails], world([], pods[0]!))).toBeUndefined();
  });
  test('eleven are ten and one more', async () => {
    const many = Array.from({ length: 11 }, (_, at) => pod(`m${at}`, {}));
    const all: Condition = { of, which: 'every', must: [{ path: '/status/phase', is: 'Running' }], tells };
    expect((await pending([all], world([], ...many)))!.because.en).toMatch(/node-m9 and 1 more$/);
  });
});

describe('a field', () => {
  const at = (ms: number) => new Date(Date.now() + ms).toISOString();
  const object = node('a', 'True', { annotations: { old: at(-90_000), odd: 'yesterday' } });
  const on = { apiVersion: 'v1', kind: 'Node', name: 'a' };
  test.each<[object, boolean]>([
    [{ path: '/status/conditions[type=Ready]/status', is: 'True' }, true],
    [{ path: '/status/conditions[type=Nope]/status', is: 'True' }, false],
    [{ path: '/status/conditions[type=Nope]/status' }, true],
    [{ path: '/metadata/labels[name=a]/x', is: 1 }, false],
    [{ path: '/status/count', atLeast: 3 }, true],
    [{ path: '/status/count', atLeast: 4 }, false],
    [{ path: '/status/nothing', atLeast: 0 }, false],
    [{ path: '/status/count', in: [1, 3] }, true],
    [{ path: '/status/count', in: [] }, false],
    [{ path: '/metadata/annotations/old', olderThan: 60 }, true],
    [{ path: '/metadata/annotations/old', olderThan: 120 }, false],
    [{ path: '/metadata/annotations/old', newerThan: 120 }, true],
    [{ path: '/metadata/annotations/old', newerThan: 60 }, false],
    // What is not a time is neither old nor new.
    [{ path: '/metadata/annotations/odd', olderThan: 1 }, false],
    [{ path: '/metadata/annotations/odd', newerThan: 1e9 }, false],
    [{ path: '/metadata/annotations/none', newerThan: 1e9 }, false],
  ])('%j', async (field, expected) => {
    const condition = { on, must: [field] } as Condition;
    expect([
      (await pending([condition], world([], object))) === undefined,
      (await brokenGuard([condition], world([], object), undefined, undefined)) === undefined,
    ]).toEqual([expected, expected]);
  });
});

describe('a reading', () => {
  const contains: Condition = { reading: { path: '/readyz?verbose', every: true }, contains: 'readyz check passed' };
  const matches: Condition = { reading: { path: '/metrics' }, matches: '^up 1$' };
  test('must be so on every server that was asked', async () => {
    expect(await pending([contains], world(['ok\nreadyz check passed']))).toBeUndefined();
    const off = await pending([contains], world(['readyz check passed', '[+]ping ok\n[-]etcd failed: reason withheld']));
    expect(off).toEqual({
      because: { en: expect.stringContaining('[-]etcd failed'), zh: expect.any(String) },
      progress: { done: 1, of: 2, now: undefined },
      at: contains,
    });
    expect(await pending([contains], world([]))).toBeDefined();
  });
  test('is matched line by line', async () => {
    expect(await pending([matches], world(['down 0\nup 1\nx']))).toBeUndefined();
    expect(await pending([matches], world(['sup 1']))).toBeDefined();
  });
});

test('values and patterns that are not for a reader are shown in words', async () => {
  const words = { en: 'v1.37.2 or a later patch', zh: 'v1.37.2 或更新的补丁版本' };
  const reading: Condition = { reading: { path: '/version' }, matches: '"v1\\.37\\.[2-9]"', words };
  expect(conditionLines(reading)).toEqual([{ en: '/version says v1.37.2 or a later patch', zh: '/version 返回 v1.37.2 或更新的补丁版本' }]);
  expect((await pending([reading], world(['"v1.36.3"'])))!.because.zh).toBe('/version 返回“"v1.36.3"”，而不是“v1.37.2 或更新的补丁版本”');
  const field: Condition = { on: { apiVersion: 'v1', kind: 'Node', name: 'a' }, must: [{ path: '/status/count', in: [4, 5], words }] };
  expect(conditionLines(field)[0]!.en).toBe('Node a: /status/count is v1.37.2 or a later patch');
  expect((await pending([field], world([], node('a', 'True'))))!.because.en).toBe(
    '/status/count of Node a is 3; expected: v1.37.2 or a later patch',
  );
  const step = { ...{ id: '1', do: 'manual', text: words, commands: ['true'], guard: [], undo: 'none', after: [], reasons: [] } } as const;
  const shown = (seen: Condition[]) => kindOf({ ...step, seen } as never).preview({ ...step, seen } as never);
  expect(shown([field]).at(-1)).toEqual({
    en: 'done when: Node a: /status/count is v1.37.2 or a later patch',
    zh: '完成条件：Node a 的 /status/count 为 v1.37.2 或更新的补丁版本',
  });
  expect(shown(Array.from({ length: 9 }, () => field))).toHaveLength(1 + 4 + 1);
});

test('what means failure is told; of several conditions the first that holds', async () => {
  const failed: Condition = { of: NODES, which: 'some', must: [{ path: '/status/count', is: 3 }] };
  expect((await firstMet([some('every'), failed], world([], node('a', 'False'))))?.en).toBe('Node a: /status/count is 3');
  expect(await firstMet([], world([]))).toBeUndefined();
});
test('the progress of several conditions counts them all, and asks for nothing behind the first that does not hold', async () => {
  const objects = [node('a', 'False'), node('b', 'False')];
  let asked = 0;
  const counting = { ...world([], ...objects), get: async () => void asked++ };
  const on = (name: string): Condition => ({ on: { apiVersion: 'v1', kind: 'Node', name }, must: 'exist' });
  expect((await pending([some('some'), on('a'), on('b')], counting))?.progress).toEqual({ done: 0, of: 3, now: 'Node a' });
  expect(asked).toBe(0);
});
