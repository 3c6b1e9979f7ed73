// Nothing runs past what it waits for: what an unmet wait, a manual step or a step that is obsolete does to what comes behind it.
import { describe, expect, test } from 'vitest';
import type { Entry, Step, World } from '../../src/engine/contracts.ts';
import { type Executed, executeRun } from '../../src/engine/execute.ts';
import type { Person, StepContext } from '../../src/engine/performing.ts';
import { progressOf, runState, toDo } from '../../src/engine/progress.ts';
import { endpoint, pages, patchStep, refTo, runOf, typeOf, worldOf } from './worlds.ts';

const never = new AbortController().signal;
const PATH = '/status/ownerControllerType';
const PERSON: Person = { watches: true, told: () => {}, confirms: async () => false };

async function go(
  world: World,
  steps: (Step | Step[])[],
  {
    entries = [] as Entry[],
    person = undefined as Person | undefined,
    halt = never,
    progressed = undefined as StepContext['progressed'],
  } = {},
) {
  const journal = pages();
  const { assume: _, ...real } = world;
  const executed = await executeRun(runOf(...steps), { world: real, journal, progress: progressOf(entries), halt, person, progressed });
  return { ...executed, entries: [...entries, ...journal.entries] };
}
const results = ({ outcomes }: Executed) => Object.fromEntries([...outcomes].map(([id, { result }]) => [id, result]));

const waitStep = (id: string, more: object = {}): Step =>
  ({
    ...patchStep(id),
    ...{ do: 'wait', until: [{ on: refTo('a'), must: [{ path: PATH, is: 'Pod' }] }], within: 0, assume: [], optional: undefined },
    guard: [],
    ...more,
  }) as Step;
const manualStep = (id: string, more: object = {}): Step =>
  ({ ...waitStep(id), do: 'manual', commands: ['do it'], seen: [{ on: refTo('a'), must: [{ path: PATH, is: 'Pod' }] }], ...more }) as Step;
const broken = [{ on: refTo('a'), must: [{ path: PATH, is: 'Job' }] }];

describe('a wait', () => {
  test('whose guard broke stops the run: the step behind it is not carried out, and resume looks again', async () => {
    const world = worldOf(endpoint('a', 'None'), endpoint('b', 'None'));
    const steps = [waitStep('w', { guard: broken }), patchStep('b', { after: ['w'] })];
    const first = await go(world, steps);
    expect(results(first)).toEqual({ w: 'obsolete' });
    expect([first.state, await typeOf(world, 'b')]).toEqual(['unchanged', 'None']);
    expect(toDo(runOf(...steps), progressOf(first.entries)).map(({ id }) => id)).toEqual(['w', 'b']);
    await world.write({ verb: 'patch', on: refTo('a'), patch: [{ op: 'replace', path: PATH, value: 'Pod' }] });
    const second = await go(world, steps, { entries: first.entries });
    expect(results(second)).toEqual({ w: 'done', b: 'done' });
  });
  test('of a repair that is not needed any more takes what comes behind it along', async () => {
    const world = worldOf(endpoint('a', 'None'), endpoint('b', 'None'), endpoint('c', 'None'));
    const steps = [waitStep('w', { guard: broken, optional: true }), patchStep('b', { after: ['w'] }), patchStep('c')];
    const done = await go(world, steps);
    expect(results(done)).toEqual({ w: 'obsolete', b: 'obsolete', c: 'done' });
    expect([done.state, await typeOf(world, 'b')]).toEqual(['finished', 'None']);
    // Also where the wait was obsolete in an earlier attempt.
    const later = await go(world, steps, { entries: done.entries.filter((entry) => 'step' in entry && entry.step === 'w') });
    expect(results(later)).toMatchObject({ b: 'obsolete' });
    expect(await typeOf(world, 'b')).toBe('None');
  });
  test('that times out, or sees what means failure, stops the run', async () => {
    const world = worldOf(endpoint('a', 'None'), endpoint('b', 'None'));
    const behind = patchStep('b', { after: ['w'] });
    expect(results(await go(world, [waitStep('w'), behind]))).toEqual({ w: 'failed' });
    const fails = [{ on: refTo('a'), must: [{ path: PATH, is: 'None' }] }];
    const began = performance.now();
    const done = await go(world, [waitStep('w', { within: 60, fails }), behind]);
    expect(performance.now() - began).toBeLessThan(5000);
    expect(done.outcomes.get('w')).toMatchObject({ result: 'failed', detail: { en: expect.stringContaining(`${PATH} is None`) } });
    expect(await typeOf(world, 'b')).toBe('None');
  });
});

test('a step that others come after and that is no repair must not end obsolete', async () => {
  const world = worldOf(endpoint('a', 'Deployment'), endpoint('b', 'None'));
  const done = await go(world, [patchStep('a', { optional: undefined }), patchStep('b', { after: ['a'] })]);
  expect(results(done)).toEqual({ a: 'obsolete' });
  expect(await typeOf(world, 'b')).toBe('None');
});

describe('a manual step', () => {
  const steps = [manualStep('m'), patchStep('b', { after: ['m'] }), patchStep('c')];
  const staged = [steps, [patchStep('d')]];
  const cluster = () => worldOf(...['a', 'b', 'c', 'd'].map((name) => endpoint(name, 'None')));

  test('stops a run without a terminal, behind what does not wait for it; resume looks again', async () => {
    const world = cluster();
    const first = await go(world, staged);
    expect(results(first)).toEqual({ m: 'manual', c: 'done' });
    expect(first.state).toBe('stopped');
    expect(
      runState({
        run: runOf(...staged),
        progress: progressOf([...first.entries, { at: '', is: 'end', direction: 'apply', state: 'stopped' }]),
      }),
    ).toBe('unfinished');
    await world.write({ verb: 'patch', on: refTo('a'), patch: [{ op: 'replace', path: PATH, value: 'Pod' }] });
    const second = await go(world, staged, { entries: first.entries });
    expect(results(second)).toEqual({ m: 'already', b: 'done', d: 'done' });
    expect(second.state).toBe('finished');
  });
  test('alone keeps the run open, although nothing was changed', async () => {
    expect((await go(cluster(), [manualStep('m')])).state).toBe('stopped');
  });
  test('is watched on a terminal until it is seen to be done', async () => {
    const world = cluster();
    const told: (string | undefined)[] = [];
    const person: Person = {
      ...PERSON,
      told: (_, because) => {
        told.push(because?.en);
        setTimeout(() => void world.write({ verb: 'patch', on: refTo('a'), patch: [{ op: 'replace', path: PATH, value: 'Pod' }] }), 100);
      },
    };
    const done = await go(world, staged, { person });
    expect(results(done)).toEqual({ m: 'done', c: 'done', b: 'done', d: 'done' });
    expect(told).toEqual([expect.stringContaining(PATH)]);
  });
  test('says what has come of it since it was told, as long as that is not what is asked for', async () => {
    const world = cluster();
    const turn = (value: string) => world.write({ verb: 'patch', on: refTo('a'), patch: [{ op: 'replace', path: PATH, value }] });
    const news: (string | undefined)[] = [];
    const done = await go(world, [manualStep('m')], {
      person: { ...PERSON, told: () => void turn('Job') },
      progressed: (_, __, held) => {
        news.push(held?.en);
        if (held) void turn('Pod');
      },
    });
    expect([results(done), news]).toEqual([{ m: 'done' }, [undefined, expect.stringContaining(`is Job`)]]);
  });
  test('that nothing can show is done once a person confirms it by its name, and not before', async () => {
    const unseen = [[manualStep('m', { seen: undefined }), ...steps.slice(1)], [patchStep('d')]];
    const world = cluster();
    const no = await go(world, unseen, { person: PERSON });
    expect([results(no), no.state]).toEqual([{ m: 'manual', c: 'done' }, 'stopped']);
    const yes = await go(world, unseen, { entries: no.entries, person: { ...PERSON, watches: false, confirms: async () => true } });
    expect([results(yes), yes.state]).toEqual([{ m: 'done', b: 'done', d: 'done' }, 'finished']);
  });
  test('is not taken for seen where it is only confirmed', async () => {
    const done = await go(cluster(), staged, { person: { ...PERSON, watches: false, confirms: async () => true } });
    expect(results(done)).toMatchObject({ m: 'manual' });
  });
});
