// Remedies of Spiderpool behind webhooks that refuse what the real ones were recorded to refuse: their writes get through, or nothing is sent and the reason is given.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Actor, startAdmission, startKubelet } from '../bed/actors/index.ts';
import { refusedBy } from '../bed/actors/spiderpool-refusals.ts';
import { hastened, newHome, run } from '../bed/binary.ts';
import type { Body } from '../bed/client.ts';
import { installCrd } from '../bed/crds.ts';
import { crdsOf } from '../bed/crds-of.ts';
import { bed } from '../bed/index.ts';

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
let kubelet: Actor;
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
  kubelet = await startKubelet(cluster, { nodes: ['n1'] });
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, controller, web, settings);
  const { uid } = (await cluster.get(web)).metadata;
  // As they were made before the webhooks that judge them now.
  await cluster.apply(
    pool('auto-web', '10.6.1.1-10.6.1.4', OLD_AFFINITY, old(uid, 'subnet-a')),
    pool('gives-gateway', '10.6.2.1-10.6.2.4', { gateway: '10.6.2.1', ...OLD_AFFINITY }, old(uid, 'subnet-b')),
    pool('plain', '10.6.3.1-10.6.3.4'),
    ...[coordinator(['nonsense']), endpoint],
  );
  admission = await startAdmission(cluster, refusedBy);
  await cluster.apply(admission.led(webhooks));
  await soon(async () => expect((await patched('gives-gateway', { metadata: { labels: { x: 'y' } } })).status).not.toBe(200));
});
afterAll(async () => {
  await cluster.remove(webhooks);
  await admission.stop();
  await kubelet.stop();
});

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

describe('with the controller down', () => {
  beforeAll(async () => {
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
