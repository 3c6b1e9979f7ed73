// Steps for the way back: a run passes them by, an undo carries them out as they stand, before what they come after; a wait among them is waited for.
import { expect, test } from 'vitest';
import type { Entry, Step } from '../../src/engine/contracts.ts';
import { executeRun, executeUndo } from '../../src/engine/execute.ts';
import { hasten } from '../../src/engine/pace.ts';
import { progressOf, runState } from '../../src/engine/progress.ts';
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
