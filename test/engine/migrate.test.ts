// The migrate step: every object is written once, at most eight at a time, at the pace of the server; where it is cut it goes on; and the list of versions is set only
// under the CRD that was begun with.
import { describe, expect, test } from 'vitest';
import {
  type Entry,
  type Raw,
  type Ref,
  type StepOf,
  type StepProgress,
  type World,
  WorldError,
  type Write,
} from '../../src/engine/contracts.ts';
import { type Executed, executeDryRun, executeRun, executeUndo } from '../../src/engine/execute.ts';
import { hasten } from '../../src/engine/pace.ts';
import { progressOf } from '../../src/engine/progress.ts';
import { kindOf } from '../../src/engine/steps/index.ts';
import { wrongInEntry, wrongInRun } from '../../src/journal/well-formed.ts';
import { pointerGet, pointerSet } from '../../src/kube/pointer.ts';
import { pages, runOf, worldOf } from './worlds.ts';

hasten(100);

const CRD: Ref = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name: 'widgets.example.com', uid: 'crd' };
const definition = (stored: string[] = ['v1beta1', 'v1'], storage = 'v1'): Raw => ({
  apiVersion: CRD.apiVersion,
  kind: CRD.kind,
  metadata: { name: CRD.name, uid: 'crd', resourceVersion: '5', generation: 3 },
  spec: {
    ...{ group: 'example.com', scope: 'Namespaced', names: { plural: 'widgets', kind: 'Widget' } },
    versions: ['v1beta1', 'v1'].map((name) => ({ name, served: true, storage: name === storage, subresources: { status: {} } })),
  },
  status: { storedVersions: stored },
});
const widget = (at: number): Raw => ({
  ...{ apiVersion: 'example.com/v1', kind: 'Widget', spec: { size: 'large' } },
  metadata: { name: `w${String(at).padStart(4, '0')}`, namespace: 'default', uid: `w${at}`, resourceVersion: '1' },
});
const STEP = {
  ...{ id: '1', do: 'migrate', on: CRD, of: { apiVersion: 'example.com/v1', kind: 'Widget' }, storage: 'v1', stored: ['v1beta1', 'v1'] },
  ...{ status: true, guard: [], after: [], reasons: ['f'], text: { en: 'x', zh: 'x' }, undo: 'exact' },
} as StepOf<'migrate'>;

interface Played extends World {
  /** Names of the objects that were written, in the order of the answers. */
  written: string[];
  atOnce: number;
}
/** Pages of ten; `trouble`: what a write meets, by how many came before it. */
function played(count: number, trouble: (before: number, write: Write) => unknown = () => undefined): Played {
  const objects = Array.from({ length: count }, (_, at) => widget(at));
  const world = worldOf(definition(), ...objects);
  let [sent, now] = [0, 0];
  const self: Played = {
    ...world,
    ...{ written: [], atOnce: 0 },
    page: async (_of, next = '0') => {
      const from = Number(next);
      const more = from + 10 < count;
      return { objects: objects.slice(from, from + 10), ...(more ? { next: `${from + 10}` } : {}), left: Math.max(0, count - from - 10) };
    },
    write: async (write, options) => {
      if (write.verb !== 'patch' || write.on.kind !== 'Widget') return world.write(write, options);
      self.atOnce = Math.max(self.atOnce, ++now);
      try {
        await new Promise((resolve) => setImmediate(resolve));
        const met = trouble(sent++, write);
        if (met) throw met;
        self.written.push(write.on.name);
        return await world.write(write, options);
      } finally {
        now--;
      }
    },
  };
  return self;
}
async function go(world: World, entries: Entry[] = [], halt = new AbortController().signal): Promise<Executed & { entries: Entry[] }> {
  const journal = pages();
  const executed = await executeRun(runOf(STEP), { world, journal, progress: progressOf(entries), halt });
  return { ...executed, entries: [...entries, ...journal.entries] };
}
async function back(world: World, entries: Entry[]): Promise<Executed> {
  return executeUndo(runOf(STEP), { world, journal: pages(), progress: progressOf(entries), halt: new AbortController().signal });
}
const stored = async (world: World) => pointerGet((await world.get(CRD))!, '/status/storedVersions');
const detail = ({ outcomes }: Executed) => outcomes.get('1')?.detail?.en;
const change = (world: World, path: string, value: Raw | number | string[]) =>
  world.write({
    verb: 'patch',
    on: CRD,
    ...(path.startsWith('/status') ? { subresource: 'status' as const } : {}),
    patch: [{ op: 'replace', path, value }],
  });

test('every object once, eight at a time, then the list of versions; and back', async () => {
  const world = played(35);
  const done = await go(world);
  expect([done.state, detail(done)]).toEqual(['finished', undefined]);
  expect(world.written.toSorted()).toEqual(Array.from({ length: 35 }, (_, at) => `w${String(at).padStart(4, '0')}`));
  expect(world.atOnce).toBe(8);
  expect(await stored(world)).toEqual(['v1']);
  expect((await go(world, done.entries)).outcomes.size).toBe(0);
  expect((await back(world, done.entries)).outcomes.get('1')?.result).toBe('done');
  expect(await stored(world)).toEqual(['v1beta1', 'v1']);
  for (const entry of done.entries) expect(wrongInEntry(JSON.parse(JSON.stringify(entry)))).toBeUndefined();
  expect(wrongInRun(JSON.parse(JSON.stringify(runOf(STEP))), 'r')).toBeUndefined();
});

test('an answer that was lost is asked for again; what was deleted or replaced counts; no object at all', async () => {
  const world: Played = played(30, (before, write) => {
    if (before % 7 !== 3 || !('on' in write)) return undefined;
    if (before % 2) return new WorldError('unanswered', 'x');
    world.assume!([{ gone: write.on }]);
    return new WorldError('missing', 'x');
  });
  expect((await go(world)).state).toBe('finished');
  expect(world.written.length).toBeLessThan(30);
  const none = played(0);
  expect((await go(none)).state).toBe('finished');
  expect(await stored(none)).toEqual(['v1']);
});

test('an object that is still the same one after a conflict is not taken for written', async () => {
  const once = played(20, (before, write) =>
    'on' in write && write.on.name === 'w0007' && before < 10 ? new WorldError('conflict', 'changed') : undefined,
  );
  expect((await go(once)).state).toBe('finished');
  expect(once.written.filter((name) => name === 'w0007')).toHaveLength(1);
  const always = played(20, (_, write) => ('on' in write && write.on.name === 'w0007' ? new WorldError('conflict', 'changed') : undefined));
  const stopped = await go(always);
  expect([stopped.state, detail(stopped)]).toEqual(['stopped', expect.stringMatching(/^Widget default\/w0007: /)]);
  expect(await stored(always)).toEqual(['v1beta1', 'v1']);
});

test('an object that was replaced was stored by the one who made it; one that cannot be looked at is not taken for written', async () => {
  const refused = (get: (ref: Ref) => Raw | undefined): Played => {
    const world = played(20, (_, write) =>
      'on' in write && write.on.name === 'w0007' ? new WorldError('conflict', 'changed') : undefined,
    );
    return { ...world, get: async (ref) => (ref.name === 'w0007' ? get(ref) : world.get(ref)) };
  };
  const { uid: _, ...metadata } = widget(7).metadata as Raw;
  const replaced = refused(() => ({ ...widget(7), metadata: { ...metadata, uid: 'another' } }));
  expect((await go(replaced)).state).toBe('finished');
  expect(replaced.written).toHaveLength(19);
  const unseen = refused(() => {
    throw new WorldError('unanswered', 'x');
  });
  expect((await go(unseen)).state).toBe('stopped');
  expect(await stored(unseen)).toEqual(['v1beta1', 'v1']);
});

test('throttled: all rest, then go on; throttled without end it stops, and can be resumed', async () => {
  const world = played(20, (before) => (before >= 5 && before < 12 ? new WorldError('throttled', 'too many') : undefined));
  expect((await go(world)).state).toBe('finished');
  expect(world.written).toHaveLength(20);
  const always = played(20, (before) => (before >= 10 ? new WorldError('throttled', 'too many') : undefined));
  const stopped = await go(always);
  expect([stopped.state, detail(stopped)]).toEqual(['stopped', expect.stringMatching(/^Widget default\/w00\d\d: gave up/)]);
  expect(await stored(always)).toEqual(['v1beta1', 'v1']);
});

test('a webhook refuses one: named, nothing is trimmed; resumed behind those that are certain', async () => {
  const world = played(40, (_, write) =>
    write.verb === 'patch' && write.on.name === 'w0025' ? new WorldError('refused', 'denied') : undefined,
  );
  const stopped = await go(world);
  expect([stopped.state, detail(stopped)]).toEqual(['stopped', 'Widget default/w0025: refused: denied']);
  const at = progressOf(stopped.entries).states.apply.get('1')!.progress!;
  expect(at).toMatchObject({ of: 40, now: expect.stringMatching(/^default\/w00(1[5-9]|2[0-4])$/) });
  const mended = played(40);
  const resumed = await go(mended, stopped.entries);
  expect(resumed.state).toBe('finished');
  expect(mended.written).not.toContain('w0005');
  expect(mended.written).toEqual(expect.arrayContaining(['w0025', 'w0039']));
  expect((await back(world, stopped.entries)).outcomes.get('1')?.result).toBe('already');
});

test('killed at any write: resumed, every object is written by one or the other, and the list is set once', async () => {
  for (const at of [0, 1, 9, 17, 24]) {
    const killed = played(25, (before) => (before >= at ? new Error('killed') : undefined));
    const journal = pages();
    const dead = executeRun(runOf(STEP), { world: killed, journal, progress: progressOf([]), halt: new AbortController().signal });
    await expect(dead).rejects.toThrow('killed');
    const world = played(25);
    expect((await go(world, journal.entries)).state).toBe('finished');
    expect(new Set([...killed.written, ...world.written]).size).toBe(25);
    expect(await stored(world)).toEqual(['v1']);
  }
});

test('halted: what is in flight ends, how far it was is noted, and it goes on there', async () => {
  const halt = new AbortController();
  const world = played(30, (before) => void (before === 12 && halt.abort()));
  const stopped = await go(world, [], halt.signal);
  expect([stopped.state, stopped.outcomes.get('1')?.result]).toEqual(['stopped', 'in-doubt']);
  expect(world.written.length).toBeLessThan(22);
  const rest = played(30);
  expect((await go(rest, stopped.entries)).state).toBe('finished');
  expect(rest.written.length).toBeLessThan(30);
});

describe('the CRD moves', () => {
  test.each([
    ['its generation', (world: World) => change(world, '/spec/versions/0/served', false as never), /status\.storedVersions stays as it is/],
    [
      'its storage version',
      (world: World) => change(world, '/spec', definition([], 'v1beta1').spec as Raw),
      /storage version of the CRD is v1beta1 now/,
    ],
    // A server refuses a list without the storage version.
    [
      'its list of versions',
      (world: World) => change(world, '/status/storedVersions', ['v1', 'v1beta1']),
      /\/status\/storedVersions changed/,
    ],
  ] as const)('%s, while objects are written: nothing is trimmed', async (_, meddle, why) => {
    const world = played(20, () => undefined);
    let meddled = false;
    const done = await go({
      ...world,
      write: async (write, options) => {
        if (!meddled && 'on' in write && write.on.kind === 'Widget') {
          meddled = true;
          await meddle(world);
        }
        return world.write(write, options);
      },
    });
    expect([done.state, detail(done)]).toEqual(['stopped', expect.stringMatching(why)]);
    expect(await stored(world)).not.toEqual(['v1']);
  });

  test('its generation, before it is resumed: all objects are written again', async () => {
    const halt = new AbortController();
    const stopped = await go(
      played(30, (before) => void (before === 20 && halt.abort())),
      [],
      halt.signal,
    );
    const world = played(30);
    await change(world, '/spec/versions/0/served', false as never);
    expect((await go(world, stopped.entries)).state).toBe('finished');
    expect(world.written).toHaveLength(30);
  });

  test('a version that it has lost since is not listed again', async () => {
    const world = played(3);
    const done = await go(world);
    const crd = (await world.get(CRD))!;
    await change(world, '/spec', pointerSet(crd, '/spec/versions', [pointerGet(crd, '/spec/versions/1')!]).spec as Raw);
    expect((await back(world, done.entries)).outcomes.get('1')?.result).toBe('obsolete');
  });
});

test('a dry run submits the rewrite of every object, eight at a time and politely, then the list of versions; nothing is stored', async () => {
  const asked: unknown[] = [];
  const dry = (world: Played): Played => ({
    ...world,
    write: async (write, options) => {
      asked.push(options?.dryRun);
      return world.write(write, options);
    },
  });
  const world = played(30, (before) => (before === 4 ? new WorldError('throttled', 'slow down', 429) : undefined));
  const far: (number | undefined)[] = [];
  const told = (_: unknown, progress?: StepProgress) => void far.push(progress?.done);
  expect(await executeDryRun([STEP], dry(world), () => undefined, 'apply', undefined, told)).toMatchObject({ accepted: 1, refused: 0 });
  // It began, and then was so far.
  expect(far).toEqual([undefined, ...Array.from({ length: 30 }, (_, at) => at + 1)]);
  expect([world.written.length, await stored(world)]).toEqual([30, ['v1beta1', 'v1']]);
  expect(asked).toEqual(Array(32).fill(true));
});

test('a dry run names the object whose rewrite the server refuses, also behind the steps of other CRDs and of a person', async () => {
  const world = played(3, (_, write) =>
    'on' in write && write.on.name === 'w0001' ? new WorldError('refused', 'spec.must: Required value', 422) : undefined,
  );
  const save = { ...STEP, id: '0', do: 'manual', commands: [] } as unknown as StepOf<'manual'>;
  const said: (string | undefined)[] = [];
  const tried = await executeDryRun([save, { ...STEP, after: ['0'] }], world, (_, { detail }) => said.push(detail?.en));
  expect(tried).toMatchObject({ accepted: 0, refused: 1 });
  expect(said[1]).toContain('Widget default/w0001: ');
  expect(said[1]).toContain('spec.must: Required value');
  // Behind a step that changes the CRD, the answer of now says nothing.
  const create = {
    ...STEP,
    id: '0',
    do: 'create',
    object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm', namespace: 'n' } },
  };
  const behind = await executeDryRun([create as unknown as StepOf<'create'>, { ...STEP, after: ['0'] }], world, () => undefined);
  expect(behind).toMatchObject({ refused: 0, untried: 1 });
});

test('what an undo leaves, its own steps say too', () => {
  const undoNote = { en: 'undo: what stays: x', zh: '撤销时：x' };
  const inverse = kindOf(STEP).inverse({ ...STEP, undo: 'compensates', undoNote }, definition(), definition(['v1']));
  expect(inverse).toMatchObject({ do: 'patch', undo: 'compensates', undoNote });
});

test('the commands say what a person would do', () => {
  expect(kindOf(STEP).commands(STEP)).toEqual([
    'kubectl get widgets.v1.example.com -A -o yaml > widgets.example.com.yaml && kubectl replace -f widgets.example.com.yaml',
    expect.stringContaining('kubectl patch CustomResourceDefinition.apiextensions.k8s.io widgets.example.com --subresource=status'),
  ]);
});
