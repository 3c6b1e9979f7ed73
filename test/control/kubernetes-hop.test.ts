// A real hop: the API servers of 1.36 are replaced by those of 1.37 on the same etcd while `upgrade kubernetes` waits for it, resumed after each stage and killed in each. The
// test plays the person: it swaps binaries and kubelets when asked, and before that does it wrongly. Mirror Pods stand for the control plane, which does not run in Pods here;
// and of the Node that is drained its kubelet, which lets go what was told to.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { hastened, newHome, type Ran, run, start } from '../bed/binary.ts';
import { type Body, type Client, clientOf } from '../bed/client.ts';
import { advertised, type Started, startControlPlane } from '../bed/control-plane.ts';
import { foundApiserver, foundBed, MORE_APISERVERS, NEWEST } from '../bed/prepare.ts';
import { type Routes, startRoutes } from '../bed/routes.ts';

const [OLDER] = MORE_APISERVERS;
const older = await foundApiserver(OLDER);
const leftOut = older ? undefined : `needs kube-apiserver ${OLDER}: npm run bed -- ${OLDER}`;
const hop = older ? test : test.skip;
/** So many times as fast pass waits. */
const env = hastened(60);

let plane: Started;
let routes: Routes;
let client: Client;
let kubelet: NodeJS.Timeout;
let old: string;
let next: string;
let home: string;

const versionAt = async (at: number): Promise<string> =>
  (await clientOf({ ...plane, server: plane.servers[at]! }).request('GET', '/version')).body.gitVersion;
const node = (name: string): Body => ({
  ...{ apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { 'node-role.kubernetes.io/control-plane': '' } } },
  status: {
    conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady' }],
    nodeInfo: {
      ...{ architecture: 'amd64', bootID: '', containerRuntimeVersion: 'containerd://2.1.0', kernelVersion: '', kubeProxyVersion: '' },
      ...{ machineID: '', operatingSystem: 'linux', osImage: 'Ubuntu 24.04', systemUUID: '', kubeletVersion: old },
    },
  },
});
const mirror = (component: string, on: string): Body => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    ...{ name: `${component}-${on}`, namespace: 'kube-system', labels: { component, tier: 'control-plane' } },
    annotations: { 'kubernetes.io/config.mirror': 'of-a-file' },
  },
  spec: { nodeName: on, containers: [{ name: component, image: `registry.k8s.io/${component}:${old}`, command: [component] }] },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
});
const web = (name: string): Body => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    ...{ name, namespace: 'default', labels: { app: 'web' } },
    ownerReferences: [
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: '0d5d52a8-0000-4000-8000-000000000009', controller: true },
    ],
  },
  spec: { nodeName: 'w1', terminationGracePeriodSeconds: 1, containers: [{ name: 'c', image: 'registry.example/c:1' }] },
});
const HOOK: Body = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  metadata: { name: 'left-over' },
  webhooks: [
    {
      ...{ name: 'a.left-over.example.com', failurePolicy: 'Fail', admissionReviewVersions: ['v1'], sideEffects: 'None', rules: [] },
      clientConfig: { service: { namespace: 'default', name: 'gone' } },
    },
  ],
};
const policy = async (): Promise<string> => (await client.get(HOOK)).webhooks[0].failurePolicy;
const kubeletTo = (name: string, kubeletVersion: string) =>
  client.request(
    'PATCH',
    `/api/v1/nodes/${name}/status`,
    { status: { nodeInfo: { kubeletVersion } } },
    'application/strategic-merge-patch+json',
  );
const imageTo = (component: string, on: string, version: string) =>
  client.request(
    'PATCH',
    `/api/v1/namespaces/kube-system/pods/${component}-${on}`,
    { spec: { containers: [{ name: component, image: `registry.k8s.io/${component}:${version}` }] } },
    'application/strategic-merge-patch+json',
  );
const cordoned = async (name: string): Promise<boolean> =>
  (await client.get({ apiVersion: 'v1', kind: 'Node', metadata: { name } })).spec.unschedulable === true;
const podsOn = async (name: string): Promise<string[]> =>
  (await client.request('GET', `/api/v1/pods?fieldSelector=spec.nodeName%3D${name}`)).body.items.map(({ metadata }: Body) => metadata.name);

beforeAll(async () => {
  if (!older) return;
  const binaries = await foundBed(NEWEST);
  plane = await startControlPlane(OLDER, { ...binaries, apiserver: older }, { controllers: false, admission: false, servers: 2 });
  routes = await startRoutes(plane);
  client = clientOf(plane);
  home = newHome();
  old = await versionAt(0);
  await plane.replaceServer(1, binaries.apiserver);
  next = await versionAt(1);
  await plane.replaceServer(1, older);
  await client.apply(node('cp1'), node('cp2'), HOOK);
  for (const on of ['cp1', 'cp2']) await client.apply(mirror('kube-apiserver', on));
  await client.apply(mirror('kube-controller-manager', 'cp1'), mirror('kube-scheduler', 'cp1'));
  await client.apply(node('w1'));
  // As a kubelet: what is told to go has gone.
  kubelet = setInterval(async () => {
    const { items = [] } = (await client.request('GET', '/api/v1/namespaces/default/pods').catch(() => undefined))?.body ?? {};
    for (const { metadata } of items.filter((pod: Body) => pod.metadata.deletionTimestamp))
      await client.request('DELETE', `/api/v1/namespaces/default/pods/${metadata.name}`, { gracePeriodSeconds: 0 }).catch(() => undefined);
  }, 200);
  await client.apply(web('web-1'), web('web-2'));
});
afterAll(async () => {
  clearInterval(kubelet);
  await routes?.close();
  await plane?.stop();
});

const words = (kubeconfig: string) => ({ kubeconfig, home, env });
const said = ({ stdout, stderr }: Ran): string => `${stdout}${stderr}`;
/** What the run waits for: the step's number and text. */
const waitsFor = (ran: Ran): { id: string; text: string } | undefined => {
  const [, rest = ''] = said(ran).split('Manual steps that the run waits for:');
  const [, id = '', text = ''] = /^ {2}(\d+)\. (.*)$/m.exec(rest) ?? [];
  return id ? { id, text } : undefined;
};
const resume = (...more: string[]) => run(['resume', '--yes', ...more], words(routes.kubeconfig));

/** What a person does wrongly before it is done: at which step, and what the run says then. */
const WRONGLY: { at: RegExp; does(): Promise<unknown>; mends(): Promise<unknown>; says: RegExp }[] = [
  {
    at: /^upgrade kube-apiserver on Node cp1/,
    does: () => kubeletTo('w1', next),
    mends: () => kubeletTo('w1', old),
    says: /a kubelet is 1\.37 already: it must not be newer than any API server/,
  },
  {
    at: /^upgrade kube-apiserver on Node cp1/,
    does: () => imageTo('kube-controller-manager', 'cp1', next),
    mends: () => imageTo('kube-controller-manager', 'cp1', old),
    says: /kube-controller-manager on Node cp1 is 1\.37 already, and an API server is not/,
  },
  {
    // Its manifest has the new image, its process is the old one.
    at: /^upgrade kube-apiserver on Node cp2/,
    does: () => imageTo('kube-apiserver', 'cp2', next),
    mends: async () => undefined,
    says: new RegExp(`API server ${advertised(1).replaceAll('.', '\\.')}:\\d+: /version says "+gitVersion`),
  },
];

/** What it is asked for; undefined: to confirm. */
async function person(text: string): Promise<undefined | 'done'> {
  const binaries = await foundBed(NEWEST);
  const [, component, on] = /^upgrade (kube-[a-z-]+) on Node (\S+) to/.exec(text) ?? [];
  const [, kubeletOf] = /^upgrade the kubelet of Node (\S+) to/.exec(text) ?? [];
  if (component === 'kube-apiserver') await plane.replaceServer(on === 'cp1' ? 0 : 1, binaries.apiserver);
  if (component) await imageTo(component, on!, next);
  if (kubeletOf) await kubeletTo(kubeletOf, next);
  return component || kubeletOf ? 'done' : undefined;
}

hop(
  `from ${OLDER} to ${NEWEST}: killed in each stage, resumed, done wrongly and mended, and undone`,
  { meta: { leftOut }, timeout: 600_000 },
  async () => {
    const begun = await run(['upgrade', 'kubernetes', '--to', NEWEST, '--yes'], words(routes.kubeconfig));
    expect(said(begun)).toContain('Manual steps that the run waits for:');
    const asked: string[] = [];
    const open = [...WRONGLY];
    let ran = begun;
    for (let turn = 0; turn < 60; turn++) {
      const step = waitsFor(ran);
      if (!step) break;
      asked.push(step.text);
      for (const wrong of open.filter(({ at }) => at.test(step.text))) {
        open.splice(open.indexOf(wrong), 1);
        await wrong.does();
        const stopped = await resume();
        expect(said(stopped)).toMatch(wrong.says);
        await wrong.mends();
      }
      const confirm = (await person(step.text)) ? [] : ['--confirm-step', step.id];
      // Killed on its way, wherever that is.
      const cut = start(['resume', '--yes', ...confirm], { ...words(routes.kubeconfig), input: '' });
      await sleep(400 + 150 * (turn % 5));
      cut.kill();
      await cut.ended;
      if (turn === 3) expect(await policy()).toBe('Ignore');
      ran = await resume(...confirm);
    }
    expect(open).toEqual([]);
    // The backend of the webhook is still gone: its finding remains, and its policy is back. Where the one that was killed had ended it, nothing was left.
    expect([0, 2], said(ran)).toContain(ran.code);
    expect(await policy()).toBe('Fail');
    expect([await versionAt(0), await versionAt(1)]).toEqual([next, next]);
    for (const name of ['cp1', 'cp2', 'w1']) expect([name, await cordoned(name)]).toEqual([name, false]);
    expect(await podsOn('w1')).toEqual([]);
    expect((await podsOn('cp1')).toSorted()).toEqual(['kube-apiserver-cp1', 'kube-controller-manager-cp1', 'kube-scheduler-cp1']);
    for (const part of ['read', 'back up etcd', 'upgrade'])
      expect(
        asked.some((text) => text.startsWith(part)),
        `${part}: ${asked.join('; ')}`,
      ).toBe(true);

    const undone = await run(['undo', '--yes'], words(routes.kubeconfig));
    expect([0, 4]).toContain(undone.code);
    expect(await policy()).toBe('Fail');
    await vi.waitFor(async () => expect(await cordoned('w1')).toBe(false));
  },
);
