// What an upgrade of Kubernetes puts back at its end: a Node is uncordoned, and a budget that was named is as it was. Killed at each of these writes of a real hop, on a control plane of its
// own: its API server of 1.36 is replaced by that of 1.37 once, and each kill is of a resume from a copy of the run's journal, behind the last step of the person.
// The test plays the person, the kubelet and the disruption controller.
import { cpSync } from 'node:fs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { newHome, type Ran, run } from '../../bed/binary.ts';
import { type Body, type Client, clientOf } from '../../bed/client.ts';
import { kubeconfigOf, type Started, startControlPlane } from '../../bed/control-plane.ts';
import { foundApiserver, foundBed, MORE_APISERVERS, NEWEST } from '../../bed/prepare.ts';
import { SHUT_BUDGET, waitsFor } from '../scene.ts';
import { sweeper } from './sweep.ts';

const [OLDER] = MORE_APISERVERS;
const older = await foundApiserver(OLDER);

const POD: Body = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    ...{ name: 'shop-1', namespace: 'default', labels: { app: 'shop' } },
    ownerReferences: [
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'shop', uid: '0d5d52a8-0000-4000-8000-000000000009', controller: true },
    ],
  },
  spec: { nodeName: 'w1', terminationGracePeriodSeconds: 1, containers: [{ name: 'c', image: 'registry.example/c:1' }] },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
};
const node = (kubeletVersion: string): Body => ({
  ...{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'w1' } },
  status: {
    conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady' }],
    nodeInfo: {
      ...{ architecture: 'amd64', bootID: '', containerRuntimeVersion: 'containerd://2.1.0', kernelVersion: '', kubeProxyVersion: '' },
      ...{ machineID: '', operatingSystem: 'linux', osImage: 'Ubuntu 24.04', systemUUID: '', kubeletVersion },
    },
  },
});
const BUDGETS = '/apis/policy/v1/namespaces/default/poddisruptionbudgets/shop';
const PODS = '/api/v1/namespaces/default/pods';

let plane: Started;
let client: Client;
let kubeconfig: string;
let actors: NodeJS.Timeout;
/** Where the run waits for its last manual step. */
let waiting: string;

const patched = (path: string, body: object) => client.request('PATCH', path, body, 'application/merge-patch+json');
const versionNow = async (): Promise<string> => (await client.request('GET', '/version')).body.gitVersion;
/** As a kubelet, what was told to go has gone; as the disruption controller, what a budget allows. */
async function act(): Promise<void> {
  const { items = [] } = (await client.request('GET', PODS)).body;
  const gone = items.filter(({ metadata }: Body) => metadata.deletionTimestamp);
  for (const { metadata } of gone) await client.request('DELETE', `${PODS}/${metadata.name}`, { gracePeriodSeconds: 0 });
  const { metadata, spec } = (await client.request('GET', BUDGETS)).body;
  if (!metadata) return;
  const counts = { currentHealthy: 1, desiredHealthy: 0, expectedPods: 1, disruptionsAllowed: spec.maxUnavailable };
  await patched(`${BUDGETS}/status`, { status: { observedGeneration: metadata.generation, ...counts } });
}

const said = ({ stdout, stderr }: Ran): string => `${stdout}${stderr}`;
/** What a person does. */
async function person(text: string): Promise<string[]> {
  if (/^upgrade every API server/.test(text)) {
    await plane.replaceServer(0, (await foundBed(NEWEST)).apiserver);
    return [];
  }
  return ['--confirm-step'];
}

async function untilLast(home: string): Promise<void> {
  let ran = await run(['upgrade', 'kubernetes', '--to', NEWEST, '--confirm', 'PodDisruptionBudget/default/shop', '--yes'], {
    kubeconfig,
    home,
  });
  for (let turn = 0; turn < 12; turn++) {
    const step = waitsFor(ran);
    expect(step, said(ran)).toBeDefined();
    if (/^upgrade the kubelet of Node w1/.test(step!.text)) return;
    const [flag] = await person(step!.text);
    ran = await run(['resume', '--yes', ...(flag ? [flag, step!.id] : [])], { kubeconfig, home });
  }
  throw new Error(said(ran));
}

const state = async () => ({
  budget: (await client.request('GET', BUDGETS)).body.spec.maxUnavailable,
  unschedulable: (await client.request('GET', '/api/v1/nodes/w1')).body.spec.unschedulable === true,
});
const AS_IT_WAS = { budget: 0, unschedulable: false };

if (!older)
  test.skip(
    `the end of an upgrade from ${OLDER} to ${NEWEST}`,
    { meta: { leftOut: `needs kube-apiserver ${OLDER}: npm run bed -- ${OLDER}` } },
    () => undefined,
  );
else {
  plane = await startControlPlane(OLDER, { ...(await foundBed(NEWEST)), apiserver: older }, { controllers: false, admission: false });
  afterAll(() => plane.stop());
  client = clientOf(plane);
  kubeconfig = kubeconfigOf(plane, 'admin');
  const sweeps = await sweeper({ ...client, server: plane.server, folder: plane.folder, kubeconfig }, { unknown: true });

  beforeAll(async () => {
    await client.apply(node(await versionNow()), POD, SHUT_BUDGET);
    actors = setInterval(() => void act().catch(() => undefined), 200);
    waiting = newHome();
    await untilLast(waiting);
    expect(await state()).toEqual({ budget: 1, unschedulable: true });
    clearInterval(actors);
  }, 180_000);
  afterAll(() => clearInterval(actors));

  sweeps.sweep({
    name: 'what an upgrade of Kubernetes puts back',
    command: ['resume'],
    writes: ['POST leases', 'PATCH nodes', 'PATCH poddisruptionbudgets', 'DELETE leases'],
    endings: ['resume', 'undo'],
    home: async () => {
      const home = newHome();
      cpSync(waiting, home, { recursive: true });
      return home;
    },
    reset: async () => {
      await patched(BUDGETS, { spec: { maxUnavailable: 1 } });
      await patched('/api/v1/nodes/w1', { spec: { unschedulable: true } });
      await patched('/api/v1/nodes/w1/status', { status: { nodeInfo: { kubeletVersion: await versionNow() } } });
      await vi.waitFor(async () => expect(await state()).toEqual({ budget: 1, unschedulable: true }));
    },
    state,
    fixed: async () => expect(await state()).toEqual(AS_IT_WAS),
    undone: async () => expect(await state()).toEqual(AS_IT_WAS),
  });
}
