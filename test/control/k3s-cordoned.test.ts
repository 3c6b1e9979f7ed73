// Nodes that a failed Plan left cordoned, on a real API server: found, given back by R1 or R2, verified, undone; never another's cordon, never another's Plan.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { type Actor, hashOf, playUpgrade, startKubelet, startSystemUpgrade } from '../bed/actors/index.ts';
import { APPLIED } from '../bed/actors/upgrade-job.ts';
import { hastened, newHome, type Ran, run } from '../bed/binary.ts';
import type { Body } from '../bed/client.ts';
import { installCrd } from '../bed/crds.ts';
import { bed } from '../bed/index.ts';
import { upgradeController } from './scene.ts';

const cluster = bed();
const { kubeconfig } = cluster;
const CHECK = 'k3s/nodes-cordoned-by-plan';
/** What gzip begins with, in base64. */
const PACKED = 'H4sI';
const RUNNING = 'v1.33.9+k3s1';
const OLDER = 'v1.32.13+k3s1';
const LABEL = 'plan.upgrade.cattle.io/agent';
const NAMESPACE = 'system-upgrade';
const PLANS = `/apis/upgrade.cattle.io/v1/namespaces/${NAMESPACE}/plans`;
const JOBS = `/apis/batch/v1/namespaces/${NAMESPACE}/jobs`;

let kubelet: Actor;
let controller: Actor | undefined;
const soon = <T>(look: () => Promise<T>) => vi.waitFor(look, { timeout: 60_000, interval: 100 });
const node = async (name: string): Promise<Body> => (await cluster.request('GET', `/api/v1/nodes/${name}`)).body;
const cordoned = async (): Promise<string[]> =>
  (await cluster.request('GET', '/api/v1/nodes')).body.items
    .filter(({ spec }: Body) => spec.unschedulable)
    .map(({ metadata }: Body) => metadata.name);
const planNow = async (): Promise<Body | undefined> => {
  const { status, body } = await cluster.request('GET', `${PLANS}/agent`);
  return status === 200 ? body : undefined;
};
const jobsNow = async (): Promise<Body[]> => (await cluster.request('GET', JOBS)).body.items;
const plan = (version: string, metadata: object = {}): Body => ({
  apiVersion: 'upgrade.cattle.io/v1',
  kind: 'Plan',
  metadata: { name: 'agent', namespace: NAMESPACE, ...metadata },
  spec: {
    ...{
      concurrency: 1,
      cordon: true,
      serviceAccountName: 'system-upgrade',
      upgrade: { image: 'rancher/k3s-upgrade', envs: [{ name: 'TOKEN', value: 'hunter2' }] },
    },
    ...{ version, nodeSelector: { matchExpressions: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'DoesNotExist' }] } },
  },
});
/** What names the version of the controller; its one Pod is run by the kubelet. */
const deployment = (version: string): Body => upgradeController(NAMESPACE, version, { nodeName: 's1' });

/** The Plan goes for an older version, whose image refuses; the first agent is left behind. Its name. */
async function failedUpgrade(generation: 'v0.13' | 'v0.20', metadata: object = {}): Promise<string> {
  await cluster.apply(deployment(generation === 'v0.13' ? 'v0.13.1' : 'v0.20.1'));
  controller = await startSystemUpgrade(cluster, { generation, namespace: NAMESPACE, backoffLimit: 0 });
  await cluster.apply(plan(OLDER, metadata));
  await soon(async () => {
    const ends = (await jobsNow()).flatMap(({ status }) => status.conditions ?? []).filter(({ type }: Body) => type === 'Failed');
    expect(ends).not.toEqual([]);
    if (generation === 'v0.20') expect((await planNow())?.status.conditions.map(({ reason }: Body) => reason)).toContain('JobFailed');
    const { body } = await cluster.request('GET', `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/system-upgrade-controller`);
    expect(body.status.readyReplicas).toBe(1);
  });
  const left = (await cordoned()).filter((name) => name !== 'foreign');
  expect(left).toHaveLength(1);
  return left[0]!;
}

/** The Plan goes on to the other node, cordons it for a moment and finds nothing to do there. */
const settled = () => soon(async () => expect([await cordoned(), (await planNow())?.status.applying]).toEqual([[], undefined]));

const check = async (options: object = {}, ...args: string[]): Promise<Ran & { found: Body[]; outcome: string }> => {
  const ran = await run(['check', '-o', 'json', ...args], { kubeconfig, ...options });
  const result = JSON.parse(ran.stdout).checks.find(({ id }: Body) => id === CHECK);
  return { ...ran, found: result.findings, outcome: result.outcome };
};
const fix = (home: string, ...args: string[]) => run(['fix', CHECK, '--yes', ...args], { kubeconfig, home });
const undo = (home: string) => run(['undo', '--yes'], { kubeconfig, home });

beforeAll(async () => {
  await installCrd(cluster, 'plans-v1');
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  kubelet = await startKubelet(cluster, {
    nodes: [
      { name: 's1', kubeletVersion: RUNNING, labels: { 'node-role.kubernetes.io/control-plane': 'true' } },
      { name: 'a1', kubeletVersion: RUNNING },
      { name: 'a2', kubeletVersion: RUNNING },
    ],
    play: playUpgrade(cluster),
  });
});
afterAll(() => kubelet.stop());
beforeEach(async () => {
  expect(await cordoned()).toEqual([]);
});
afterEach(async () => {
  await controller?.stop();
  controller = undefined;
  await cluster.remove({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'upgrade-guard', namespace: 'kube-system' },
  });
  await cluster.remove(plan(OLDER), deployment(''));
  await cluster.remove(...(await jobsNow()).map((job) => ({ ...job, apiVersion: 'batch/v1', kind: 'Job' })));
  // The Jobs were removed with their finalizers; those of their Pods would wait for them.
  const { items } = (await cluster.request('GET', `/api/v1/namespaces/${NAMESPACE}/pods`)).body;
  await cluster.remove(...items.map((pod: Body) => ({ ...pod, apiVersion: 'v1', kind: 'Pod' })));
  for (const name of ['s1', 'a1', 'a2'])
    await cluster.request('PATCH', `/api/v1/nodes/${name}`, {
      metadata: { labels: { [LABEL]: null, 'upgrade.cattle.io/kubernetes-upgrade': null } },
      spec: { unschedulable: null },
    });
});

test('R1: a controller of v0.20 is told the running version, and uncordons; undo tells how the old Plan comes back', async () => {
  const name = await failedUpgrade('v0.20');
  const before = await check();
  expect(before.code).toBe(2);
  expect(before.found).toMatchObject([
    { severity: 'blocker', certainty: 'certain', objects: [{ kind: 'Node', name }], args: { row: 'A', way: 'R1' } },
  ]);
  expect(before.found[0]!.evidence.map(({ seen }: Body) => seen)).toEqual([
    `log of container cordon: node/${name} cordoned`,
    'Job failed: BackoffLimitExceeded',
    expect.stringMatching(
      /^log of container upgrade: Error: Current k3s version v1\.33\.9\+k3s1 .* is higher than k3s version v1\.32\.13\+k3s1/,
    ),
    expect.stringMatching(/^spec\.unschedulable: true, written by kubectl at /),
  ]);

  const home = newHome();
  const fixed = await fix(home);
  expect(fixed.code, fixed.stderr).toBe(0);
  expect(fixed.stderr).toContain(`/spec/version: ${OLDER} → ${RUNNING}`);
  expect(fixed.stdout).toContain(`gone: ${CHECK}`);
  expect((await node(name)).spec.unschedulable).toBeUndefined();
  await settled();
  expect((await planNow())?.spec.version).toBe(RUNNING);
  expect((await node(name)).metadata.labels[LABEL]).toBe(hashOf(RUNNING.replace('+', '-'), 'system-upgrade'));
  expect(fixed.stdout + fixed.stderr + before.stdout).not.toContain('hunter2');

  const undone = await undo(home);
  expect(undone.code, undone.stderr).toBe(0);
  expect(undone.stdout + undone.stderr).toContain('patch plans.upgrade.cattle.io agent');
  // What a person has to do is not called undone.
  expect(undone.stderr).toMatch(/^Run \S+: 0 of 1 step undone, 1 manual\.$/m);
  expect((await planNow())?.spec.version).toBe(RUNNING);
});

test('R1 past the retarget trap: the label goes first, else no Job would run', async () => {
  const hash = hashOf(RUNNING.replace('+', '-'), 'system-upgrade');
  for (const name of ['a1', 'a2']) await cluster.request('PATCH', `/api/v1/nodes/${name}`, { metadata: { labels: { [LABEL]: hash } } });
  const name = await failedUpgrade('v0.20');
  const home = newHome();
  const fixed = await fix(home);
  expect(fixed.code, fixed.stderr).toBe(0);
  expect(fixed.stderr).toContain(`remove label ${LABEL} from Node ${name}`);
  await settled();
  expect((await node(name)).metadata.labels[LABEL]).toBe(hash);
});

test('R2: before v0.15 the Plan goes, then its Jobs, then the cordon; undo cordons again', async () => {
  const name = await failedUpgrade('v0.13');
  const live = await check();
  expect(live.found).toMatchObject([{ certainty: 'certain', objects: [{ name }], args: { way: 'R2' } }]);
  const file = join(newHome(), 'snapshot.tar.gz');
  expect((await run(['snapshot', file], { kubeconfig })).code).toBe(0);
  // A Job carries a packed copy of itself, environment included; no file of ours does.
  expect((await jobsNow())[0]!.metadata.annotations[APPLIED]).toContain(PACKED);
  expect(gunzipSync(readFileSync(file)).includes(PACKED)).toBe(false);
  const offline = await check({ kubeconfig: undefined }, '--from', file);
  expect(offline.found).toEqual(live.found);
  const rehearsed = await run(['fix', CHECK, '--from', file]);
  expect(rehearsed.code, rehearsed.stderr).toBe(0);
  expect(rehearsed.stdout).toContain(`gone: ${CHECK}`);

  const home = newHome();
  const fixed = await fix(home);
  expect(fixed.code, fixed.stderr).toBe(0);
  expect(await planNow()).toBeUndefined();
  expect(await jobsNow()).toEqual([]);
  expect(await cordoned()).toEqual([]);
  // No Job is created again, no Node cordoned again.
  await sleep(2000);
  expect([await jobsNow(), await cordoned()]).toEqual([[], []]);
  expect((await check()).outcome).toBe('passed');

  const undone = await undo(home);
  expect(undone.code, undone.stderr).toBe(0);
  const told = /kubectl create -f (\S+)/;
  const [, kept = ''] = told.exec(undone.stdout + undone.stderr)!;
  expect(await cordoned()).toEqual([name]);
  expect(await planNow()).toBeUndefined();
  expect((await check()).outcome).toBe('passed');
  // Its environment is on no screen; the command to restore the Plan is printed again, and it works.
  const { stdout: shown } = await run(['runs', basename(dirname(kept))], { kubeconfig, home });
  expect(told.exec(shown)![1]).toBe(kept);
  expect(fixed.stdout + fixed.stderr + undone.stdout + undone.stderr + shown).not.toContain('hunter2');
  expect(statSync(kept).mode & 0o777).toBe(0o600);
  for (const name of readdirSync(dirname(kept))) expect(readFileSync(join(dirname(kept), name), 'utf8'), name).not.toContain(PACKED);
  const made = await cluster.kubectl(['create', '-f', kept, '--dry-run=server', '-o', 'json']);
  expect(made.code, made.stderr).toBe(0);
  expect(JSON.parse(made.stdout).spec).toEqual(plan(OLDER).spec);
});

describe("others' cordons", () => {
  test.each([
    ['by hand', async (name: string) => expect((await cluster.kubectl(['cordon', name])).code).toBe(0)],
    [
      'by another tool',
      async (name: string) => {
        const { status } = await cluster.request('PATCH', `/api/v1/nodes/${name}?fieldManager=k9s`, { spec: { unschedulable: true } });
        expect(status).toBe(200);
      },
    ],
  ])('%s: silent, and R2 is chosen, since R1 would take them away', async (_, cordon) => {
    await cordon('s1');
    expect((await check()).outcome).toBe('passed');
    await cluster.request('PATCH', '/api/v1/nodes/s1', { spec: { unschedulable: null } });
    await cordon('a2');
    // Times are whole seconds: the Plan is to be younger.
    await sleep(1100);
    await cluster.apply(deployment('v0.20.1'));
    controller = await startSystemUpgrade(cluster, { generation: 'v0.20', namespace: NAMESPACE, backoffLimit: 0 });
    await cluster.apply({ ...plan(OLDER), spec: { ...plan(OLDER).spec, concurrency: 2 } });
    await soon(async () =>
      expect((await jobsNow()).filter(({ status }) => status.conditions?.some(({ type }: Body) => type === 'Failed'))).toHaveLength(2),
    );
    const { found } = await check();
    expect(found).toMatchObject([{ objects: [{ name: 'a1' }], args: { way: 'R2' } }]);
    const fixed = await fix(newHome());
    expect(fixed.code, fixed.stderr).toBe(0);
    expect(await cordoned()).toEqual(['a2']);
  });
});

test('no controller: the wait ends at its deadline, and says what did not happen and what to do', async () => {
  const name = await failedUpgrade('v0.20');
  await controller!.stop();
  controller = undefined;
  const home = newHome();
  // The deadline is a minute.
  const ran = await run(['fix', CHECK, '--yes'], { kubeconfig, home, env: hastened(20) });
  expect(ran.code, ran.stderr).toBe(4);
  const said = ran.stdout + ran.stderr;
  expect(said).toContain('timed out after 60 s: /status/latestHash of Plan system-upgrade/agent is');
  expect(said).toMatch(/it is not running: check/);
  expect(said).toContain('resume');
  expect(await cordoned()).toEqual([name]);
  // It comes back, and the run goes on.
  controller = await startSystemUpgrade(cluster, { generation: 'v0.20', namespace: NAMESPACE, backoffLimit: 0 });
  const resumed = await run(['resume', '--yes'], { kubeconfig, home });
  expect(resumed.code, resumed.stderr).toBe(0);
  await settled();
});

describe('a Plan of another owner is found, and not touched', () => {
  test.each([
    ['Argo CD', { annotations: { 'argocd.argoproj.io/tracking-id': 'upgrades:upgrade.cattle.io/Plan:system-upgrade/agent' } }, {}],
    ['Flux', { labels: { 'kustomize.toolkit.fluxcd.io/name': 'upgrades' } }, {}],
    ['Rancher', {}, { 'upgrade.cattle.io/kubernetes-upgrade': 'true' }],
  ])('%s', async (owner, metadata, labels) => {
    const name = await failedUpgrade('v0.20', metadata);
    await cluster.request('PATCH', '/api/v1/nodes/s1', { metadata: { labels } });
    expect((await check()).found).toMatchObject([{ certainty: 'certain', objects: [{ name }], remedy: { automatic: false } }]);
    const before = JSON.stringify([await planNow(), (await node(name)).spec]);
    const ran = await fix(newHome());
    expect(ran.code, ran.stderr).toBe(2);
    expect(ran.stderr).toContain(owner);
    expect(ran.stderr).toContain('would revert the change');
    expect(JSON.stringify([await planNow(), (await node(name)).spec])).toBe(before);
  });
});

/** As kured keeps its lock: on its own DaemonSet. */
const kured = (name: string): Body => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'kured', namespace: 'kube-system', annotations: { 'weave.works/kured-node-lock': JSON.stringify({ nodeID: name }) } },
  spec: {
    selector: { matchLabels: { name: 'kured' } },
    // It runs nowhere: its lock is all that is looked at.
    template: {
      metadata: { labels: { name: 'kured' } },
      spec: { nodeSelector: { 'example.com/none': 'true' }, containers: [{ name: 'kured', image: 'ghcr.io/kubereboot/kured' }] },
    },
  },
});

test('a Node that the autoscaler or kured holds meanwhile is found, and not touched', async () => {
  const name = await failedUpgrade('v0.20');
  const { taints = [] } = (await node(name)).spec;
  const tainted = (more: Body[]) => cluster.request('PATCH', `/api/v1/nodes/${name}`, { spec: { taints: [...taints, ...more] } });
  const holders: [mark: string, holds: () => Promise<unknown>, lets: () => Promise<unknown>][] = [
    [
      'ToBeDeletedByClusterAutoscaler',
      () => tainted([{ key: 'ToBeDeletedByClusterAutoscaler', value: '1796000000', effect: 'NoSchedule' }]),
      () => tainted([]),
    ],
    ['kured', () => cluster.apply(kured(name)), () => cluster.remove(kured(name))],
  ];
  for (const [mark, holds, lets] of holders) {
    await holds();
    expect((await check()).found, mark).toMatchObject([{ objects: [{ name }], remedy: { automatic: false } }]);
    const before = JSON.stringify([await planNow(), (await node(name)).spec]);
    const ran = await fix(newHome());
    expect(ran.code, ran.stderr).toBe(2);
    expect(ran.stderr).toContain(mark);
    expect(JSON.stringify([await planNow(), (await node(name)).spec]), mark).toBe(before);
    await lets();
  }
});

test('what rbac prints is enough to find, fix and undo', async () => {
  const name = await failedUpgrade('v0.13');
  const { rules } = parse((await run(['rbac', '--for', 'fix'])).stdout);
  const limited = await cluster.user('user-1', rules);
  const home = newHome();
  const { found, code } = await check({ kubeconfig: limited });
  expect([code, found.map(({ args }) => args.row)]).toEqual([2, ['A']]);
  const fixed = await run(['fix', CHECK, '--yes'], { kubeconfig: limited, home });
  expect(fixed.code, fixed.stderr).toBe(0);
  expect(await cordoned()).toEqual([]);
  const undone = await run(['undo', '--yes'], { kubeconfig: limited, home });
  expect(undone.code, undone.stderr).toBe(0);
  expect(await cordoned()).toEqual([name]);
});
