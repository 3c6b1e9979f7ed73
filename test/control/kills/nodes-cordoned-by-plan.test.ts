// Kills of k3s/nodes-cordoned-by-plan, each way: R1 (the Plan is pointed at the version that runs), R2 (Plan and Job go, then the cordon) and R3 (the node is excluded from the Plan).
// The scenes are what an upgrade that failed leaves behind, written by the test: no kubelet, and of the controller only what it makes of a Plan that was retargeted.
// The whole upgrade, with the actors of the bed, is the matter of ../k3s-cordoned.test.ts.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, vi } from 'vitest';
import { hashOf } from '../../bed/actors/index.ts';
import type { Body } from '../../bed/client.ts';
import { installCrd } from '../../bed/crds.ts';
import { bed } from '../../bed/index.ts';
import { upgradeController } from '../scene.ts';
import { sweeper } from './sweep.ts';

const cluster = bed();
const sweeps = await sweeper(cluster);
const CHECK = 'k3s/nodes-cordoned-by-plan';
const RUNNING = 'v1.33.9+k3s1';
const OLDER = 'v1.32.13+k3s1';
const LABEL = 'plan.upgrade.cattle.io/agent';
const namespace = 'system-upgrade';
const munged = (version: string) => version.replace('+', '-');
const hash = (version: string) => hashOf(munged(version), 'system-upgrade');
const NODE = '/api/v1/nodes/a1';
const PLAN = `/apis/upgrade.cattle.io/v1/namespaces/${namespace}/plans/agent`;
const soon = <T>(look: () => Promise<T>) => vi.waitFor(look, { timeout: 30_000, interval: 50 });

// ---- objects --------------------------------------------------------------------------------------------------------

const node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'a1', labels: { 'kubernetes.io/hostname': 'a1' } },
  status: {
    nodeInfo: { ...infoOf('architecture bootID containerRuntimeVersion kernelVersion kubeProxyVersion'), kubeletVersion: RUNNING },
  },
};
Object.assign(node.status.nodeInfo, infoOf('machineID operatingSystem osImage systemUUID'));
function infoOf(fields: string): Record<string, string> {
  return Object.fromEntries(fields.split(' ').map((field) => [field, 'x']));
}
const failure = 'Job system-upgrade/apply-agent-on-a1 failed on Node a1: BackoffLimitExceeded: Job has reached the specified backoff limit';
const plan = {
  apiVersion: 'upgrade.cattle.io/v1',
  kind: 'Plan',
  metadata: { name: 'agent', namespace },
  spec: {
    ...{ version: OLDER, concurrency: 1, cordon: true, serviceAccountName: 'system-upgrade', upgrade: { image: 'rancher/k3s-upgrade' } },
    nodeSelector: { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'Exists' }] },
  },
};
const labels = { 'upgrade.cattle.io/plan': 'agent', 'upgrade.cattle.io/node': 'a1', 'upgrade.cattle.io/version': munged(OLDER) };
/** Held at no Pods, so that it is ours to say how it went. */
const job = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'apply-agent-on-a1', namespace, labels },
  spec: {
    parallelism: 0,
    template: {
      metadata: { labels },
      spec: {
        restartPolicy: 'Never',
        initContainers: [{ name: 'cordon', image: 'rancher/kubectl:v1.30.3', args: ['cordon', 'a1'] }],
        containers: [{ name: 'upgrade', image: `rancher/k3s-upgrade:${munged(OLDER)}` }],
      },
    },
  },
};
const deployment = upgradeController(namespace);

// ---- what the cluster is brought to, and what it came to ------------------------------------------------------------

const now = (ms = 0) => new Date(Date.now() + ms).toISOString().replace(/\.\d+Z$/, 'Z');
const patched = async (path: string, body: object) => {
  const answer = await cluster.request('PATCH', path, body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
};
const nodeNow = async () => {
  const { metadata, spec } = (await cluster.request('GET', NODE)).body;
  return { unschedulable: spec.unschedulable, label: metadata.labels[LABEL] };
};
const planNow = async (): Promise<Body | undefined> => {
  const { status, body } = await cluster.request('GET', PLAN);
  return status === 200 ? body : undefined;
};
const jobNow = () => cluster.get(job);

/** The Plan failed on the Node, which kubectl in its Job had cordoned just now. */
async function failed(label: string | null): Promise<void> {
  await cluster.remove(plan);
  await cluster.apply(plan);
  await patched(`${NODE}?fieldManager=test`, { metadata: { labels: { [LABEL]: label } }, spec: { unschedulable: null } });
  await patched(`${NODE}?fieldManager=kubectl`, { spec: { unschedulable: true } });
  const complete = { type: 'Complete', status: 'False', reason: 'JobFailed', message: failure, lastUpdateTime: now() };
  const status = { latestVersion: munged(OLDER), latestHash: hash(OLDER), applying: ['a1'], conditions: [complete] };
  await patched(`${PLAN}/status`, { status });
}

/** With its Job. */
async function failedJob(): Promise<void> {
  await cluster.remove(job);
  await cluster.apply(job);
  const path = `${await cluster.path(job)}/status`;
  // The Job controller looks at a new Job once; a status that it has just replaced is written again.
  await soon(async () => {
    const since = (await jobNow()).status;
    const ended = { status: 'True', reason: 'BackoffLimitExceeded', message: 'x', lastTransitionTime: now() };
    const conditions = [
      { type: 'FailureTarget', ...ended },
      { type: 'Failed', ...ended },
    ];
    await patched(path, { status: { startTime: since.startTime ?? now(), conditions } });
    expect((await jobNow()).status.conditions).toHaveLength(2);
  });
}

/** What a controller of v0.20 makes of a Plan that was pointed at the running version: a Node with another label is upgraded, which comes to nothing, and uncordoned. */
function playController(): { stop(): Promise<void> } {
  let on = true;
  const round = async () => {
    const { spec, status } = (await planNow()) ?? {};
    if (spec?.version !== RUNNING || status?.latestHash === hash(RUNNING)) return;
    const complete = { type: 'Complete', status: 'True', reason: 'Complete', lastUpdateTime: now() };
    const done = { latestVersion: munged(RUNNING), latestHash: hash(RUNNING), applying: null, conditions: [complete] };
    await cluster.request('PATCH', `${PLAN}/status`, { status: done });
    if ((await nodeNow()).label === hash(RUNNING)) return;
    await patched(NODE, { metadata: { labels: { [LABEL]: hash(RUNNING) } }, spec: { unschedulable: null } });
  };
  const looping = (async () => {
    for (; on; await sleep(50)) await round();
  })();
  return {
    stop() {
      on = false;
      return looping;
    },
  };
}

beforeAll(async () => {
  await installCrd(cluster, 'plans-v1');
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, node);
});

// ---- the sweeps -----------------------------------------------------------------------------------------------------

describe('R1', () => {
  let controller: ReturnType<typeof playController> | undefined;
  beforeAll(async () => {
    await cluster.apply(deployment);
    await soon(async () => {
      const { items } = (await cluster.request('GET', `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3Dsuc`)).body;
      expect(items).toHaveLength(1);
      const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
      await patched(`/api/v1/namespaces/${namespace}/pods/${items[0].metadata.name}/status`, { status });
      expect((await cluster.get(deployment)).status.readyReplicas).toBe(1);
    });
    controller = playController();
  });
  afterAll(async () => {
    await controller?.stop();
    await cluster.remove(deployment);
  });

  sweeps.remedy({
    name: `${CHECK}: R1`,
    // Its Jobs and their Pods are gone: only the Plan's status speaks, so that the finding has to be confirmed.
    fix: ['fix', CHECK, '--confirm', 'Node/a1'],
    writes: ['POST leases', 'PATCH nodes', 'PATCH plans', 'DELETE leases'],
    // The label is back already: the controller wrote it. The old Plan is for a person to put back.
    undoWrites: ['POST leases', 'DELETE leases'],
    // The retarget trap: the Node says that the version is done there.
    reset: () => failed(hash(RUNNING)),
    state: nodeNow,
    async fixed() {
      expect((await planNow())?.spec.version).toBe(RUNNING);
      expect(await nodeNow()).toEqual({ unschedulable: undefined, label: hash(RUNNING) });
    },
    async undone(before, reached) {
      const retargeted = reached.includes('PATCH plans');
      expect((await planNow())?.spec.version).toBe(retargeted ? RUNNING : OLDER);
      // The controller may go on with a Plan that was retargeted, and uncordon behind the undo.
      const { label, unschedulable } = await nodeNow();
      expect(retargeted ? { label } : { label, unschedulable }).toEqual(retargeted ? { label: before.label } : before);
    },
  });
});

async function planAndJobFailed(): Promise<void> {
  await failed(null);
  await failedJob();
}

describe('R2', () => {
  sweeps.remedy({
    name: `${CHECK}: R2`,
    fix: ['fix', CHECK],
    writes: ['POST leases', 'DELETE plans', 'DELETE jobs', 'PATCH nodes', 'DELETE leases'],
    // Plan and Job were said to be gone for good.
    undoWrites: ['POST leases', 'PATCH nodes', 'DELETE leases'],
    reset: planAndJobFailed,
    state: nodeNow,
    async fixed() {
      expect([await planNow(), await jobNow()]).toEqual([undefined, undefined]);
      expect((await nodeNow()).unschedulable).toBeUndefined();
    },
    async undone(before, reached) {
      expect(await nodeNow()).toEqual(before);
      const there = [await planNow(), await jobNow()].map((object) => object !== undefined);
      expect(there).toEqual(['DELETE plans', 'DELETE jobs'].map((write) => !reached.includes(write)));
    },
  });
});

describe('R3', () => {
  /** The Plan has succeeded here. */
  const elsewhere = {
    ...node,
    metadata: { name: 'b1', labels: { 'kubernetes.io/hostname': 'b1', [LABEL]: hash(OLDER) } },
    status: { nodeInfo: { ...node.status.nodeInfo, kubeletVersion: OLDER } },
  };
  beforeAll(() => cluster.apply(elsewhere));
  afterAll(() => cluster.remove(elsewhere));

  sweeps.remedy({
    name: `${CHECK}: R3`,
    fix: ['fix', CHECK],
    writes: ['POST leases', 'PATCH nodes', 'DELETE jobs', 'PATCH nodes', 'DELETE leases'],
    // Without its label the Plan would begin there again, so that it is for a person to remove.
    undoWrites: ['POST leases', 'PATCH nodes', 'DELETE leases'],
    reset: planAndJobFailed,
    state: nodeNow,
    async fixed() {
      expect(await nodeNow()).toEqual({ unschedulable: undefined, label: 'disabled' });
      expect([(await planNow())?.spec.version, await jobNow()]).toEqual([OLDER, undefined]);
    },
    async undone(before, reached) {
      expect(await nodeNow()).toEqual({ ...before, label: reached.includes('PATCH nodes') ? 'disabled' : before.label });
      expect([(await planNow())?.spec.version, (await jobNow()) !== undefined]).toEqual([OLDER, !reached.includes('DELETE jobs')]);
    },
  });
});
