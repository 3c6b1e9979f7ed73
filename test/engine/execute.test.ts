import { describe, expect, test } from 'vitest';
import type { Entry, Step, World, Write } from '../../src/engine/contracts.ts';
import { type Executed, executeDryRun, executeRun, executeUndo } from '../../src/engine/execute.ts';
import { hasten } from '../../src/engine/pace.ts';
import { progressOf, runState } from '../../src/engine/progress.ts';
import { endpoint, pages, patchStep, refTo, runOf, troubled, typeOf, worldOf } from './worlds.ts';

hasten(10);

const nameOf = (write: Write): string => ('on' in write ? write.on.name : '');
const never = new AbortController().signal;

async function go(world: World, steps: (Step | Step[])[], entries: Entry[] = [], halt = never): Promise<Executed & { entries: Entry[] }> {
  const journal = pages();
  const executed = await executeRun(runOf(...steps), { world, journal, progress: progressOf(entries), halt });
  return { ...executed, entries: [...entries, ...journal.entries] };
}
async function back(world: World, steps: Step[], entries: Entry[], halt = never): Promise<Executed & { entries: Entry[] }> {
  const journal = pages();
  const executed = await executeUndo(runOf(...steps), { world, journal, progress: progressOf(entries), halt });
  return { ...executed, entries: [...entries, ...journal.entries] };
}
const results = ({ outcomes }: Executed) => Object.fromEntries([...outcomes].map(([id, { result }]) => [id, result]));
const kinds = (entries: Entry[]) => entries.map((entry) => (entry.is === 'outcome' ? entry.result : entry.is));

describe('a step', () => {
  test('is written with its intent before and its outcome after, and verified', async () => {
    const world = worldOf(endpoint('a', 'None'));
    const done = await go(world, [patchStep('a')]);
    expect(done.state).toBe('finished');
    expect(kinds(done.entries)).toEqual(['intent', 'done']);
    expect(await typeOf(world, 'a')).toBe('Pod');
    const [intent, outcome] = done.entries as [Extract<Entry, { is: 'intent' }>, Extract<Entry, { is: 'outcome' }>];
    expect(intent.before).toMatchObject({ metadata: { uid: 'uid-a' }, status: { ownerControllerType: 'None', kept: { as: 'it is' } } });
    expect(outcome.after).toEqual({
      apiVersion: 'spiderpool.spidernet.io/v2beta1',
      kind: 'SpiderEndpoint',
      metadata: { namespace: 'default', name: 'a', uid: 'uid-a' },
    });
  });
  test('that stands already at its goal is not sent', async () => {
    const world = troubled(worldOf(endpoint('a', 'Pod')), 'refused', 99);
    expect(results(await go(world, [patchStep('a')]))).toEqual({ a: 'already' });
    expect(world.writes).toBe(0);
  });
  test('whose reason has gone is obsolete, not failed', async () => {
    const world = worldOf(endpoint('a', 'Deployment'));
    const done = await go(world, [patchStep('a')]);
    expect(results(done)).toEqual({ a: 'obsolete' });
    expect(done.state).toBe('finished');
    expect(await typeOf(world, 'a')).toBe('Deployment');
  });
  test('whose object is gone, or has a successor of the same name, is obsolete', async () => {
    expect(results(await go(worldOf(), [patchStep('a')]))).toEqual({ a: 'obsolete' });
    const world = worldOf(endpoint('a', 'None', 'another'));
    expect(results(await go(world, [patchStep('a')]))).toEqual({ a: 'obsolete' });
    expect(await typeOf(world, 'a')).toBe('None');
  });
  test('whose field moved although the guard holds fails and names the path', async () => {
    const done = await go(worldOf(endpoint('a', 'Job')), [patchStep('a', { guard: [] })]);
    expect(done.outcomes.get('a')).toMatchObject({
      result: 'failed',
      detail: { en: expect.stringContaining('/status/ownerControllerType') },
    });
    expect(done.state).toBe('unchanged');
  });
  test('conflicts lead to a new look, at most five', async () => {
    const world = troubled(worldOf(endpoint('a', 'None')), 'conflict', 2);
    expect(results(await go(world, [patchStep('a')]))).toEqual({ a: 'done' });
    expect(world.writes).toBe(3);
    const stuck = troubled(worldOf(endpoint('a', 'None')), 'conflict', 99);
    const gaveUp = await go(stuck, [patchStep('a')]);
    expect(results(gaveUp)).toEqual({ a: 'failed' });
    expect(stuck.writes).toBe(5);
    expect(gaveUp.state).toBe('unchanged');
  });
  test('an answer that was lost is settled by looking; what stands there counts as ours', async () => {
    const world = troubled(worldOf(endpoint('a', 'None')), 'unanswered', 1, true);
    const done = await go(world, [patchStep('a')]);
    expect(results(done)).toEqual({ a: 'done' });
    expect(world.writes).toBe(1);
    expect((await back(world, [patchStep('a')], done.entries)).state).toBe('finished');
    expect(await typeOf(world, 'a')).toBe('None');
  });
  test('that another user did between our refused tries is theirs: an undo leaves it', async () => {
    const inner = worldOf(endpoint('a', 'None'));
    const world = {
      ...inner,
      write: async (...args: Parameters<World['write']>) => troubled(inner, 'conflict', 1, true).write(...args),
    };
    const done = await go(world, [patchStep('a')]);
    expect(results(done)).toEqual({ a: 'already' });
    expect((await back(inner, [patchStep('a')], done.entries)).outcomes.size).toBe(0);
    expect(await typeOf(inner, 'a')).toBe('Pod');
  });
  test('never answered stays in doubt, and interrupts the run', async () => {
    const done = await go(troubled(worldOf(endpoint('a', 'None')), 'unanswered', 99), [patchStep('a')]);
    expect(results(done)).toEqual({ a: 'in-doubt' });
    expect(done.state).toBe('stopped');
  });
  test('forbidden ends the run at once; nothing was changed', async () => {
    const world = troubled(worldOf(endpoint('a', 'None'), endpoint('b', 'None')), 'forbidden', 99);
    const done = await go(world, [[patchStep('a')], [patchStep('b')]]);
    expect(results(done)).toEqual({ a: 'failed' });
    expect(done.state).toBe('unchanged');
  });
  test('a write that the server answers but does not keep is a failure that undo looks at', async () => {
    const inner = worldOf(endpoint('a', 'None'));
    const world = { ...inner, write: async () => inner.get(refTo('a')) };
    const done = await go(world, [patchStep('a')]);
    expect(results(done)).toEqual({ a: 'failed' });
    expect(done.state).toBe('stopped');
  });
});

describe('a run', () => {
  const many = Array.from({ length: 30 }, (_, i) => `e${i}`);
  test('keeps eight steps in flight, later stages after earlier ones, and `after` in order', async () => {
    const inner = worldOf(...many.map((name) => endpoint(name, 'None')), endpoint('last', 'None'));
    let flying = 0;
    let most = 0;
    const order: string[] = [];
    const world: World = {
      ...inner,
      write: async (write) => {
        most = Math.max(most, ++flying);
        await new Promise((resolve) => setTimeout(resolve, 5));
        order.push(nameOf(write));
        flying--;
        return inner.write(write);
      },
    };
    const steps = [many.map((name) => patchStep(name, name === 'e1' ? { after: ['e0'] } : {})), [patchStep('last')]];
    expect((await go(world, steps)).state).toBe('finished');
    expect(most).toBe(8);
    expect(order.at(-1)).toBe('last');
    expect(order.indexOf('e0')).toBeLessThan(order.indexOf('e1'));
  });
  /** What `on` is told, of writes that take so many ms. */
  async function told(takes: Record<string, number>, steps: Step[]): Promise<string[]> {
    const inner = worldOf(...Object.keys(takes).map((name) => endpoint(name, 'None')));
    const world: World = {
      ...inner,
      write: async (write) => {
        await new Promise((resolve) => setTimeout(resolve, takes[nameOf(write)]));
        return inner.write(write);
      },
    };
    const lines: string[] = [];
    const on = ({ id }: Step, outcome: 'begun' | { result: string }) => void lines.push(`${id} ${outcome === 'begun' ? 'begun' : 'ended'}`);
    await executeRun(runOf(...steps), { world, journal: pages(), progress: progressOf([]), halt: never, on });
    return lines;
  }
  test('of steps in flight the first by number is told first, whichever ends first', async () => {
    const lines = await told({ a: 60, b: 5, c: 20 }, [patchStep('a'), patchStep('b'), patchStep('c')]);
    expect(lines).toEqual(['a begun', 'b begun', 'c begun', 'a ended', 'b ended', 'c ended']);
  });
  test('none is begun before one that stands before it in the plan and still waits for another', async () => {
    const lines = await told({ a: 30, b: 5, c: 5 }, [patchStep('a'), patchStep('b', { after: ['a'] }), patchStep('c')]);
    expect(lines.filter((line) => line.endsWith('begun'))).toEqual(['a begun', 'b begun', 'c begun']);
    expect(lines.indexOf('a ended')).toBeLessThan(lines.indexOf('c begun'));
  });
  test('what waits for a person holds up none beside it', async () => {
    const manual = { ...patchStep('m', { guard: [] }), do: 'manual', commands: [], optional: undefined } as unknown as Step;
    const lines = await told({ b: 5, c: 5 }, [manual, patchStep('b', { after: ['m'] }), patchStep('c')]);
    expect(lines.toSorted()).toEqual(['c begun', 'c ended', 'm begun', 'm ended']);
  });
  test('a failed step stops what was not begun; resume goes on from the journal', async () => {
    const inner = worldOf(...many.map((name) => endpoint(name, 'None')));
    const refusing: World = {
      ...inner,
      write: async (write) => (nameOf(write) === 'e3' ? troubled(inner, 'refused', 1).write(write) : inner.write(write)),
    };
    const steps = many.map((name) => patchStep(name));
    const first = await go(refusing, steps);
    expect(first.state).toBe('stopped');
    expect(first.outcomes.size).toBeLessThan(many.length);
    const second = await go(inner, steps, first.entries);
    expect(second.state).toBe('finished');
    for (const name of many) expect(await typeOf(inner, name)).toBe('Pod');
  });
  test('Ctrl-C begins nothing further; what was not begun is not in the journal', async () => {
    const halt = new AbortController();
    const inner = worldOf(endpoint('a', 'None'), endpoint('b', 'None'));
    const world: World = {
      ...inner,
      write: async (write) => {
        halt.abort();
        return inner.write(write);
      },
    };
    const done = await go(world, [patchStep('a'), patchStep('b', { after: ['a'] })], [], halt.signal);
    expect(results(done)).toEqual({ a: 'done' });
    expect(done.state).toBe('stopped');
    expect(await typeOf(inner, 'b')).toBe('None');
  });
  test('when the journal cannot be written nothing is sent', async () => {
    const world = troubled(worldOf(endpoint('a', 'None')), 'refused', 0);
    const journal = {
      append: async () => {
        throw new Error('disk full');
      },
    };
    await expect(executeRun(runOf(patchStep('a')), { world, journal, progress: progressOf([]), halt: never })).rejects.toThrow('disk full');
    expect(world.writes).toBe(0);
  });
  test('an intent is on disk before the request; an outcome that cannot be stored fails the run, at the latest at its end', async () => {
    const world = troubled(worldOf(...many.map((name) => endpoint(name, 'None'))), 'refused', 0);
    const stored: Entry[] = [];
    const journal = (full: (entry: Entry) => boolean) => ({
      append: async (entry: Entry) => {
        await new Promise((resolve) => setTimeout(resolve, 2));
        if (full(entry)) throw new Error('disk full');
        stored.push(entry);
      },
    });
    const watched: World = {
      ...world,
      write: async (write) => {
        expect(stored.some((entry) => entry.is === 'intent' && entry.step === nameOf(write))).toBe(true);
        return world.write(write);
      },
    };
    const run = (full: (entry: Entry) => boolean, steps: Step[]) =>
      executeRun(runOf(...steps), { world: watched, journal: journal(full), progress: progressOf([]), halt: never });
    const steps = many.map((name) => patchStep(name));
    await expect(run(({ is }) => is === 'outcome', [steps[0]!])).rejects.toThrow('disk full');
    await expect(run((entry) => entry.is === 'outcome' && entry.step === 'e9', steps)).rejects.toThrow('disk full');
    const sent = world.writes;
    expect(sent).toBeLessThan(many.length);
    await expect(run(() => true, steps)).rejects.toThrow('disk full');
    expect(world.writes).toBe(sent);
  });
});

describe('resume, at an intent without an outcome', () => {
  const intent: Entry = { at: '', is: 'intent', direction: 'apply', step: 'a', before: endpoint('a', 'None') };
  test('object at after: done, no matter who wrote it', async () => {
    expect(results(await go(worldOf(endpoint('a', 'Pod')), [patchStep('a')], [intent]))).toEqual({ a: 'done' });
  });
  test('object at before: sent again', async () => {
    const world = worldOf(endpoint('a', 'None'));
    expect(results(await go(world, [patchStep('a')], [intent]))).toEqual({ a: 'done' });
    expect(await typeOf(world, 'a')).toBe('Pod');
  });
  test('guard gone: obsolete', async () => {
    expect(results(await go(worldOf(endpoint('a', 'Deployment')), [patchStep('a')], [intent]))).toEqual({ a: 'obsolete' });
  });
  test('anything else: stops and names it', async () => {
    const done = await go(worldOf(endpoint('a', 'Job')), [patchStep('a', { guard: [] })], [intent]);
    expect(results(done)).toEqual({ a: 'failed' });
    expect(done.state).toBe('stopped');
  });
});

describe('undo', () => {
  const steps = ['a', 'b', 'c'].map((name) => patchStep(name));
  test('writes back what was there, newest first, and can be repeated', async () => {
    const world = worldOf(...steps.map(({ id }) => endpoint(id, 'None')));
    const before = await Promise.all(steps.map(({ id }) => typeOf(world, id)));
    const done = await go(world, steps);
    const undone = await back(world, steps, done.entries);
    expect(results(undone)).toEqual({ a: 'done', b: 'done', c: 'done' });
    expect(await Promise.all(steps.map(({ id }) => typeOf(world, id)))).toEqual(before);
    // An undo is not undone: its intents say only who it was.
    for (const entry of undone.entries)
      if (entry.direction === 'undo' && entry.is === 'intent') expect(entry.before).not.toHaveProperty('status');
    const again = await back(world, steps, undone.entries);
    expect(again.outcomes.size).toBe(0);
    expect(again.state).toBe('finished');
  });
  test('leaves and names what has moved on, and goes on with the rest', async () => {
    const world = worldOf(...steps.map(({ id }) => endpoint(id, 'None')));
    const done = await go(world, steps);
    await world.write({ verb: 'patch', on: refTo('b'), patch: [{ op: 'replace', path: '/status/ownerControllerType', value: 'Job' }] });
    const undone = await back(world, steps, done.entries);
    expect(results(undone)).toEqual({ a: 'done', b: 'left', c: 'done' });
    expect(await typeOf(world, 'b')).toBe('Job');
  });
  test('does not touch what was so before we came', async () => {
    const world = worldOf(endpoint('a', 'Pod'));
    const done = await go(world, [patchStep('a')]);
    expect((await back(world, [patchStep('a')], done.entries)).outcomes.size).toBe(0);
    expect(await typeOf(world, 'a')).toBe('Pod');
  });
  test('killed at its own intent it goes on', async () => {
    const world = worldOf(endpoint('a', 'None'));
    const done = await go(world, [patchStep('a')]);
    const torn: Entry[] = [
      ...done.entries,
      { at: '', is: 'begin', direction: 'undo', pid: 1 },
      { at: '', is: 'intent', direction: 'undo', step: 'a' },
    ];
    expect(runState({ run: runOf(patchStep('a')), progress: progressOf(torn) })).toBe('undo unfinished');
    expect(results(await back(world, [patchStep('a')], torn))).toEqual({ a: 'done' });
    expect(await typeOf(world, 'a')).toBe('None');
  });
  test('steps that need each other are undone in the opposite order', async () => {
    const world = worldOf(...steps.map(({ id }) => endpoint(id, 'None')));
    const chain = [patchStep('a'), patchStep('b', { after: ['a'] }), patchStep('c', { after: ['b'] })];
    const done = await go(world, chain);
    const undone = await back(world, chain, done.entries);
    expect(
      undone.entries
        .filter(({ is }) => is === 'outcome')
        .slice(3)
        .map((entry) => 'step' in entry && entry.step),
    ).toEqual(['c', 'b', 'a']);
  });
});

test('a wait for a helm that may be at work ends when the run is halted: nothing was written, nothing is noted', async () => {
  const step = { ...patchStep('u'), do: 'unpend', release: { namespace: 'n', name: 'r' }, revision: 2, quiet: 6000 } as unknown as Step;
  const newest = { revision: 2, status: 'pending-upgrade', touched: Date.now(), chart: 'c-1', digest: 'd', description: '' };
  const world = { ...worldOf(), assume: undefined, helm: { isAlive: async () => false, newest: async () => newest } };
  const halt = new AbortController();
  setTimeout(() => halt.abort(), 50);
  const began = performance.now();
  const done = await go(world, [step], [], halt.signal);
  expect([done.state, kinds(done.entries)]).toEqual(['unchanged', []]);
  expect(performance.now() - began).toBeLessThan(5000);
});

test('a dry run stores nothing and says what would be refused', async () => {
  const world = worldOf(endpoint('a', 'None'));
  const seen: string[] = [];
  expect(await executeDryRun([patchStep('a'), patchStep('gone')], world, (step, { result }) => seen.push(`${step.id} ${result}`))).toEqual({
    ...{ accepted: 1, refused: 0, held: 0, untried: 0 },
  });
  expect(seen).toEqual(['a done', 'gone obsolete']);
  expect(await typeOf(world, 'a')).toBe('None');
  expect(await executeDryRun([patchStep('a')], troubled(world, 'refused', 1), () => {})).toMatchObject({ accepted: 0, refused: 1 });
});

test('a dry run does not look after a helm that may still be at work: where none is at hand it is no refusal', async () => {
  const unpend = { ...patchStep('u'), do: 'unpend', release: { namespace: 'n', name: 'r' }, revision: 2, quiet: 600 } as unknown as Step;
  const { helm: _, ...world } = worldOf();
  const began = performance.now();
  expect(await executeDryRun([unpend], world, () => {})).toEqual({ accepted: 0, refused: 0, held: 0, untried: 1 });
  expect(performance.now() - began).toBeLessThan(1000);
});
