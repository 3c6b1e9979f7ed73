// One writer: two operators at once, a Lease that is stale, a run that was interrupted, a Lease that is lost, Ctrl-C.
import { afterAll, beforeEach, expect, test } from 'vitest';
import { hastened, newHome, run, start } from '../bed/binary.ts';
import { startFaultProxy } from '../bed/fault-proxy.ts';
import { bed } from '../bed/index.ts';
import { CHECK, endpoint, LEASE, scene } from './scene.ts';

const cluster = bed();
const stage = await scene(cluster);
const proxy = await startFaultProxy(cluster);
const { kubeconfig } = cluster;
/** Of the Lease: renewed every second, stale after six. */
const env = hastened(10);
const through = await proxy.kubeconfigFrom(kubeconfig);

beforeEach(async () => {
  proxy.faults.length = 0;
  proxy.seen.length = 0;
  await stage.reset();
});
afterAll(() => proxy.close());

const seen = async (method: string, times = 1) => {
  while (proxy.seen.filter((each) => each.method === method).length < times) await new Promise((resolve) => setTimeout(resolve, 20));
};

test('a second operator is told who, where and when, and changes nothing', async () => {
  proxy.faults.push({ method: 'PATCH', do: 'delay', ms: 4_000, times: 3 });
  const first = run(['fix', CHECK, '--yes'], { kubeconfig: through, env });
  await seen('PATCH');
  const second = await run(['fix', CHECK, '--yes'], { kubeconfig, env });
  expect(second.code).toBe(1);
  expect(second.stderr).toMatch(/run [0-9a-z-]+ of \S+@\S+ \(since \S+, running\)/);
  expect((await first).code).toBe(0);
  expect(await stage.types()).toEqual(['Pod', 'Pod', 'Pod']);
});

test('beside a run of this machine that is running, its process is named, and nothing says that it was interrupted', async () => {
  const home = newHome();
  proxy.faults.push({ method: 'PATCH', do: 'delay', ms: 60_000, times: 3 });
  const { child, ended } = start(['fix', CHECK, '--yes'], { kubeconfig: through, home, input: '' });
  await seen('PATCH', 3);
  const { pid } = child;
  const beside = { kubeconfig, home };
  const list = await run(['runs'], beside);
  expect(list.stdout).toContain(`running, process ${pid} `);
  const id = /^\d{8}-\d{6}z?-\w+/m.exec(list.stdout)![0];
  expect(list.stderr).toBe(`see how far it is: upgrade-guard runs ${id}\n`);
  const steps = (await run(['runs', id], beside)).stdout;
  expect(steps).toContain(`running, process ${pid} `);
  expect(steps).not.toContain('outcome unknown');
  expect(steps.match(/… running$/gm)).toHaveLength(3);
  expect(JSON.parse((await run(['runs', id, '-o', 'json'], beside)).stdout).process).toMatchObject({ pid, here: true });
  const checked = await run(['check', CHECK], beside);
  expect(checked.stdout).toMatch(new RegExp(`Next: upgrade-guard runs ${id}`));
  expect(checked.stderr).toContain(
    `Process ${pid} on this machine is carrying out run ${id} (running). Findings may change until it ends.`,
  );
  expect(checked.stdout + checked.stderr).not.toMatch(/interrupted|upgrade-guard (resume|undo)/);
  for (const verb of ['resume', 'undo']) {
    const { code, stdout, stderr } = await run([verb, '--yes'], beside);
    expect([code, stdout], stderr).toEqual([1, '']);
    expect(stderr).toBe(
      `error: run ${id} is in use by process ${pid} on this machine; nothing was sent\nnext: wait for it to end; see how far it is: upgrade-guard runs ${id}\n`,
    );
  }
  child.kill('SIGKILL');
  await ended;
  expect((await run(['runs', id], beside)).stdout.match(/✗ outcome unknown$/gm)).toHaveLength(3);
  const after = await run(['check', CHECK], beside);
  expect(after.stderr).toContain(`Before anything else: run ${id}, started on this machine, is unfinished.`);
  expect(after.stdout).toMatch(new RegExp(`Next: upgrade-guard resume ${id}`));
});

test('a Lease without a pulse is stale after a minute by our own clock, and goes over only by name', async () => {
  const now = new Date().toISOString().replace('Z', '000Z');
  await cluster.apply({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'upgrade-guard', namespace: 'kube-system', annotations: { 'upgrade-guard.io/state': 'running' } },
    spec: { holderIdentity: 'other-run somebody@elsewhere', acquireTime: now, renewTime: now, leaseDurationSeconds: 60 },
  });
  const refused = await run(['fix', CHECK, '--yes'], { kubeconfig, env });
  expect(refused.code).toBe(1);
  expect(refused.ms).toBeGreaterThan(6_000);
  expect(refused.stderr).toContain('somebody@elsewhere');
  expect(refused.stderr).toContain('--take-over other-run');
  expect(await stage.types()).toEqual(['None', 'None', 'None']);
  const taken = await run(['fix', CHECK, '--yes', '--take-over', 'other-run'], { kubeconfig, env });
  expect(taken.stderr).toContain('Run other-run, which was taken over, is not ended by this: what it still had to put back');
  expect(taken.code, taken.stderr).toBe(0);
  expect(await stage.lease()).toBeUndefined();
  // --take-over RUN leaves that check to the user.
  expect(taken.ms).toBeGreaterThan(6_000);
});

test('an interrupted run leaves the Lease marked; its own resume takes it at once, another operator does not', async () => {
  const home = newHome();
  // The others are written by then.
  proxy.faults.push({ method: 'GET', path: /bare-b/, do: 'delay', ms: 1_000 });
  proxy.faults.push({
    method: 'PATCH',
    path: /bare-b/,
    do: 'answer',
    status: 403,
    body: { kind: 'Status', status: 'Failure', reason: 'Forbidden', code: 403, message: 'not today' },
  });
  const stopped = await run(['fix', CHECK, '--yes'], { kubeconfig: through, home });
  expect(stopped.code, stopped.stderr).toBe(4);
  expect(stopped.stderr).toContain('not today');
  expect((await stage.lease())?.metadata.annotations).toMatchObject({ 'upgrade-guard.io/state': 'stopped' });
  const other = await run(['fix', CHECK, '--yes'], { kubeconfig });
  expect(other.code).toBe(1);
  expect(other.stderr).toContain(', interrupted');
  expect(other.ms).toBeLessThan(30_000);
  const resumed = await run(['resume', '--yes'], { kubeconfig, home });
  expect(resumed.code, resumed.stderr).toBe(0);
  expect(await stage.types()).toEqual(['Pod', 'Pod', 'Pod']);
  expect(await stage.lease()).toBeUndefined();
});

test('a Lease that another run took stops the run before its next write', async () => {
  const home = newHome();
  // The patches hang long enough for a renewal to meet the new holder.
  proxy.faults.push(
    { method: 'PATCH', path: /bare-a/, do: 'delay', ms: 3_000 },
    { method: 'PATCH', path: /bare-(b|c)/, do: 'answer', status: 409, times: 99 },
  );
  const first = run(['fix', CHECK, '--yes'], { kubeconfig: through, home, env });
  await seen('PATCH');
  await cluster.request('PATCH', LEASE, { spec: { holderIdentity: 'thief thief@elsewhere' } });
  const { code, stderr } = await first;
  expect(code, stderr).toBe(4);
  expect((await stage.lease())?.spec.holderIdentity).toBe('thief thief@elsewhere');
});

test('a Lease that went during a run which is through before its next renewal is told', async () => {
  const home = newHome();
  proxy.faults.push({ method: 'PATCH', path: /bare-a/, do: 'delay', ms: 500 });
  const first = run(['fix', CHECK, '--yes'], { kubeconfig: through, home });
  await seen('PATCH');
  await cluster.request('DELETE', LEASE);
  const { code, stderr } = await first;
  expect(code, stderr).toBe(0);
  expect(stderr).toContain('warning: Lease kube-system/upgrade-guard was deleted or taken over during this run');
});

test('the first Ctrl-C lets the steps in flight end; what was not looked at again is unknown', async () => {
  const home = newHome();
  proxy.faults.push({ method: 'PATCH', do: 'delay', ms: 1500, times: 3 });
  const { child, ended } = start(['fix', CHECK, '--yes'], { kubeconfig: through, home, input: '' });
  await seen('PATCH', 3);
  child.kill('SIGINT');
  const { code, stderr } = await ended;
  // Three patches fly at once: all of them end, so this run finished; only the look afterwards is missing.
  expect(code, stderr).toBe(3);
  expect(await stage.types()).toEqual(['Pod', 'Pod', 'Pod']);
  expect((await run(['resume', '--yes'], { kubeconfig, home })).code).toBe(0);
  expect(await stage.types()).toEqual(['Pod', 'Pod', 'Pod']);
});

test('the first Ctrl-C with steps left: exit 4, and resume goes on', async () => {
  const home = newHome();
  const more = Array.from({ length: 20 }, (_, i) => endpoint(`more-${i}`));
  await cluster.apply(...more);
  proxy.faults.push({ method: 'PATCH', do: 'delay', ms: 1500, times: 8 });
  const { child, ended } = start(['fix', CHECK, '--yes'], { kubeconfig: through, home, input: '' });
  await seen('PATCH');
  child.kill('SIGINT');
  const { code, stderr } = await ended;
  expect(code, stderr).toBe(4);
  expect(stderr).toMatch(/interrupted: [1-8] of 23 steps done/);
  expect((await run(['resume', '--yes'], { kubeconfig, home })).code).toBe(0);
  const undone = await run(['undo', '--yes'], { kubeconfig, home });
  expect(undone.code, undone.stderr).toBe(0);
  expect(undone.stderr).toContain('undone: 23 steps');
  await cluster.remove(...more);
});

test('the second Ctrl-C ends at once: exit 130; what was in flight is settled by resume, and can be undone', async () => {
  const home = newHome();
  proxy.faults.push({ method: 'PATCH', do: 'delay', ms: 10_000, times: 3 });
  const { child, ended } = start(['fix', CHECK, '--yes'], { kubeconfig: through, home, input: '' });
  let said = '';
  child.stderr.on('data', (text) => {
    said += String(text);
  });
  await seen('PATCH', 3);
  child.kill('SIGINT');
  while (!said.includes('Ctrl-C again to exit immediately')) await new Promise((resolve) => setTimeout(resolve, 20));
  const again = performance.now();
  child.kill('SIGINT');
  const { code, signal } = await ended;
  expect({ code, signal }).toEqual({ code: 130, signal: null });
  expect(performance.now() - again).toBeLessThan(5000);
  expect((await run(['runs'], { kubeconfig, home })).stdout).toMatch(/unfinished +0\/3/);
  proxy.faults.length = 0;
  const resumed = await run(['resume', '--yes'], { kubeconfig, home });
  expect(resumed.code, resumed.stderr).toBe(0);
  expect(await stage.types()).toEqual(['Pod', 'Pod', 'Pod']);
  expect(await stage.lease()).toBeUndefined();
  expect((await run(['undo', '--yes'], { kubeconfig, home })).code).toBe(0);
  expect(await stage.types()).toEqual(['None', 'None', 'None']);
});

test('Ctrl-C before any change: exit 130, nothing changed', async () => {
  proxy.faults.push({ method: 'GET', path: /spiderendpoints\?/, do: 'delay', ms: 3000 });
  const { child, ended } = start(['fix', CHECK, '--yes'], { kubeconfig: through, input: '' });
  while (!proxy.seen.some(({ path }) => path.includes('spiderendpoints?'))) await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill('SIGINT');
  expect((await ended).code).toBe(130);
  expect(await stage.types()).toEqual(['None', 'None', 'None']);
});
