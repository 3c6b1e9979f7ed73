// Nodes by kwok and Pods placed by the real kube-scheduler, as the bed starts them: running, ending, what a test plays in their containers, logs, and silence after they were stopped.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Actor, type Ending, type KubeletOptions, startKubelet } from '../bed/actors/index.ts';
import type { Body } from '../bed/client.ts';
import { bed } from '../bed/index.ts';

const cluster = bed();
const started: Actor[] = [];
const NODES = ['n1', 'n2', 'n3'];
const kubelet = async (options: Partial<KubeletOptions> = {}) => {
  const actor = await startKubelet(cluster, { nodes: NODES, ...options });
  started.push(actor);
  return actor;
};
afterEach(async () => {
  for (const actor of started.splice(0)) await actor.stop();
  await cluster.remove(...NODES.map(nodeNamed));
});

const nodeNamed = (name: string) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } });
const container = (name: string, more: object = {}) => ({ name, image: `registry.example/${name}:1`, ...more });
const pod = (namespace: string, spec: object = {}, name = 'web') => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace, labels: { app: 'web' } },
  spec: { containers: [container('c')], ...spec },
});
const job = (namespace: string, spec: object = {}) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'once', namespace },
  spec: { backoffLimit: 0, template: { spec: { restartPolicy: 'Never', containers: [container('c')] } }, ...spec },
});
const soon = <T>(look: () => Promise<T>) => vi.waitFor(look, { timeout: 20_000, interval: 50 });
const condition = (object: Body, type: string) => object.status.conditions?.find((each: Body) => each.type === type)?.status;
const running = (object: Body) =>
  soon(async () => {
    const now = await cluster.get(object);
    expect([now?.status.phase, condition(now, 'Ready')]).toEqual(['Running', 'True']);
    return now;
  });
const unschedulable = (object: Body) =>
  soon(async () => {
    const now = await cluster.get(object);
    const { status, message } = now.status.conditions[0];
    expect(status).toBe('False');
    return message;
  });
const patchNode = (name: string, body: object) => cluster.request('PATCH', `/api/v1/nodes/${name}`, body);

describe('Nodes', () => {
  test('are Ready, with label and addresses, and without the taint of a new one', async () => {
    await kubelet({
      nodes: ['n1', { name: 'n2', labels: { zone: 'b' }, taints: [{ key: 'k', effect: 'NoSchedule' }], kubeletVersion: 'v1.30.1' }],
    });
    const [first, second] = [await cluster.get(nodeNamed('n1')), await cluster.get(nodeNamed('n2'))];
    expect(condition(first, 'Ready')).toBe('True');
    expect(first.spec.taints).toBeUndefined();
    expect(first.status.addresses).toContainEqual({ type: 'InternalIP', address: '172.18.0.2' });
    expect(second.metadata.labels).toMatchObject({ zone: 'b', 'kubernetes.io/hostname': 'n2' });
    expect(second.spec.taints).toEqual([{ key: 'k', effect: 'NoSchedule' }]);
    expect(second.status.nodeInfo.kubeletVersion).toBe('v1.30.1');
  });
  test('that are there already keep what they have', async () => {
    const addresses = [
      { type: 'InternalIP', address: '172.31.0.16' },
      { type: 'Hostname', address: 'n1' },
    ];
    await cluster.apply({ ...nodeNamed('n1'), status: { addresses, nodeInfo: nodeInfo('v1.27.4+k3s1') } });
    await kubelet();
    const { status } = await cluster.get(nodeNamed('n1'));
    expect(status.addresses).toEqual([...addresses, { type: 'InternalDNS', address: '127.0.0.1' }]);
    expect(status.nodeInfo.kubeletVersion).toBe('v1.27.4+k3s1');
  });
  test('carry the taint of a cordon as long as it lasts', async () => {
    await kubelet();
    expect((await cluster.kubectl(['cordon', 'n1'])).stdout).toBe('node/n1 cordoned\n');
    const taints = await soon(async () => {
      const { spec } = await cluster.get(nodeNamed('n1'));
      expect(spec.taints).toHaveLength(1);
      return spec.taints;
    });
    expect(taints[0]).toMatchObject({ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule', timeAdded: expect.any(String) });
    await cluster.kubectl(['uncordon', 'n1']);
    await soon(async () => expect((await cluster.get(nodeNamed('n1'))).spec.taints).toBeUndefined());
  });
});

const nodeInfo = (kubeletVersion: string) => ({
  ...{ kubeletVersion, kubeProxyVersion: kubeletVersion, machineID: '', systemUUID: '', bootID: '', kernelVersion: '', osImage: '' },
  ...{ containerRuntimeVersion: '', operatingSystem: 'linux', architecture: 'amd64' },
});

describe('Pods', () => {
  test('run on different Nodes with an address each; hostNetwork ones with that of their Node', async () => {
    await kubelet();
    const namespace = await cluster.namespace();
    const [one, two, host] = [pod(namespace), pod(namespace, {}, 'two'), pod(namespace, { hostNetwork: true }, 'host')];
    await cluster.apply(one, two, host);
    const [a, b, c] = [await running(one), await running(two), await running(host)];
    expect(new Set([a, b, c].map(({ spec }) => spec.nodeName)).size).toBe(3);
    expect(a.status.podIP).toMatch(/^10\.244\./);
    expect(a.status.podIPs).toEqual([{ ip: a.status.podIP }]);
    expect(b.status.podIP).not.toBe(a.status.podIP);
    expect(c.status.podIP).toBe(c.status.hostIP);
    expect(a.status.containerStatuses[0]).toMatchObject({ ready: true, state: { running: {} } });
  });
  test('get the addresses that the test gives, and wait for them', async () => {
    const { promise, resolve: give } = Promise.withResolvers<string[]>();
    await kubelet({ ips: () => promise });
    const object = pod(await cluster.namespace());
    await cluster.apply(object);
    await soon(async () => expect((await cluster.get(object)).spec.nodeName).toBeTruthy());
    await sleep(200);
    expect((await cluster.get(object)).status.phase).toBe('Pending');
    give(['10.6.168.41', 'fd00::41']);
    expect((await running(object)).status.podIPs).toEqual([{ ip: '10.6.168.41' }, { ip: 'fd00::41' }]);
  });
  test('a deleted one goes away without force, and its name can be used again', async () => {
    await kubelet();
    const object = pod(await cluster.namespace());
    await cluster.apply(object);
    const { uid } = (await running(object)).metadata;
    await cluster.request('DELETE', await cluster.path(object));
    await soon(async () => expect(await cluster.get(object)).toBeUndefined());
    await cluster.apply(object);
    expect((await running(object)).metadata.uid).not.toBe(uid);
  });
  test('a crashing one is not Ready, one without its image stays Pending', async () => {
    const played = ({ name }: Body): Ending => (name === 'crash' ? { exit: 1, log: 'boom\n' } : { waiting: 'ImagePullBackOff' });
    await kubelet({ play: { label: 'app', container: played } });
    const namespace = await cluster.namespace();
    const crash = pod(namespace, { containers: [container('crash')] });
    const missing = pod(namespace, { containers: [container('missing')] }, 'missing');
    await cluster.apply(crash, missing);
    await soon(async () => {
      const [a, b] = [await cluster.get(crash), await cluster.get(missing)];
      expect([a.status.phase, a.status.containerStatuses?.[0].state]).toEqual(['Running', { waiting: { reason: 'CrashLoopBackOff' } }]);
      expect([b.status.phase, b.status.containerStatuses?.[0].state]).toEqual(['Pending', { waiting: { reason: 'ImagePullBackOff' } }]);
    });
  });
  test('a Deployment becomes available, and rolls over', async () => {
    await kubelet();
    const template = (image: string) => ({ metadata: { labels: { app: 'd' } }, spec: { containers: [{ name: 'c', image }] } });
    const object = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd', namespace: await cluster.namespace() },
      spec: { replicas: 2, selector: { matchLabels: { app: 'd' } }, template: template('registry.example/d:1') },
    };
    await cluster.apply(object);
    await soon(async () => expect((await cluster.get(object)).status.readyReplicas).toBe(2));
    await cluster.request('PATCH', await cluster.path(object), { spec: { template: template('registry.example/d:2') } });
    await soon(async () => expect((await cluster.get(object)).status).toMatchObject({ updatedReplicas: 2, replicas: 2, readyReplicas: 2 }));
  });
  test('a DaemonSet gets one on each Node', async () => {
    await kubelet();
    const object = {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'd', namespace: await cluster.namespace() },
      spec: {
        selector: { matchLabels: { app: 'd' } },
        template: { metadata: { labels: { app: 'd' } }, spec: { containers: [container('c')] } },
      },
    };
    await cluster.apply(object);
    await soon(async () => expect((await cluster.get(object)).status.numberReady).toBe(3));
  });
});

describe('scheduling', () => {
  test('cordoned and tainted Nodes are left alone; room that opens is used', async () => {
    await kubelet({ nodes: ['n1', { name: 'n2', taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] }] });
    await cluster.kubectl(['cordon', 'n1']);
    const namespace = await cluster.namespace();
    const object = pod(namespace);
    await cluster.apply(object);
    expect(await unschedulable(object)).toMatch(
      /^0\/2 nodes are available: .*1 node\(s\) had untolerated taint.*1 node\(s\) were unschedulable/,
    );
    const tolerant = pod(namespace, { tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] }, 'tolerant');
    await cluster.apply(tolerant);
    expect((await running(tolerant)).spec.nodeName).toBe('n1');
    await patchNode('n2', { spec: { taints: null } });
    expect((await running(object)).spec.nodeName).toBe('n2');
  });
  test('selectors, affinity and host ports are kept', async () => {
    await kubelet({ nodes: [{ name: 'n1', labels: { disk: 'ssd' } }, 'n2'] });
    const namespace = await cluster.namespace();
    const ports = { containers: [container('c', { ports: [{ containerPort: 5722, hostPort: 5722 }] })], nodeSelector: { disk: 'ssd' } };
    const [first, second] = [pod(namespace, ports, 'first'), pod(namespace, ports, 'second')];
    const nodeSelectorTerms = [{ matchExpressions: [{ key: 'disk', operator: 'DoesNotExist' }] }];
    const away = pod(
      namespace,
      { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } } },
      'away',
    );
    await cluster.apply(first, away);
    expect((await running(first)).spec.nodeName).toBe('n1');
    expect((await running(away)).spec.nodeName).toBe('n2');
    await cluster.apply(second);
    expect(await unschedulable(second)).toContain('free ports');
    await cluster.request('DELETE', await cluster.path(first));
    expect((await running(second)).spec.nodeName).toBe('n1');
  });
});

describe('Jobs and logs', () => {
  test('a Job succeeds by default', async () => {
    await kubelet();
    const object = job(await cluster.namespace());
    await cluster.apply(object);
    await soon(async () => expect(condition(await cluster.get(object), 'Complete')).toBe('True'));
  });
  test('it fails by the rule of the test; init containers run first; real kubectl reads every log', async () => {
    const played = ({ name }: Body): Ending =>
      name === 'first' ? { exit: 0, log: 'node/n1 cordoned\n' } : { exit: 1, log: 'one\ntwo\nthree\n' };
    await kubelet({ play: { label: 'job-name', container: played } });
    const namespace = await cluster.namespace();
    const object = job(namespace);
    const spec = { ...object.spec.template.spec, initContainers: [container('first')] };
    await cluster.apply({ ...object, spec: { ...object.spec, template: { spec } } });
    await soon(async () => expect(condition(await cluster.get(object), 'Failed')).toBe('True'));
    const [made] = (await cluster.request('GET', `/api/v1/namespaces/${namespace}/pods`)).body.items;
    expect(made.status.phase).toBe('Failed');
    expect(made.status.initContainerStatuses[0].state.terminated).toMatchObject({ exitCode: 0, startedAt: expect.any(String) });
    const log = async (...args: string[]) => (await cluster.kubectl(['logs', '-n', namespace, made.metadata.name, ...args])).stdout;
    expect(await log('-c', 'first')).toBe('node/n1 cordoned\n');
    expect(await log('-c', 'c')).toBe('one\ntwo\nthree\n');
    expect(await log('-c', 'c', '--tail=1')).toBe('three\n');
    expect(await log('-c', 'c', '--limit-bytes=5')).toBe('one\nt');
  });
  test('a failing init container ends its Pod before the rest starts', async () => {
    const played: string[] = [];
    const object = pod(await cluster.namespace(), { restartPolicy: 'Never', initContainers: [container('init')] });
    await kubelet({
      play: {
        label: 'app',
        container: ({ name }, { metadata }) => {
          if (metadata.namespace === object.metadata.namespace) played.push(name);
          return { exit: 1 };
        },
      },
    });
    await cluster.apply(object);
    await soon(async () => expect((await cluster.get(object)).status.phase).toBe('Failed'));
    expect(played).toEqual(['init']);
  });
  test('a Job that is deleted while it runs leaves no Pod', async () => {
    await kubelet({ play: { label: 'job-name', container: () => new Promise(() => {}) } });
    const namespace = await cluster.namespace();
    const object = job(namespace);
    await cluster.apply(object);
    const pods = async () => (await cluster.request('GET', `/api/v1/namespaces/${namespace}/pods`)).body.items;
    await soon(async () => expect((await pods())[0]?.status.phase).toBe('Running'));
    await cluster.request('DELETE', `${await cluster.path(object)}?propagationPolicy=Foreground`);
    await soon(async () => expect([await pods(), await cluster.get(object)]).toEqual([[], undefined]));
  });
});

describe('stopped', () => {
  test('nothing is run or finished any more; the next one goes on', async () => {
    const first = await kubelet();
    const namespace = await cluster.namespace();
    const [old, young] = [pod(namespace, {}, 'old'), pod(namespace, {}, 'young')];
    await cluster.apply(old);
    await running(old);
    await first.stop();
    await cluster.apply(young);
    await cluster.request('DELETE', await cluster.path(old));
    await soon(async () => expect((await cluster.get(young)).spec.nodeName).toBeTruthy());
    await sleep(500);
    expect((await cluster.get(young)).status.phase).toBe('Pending');
    expect((await cluster.get(old)).metadata.deletionTimestamp).toBeTruthy();
    await kubelet();
    await running(young);
    await soon(async () => expect(await cluster.get(old)).toBeUndefined());
  });
  test('what went wrong while it played is told by stop', async () => {
    const container = () => Promise.reject(new Error('a rule of the test is broken'));
    const actor = await startKubelet(cluster, { nodes: NODES, play: { label: 'app', container } });
    await cluster.apply(pod(await cluster.namespace()));
    await sleep(500);
    await expect(actor.stop()).rejects.toThrow('a rule of the test is broken');
  });
});
