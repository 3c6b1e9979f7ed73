// A real hop: the API servers of 1.36 are replaced by those of 1.37 on the same etcd while `upgrade kubernetes` waits for it, killed once in every stage of its plan and resumed. The
// test plays the person: it swaps binaries and kubelets when asked, and before that does it wrongly. Mirror Pods stand for the control plane, which does not run in Pods here;
// and of the Node that is drained its kubelet, which lets go what was told to. Kubelets answer by way of the real API server for their log verbosity.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Entry, Run } from '../../src/engine/contracts.ts';
import { progressOf, toDo } from '../../src/engine/progress.ts';
import { hastened, newHome, type Ran, run, start } from '../bed/binary.ts';
import { type Body, type Client, clientOf } from '../bed/client.ts';
import { advertised, certificateOf, kubeconfigOf, type Started, startControlPlane } from '../bed/control-plane.ts';
import { type FaultProxy, startFaultProxy } from '../bed/fault-proxy.ts';
import { foundApiserver, foundBed, MORE_APISERVERS, NEWEST } from '../bed/prepare.ts';
import { type Routes, startRoutes } from '../bed/routes.ts';
import { DEAD_WEBHOOK, waitsFor } from './scene.ts';

const [OLDER] = MORE_APISERVERS;
const older = await foundApiserver(OLDER);
const leftOut = older ? undefined : `needs kube-apiserver ${OLDER}: npm run bed -- ${OLDER}`;
const hop = older ? test : test.skip;
/** So many times as fast pass waits, and the Lease: three times as fast again it was lost on a machine with ten times as much to do as it can. */
const env = hastened(20);

/** An API server leads to no kubelet on a loopback address (nodes/proxy). */
const HERE =
  Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';

let plane: Started;
let routes: Routes;
let client: Client;
let proxy: FaultProxy;
/** The kubeconfig of every run: by way of the proxy that kills, and to each API server by its own address. */
let kubeconfig: string;
let kubelet: NodeJS.Timeout;
let logs: Server;
/** Levels that kubelets were told, oldest first. */
const told: string[] = [];
let old: string;
let next: string;
let home: string;

const versionAt = async (at: number): Promise<string> =>
  (await clientOf({ ...plane, server: plane.servers[at]! }).request('GET', '/version')).body.gitVersion;
const node = (name: string): Body => ({
  ...{ apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { 'node-role.kubernetes.io/control-plane': '' } } },
  status: {
    addresses: [{ type: 'InternalDNS', address: HERE }],
    daemonEndpoints: { kubeletEndpoint: { Port: (logs.address() as AddressInfo).port } },
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
const HOOK: Body = DEAD_WEBHOOK;
/** By name: another one comes to stand before it. */
const policyOf = async (name: string): Promise<string> =>
  (await client.get(HOOK)).webhooks.find((each: Body) => each.name === name)?.failurePolicy;
const policy = () => policyOf(HOOK.webhooks[0].name);
const LATER: Body = { ...HOOK.webhooks[0], name: 'later.left-over.example.com', failurePolicy: 'Ignore' };
/** As who owns the configuration would, while the upgrade lasts. */
const putBefore = () =>
  client.request(
    'PATCH',
    `/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/${HOOK.metadata.name}`,
    [{ op: 'add', path: '/webhooks/0', value: LATER }],
    'application/json-patch+json',
  );
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
  plane = await startControlPlane(
    OLDER,
    { ...binaries, apiserver: older },
    { controllers: false, admission: false, profiling: true, servers: 2 },
  );
  logs = await kubeletLogs();
  routes = await startRoutes(plane);
  proxy = await startFaultProxy(plane);
  kubeconfig = await proxy.kubeconfigFrom(routes.kubeconfig);
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
  logs?.close();
  await proxy?.close();
  await routes?.close();
  await plane?.stop();
});

/** What every kubelet serves of its logs, as k8s.io/kubernetes pkg/kubelet/server/server.go has it. */
async function kubeletLogs(): Promise<Server> {
  const key = readFileSync(certificateOf(plane).replace(/crt$/, 'key'));
  const server = createServer({ key, cert: readFileSync(certificateOf(plane)) }, (request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      const answer: Record<string, string> = {
        'GET /configz': '{"kubeletconfig":{"logging":{"format":"text","flushFrequency":"5s","verbosity":2,"options":{}}}}',
        'GET /debug/flags': '<table>\n<tr>v<br>\n</table>',
        'PUT /debug/flags/v': `successfully set klog.logging.verbosity to ${body}`,
      };
      const said = answer[`${request.method} ${request.url}`];
      if (request.method === 'PUT') told.push(body);
      response.writeHead(said === undefined ? 404 : 200, { 'content-type': 'text/plain' });
      response.end(said ?? '404 page not found');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, HERE, resolve));
  return server;
}
/** Whether an API server logs each request, as it does from --v=3 on. */
async function isLoud(at: number): Promise<boolean> {
  const log = join(plane.folder, `kube-apiserver${at || ''}.log`);
  const from = readFileSync(log).length;
  await clientOf({ ...plane, server: plane.servers[at]! }).request('GET', '/version');
  await sleep(200);
  return readFileSync(log).subarray(from).includes('"HTTP" verb=');
}

const words = (by: string) => ({ kubeconfig: by, home, env });
const said = ({ stdout, stderr }: Ran): string => `${stdout}${stderr}`;
const resume = (...more: string[]) => run(['resume', '--yes', ...more], words(kubeconfig));

// ---- killed in every stage ------------------------------------------------------------------------------------------

/** Stages in which the run was killed, in that order, as `runs` names the one that was current. */
const killed: string[] = [];
/** What kills whichever runs now. */
let kill: () => void = () => undefined;

/** By the files of the run, while it runs. */
function stageOnDisk(): string | undefined {
  const state = join(home, 'state');
  // Whole under its name only: while it is written, its folder begins with a dot.
  const found = existsSync(state) ? readdirSync(state, { recursive: true, encoding: 'utf8' }) : [];
  const folder = found.filter((name) => /(?:^|\/)[^./][^/]*\/run\.json$/.test(name)).map((name) => join(state, dirname(name)))[0];
  if (folder === undefined) return undefined;
  const stored: Run = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'));
  const journal = join(folder, 'journal.jsonl');
  const lines = existsSync(journal) ? readFileSync(journal, 'utf8').split('\n').slice(0, -1) : [];
  const [next] = toDo(stored, progressOf(lines.map((line): Entry => JSON.parse(line))));
  return stored.stages.find(({ steps }) => steps.some(({ id }) => id === next?.id))?.id;
}

interface Shown {
  id: string;
  stages: { id: string; steps: { result: string | null }[] }[];
}
/** As `runs` shows the only run that there is. */
async function shown(): Promise<Shown> {
  const [only] = JSON.parse((await run(['runs', '-o', 'json'], words(kubeconfigOf(plane, 'admin')))).stdout);
  return only;
}
const isOver = ({ result }: { result: string | null }): boolean => ['done', 'already', 'obsolete'].includes(result ?? '');
const current = ({ stages }: Shown): string | undefined => stages.find(({ steps }) => !steps.every(isOver))?.id;

/** Until it stops by itself; each time that it was killed, `resume` goes on. */
async function onward(args: string[], after: () => Promise<void> = async () => undefined): Promise<Ran> {
  for (let kills = 0; kills < 20; kills++) {
    const one = start(args[0] === 'resume' || !killed.length ? args : ['resume', '--yes'], { ...words(kubeconfig), input: '' });
    kill = one.kill;
    const ran = await one.ended;
    if (!ran.signal) return ran;
    await after();
  }
  throw new Error(`killed 20 times; in stages ${killed.join()}, by the files in ${stageOnDisk()}`);
}

/** What a person does wrongly before it is done: at which step, and what the run says then. */
const WRONGLY: { at: RegExp; does(): Promise<unknown>; mends(): Promise<unknown>; says: RegExp }[] = [
  {
    at: /^upgrade kube-apiserver on Node cp1/,
    does: () => kubeletTo('w1', next),
    mends: () => kubeletTo('w1', old),
    // With what puts it back.
    says: /a kubelet is 1\.37 already: it must not be newer than any API server.*\nTo put it back:\n {5}NODE=w1\n {5}kubectl.* drain "\$\{NODE:\?\}"/,
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
    const louder = ['--log-verbosity', '4', '--kubelet-log-verbosity', '5'];
    const unkilled = () => {
      const stage = stageOnDisk();
      return stage !== undefined && !killed.includes(stage);
    };
    // At the first request of every stage, to whichever API server.
    routes.holds = () => {
      const held = unkilled();
      if (held) kill();
      return held;
    };
    const noted = async () => {
      const stage = current(await shown());
      if (stage !== undefined && !killed.includes(stage)) killed.push(stage);
    };
    const begun = await onward(['upgrade', 'kubernetes', '--to', NEWEST, ...louder, '--yes'], noted);
    expect(said(begun)).toContain('Manual steps that the run waits for:');
    const asked: string[] = [];
    const policies: string[] = [];
    const open = [...WRONGLY];
    let ran = begun;
    for (let turn = 0; turn < 60; turn++) {
      const step = waitsFor(ran);
      if (!step) break;
      asked.push(step.text);
      const seen = { text: step.text, loud: [await isLoud(0), await isLoud(1)] };
      // From before the first restart on; behind the restarts once more.
      if (/^upgrade kube-apiserver on Node cp1/.test(step.text)) expect(seen).toEqual({ ...seen, loud: [true, true] });
      if (/^upgrade kube-apiserver on Node cp2/.test(step.text)) expect(seen).toEqual({ ...seen, loud: [false, true] });
      if (/^upgrade the kubelet/.test(step.text)) expect(seen).toEqual({ ...seen, loud: [true, true] });
      if (/^upgrade/.test(step.text)) expect(await policy()).toBe('Ignore');
      for (const wrong of open.filter(({ at }) => at.test(step.text))) {
        open.splice(open.indexOf(wrong), 1);
        await wrong.does();
        // Nor is it done because a person says so.
        const stopped = await resume('--confirm-step', step.id);
        expect(said(stopped)).toMatch(wrong.says);
        expect(stopped.code, said(stopped)).toBe(4);
        await wrong.mends();
      }
      const confirm = (await person(step.text)) ? [] : ['--confirm-step', step.id];
      // What puts the policy back is killed before it arrives, and then while its answer is under way.
      if (/^upgrade the kubelet of Node w1/.test(step.text)) {
        expect((await putBefore()).status).toBe(200);
        for (const does of ['hold', 'forward-unanswered'] as const) {
          const path = /validatingwebhookconfigurations/;
          proxy.faults.push({ do: does, method: 'PATCH', path, where: () => !unkilled(), andThen: () => kill() });
        }
      }
      ran = await onward(['resume', '--yes', ...confirm], async () => {
        await noted();
        policies.push(await policy());
      });
    }
    proxy.faults.splice(0);
    routes.holds = undefined;
    const { stages } = await shown();
    expect(killed, said(ran)).toEqual(stages.map(({ id }) => id));
    expect(policies.slice(-2), policies.join()).toEqual(['Ignore', 'Fail']);
    expect(open, said(ran)).toEqual([]);
    // The backend of the webhook is still gone: its finding is there again with its policy, as the run put it back itself. What this bare cluster does not show is unknown.
    expect(ran.code, said(ran)).toBe(3);
    // A resumed run compares with what was found before it began.
    expect(ran.stdout).toMatch(/^= still there: kubernetes\/webhook-backend /m);
    expect(ran.stdout).toMatch(/^- gone: kubernetes\//m);
    expect(said(ran)).toMatch(/^\? \d+ checks? could not run completely: kubernetes\//m);
    expect(said(ran)).toContain(`kubernetes is now ${next}`);
    expect([await policy(), await policyOf(LATER.name)]).toEqual(['Fail', 'Ignore']);
    expect([await isLoud(0), await isLoud(1)]).toEqual([false, false]);
    // Each of three once it was upgraded, and all of them back to what their configuration says.
    expect([told.filter((level) => level === '5').length >= 3, told.slice(-3)]).toEqual([true, ['2', '2', '2']]);
    expect([await versionAt(0), await versionAt(1)]).toEqual([next, next]);
    for (const name of ['cp1', 'cp2', 'w1']) expect([name, await cordoned(name)]).toEqual([name, false]);
    expect(await podsOn('w1')).toEqual([]);
    expect((await podsOn('cp1')).toSorted()).toEqual(['kube-apiserver-cp1', 'kube-controller-manager-cp1', 'kube-scheduler-cp1']);
    for (const part of ['read', 'back up etcd', 'upgrade'])
      expect(
        asked.some((text) => text.startsWith(part)),
        `${part}: ${asked.join('; ')}`,
      ).toBe(true);

    const undone = await run(['undo', '--yes'], words(kubeconfig));
    expect([0, 4], said(undone)).toContain(undone.code);
    // What the person did is not undone by the run.
    expect(said(undone)).toMatch(/^stays: \d+ manual steps \(/m);
    expect(await policy(), said(undone)).toBe('Fail');
    await vi.waitFor(async () => expect(await cordoned('w1')).toBe(false));
    expect([await isLoud(0), await isLoud(1), told.at(-1)]).toEqual([false, false, '2']);
  },
);

hop(
  'in place: a kube-controller-manager that is started too early is named; so are containers that restart although the step does not cause it, and stop it once',
  { meta: { leftOut }, timeout: 600_000 },
  async () => {
    for (const at of [0, 1]) await plane.replaceServer(at, older!);
    for (const on of ['cp1', 'cp2']) await imageTo('kube-apiserver', on, old);
    for (const component of ['kube-controller-manager', 'kube-scheduler']) await imageTo(component, 'cp1', old);
    for (const name of ['cp1', 'cp2', 'w1']) await kubeletTo(name, old);
    await client.apply(web('web-3'), web('web-4'));
    const restarts = (name: string, restartCount: number) =>
      client.request('PATCH', `/api/v1/namespaces/default/pods/${name}/status`, {
        status: { containerStatuses: [{ name: 'c', image: 'c', imageID: '', ready: true, restartCount }] },
      });
    for (const name of ['web-3', 'web-4']) await restarts(name, 1);
    home = newHome();
    const inPlace = ['upgrade', 'kubernetes', '--to', NEWEST, '--nodes', 'in-place', '--accept', 'kubernetes/webhook-backend', '--yes'];
    inPlace.push('--stop-controller-manager');
    // As the process that holds it does, or did.
    const renewed = (secondsAgo: number) =>
      client.apply({
        ...{ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'kube-controller-manager', namespace: 'kube-system' } },
        spec: {
          ...{ holderIdentity: 'cp1_a', leaseDurationSeconds: 15 },
          renewTime: new Date(Date.now() - secondsAgo * 1000).toISOString().replace('Z', '000Z'),
        },
      });
    proxy.faults.splice(0);
    routes.holds = undefined;
    await renewed(120);
    let startedEarly = '';
    let ran = await run(inPlace, words(kubeconfig));
    const stopped: string[] = [];
    for (let turn = 0; turn < 40; turn++) {
      const step = waitsFor(ran);
      if (!step) break;
      if (/^upgrade the kubelet of Node w1/.test(step.text)) for (const name of ['web-3', 'web-4']) await restarts(name, 2);
      if (/^upgrade kube-apiserver on Node cp2/.test(step.text) && !startedEarly) {
        await renewed(0);
        startedEarly = said(await resume());
        await renewed(120);
      }
      if (/^upgrade kube-(controller-manager|scheduler)/.test(step.text)) await renewed(0);
      const confirm = (await person(step.text)) ? [] : ['--confirm-step', step.id];
      ran = await resume(...confirm);
      if (!/which this step does not cause/.test(said(ran))) continue;
      stopped.push(said(ran));
      ran = await resume();
    }
    expect(startedEarly, said(ran)).toContain(
      'kube-controller-manager runs, and not every API server is upgraded: stop it again, then resume',
    );
    expect(stopped, said(ran)).toHaveLength(1);
    expect(stopped[0]).toContain(
      '2 of 2 containers on Node w1 restarted, which this step does not cause: default/web-3 c (1 → 2), default/web-4 c (1 → 2)',
    );
    expect(said(ran), stopped[0]).toContain(`kubernetes is now ${next}`);
    expect([await versionAt(0), await versionAt(1)]).toEqual([next, next]);
  },
);
