// The one writer, with a real Lease: who gets it, who waits, who loses it. Short intervals; the proportions are those of the product.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { connect } from '../../../src/cluster/kubeconfig.ts';
import { clusterLock, LEASE_RULES, type LeaseTimes } from '../../../src/cluster/lease.ts';
import type { Held, Holder, Lock } from '../../../src/engine/contracts.ts';
import { startFaultProxy } from '../../bed/fault-proxy.ts';
import { bed } from '../../bed/index.ts';

const plane = bed();
const never = new AbortController().signal;
const TIMES: LeaseTimes = { renew: 200, stale: 1500, lost: 900, look: 50 };
const PATH = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/upgrade-guard';
const open: { close(): unknown }[] = [];
afterAll(async () => {
  for (const one of open) await one.close();
});
beforeEach(async () => {
  await plane.request('DELETE', PATH);
});

async function lock(who: string, kubeconfig = plane.kubeconfig, times = TIMES): Promise<Lock> {
  const connection = await connect({ kubeconfig }, {});
  open.push(connection);
  return clusterLock(connection, never, { version: 'test', who, times });
}
const held = (got: Held | Holder): Held => {
  expect(got).toHaveProperty('release');
  return got as Held;
};
const lease = async () => (await plane.request('GET', PATH)).body;

describe('a free Lease', () => {
  test('is taken, renewed, and gone when the run finished', async () => {
    const mine = held(await (await lock('ann@a')).acquire('run-1', {}));
    const first = await lease();
    expect(first).toMatchObject({
      spec: { holderIdentity: 'run-1 ann@a', leaseTransitions: 0 },
      metadata: { annotations: { 'upgrade-guard.io/state': 'running' } },
    });
    await expect.poll(async () => (await lease()).spec.renewTime).not.toBe(first.spec.renewTime);
    expect((await lease()).spec.acquireTime).toBe(first.spec.acquireTime);
    await mine.release('finished');
    expect((await lease()).code).toBe(404);
    expect(mine.lost.aborted).toBe(false);
  });

  test('goes to one of two that want it at once', async () => {
    const got = await Promise.all([(await lock('ann@a')).acquire('run-1', {}), (await lock('bob@b')).acquire('run-2', {})]);
    expect(got.filter((one) => 'release' in one)).toHaveLength(1);
    const [loser] = got.filter((one) => !('release' in one)) as Holder[];
    expect(loser).toMatchObject({ state: 'running', stale: false });
    await held(got.find((one) => 'release' in one)!).release('finished');
  });

  test('is removed when nothing was changed, and marked when the run was interrupted', async () => {
    await held(await (await lock('ann@a')).acquire('run-1', {})).release('unchanged');
    expect((await lease()).code).toBe(404);
    await held(await (await lock('ann@a')).acquire('run-1', {})).release('stopped');
    expect((await lease()).metadata.annotations['upgrade-guard.io/state']).toBe('stopped');
  });

  test('needs exactly the rights of LEASE_RULES', async () => {
    const rules = LEASE_RULES.map(({ verbs, group, resource, names, namespace }) => ({
      verbs,
      apiGroups: [group],
      resources: [resource],
      resourceNames: names,
      namespace,
    }));
    const mine = held(await (await lock('ann@a', await plane.user('user-1', rules))).acquire('run-1', {}));
    await sleep(TIMES.renew * 3);
    expect(mine.lost.aborted).toBe(false);
    await mine.release('finished');
    expect((await lease()).code).toBe(404);
  });

  test('without the right is an error that names the rule and the command', async () => {
    const refused = (await lock('ann@a', await plane.user('nobody'))).acquire('run-1', {});
    await expect(refused).rejects.toMatchObject({
      name: 'UserError',
      message: expect.stringContaining('no permission to get leases.coordination.k8s.io'),
      next: { en: expect.stringContaining('rbac --for fix') },
    });
    expect(await (await lock('ann@a', await plane.user('nobody'))).own('run-1')).toBeUndefined();
  });
});

describe('the Lease of another user', () => {
  test('that lives is answered as soon as it is seen to live', async () => {
    const theirs = held(await (await lock('ann@a')).acquire('run-1', {}));
    const waited: Holder[] = [];
    const begun = performance.now();
    const got = await (await lock('bob@b')).acquire('run-2', { waiting: (holder) => waited.push(holder) });
    expect(got).toEqual({ run: 'run-1', who: 'ann@a', since: expect.stringMatching(/^\d{4}-/), state: 'running', stale: false });
    expect(waited).toHaveLength(1);
    expect(performance.now() - begun).toBeLessThan(TIMES.stale);
    await theirs.release('finished');
  });

  test('that is no longer renewed is stale after the whole time, and still not taken', async () => {
    await killed('run-1');
    const begun = performance.now();
    const got = await (await lock('bob@b')).acquire('run-2', {});
    expect(got).toMatchObject({ run: 'run-1', state: 'running', stale: true });
    expect(performance.now() - begun).toBeGreaterThanOrEqual(TIMES.stale);
    expect((await lease()).spec.holderIdentity).toBe('run-1 ann@a');
  });

  test('of a run that stopped is answered at once', async () => {
    await held(await (await lock('ann@a')).acquire('run-1', {})).release('stopped');
    const waited: Holder[] = [];
    const got = await (await lock('bob@b')).acquire('run-2', { waiting: (holder) => waited.push(holder) });
    expect(got).toMatchObject({ run: 'run-1', who: 'ann@a', state: 'stopped', stale: false });
    expect(waited).toEqual([]);
  });

  test('goes to --take-over of its run once its renewals have stopped; an active one does not', async () => {
    const theirs = held(await (await lock('ann@a')).acquire('run-1', {}));
    expect(await (await lock('bob@b')).acquire('run-2', { takeOver: 'run-7' })).not.toHaveProperty('release');
    expect(await (await lock('bob@b')).acquire('run-2', { takeOver: 'run-1' })).toMatchObject({ run: 'run-1', stale: false });
    expect(theirs.lost.aborted).toBe(false);
    await theirs.release('finished');
    await killed('run-1');
    const begun = performance.now();
    const mine = held(await (await lock('bob@b')).acquire('run-2', { takeOver: 'run-1' }));
    expect(performance.now() - begun).toBeGreaterThanOrEqual(TIMES.stale);
    expect(await lease()).toMatchObject({
      spec: { holderIdentity: 'run-2 bob@b' },
      metadata: { annotations: { 'upgrade-guard.io/state': 'running' } },
    });
    await mine.release('finished');
  });

  test('that is given up while we watch is ours', async () => {
    const theirs = held(await (await lock('ann@a', plane.kubeconfig, { ...TIMES, renew: 60_000, lost: 90_000 })).acquire('run-1', {}));
    const ours = (await lock('bob@b')).acquire('run-2', { waiting: () => void theirs.release('finished') });
    await held(await ours).release('finished');
  });
});

describe('our own run', () => {
  test('takes its Lease over at once, whether it stopped or was killed', async () => {
    await killed('run-1');
    const begun = performance.now();
    const mine = held(await (await lock('ann@a')).acquire('run-1', {}));
    expect(performance.now() - begun).toBeLessThan(TIMES.stale / 2);
    await mine.release('stopped');
    await held(await (await lock('ann@a')).acquire('run-1', {})).release('finished');
  });

  test('resumed in two places: the first one loses', async () => {
    const first = held(await (await lock('ann@a')).acquire('run-1', {}));
    const second = held(await (await lock('ann@a')).acquire('run-1', {}));
    await expect.poll(() => first.lost.aborted).toBe(true);
    expect(second.lost.aborted).toBe(false);
    await second.release('finished');
  });

  test('owns its Lease only where it is there', async () => {
    const here = await lock('ann@a');
    expect(await here.own('run-1')).toBeUndefined();
    expect((await lease()).code).toBe(404);
    await killed('run-1');
    expect(await here.own('run-2')).toBeUndefined();
    const mine = await here.own('run-1');
    expect(mine).toBeDefined();
    await mine?.release('finished');
    expect((await lease()).code).toBe(404);
  });
});

describe('a held Lease', () => {
  test('is lost when it is deleted', async () => {
    const mine = held(await (await lock('ann@a')).acquire('run-1', {}));
    await plane.request('DELETE', PATH);
    await expect.poll(() => mine.lost.aborted).toBe(true);
  });

  test.each(['deleted', 'taken'])('that was %s since its last renewal is told when it is given up, and another stays', async (how) => {
    const mine = held(await (await lock('ann@a', plane.kubeconfig, { ...TIMES, renew: 60_000, lost: 90_000 })).acquire('run-1', {}));
    if (how === 'deleted') await plane.request('DELETE', PATH);
    else await plane.request('PATCH', PATH, { spec: { holderIdentity: 'run-2 bob@b' } });
    expect(await mine.release('finished')).toBe(false);
    expect((await plane.request('GET', PATH)).body.spec?.holderIdentity).toBe(how === 'taken' ? 'run-2 bob@b' : undefined);
    await plane.request('DELETE', PATH);
  });

  test('survives a renewal whose answer was lost, and another hand on its labels', async () => {
    const proxy = await startFaultProxy(plane);
    open.push(proxy);
    const mine = held(await (await lock('ann@a', await proxy.kubeconfigFrom(plane.kubeconfig))).acquire('run-1', {}));
    proxy.faults.push({ do: 'forward-unanswered', method: 'PUT', path: PATH });
    await expect.poll(() => proxy.seen.filter(({ method }) => method === 'PUT').length, { timeout: 5000 }).toBeGreaterThan(2);
    await plane.request('PATCH', PATH, { metadata: { labels: { seen: 'yes' } } });
    await sleep(TIMES.renew * 2.5);
    expect(mine.lost.aborted).toBe(false);
    await mine.release('finished');
    expect((await lease()).code).toBe(404);
  });

  test('is lost in time when the server no longer answers', async () => {
    const proxy = await startFaultProxy(plane);
    open.push(proxy);
    const mine = held(await (await lock('ann@a', await proxy.kubeconfigFrom(plane.kubeconfig))).acquire('run-1', {}));
    const begun = performance.now();
    proxy.faults.push({ do: 'hold', times: 1000 });
    await expect.poll(() => mine.lost.aborted, { timeout: 5000, interval: 20 }).toBe(true);
    expect(performance.now() - begun).toBeLessThan(TIMES.stale);
    await mine.release('stopped');
  });
});

/** A Lease as SIGKILL leaves it: running, never renewed again. */
async function killed(run: string): Promise<void> {
  const now = new Date().toISOString().replace('Z', '000Z');
  const spec = { holderIdentity: `${run} ann@a`, acquireTime: now, renewTime: now, leaseDurationSeconds: 60 };
  const metadata = { name: 'upgrade-guard', namespace: 'kube-system', annotations: { 'upgrade-guard.io/state': 'running' } };
  await plane.apply({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec });
}
