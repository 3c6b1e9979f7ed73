// Steps for the way back: a run passes them by, an undo carries them out as they stand, before what they come after; a wait among them is waited for.
import { expect, test } from 'vitest';
import type { Entry, Step } from '../../src/engine/contracts.ts';
import { executeRun, executeUndo } from '../../src/engine/execute.ts';
import { hasten } from '../../src/engine/pace.ts';
import { progressOf, runState, toUndo } from '../../src/engine/progress.ts';
import { endpoint, pages, patchStep, refTo, runOf, typeOf, worldOf } from './worlds.ts';

hasten(10);
const halt = new AbortController().signal;
const back = (id: string, more: Partial<Step> = {}): Step => ({ ...patchStep('b', more), id, onUndo: true }) as Step;
const wait = (id: string, after: string[]): Step => ({
  ...{ id, do: 'wait', after, reasons: [], guard: [], undo: 'none', within: 30, assume: [], onUndo: true },
  until: [{ on: refTo('a'), must: [{ path: '/status/ownerControllerType', is: 'None' }] }],
  text: { en: 'wait', zh: '等待' },
});

async function through(steps: Step[], world: ReturnType<typeof worldOf>) {
  const journal = pages();
  const run = runOf(...steps);
  await executeRun(run, { world, journal, progress: progressOf([]), halt });
  const middle = { a: await typeOf(world, 'a'), b: await typeOf(world, 'b') };
  const entries: Entry[] = [...journal.entries];
  const undone = await executeUndo(run, { world, journal, progress: progressOf(entries), halt });
  return { middle, undone, run, entries: journal.entries, end: { a: await typeOf(world, 'a'), b: await typeOf(world, 'b') } };
}

test('passed by, then carried out behind the wait that comes after it', async () => {
  const world = worldOf(endpoint('a', 'None'), endpoint('b', 'None'));
  const { middle, undone, end, run, entries } = await through(
    [back('3'), wait('2', ['3']), patchStep('a', { id: '1', after: ['2'] })],
    world,
  );
  expect(middle).toEqual({ a: 'Pod', b: 'None' });
  expect(undone.state).toBe('finished');
  expect(end).toEqual({ a: 'None', b: 'Pod' });
  const carriedOut = entries.flatMap((entry) => (entry.is === 'outcome' && entry.direction === 'undo' ? [entry.step] : []));
  expect(carriedOut).toEqual(['1', '2', '3']);
  expect(runState({ run, progress: progressOf([...entries, { is: 'end', at: '', direction: 'undo', state: 'finished' }]) })).toBe('undone');
});

test('one that comes after a step is carried out before that is undone, also where the run stopped there', async () => {
  const world = worldOf(endpoint('a', 'None'), endpoint('b', 'None'));
  const stopped = [patchStep('a', { id: '1' }), back('2', { after: ['1'] })];
  const journal = pages();
  await executeRun(runOf(...stopped), { world, journal, progress: progressOf([]), halt });
  const entries = journal.entries.filter((entry) => entry.is !== 'outcome' || entry.step !== '2');
  await executeUndo(runOf(...stopped), { world, journal: pages(), progress: progressOf(entries), halt });
  expect({ a: await typeOf(world, 'a'), b: await typeOf(world, 'b') }).toEqual({ a: 'None', b: 'Pod' });
});

test('none where nothing was changed', async () => {
  const world = worldOf(endpoint('a', 'Pod'), endpoint('b', 'None'));
  const { end } = await through([back('2'), patchStep('a', { id: '1', after: ['2'] })], world);
  expect(end).toEqual({ a: 'Pod', b: 'None' });
});

test('what the run itself has put back is not opened again; what was done once more is undone', async () => {
  const PATH = '/status/ownerControllerType';
  const loosened = patchStep('a', { id: '1' });
  const restored = patchStep('a', {
    id: '3',
    after: ['1', '2'],
    guard: [],
    changes: [{ path: PATH, before: 'Pod', after: 'None' }],
  } as Partial<Step>);
  const world = worldOf(endpoint('a', 'None'), endpoint('b', 'None'));
  const written: string[] = [];
  const watched = {
    ...world,
    write: async (...args: Parameters<typeof world.write>) => {
      written.push(JSON.stringify(args[0]));
      return world.write(...args);
    },
  };
  const run = runOf(loosened, patchStep('b', { id: '2', after: ['1'] }), restored);
  const journal = pages();
  await executeRun(run, { world: watched, journal, progress: progressOf([]), halt });
  expect({ a: await typeOf(world, 'a'), b: await typeOf(world, 'b') }).toEqual({ a: 'None', b: 'Pod' });
  expect(toUndo(run, progressOf(journal.entries)).map(({ id }) => id)).toEqual(['2']);
  written.length = 0;
  expect((await executeUndo(run, { world: watched, journal: pages(), progress: progressOf(journal.entries), halt })).state).toBe(
    'finished',
  );
  expect(written).toHaveLength(1);
  expect({ a: await typeOf(world, 'a'), b: await typeOf(world, 'b') }).toEqual({ a: 'None', b: 'None' });
  // Cut before it was put back.
  const cut = journal.entries.filter((entry) => !('step' in entry) || entry.step !== '3');
  expect(toUndo(run, progressOf(cut)).map(({ id }) => id)).toEqual(['1', '2']);
});

test('an object that the run made for a while and deleted for good leaves nothing to undo, nor what was for its way back; one that is still there does', () => {
  const on = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'a', name: 'b' };
  const base = { reasons: [], guard: [], text: { en: '', zh: '' } };
  const made: Step = {
    ...base,
    id: '1',
    do: 'create',
    after: [],
    undo: 'compensates',
    object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'b', namespace: 'a' } },
  };
  const gone: Step = { ...base, id: '3', do: 'delete', after: ['1'], undo: 'none', on };
  const run = runOf(made, back('2', { after: ['1'] }), gone);
  const done = (step: string, result: 'done' | 'already' = 'done'): Entry => ({ is: 'outcome', at: '', direction: 'apply', step, result });
  const open = (...entries: Entry[]) => toUndo(run, progressOf(entries)).map(({ id }) => id);
  expect(open(done('1'), done('2', 'already'))).toEqual(['1', '2']);
  expect(open(done('1'), done('2', 'already'), done('3'))).toEqual([]);
});
