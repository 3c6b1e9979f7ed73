// The upgrade of K3s over two minors: three servers and two agents kept by kwok, the system-upgrade-controller played by an actor that is held to recordings of the real one, its Pods placed
// by the real scheduler. Killed at every stage and in the middle of hops, and resumed each time; and a hop whose second server fails.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { type Actor, playUpgrade, startKubelet, startSystemUpgrade } from '../bed/actors/index.ts';
import { hastened, newHome, type Ran, run, type Started, start } from '../bed/binary.ts';
import type { Body } from '../bed/client.ts';
import { installCrd } from '../bed/crds.ts';
import { type Fault, type FaultProxy, startFaultProxy } from '../bed/fault-proxy.ts';
import { bed } from '../bed/index.ts';
import { LEASE, SNAPSHOTS, snapshot, upgradeAccess, upgradeController } from './scene.ts';

vi.setConfig({ testTimeout: 300_000 });
const cluster = bed();
const [FROM, BETWEEN, TO] = ['v1.33.9+k3s1', 'v1.34.8+k3s1', 'v1.35.5+k3s1'] as const;
const SERVERS = ['s1', 's2', 's3'];
const NODES = [...SERVERS, 'a1', 'a2'];
const NAMESPACE = 'system-upgrade';
const PLANS = `/apis/upgrade.cattle.io/v1/namespaces/${NAMESPACE}/plans`;
const JOBS = `/apis/batch/v1/namespaces/${NAMESPACE}/jobs`;
/** A Plan of someone else, for Nodes that are not there. */
const THEIRS: Body = {
  apiVersion: 'upgrade.cattle.io/v1',
  kind: 'Plan',
  metadata: { name: 'os', namespace: NAMESPACE },
  spec: {
    concurrency: 1,
    serviceAccountName: 'system-upgrade',
    nodeSelector: { matchLabels: { 'example.com/os': 'old' } },
    version: 'v3',
    upgrade: { image: 'example.com/os-upgrade' },
  },
};

const controllerIn = (namespace: string): Body => upgradeController(namespace, 'v0.20.1', { tolerations: [{ operator: 'Exists' }] });

const play = playUpgrade(cluster);
/** Nodes on which the upgrade does not work. */
const broken = new Set<string>();
/** Held until it is opened: the container that replaces the binary. */
let gate: { reached: () => void; open: Promise<void> } | undefined;
/** Which Node got which version, in order. */
const done: string[] = [];
let actors: Actor[] = [];
let proxy: FaultProxy;
let kubeconfig: string;

beforeAll(async () => {
  await installCrd(cluster, 'plans-v1');
  await cluster.apply(SNAPSHOTS);
  await vi.waitFor(async () => expect((await cluster.request('GET', '/apis/k3s.cattle.io/v1/etcdsnapshotfiles')).status).toBe(200), {
    timeout: 30_000,
    interval: 100,
  });
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  proxy = await startFaultProxy(cluster);
  kubeconfig = await proxy.kubeconfigFrom(cluster.kubeconfig);
  actors.push(
    await startKubelet(cluster, {
      nodes: NODES.map((name) => ({
        name,
        kubeletVersion: FROM,
        ...(SERVERS.includes(name)
          ? { labels: { 'node-role.kubernetes.io/control-plane': 'true', 'node-role.kubernetes.io/etcd': 'true' } }
          : {}),
      })),
      play: {
        ...play,
        container: async (container, pod, ended) => {
          const node: string = pod.spec.nodeName;
          if (container.name === 'upgrade' && gate) {
            gate.reached();
            await gate.open;
          }
          if (container.name === 'upgrade' && broken.has(node))
            return { exit: 1, log: 'cp: error writing /host/usr/local/bin/k3s: No space left on device\n' };
          const ending = await play.container(container, pod, ended);
          if (container.name === 'upgrade' && ending && 'exit' in ending && ending.exit === 0)
            done.push(`${node} ${await versionOf(node)}`);
          return ending;
        },
      },
    }),
    await startSystemUpgrade(cluster, { generation: 'v0.20', namespace: NAMESPACE, backoffLimit: 0 }),
  );
  await cluster.apply(controllerIn(NAMESPACE), ...upgradeAccess(NAMESPACE));
  await cluster.apply(THEIRS);
});
afterAll(async () => {
  for (const actor of actors.reverse()) await actor.stop();
  actors = [];
  await proxy?.close();
});
beforeEach(async () => {
  // Fresh for both hops: the step that a person takes is seen to be done.
  await cluster.apply(snapshot('on-demand'), snapshot('before-1.35.5-k3s1'));
  await vi.waitFor(
    async () => {
      const { body } = await cluster.request('GET', `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/system-upgrade-controller`);
      expect(body.status.readyReplicas).toBe(1);
    },
    { timeout: 60_000, interval: 100 },
  );
});
afterEach(async () => {
  proxy.faults.length = 0;
  broken.clear();
  gate = undefined;
  done.length = 0;
  await cluster.request('DELETE', LEASE);
  await cluster.remove(...(await ours()).map((plan) => ({ ...plan, apiVersion: 'upgrade.cattle.io/v1', kind: 'Plan' })));
  await cluster.remove(...(await items(JOBS)).map((job) => ({ ...job, apiVersion: 'batch/v1', kind: 'Job' })));
  const pods = await items(`/api/v1/namespaces/${NAMESPACE}/pods?labelSelector=upgrade.cattle.io/plan`);
  await cluster.remove(...pods.map((pod) => ({ ...pod, apiVersion: 'v1', kind: 'Pod' })));
  for (const node of NODES) {
    await cluster.request('PATCH', `/api/v1/nodes/${node}`, { spec: { unschedulable: null } });
    await cluster.request('PATCH', `/api/v1/nodes/${node}/status`, { status: { nodeInfo: { kubeletVersion: FROM } } });
  }
});

const items = async (path: string): Promise<Body[]> => (await cluster.request('GET', path)).body.items;
const ours = async () => (await items(PLANS)).filter(({ metadata }) => metadata.name !== THEIRS.metadata.name);
const nodes = () => items('/api/v1/nodes');
const versionOf = async (name: string): Promise<string> =>
  (await cluster.request('GET', `/api/v1/nodes/${name}`)).body.status.nodeInfo.kubeletVersion;
const call = (words: string[], home: string): Promise<Ran> => run(words, { kubeconfig, home, env: hastened(20) });
const shown = ({ stdout, stderr }: Ran) => `${stdout}${stderr}`;
const upgrade = ['upgrade', 'k3s', '--to', `k3s=${TO}`];

async function upgraded(): Promise<void> {
  const now = await nodes();
  expect(now.map(({ status }) => status.nodeInfo.kubeletVersion)).toEqual(NODES.map(() => TO));
  expect(now.filter(({ spec }) => spec.unschedulable)).toEqual([]);
  // Every Node once in each hop, servers before agents, one minor before the next.
  const order = [BETWEEN, TO].flatMap((version) => [SERVERS, ['a1', 'a2']].map((names) => names.map((name) => `${name} ${version}`)));
  expect(done).toHaveLength(order.flat().length);
  for (const group of order) expect(done.splice(0, group.length).sort()).toEqual(group);
  expect(await ours()).toEqual([]);
  expect((await items(PLANS)).map(({ metadata }) => metadata.name)).toEqual([THEIRS.metadata.name]);
  expect((await cluster.request('GET', LEASE)).status).toBe(404);
}

/** Of each role; a wait and a patch among them are for an undo. */
const ROLE_STEPS = ['create', 'wait', 'patch', 'wait'];

test('two hops, killed at every stage and in the middle of hops, and resumed each time', async () => {
  const home = newHome();
  // For maintenance, by a person; the controller uncordons it all the same.
  expect((await cluster.kubectl(['cordon', 'a2'])).code).toBe(0);
  const planned = await call(['plan', ...upgrade.slice(1), '-o', 'json'], home);
  const plan = JSON.parse(planned.stdout);
  expect(plan.stages.flatMap(({ hop, steps }: Body) => steps.map((step: Body) => `${hop} ${step.do}`))).toEqual(
    [BETWEEN, TO].flatMap((hop) =>
      [...(hop === TO ? ['recheck'] : []), 'manual', ...ROLE_STEPS, ...ROLE_STEPS, 'delete', 'delete'].map((doing) => `${hop} ${doing}`),
    ),
  );
  const isPlan = (name: string) => new RegExp(`/plans/${name}`);
  const places: [where: string, fault: Omit<Fault, 'andThen'>][] = [];
  for (const hop of ['1.34', '1.35']) {
    const server = `upgrade-guard-server-${hop}`;
    if (hop === '1.35')
      places.push([`${hop}: while everything is looked at again`, { do: 'answer-then', method: 'GET', path: /io\/v1\/plans\?/ }]);
    places.push(
      [`${hop}: before the Plan of the servers is sent`, { do: 'hold', method: 'POST', path: PLANS }],
      [`${hop}: the Plan of the servers unanswered`, { do: 'forward-unanswered', method: 'POST', path: PLANS }],
      [`${hop}: while servers are upgraded`, { do: 'answer-then', path: /\/nodes\?/, nth: 5 }],
      [`${hop}: the Plan of the agents unanswered`, { do: 'forward-unanswered', method: 'POST', path: PLANS }],
      [`${hop}: while agents are upgraded`, { do: 'answer-then', path: /\/nodes\?/, nth: 5 }],
      [`${hop}: before a Plan is removed`, { do: 'hold', method: 'DELETE', path: isPlan(server) }],
      [`${hop}: a removal unanswered`, { do: 'forward-unanswered', method: 'DELETE', path: isPlan('upgrade-guard') }],
    );
  }
  const interrupted: string[] = [];
  let words = [...upgrade, '--yes'];
  for (const [where, fault] of places) {
    const it = start(words, { kubeconfig, home, env: hastened(20), input: '' });
    proxy.faults.push({ ...fault, andThen: () => it.kill() } as Fault);
    const ran = await it.ended;
    proxy.faults.length = 0;
    expect(ran.signal, `${where}\n${shown(ran)}`).toBe('SIGKILL');
    interrupted.push(where);
    words = ['resume', '--yes'];
  }
  const last = await call(words, home);
  expect(last.code, shown(last)).toBe(0);
  expect(last.stderr).toMatch(/Node a2 was cordoned before the upgrade.*\n +kubectl cordon a2\n/);
  expect(interrupted).toHaveLength(places.length);
  await upgraded();
  const again = await call(['resume', '--yes'], home);
  expect([again.code, again.stderr]).toEqual([0, expect.stringContaining('Nothing is left to do')]);
  // Nodes that were upgraded stay so: the run does not offer what it cannot do.
  expect(last.stderr).not.toContain('To undo it');
  const back = await call(['undo', '--yes'], home);
  expect([back.code, back.stderr]).toEqual([0, expect.stringMatching(/Nothing to undo/)]);
});

/** An upgrade that has stopped because the second server of its first hop failed, whichever that is. */
async function failing(home: string): Promise<Ran> {
  const it = start([...upgrade, '--yes'], { kubeconfig, home, env: hastened(20), input: '' });
  const first = vi.waitFor(() => expect(done).toHaveLength(1), { timeout: 60_000, interval: 20 });
  const early = await Promise.race([first.then(() => undefined), it.ended]).catch(async () => {
    it.kill();
    return it.ended;
  });
  expect(early && shown(early)).toBeUndefined();
  for (const name of SERVERS) if (!done[0]!.startsWith(name)) broken.add(name);
  const ran = await it.ended;
  expect(ran.code, shown(ran)).toBe(4);
  // One server is upgraded, one has failed, one was not begun; no agent, no second hop.
  expect((await nodes()).map(({ status }) => status.nodeInfo.kubeletVersion).filter((version) => version !== FROM)).toEqual([BETWEEN]);
  expect((await ours()).map(({ metadata }) => metadata.name)).toEqual([expect.stringContaining('server-1.34')]);
  const failed = (await items(JOBS)).filter(({ status }) => status.conditions?.some(({ type }: Body) => type === 'Failed'));
  expect(failed).toHaveLength(1);
  expect(ran.stderr).toContain(failed[0]!.metadata.name);
  return ran;
}

test('a hop whose second server fails stops there and says how it is tried again; that done, it goes on to the end', async () => {
  const home = newHome();
  const ran = await failing(home);
  broken.clear();
  const retry = ran.stderr.split('\n').filter((line) => /^ +kubectl (?:logs|delete|annotate) /.test(line));
  expect(retry).toHaveLength(3);
  for (const line of retry) {
    const words = line.trim().replace('"$(date +%s)"', '1').split(' ').slice(1);
    const { code, stdout, stderr } = await cluster.kubectl(words);
    expect(code, `${line}\n${stderr}`).toBe(0);
    if (words[0] === 'logs') expect(stdout).toContain('No space left on device');
  }
  expect(ran.stderr).toMatch(/annotate .*\n +\S+ resume \S+/);
  const resumed = await call(['resume', '--yes'], home);
  expect(resumed.code, shown(resumed)).toBe(0);
  await upgraded();
});

test('or it is given up: the Node that failed is given back by its Job and log, then our Plan goes; an undo that would delete these first is refused', async () => {
  const home = newHome();
  const ran = await failing(home);
  const id = /resume (\S+)/.exec(ran.stderr)![1]!;
  const left = (await nodes()).filter(({ spec }) => spec.unschedulable).map(({ metadata }) => metadata.name);
  expect(left).toHaveLength(1);
  const commands = ran.stderr.split('\n').flatMap((line) => /^ {5}upgrade-guard ((?:fix|undo) .*)$/.exec(line)?.[1] ?? []);
  expect(commands).toEqual([`fix k3s/nodes-cordoned-by-plan --take-over ${id}`, `undo ${id} --yes`]);
  const early = await call(['undo', id, '--yes'], home);
  expect([early.code, early.stderr]).toEqual([1, expect.stringContaining(`Node ${left[0]} was left cordoned by Plan`)]);
  expect(early.stderr).toContain(commands[0]);
  for (const command of commands) {
    const { code, stdout, stderr } = await call([...command.replace(/ --yes$/, '').split(' '), '--yes'], home);
    expect(code, `${command}\n${stdout}${stderr}`).toBe(0);
  }
  // A Job that the controller made again before it saw its Plan go is the garbage collector's.
  await vi.waitFor(async () => expect([await ours(), await items(JOBS)]).toEqual([[], []]), { timeout: 60_000, interval: 100 });
  expect((await nodes()).filter(({ spec }) => spec.unschedulable)).toEqual([]);
  expect((await cluster.request('GET', LEASE)).status).toBe(404);
  // Nothing is in the way of the next one.
  expect((await call(['undo', '--yes'], home)).stderr).toMatch(/Nothing to undo|undone/);
  expect((await call([...upgrade, '--dry-run=client'], home)).code).toBe(0);
});

/** An upgrade that was cut off by Ctrl-C while the first server has its binary replaced; `ends`: lets that Job end. */
async function cutOff(home: string): Promise<{ id: string; ends: () => void }> {
  const [reached, opened] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  gate = { reached: reached.resolve, open: opened.promise };
  const it = start([...upgrade, '--yes'], { kubeconfig, home, env: hastened(20), input: '' });
  await Promise.race([reached.promise, it.ended]);
  it.child.kill('SIGINT');
  const ran = await it.ended;
  expect(ran.code, shown(ran)).toBe(4);
  expect(ran.stderr).toMatch(
    /Plan system-upgrade\/upgrade-guard-server-\S+ remains: system-upgrade-controller continues to upgrade its Nodes\./,
  );
  return { id: /upgrade-guard undo (\S+)/.exec(ran.stderr)![1]!, ends: opened.resolve };
}
/** An undo that has paused the Plan. */
async function paused(it: Started): Promise<void> {
  const is = vi.waitFor(async () => expect((await ours())[0]?.spec.concurrency).toBe(0), { timeout: 30_000, interval: 50 });
  const early = await Promise.race([is.then(() => undefined), it.ended]);
  expect(early && shown(early)).toBeUndefined();
}
const running = async () => (await items(JOBS)).filter(({ status }) => status.active);

test('an undo pauses the Plan and waits for the Job that runs, also when it is killed meanwhile: that Node is upgraded, no other is begun', async () => {
  const home = newHome();
  const { id, ends } = await cutOff(home);
  const cut = start(['undo', id, '--yes'], { kubeconfig, home, env: hastened(20), input: '' });
  await paused(cut);
  cut.kill();
  await cut.ended;
  // The Job does not end in the time that it has (20 minutes): nothing is deleted, and how it continues is said.
  const late = await run(['undo', id, '--yes'], { kubeconfig, home, env: hastened(60) });
  expect([late.code, late.stderr], shown(late)).toEqual([4, expect.stringMatching(/timed out after 1200 s: .*, then undo/)]);
  expect(late.stderr).toMatch(/kubectl get pods -n system-upgrade -l upgrade\.cattle\.io\/plan=upgrade-guard-server-\S+ -o wide/);
  expect(late.stderr.trimEnd().split('\n').at(-1)).toContain(`undo ${id}`);
  expect([(await ours()).length, (await running()).length]).toEqual([1, 1]);
  const it = start(['undo', id, '--yes'], { kubeconfig, home, env: hastened(20), input: '' });
  // Long enough for an undo that does not wait: it takes a second.
  const early = await Promise.race([it.ended, new Promise((resolve) => setTimeout(resolve, 4000))]);
  expect(early).toBeUndefined();
  expect([(await ours()).length, (await running()).length]).toEqual([1, 1]);
  ends();
  const ran = await it.ended;
  expect(ran.code, shown(ran)).toBe(0);
  expect(await ours()).toEqual([]);
  expect(done).toHaveLength(1);
  const now = await nodes();
  expect(now.filter(({ status }) => status.nodeInfo.kubeletVersion !== FROM)).toHaveLength(1);
  expect(now.filter(({ spec }) => spec.unschedulable)).toEqual([]);
});

test('and one whose Job fails meanwhile keeps the Plan until its Node is given back', async () => {
  const home = newHome();
  const { id, ends } = await cutOff(home);
  for (const name of SERVERS) broken.add(name);
  const it = start(['undo', id, '--yes'], { kubeconfig, home, env: hastened(20), input: '' });
  await paused(it);
  ends();
  const ran = await it.ended;
  expect(ran.code, shown(ran)).toBe(4);
  expect(ran.stderr).toContain(`upgrade-guard fix k3s/nodes-cordoned-by-plan --take-over ${id}`);
  expect(await ours()).toHaveLength(1);
  for (const words of [
    ['fix', 'k3s/nodes-cordoned-by-plan', '--take-over', id],
    ['undo', id],
  ]) {
    const { code, stdout, stderr } = await call([...words, '--yes'], home);
    expect(code, `${words}\n${stdout}${stderr}`).toBe(0);
  }
  expect(await ours()).toEqual([]);
  expect((await nodes()).filter(({ spec }) => spec.unschedulable)).toEqual([]);
});

test('without a controller the manifest that is given is installed first, where it says so; undone, it is gone', async () => {
  await cluster.remove(controllerIn(NAMESPACE));
  const home = newHome();
  const file = join(home, 'controller.yaml');
  const account: Body = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'own', namespace: 'own-upgrade' } };
  const namespace: Body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'own-upgrade' } };
  const given = [controllerIn('own-upgrade'), account, namespace];
  writeFileSync(file, given.map((object) => JSON.stringify(object)).join('\n---\n'));
  const words = [...upgrade, '--controller', file];
  const shownFirst = await call([...words, '--dry-run=client'], home);
  expect([shownFirst.code, shown(shownFirst)]).toEqual([
    0,
    expect.stringContaining('Install system-upgrade-controller 0.20.1 (--controller)'),
  ]);
  const it = start([...words, '--yes'], { kubeconfig, home, env: hastened(20), input: '' });
  proxy.faults.push({ do: 'hold', method: 'POST', path: /namespaces\/own-upgrade\/plans/, andThen: () => it.kill() } as Fault);
  const ran = await it.ended;
  proxy.faults.length = 0;
  expect(ran.signal, shown(ran)).toBe('SIGKILL');
  for (const object of given) expect(await cluster.get(object), object.kind).toBeDefined();
  const theirs: Body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'theirs', namespace: 'own-upgrade' }, data: { a: 'b' } };
  await cluster.apply(theirs);
  const inPart = await call(['undo', '--yes'], home);
  expect([inPart.code, shown(inPart)]).toEqual([4, expect.stringContaining('the Namespace still contains ConfigMap own-upgrade/theirs')]);
  expect(await cluster.get(theirs)).toMatchObject({ data: theirs.data });
  await cluster.remove(theirs);
  const undone = await call(['undo', '--yes'], home);
  expect(undone.code, shown(undone)).toBe(0);
  const there = await cluster.get(namespace);
  expect(there === undefined || there.metadata.deletionTimestamp !== undefined).toBe(true);
  for (const object of given.slice(0, 2)) expect(await cluster.get(object), object.kind).toBeUndefined();
  expect((await cluster.request('GET', LEASE)).status).toBe(404);
  await cluster.apply(controllerIn(NAMESPACE));
});

test('without a controller and without a manifest the built-in one is installed: the API server takes every object, its Pod is scheduled, the upgrade goes through, and Nodes that were cordoned are cordoned again', async () => {
  await cluster.remove(controllerIn(NAMESPACE), ...upgradeAccess(NAMESPACE));
  expect((await cluster.kubectl(['cordon', 'a2'])).code).toBe(0);
  const home = newHome();
  const ran = await call(['upgrade', 'k3s', '--to', `k3s=${BETWEEN}`, '--cordon-again', '--yes'], home);
  expect(ran.code, shown(ran)).toBe(0);
  expect(ran.stderr).not.toContain('was cordoned before the upgrade, and the controller has uncordoned it');
  const now = await nodes();
  expect(now.map(({ status }) => status.nodeInfo.kubeletVersion)).toEqual(NODES.map(() => BETWEEN));
  expect(
    now.filter(({ spec }) => spec.unschedulable).map(({ metadata }) => metadata.name),
    shown(ran),
  ).toEqual(['a2']);
});
