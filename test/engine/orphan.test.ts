// A deletion that leaves dependents behind: the object stands there, terminating, until the garbage collector has released them; what comes behind it must not begin before.
import { expect, test } from 'vitest';
import type { Entry, Raw, Step, World } from '../../src/engine/contracts.ts';
import { executeRun } from '../../src/engine/execute.ts';
import { hasten } from '../../src/engine/pace.ts';
import { progressOf } from '../../src/engine/progress.ts';
import { pages, runOf, worldOf } from './worlds.ts';

hasten(100);

const on = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'n', name: 'd', uid: 'u' };
const DEPLOYMENT: Raw = {
  ...{ apiVersion: 'apps/v1', kind: 'Deployment' },
  metadata: { name: 'd', namespace: 'n', uid: 'u', resourceVersion: '1' },
};
const COMMON = { on, undo: 'compensates', guard: [], after: [], reasons: [], text: { en: 'x', zh: 'x' } };
const STEP = { id: '1', do: 'delete', propagation: 'Orphan', ...COMMON } as Step;

/** As an API server with a garbage collector that comes at the `looks`th look behind the deletion. */
function slow(looks: number, deleted = false): { world: World; sent: () => number; isThere: () => boolean } {
  const world = worldOf(DEPLOYMENT);
  let [left, sent, asked] = [looks, 0, deleted];
  const leaving = { ...DEPLOYMENT, metadata: { ...(DEPLOYMENT.metadata as Raw), deletionTimestamp: '2026-01-01T00:00:00Z' } };
  const { assume: _, ...rest } = world;
  return {
    sent: () => sent,
    isThere: () => left > 0,
    world: {
      ...rest,
      get: async () => (!asked ? DEPLOYMENT : left-- > 0 ? leaving : undefined),
      write: async () => {
        sent++;
        asked = true;
        return undefined;
      },
    },
  };
}
async function go(world: World, entries: Entry[] = [], step = STEP) {
  const journal = pages();
  const done = await executeRun(runOf(step), { world, journal, progress: progressOf(entries), halt: new AbortController().signal });
  return { ...done, outcome: done.outcomes.get('1'), entries: journal.entries };
}

test('is done once the object is gone, and not before', async () => {
  const cluster = slow(5);
  expect((await go(cluster.world)).outcome?.result).toBe('done');
  expect([cluster.isThere(), cluster.sent()]).toEqual([false, 1]);
});
test('without a garbage collector it fails with what to look at, and resume waits again', async () => {
  const never = slow(Number.POSITIVE_INFINITY);
  const stopped = await go(never.world);
  expect(stopped.outcome).toMatchObject({ result: 'failed', detail: { en: expect.stringContaining('still terminating after 60 s') } });
  const later = slow(3, true);
  expect((await go(later.world, stopped.entries)).outcome?.result).toBe('done');
  expect(later.isThere()).toBe(false);
});
test('another deletion is done when it is on its way', async () => {
  const { propagation: _, ...plain } = STEP as Step & { propagation: string };
  const cluster = slow(Number.POSITIVE_INFINITY);
  expect((await go(cluster.world, [], plain as Step)).outcome?.result).toBe('done');
});
