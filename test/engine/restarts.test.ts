// Restarts of containers on a Node whose kubelet a person upgrades: those that the step was said to cause, and those that it was not.
import { expect, test } from 'vitest';
import type { Raw } from '../../src/engine/contracts.ts';
import { countsOn, restartedSince, type Watched } from '../../src/engine/restarts.ts';

const step = (said: boolean): Watched => ({
  ...{ id: '1', after: [], reasons: [], do: 'manual', commands: [], guard: [], undo: 'none', text: { en: '', zh: '' } },
  restarts: { on: { apiVersion: 'v1', kind: 'Node', name: 'w1' }, said },
});
const pod = (name: string, uid: string, ...counts: number[]): Raw => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'shop', name, uid } },
  status: { containerStatuses: counts.map((restartCount, at) => ({ name: `c${at}`, restartCount })) },
});
const counted = (...pods: Raw[]) => countsOn(step(false), { select: async () => pods });

test('what was said is counted', async () => {
  const restarted = restartedSince(step(true), await counted(pod('a', '1', 0, 3)), await counted(pod('a', '1', 1, 4)));
  expect(restarted).toEqual({
    stops: false,
    text: expect.objectContaining({ en: '2 of 2 containers on Node w1 restarted, as the step says' }),
  });
});

test('what was not is named; most of a Node stop the run', async () => {
  const before = await counted(pod('a', '1', 0), pod('b', '2', 7), pod('c', '3', 0));
  const one = restartedSince(step(false), before, await counted(pod('a', '1', 0), pod('b', '2', 8), pod('c', '3', 0)));
  expect(one).toMatchObject({
    stops: false,
    text: { en: '1 of 3 containers on Node w1 restarted, which this step does not cause: shop/b c0 (7 → 8)' },
  });
  const most = restartedSince(step(false), before, await counted(pod('a', '1', 1), pod('b', '2', 8), pod('c', '3', 0)));
  expect(most).toMatchObject({
    stops: true,
    text: { zh: expect.stringContaining('该步骤不会导致重启：shop/a c0 (0 → 1)、shop/b c0 (7 → 8)') },
  });
});

test('a Pod that was replaced has not restarted, nor has one that came', async () => {
  const before = await counted(pod('a', '1', 5));
  expect(restartedSince(step(false), before, await counted(pod('a', '2', 6), pod('new', '3', 1)))).toBeUndefined();
});

test('of several Nodes: the containers of all of them are counted together', async () => {
  const on = (name: string) => ({ apiVersion: 'v1', kind: 'Node', name });
  const several: Watched = { ...step(false), restarts: { on: on('w1'), others: [on('w2'), on('w3')], said: false } };
  const asked: (string | undefined)[] = [];
  const counts = (restarts: Record<string, number>) =>
    countsOn(several, {
      select: async ({ fields }) => {
        asked.push(fields);
        const name = fields!.split('=')[1]!;
        return [pod(name, name, restarts[name]!)];
      },
    });
  const before = await counts({ w1: 0, w2: 0, w3: 4 });
  expect(asked.sort()).toEqual(['spec.nodeName=w1', 'spec.nodeName=w2', 'spec.nodeName=w3']);
  expect(restartedSince(several, before, await counts({ w1: 0, w2: 1, w3: 4 }))).toMatchObject({
    stops: false,
    text: { en: '1 of 3 containers on 3 Nodes restarted, which this step does not cause: shop/w2 c0 (0 → 1)' },
  });
});
