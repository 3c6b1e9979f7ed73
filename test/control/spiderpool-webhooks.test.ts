// Remedies of Spiderpool behind webhooks that refuse what the real ones were recorded to refuse: their writes get through, or nothing is sent and the reason is given.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Actor, startAdmission, startKubelet, startSpiderpool } from '../bed/actors/index.ts';
import { refusedBy } from '../bed/actors/spiderpool-refusals.ts';
import { hastened, newHome, run } from '../bed/binary.ts';
import type { Body } from '../bed/client.ts';
import { installCrd } from '../bed/crds.ts';
import { crdsOf } from '../bed/crds-of.ts';
import { bed } from '../bed/index.ts';
import { putStored } from '../bed/store.ts';

const cluster = bed();
const apiVersion = 'spiderpool.spidernet.io/v2beta1';
const namespace = 'sp-hooks';
const P = 'ipam.spidernet.io/';
const soon = <T>(look: () => Promise<T>) => vi.waitFor(look, { timeout: 20_000, interval: 100 });

const labels = { 'app.kubernetes.io/name': 'spiderpool', 'app.kubernetes.io/instance': 'spiderpool', 'app.kubernetes.io/version': '0.9.4' };
const controller: Body = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'spiderpool-controller', namespace, labels },
  spec: {
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: {
        hostNetwork: true,
        containers: [{ name: 'c', image: 'registry.example/spidernet-io/spiderpool/spiderpool-controller:v0.9.4' }],
      },
    },
  },
};
/** Those of the chart: SpiderEndpoints have none since 0.4.0. */
const KINDS = { spiderippool: 'spiderippools', spidercoordinator: 'spidercoordinators' };
const webhooks: Body = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  metadata: { name: 'spiderpool-controller' },
  webhooks: Object.entries(KINDS).map(([kind, resource]) => ({
    ...{ name: `${kind}.spiderpool.spidernet.io`, failurePolicy: 'Fail', sideEffects: 'None', admissionReviewVersions: ['v1'] },
    ...{ timeoutSeconds: 2, clientConfig: { service: { name: 'spiderpool-controller', namespace, path: '/validate' }, caBundle: '' } },
    rules: [{ apiGroups: ['spiderpool.spidernet.io'], apiVersions: ['*'], operations: ['CREATE', 'UPDATE'], resources: [resource] }],
  })),
};
/** With podResourceInject, as the chart makes it for namespacesInclude: no Pod is created there without it. */
const APPS = 'sp-apps';
const pods: Body = {
  ...{ apiVersion: 'admissionregistration.k8s.io/v1', kind: 'MutatingWebhookConfiguration', metadata: { name: 'spiderpool-controller' } },
  webhooks: [
    {
      ...{ name: 'pods.spiderpool.spidernet.io', failurePolicy: 'Fail', sideEffects: 'None', admissionReviewVersions: ['v1'] },
      ...{ timeoutSeconds: 2, clientConfig: { service: { name: 'spiderpool-controller', namespace, path: '/mutate--v1-pod' } } },
      namespaceSelector: { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: [APPS] }] },
      rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
    },
  ],
};
const web: Body = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace },
  spec: {
    replicas: 0,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'registry.example/c:1' }] } },
  },
};
const settings: Body = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'spiderpool-conf', namespace },
  data: { 'conf.yml': 'clusterDefaultIPv4IPPool: [plain]\n' },
};
const pool = (name: string, ips: string, spec: object = {}, metadata: object = {}): Body => ({
  apiVersion,
  kind: 'SpiderIPPool',
  metadata: { name, ...metadata },
  spec: { ipVersion: 4, subnet: '10.6.0.0/16', ips: [ips], ...spec },
  status: { allocatedIPCount: 0 },
});
/** Of 0.9.0, which gives txQueueLen no default. */
const coordinators: Body = crdsOf('0.9.0').find(({ metadata }: Body) => metadata.name.startsWith('spidercoordinators.'))!;
const coordinator = (hijackCIDR: string[]): Body => ({
  ...{ apiVersion, kind: 'SpiderCoordinator', metadata: { name: 'default' } },
  spec: { mode: 'auto', hijackCIDR, detectGateway: false, detectIPConflict: false, hostRPFilter: 0, hostRuleTable: 500 },
  status: { phase: 'Synced' },
});
const endpoint: Body = {
  ...{ apiVersion, kind: 'SpiderEndpoint', metadata: { name: 'bare', namespace } },
  status: { current: { uid: 'u', node: 'n1', ips: [] }, ownerControllerType: 'None', ownerControllerName: '' },
};
/** `subnet`: of another one, it is another pool of the same application. */
const old = (uid: string, subnet: string) => ({
  labels: { [`${P}owner-spider-subnet`]: subnet, [`${P}owner-application-uid`]: uid },
  annotations: { [`${P}application`]: `apps/v1:Deployment:${namespace}:web` },
});
const OLD_AFFINITY = { podAffinity: { matchLabels: { app: 'web' } } };

let admission: Awaited<ReturnType<typeof startAdmission>>;
const actors: Actor[] = [];
const tool = (...words: string[]) =>
  run([...words, '-n', namespace], { kubeconfig: cluster.kubeconfig, home: newHome(), env: hastened(10) });
const scaled = async (replicas: number) => {
  const at = `/apis/apps/v1/namespaces/${namespace}/deployments/spiderpool-controller`;
  await cluster.request('PATCH', at, { spec: { replicas } });
  await soon(async () => expect((await cluster.request('GET', at)).body.status.readyReplicas ?? 0).toBe(replicas));
};
const patched = (name: string, patch: object) => cluster.request('PATCH', `/apis/${apiVersion}/spiderippools/${name}`, patch);

beforeAll(async () => {
  await installCrd(cluster, 'spiderippools-v2beta1');
  await installCrd(cluster, 'spiderendpoints-v2beta1');
  await cluster.apply(coordinators);
  const listed = () => cluster.request('GET', `/apis/${apiVersion}/spidercoordinators`);
  await soon(async () => expect((await listed()).status).toBe(200));
  const spiderpool = await startSpiderpool(cluster);
  actors.push(await startKubelet(cluster, { nodes: ['n1'], ips: spiderpool.ips }), spiderpool);
  await cluster.apply(...[namespace, APPS].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })));
  await cluster.apply(controller, web, settings);
  const { uid } = (await cluster.get(web)).metadata;
  // As they were made before the webhooks that judge them now.
  await cluster.apply(
    pool('auto-web', '10.6.1.1-10.6.1.4', OLD_AFFINITY, old(uid, 'subnet-a')),
    pool('gives-gateway', '10.6.2.1-10.6.2.4', { gateway: '10.6.2.1', ...OLD_AFFINITY }, old(uid, 'subnet-b')),
    pool('plain', '10.6.3.1-10.6.3.4'),
    ...[coordinator(['nonsense']), endpoint],
  );
  admission = await startAdmission(cluster, refusedBy);
  await cluster.apply(admission.led(webhooks), admission.led(pods));
  await soon(async () => expect((await patched('gives-gateway', { metadata: { labels: { x: 'y' } } })).status).not.toBe(200));
});
afterAll(async () => {
  await cluster.remove(webhooks, pods);
  await admission.stop();
  for (const actor of actors) await actor.stop();
});

// ---- addresses ------------------------------------------------------------------------------------------------------

const workload = (kind: string, name: string, from: string): Body => ({
  ...{ apiVersion: 'apps/v1', kind, metadata: { name, namespace: APPS } },
  spec: {
    ...(kind === 'StatefulSet' ? { serviceName: name } : {}),
    ...{ replicas: 1, selector: { matchLabels: { app: name } } },
    template: {
      metadata: { labels: { app: name }, annotations: { [`${P}ippool`]: JSON.stringify({ ipv4: [from] }) } },
      spec: { containers: [{ name: 'c', image: 'registry.example/c:1' }] },
    },
  },
});
const podOf = (app: string): Promise<Body> =>
  soon(async () => {
    const { items } = (await cluster.request('GET', `/api/v1/namespaces/${APPS}/pods?labelSelector=app%3D${app}`)).body;
    const [one] = items.filter(({ metadata }: Body) => !metadata.deletionTimestamp);
    expect(one?.status.podIP).toBeDefined();
    return one;
  });
const recordsOf = async (name: string): Promise<Body> => JSON.parse((await cluster.get(pool(name, ''))).status.allocatedIPs || '{}');
const setRecords = (name: string, records: Body) =>
  cluster.request('PATCH', `/apis/${apiVersion}/spiderippools/${name}/status`, {
    status: { allocatedIPs: JSON.stringify(records), allocatedIPCount: Object.keys(records).length },
  });
/** As garbage collection took it, and another Pod got the address. */
async function conflict(name: string, ips: string): Promise<string> {
  await cluster.apply(pool(name, ips), workload('StatefulSet', `${name}-db`, name));
  const address = (await podOf(`${name}-db`)).status.podIP;
  await setRecords(name, {});
  await cluster.apply(workload('Deployment', `${name}-web`, name));
  expect((await podOf(`${name}-web`)).status.podIP).toBe(address);
  return address;
}
/** Of an earlier Pod of the name of one that waits for an IP. */
const waiting: Body = {
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'llm-0', namespace } },
  spec: { nodeSelector: { placed: 'nowhere' }, containers: [{ name: 'c', image: 'registry.example/c:1' }] },
};
const stale: Body = {
  ...{ apiVersion, kind: 'SpiderEndpoint', metadata: { name: 'llm-0', namespace, finalizers: ['spiderpool.spidernet.io'] } },
  status: {
    current: { uid: 'earlier', node: 'n1', ips: [{ interface: 'eth0', ipv4: '10.6.3.3/16', ipv4Pool: 'plain' }] },
    ...{ ownerControllerType: 'Job', ownerControllerName: 'llm' },
  },
};
/** No client may write when a Pod was created. */
async function staleFor(ms: number): Promise<void> {
  await cluster.apply(stale);
  await setRecords('plain', { '10.6.3.3': { pod: `${namespace}/llm-0`, podUid: 'earlier' } });
  const { metadata, ...rest } = await cluster.get(waiting);
  const { resourceVersion: _, ...its } = metadata;
  const creationTimestamp = new Date(Date.now() - ms).toISOString().replace(/\.\d+/, '');
  await putStored(cluster.etcd, `/registry/pods/${namespace}/llm-0`, { ...rest, metadata: { ...its, creationTimestamp } });
  await soon(async () => expect((await cluster.get(waiting)).metadata.creationTimestamp).toBe(creationTimestamp));
}
const DUPLICATE = ['fix', 'spiderpool/duplicate-pod-ip', '--yes'];

describe('the webhook', () => {
  test.each<[string, string, object, RegExp]>([
    ['a changed subnet', 'plain', { spec: { subnet: '10.7.0.0/16' } }, /spec\.subnet: Forbidden: is not changeable/],
    ['a gateway in the ranges', 'plain', { spec: { gateway: '10.6.3.1' } }, /conflicts with 'spec\.gateway' 10\.6\.3\.1/],
    // The upgrade guide adds the labels one by one.
    [
      'a label alone',
      'auto-web',
      { metadata: { labels: { [`${P}owner-application-name`]: 'web' } } },
      /invalid to add additional podAffinity matchLabels/,
    ],
  ])('refuses %s', async (_, name, patch, message) => {
    const { status, body } = await patched(name, patch);
    expect([status, body.message]).toEqual([expect.any(Number), expect.stringMatching(message)]);
    expect(status).toBeGreaterThanOrEqual(400);
  });
});

test('the webhook of SpiderCoordinators refuses a hijackCIDR that is none', async () => {
  const { body } = await cluster.request('PATCH', `/apis/${apiVersion}/spidercoordinators/default`, { spec: { mode: 'underlay' } });
  expect(body.message).toMatch(/unable to parse IP/);
});

describe('with a controller that is ready', () => {
  beforeAll(() => scaled(1));

  test('labels and podAffinity in one write get through; of a pool that it would reject nothing is sent', async () => {
    const asked = admission.seen.length;
    const ran = await tool('fix', 'spiderpool/auto-pool-labels', '--yes');
    // The other one remains.
    expect(ran.code, ran.stdout + ran.stderr).toBe(2);
    expect(ran.stdout + ran.stderr).toContain('add the gateway to spec.excludeIPs first');
    expect(admission.seen.slice(asked)).toEqual(['UPDATE SpiderIPPool auto-web']);
    const { spec, metadata } = await cluster.get(pool('auto-web', ''));
    expect(Object.keys(spec.podAffinity.matchLabels)).toHaveLength(5);
    expect(metadata.labels[`${P}owner-application-name`]).toBe('web');
  });

  test('fields of a SpiderCoordinator that it would reject are not sent; once that is corrected they get through, and so does a new one', async () => {
    const asked = admission.seen.length;
    const held = await tool('fix', 'spiderpool/coordinator-fields', '--yes');
    expect(held.code, held.stdout + held.stderr).toBe(2);
    expect(held.stdout + held.stderr).toContain('"nonsense" in spec.hijackCIDR is not an IP or a CIDR: correct it first');
    expect(admission.seen.slice(asked)).toEqual([]);
    await cluster.apply(coordinator(['169.254.0.0/16']));
    const ran = await tool('fix', 'spiderpool/coordinator-fields', '--yes');
    expect(ran.code, ran.stdout + ran.stderr).toBe(0);
    expect((await cluster.get(coordinator([]))).spec.txQueueLen).toBe(0);
    await cluster.remove(coordinator([]));
    const made = await tool('fix', 'spiderpool/coordinator-object', '--yes');
    expect(made.code, made.stdout + made.stderr).toBe(0);
    expect(admission.seen.at(-1)).toBe('CREATE SpiderCoordinator default');
    expect((await cluster.get(coordinator([]))).spec.txQueueLen).toBe(0);
  });

  test('the flag of a default pool gets through', async () => {
    const ran = await tool('fix', 'spiderpool/default-pool-flag', '--yes');
    expect(ran.code, ran.stdout + ran.stderr).toBe(0);
    expect((await cluster.get(pool('plain', ''))).spec.default).toBe(true);
    const undone = await cluster.request('PATCH', `/apis/${apiVersion}/spiderippools/plain`, { spec: { default: null } });
    expect(undone.status).toBe(200);
  });
});

test('of an IP conflict one Pod is evicted, and created again behind the webhook of Pods; nothing else is asked', async () => {
  const address = await conflict('dup4', '10.6.4.1-10.6.4.9');
  const asked = admission.seen.length;
  const ran = await tool(...DUPLICATE);
  expect(ran.code, ran.stdout + ran.stderr).toBe(0);
  await soon(async () => expect((await podOf('dup4-db')).status.podIP).not.toBe(address));
  expect(admission.seen.slice(asked)).toEqual([`CREATE Pod ${APPS}/dup4-db-0`]);
});

describe('with the controller down', () => {
  let shared: string;
  beforeAll(async () => {
    shared = await conflict('down4', '10.6.5.1-10.6.5.9');
    await cluster.apply(pool('lost4', '10.6.6.1-10.6.6.9'), workload('Deployment', 'lost4', 'lost4'), waiting);
    await podOf('lost4');
    await setRecords('lost4', {});
    await staleFor(180_000);
    await scaled(0);
    await admission.stop();
  });

  test('a write that the webhook would reject is not sent, and it says what to do first', async () => {
    const ran = await tool('fix', 'spiderpool/default-pool-flag', '--yes');
    expect(ran.code, ran.stdout + ran.stderr).toBe(2);
    expect(ran.stdout + ran.stderr).toContain(`while no Pod of Deployment ${namespace}/spiderpool-controller is ready: start one first`);
    expect((await patched('plain', { metadata: { labels: { x: 'y' } } })).body.message).toMatch(/failed calling webhook/);
  });

  test('fields of a SpiderCoordinator are not sent', async () => {
    const configuration = await cluster.get(webhooks);
    await cluster.remove(webhooks);
    await cluster.request('PATCH', `/apis/${apiVersion}/spidercoordinators/default`, { spec: { txQueueLen: null } });
    await cluster.apply({ ...webhooks, webhooks: configuration.webhooks });
    const ran = await tool('fix', 'spiderpool/coordinator-fields', '--yes');
    expect(ran.code, ran.stdout + ran.stderr).toBe(2);
    expect(ran.stdout + ran.stderr).toContain(`while no Pod of Deployment ${namespace}/spiderpool-controller is ready: start one first`);
  });

  test('no Pod is evicted that could not be created again, and its SpiderEndpoint stays', async () => {
    const was = await podOf('down4-db');
    const ran = await tool(...DUPLICATE);
    expect(ran.code, ran.stdout + ran.stderr).toBe(2);
    expect(ran.stdout + ran.stderr).toContain(`rejects new Pods while no Pod of Deployment ${namespace}/spiderpool-controller is ready`);
    expect((await podOf('down4-db')).metadata.uid).toBe(was.metadata.uid);
    const claim = { apiVersion, kind: 'SpiderEndpoint', metadata: { name: 'down4-db-0', namespace: APPS } };
    expect((await cluster.get(claim)).status.current.ips[0].ipv4).toContain(shared);
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'new', namespace: APPS },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    };
    expect((await cluster.request('POST', `/api/v1/namespaces/${APPS}/pods`, pod)).body.message).toMatch(/failed calling webhook/);
  });

  test('a record is put back, and the SpiderEndpoint of an earlier Pod goes with its record: neither passes a webhook', async () => {
    const { metadata, status } = await podOf('lost4');
    const ran = await tool('fix', 'spiderpool/unrecorded-pod-ip', 'spiderpool/stale-endpoint', '--yes');
    expect(ran.code, ran.stdout + ran.stderr).toBe(0);
    expect(await recordsOf('lost4')).toEqual({ [status.podIP]: { pod: `${APPS}/${metadata.name}`, podUid: metadata.uid } });
    expect(await cluster.get(stale)).toBeUndefined();
    expect(await recordsOf('plain')).toEqual({});
  });

  test('a status and a SpiderEndpoint pass no webhook: count, record and owner are corrected', async () => {
    const status = { allocatedIPCount: 3, allocatedIPs: '{"10.6.3.2":{"pod":"sp-hooks/ghost","podUid":"gone"}}' };
    await cluster.request('PATCH', `/apis/${apiVersion}/spiderippools/plain/status`, { status });
    const ran = await tool('fix', 'spiderpool/pool-state', 'spiderpool/leaked-ip', 'spiderpool/owner-controller-type', '--yes');
    expect(ran.code, ran.stdout + ran.stderr).toBe(0);
    const { allocatedIPs = '', allocatedIPCount } = (await cluster.get(pool('plain', ''))).status;
    expect([allocatedIPs, allocatedIPCount]).toEqual(['', 0]);
    expect((await cluster.get(endpoint)).status.ownerControllerType).toBe('Pod');
  });
});
