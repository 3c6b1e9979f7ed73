// Kills of the Spiderpool remedies that write records, restart Pods and apply definitions.
// The scenes have no kubelet: Pods stay without a Node, their status is written by the test, and they go at once when they are evicted.
// spiderpool/leaked-ip watches before its one write, so it is killed directly only once, with that write held. What else is killed is a resume
// from a copy of that run's journal, which has the watch behind it and takes the Lease over.
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { hastened, newHome } from '../../bed/binary.ts';
import type { Body } from '../../bed/client.ts';
import { installCrd } from '../../bed/crds.ts';
import { crdsOf } from '../../bed/crds-of.ts';
import { bed } from '../../bed/index.ts';
import { CHART, LEASE } from '../scene.ts';
import { sweeper } from './sweep.ts';

const cluster = bed();
const sweeps = await sweeper(cluster);
const apiVersion = 'spiderpool.spidernet.io/v2beta1';
const namespace = 'kill-sweep';
const soon = <T>(look: () => Promise<T>) => vi.waitFor(look, { timeout: 30_000, interval: 50 });

// ---- objects --------------------------------------------------------------------------------------------------------

const API: Record<string, string> = { SpiderIPPool: apiVersion, SpiderEndpoint: apiVersion, Pod: 'v1', PodDisruptionBudget: 'policy/v1' };
const object = (kind: string, name: string, labels?: object) => ({
  apiVersion: API[kind] ?? 'apps/v1',
  kind,
  metadata: { name, ...(kind === 'SpiderIPPool' ? {} : { namespace }), labels },
});
const containers = [{ name: 'c', image: 'registry.example/c:1' }];
const workload = (kind: string, name: string) => ({
  ...object(kind, name),
  spec: {
    replicas: 1,
    ...(kind === 'StatefulSet' ? { serviceName: name } : {}),
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers } },
  },
});
const barePod = (name: string) => ({ ...object('Pod', name, { app: name }), spec: { containers } });
const endpoint = (pod: Body, address: string, pool: string) => ({
  ...object('SpiderEndpoint', pod.metadata.name),
  metadata: { ...object('SpiderEndpoint', pod.metadata.name).metadata, finalizers: ['spiderpool.spidernet.io'] },
  status: {
    current: { uid: pod.metadata.uid, node: 'n1', ips: [{ interface: 'eth0', ipv4: `${address}/16`, ipv4Pool: pool }] },
    ownerControllerType: pod.metadata.ownerReferences?.[0].kind ?? 'Pod',
    ownerControllerName: pod.metadata.name,
  },
});

// ---- what the cluster is brought to, and what it came to ------------------------------------------------------------

/** The one Pod of that app; created again by its controller when it went. */
const podOf = (app: string): Promise<Body> =>
  soon(async () => {
    const { items } = (await cluster.request('GET', `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3D${app}`)).body;
    const alive = items.filter(({ metadata }: Body) => !metadata.deletionTimestamp);
    expect(alive).toHaveLength(1);
    return alive[0];
  });
const endpointsNow = async (): Promise<Body[]> =>
  (await cluster.request('GET', `/apis/${apiVersion}/namespaces/${namespace}/spiderendpoints`)).body.items;
/** Its Pod runs and has this address, by its own word and by its SpiderEndpoint. */
async function holds(app: string, address: string, pool: string): Promise<void> {
  const pod = await podOf(app);
  const status = { phase: 'Running', podIP: address, podIPs: [{ ip: address }], conditions: [{ type: 'Ready', status: 'True' }] };
  const written = await cluster.request('PATCH', `/api/v1/namespaces/${namespace}/pods/${pod.metadata.name}/status`, { status });
  expect(written.status, JSON.stringify(written.body)).toBe(200);
  await cluster.apply(endpoint(pod, address, pool));
}
async function records(pool: string, allocated: Record<string, object>): Promise<void> {
  const count = Object.keys(allocated).length;
  const status = { allocatedIPs: count ? JSON.stringify(allocated) : null, allocatedIPCount: count };
  const written = await cluster.request('PATCH', `/apis/${apiVersion}/spiderippools/${pool}/status`, { status });
  expect(written.status, JSON.stringify(written.body)).toBe(200);
}
const poolNow = async (name: string) => {
  const { allocatedIPs = '{}', allocatedIPCount } = (await cluster.get(object('SpiderIPPool', name))).status;
  return { records: JSON.parse(allocatedIPs), count: allocatedIPCount };
};
const uidOf = async (app: string): Promise<string> => (await podOf(app)).metadata.uid;
const pool = (name: string, ips: string[]) => ({
  ...object('SpiderIPPool', name),
  spec: { ipVersion: 4, subnet: '10.6.0.0/16', ips },
  status: { allocatedIPCount: 0 },
});
/** No sweep finds what another one left. */
async function nobodyHolds(): Promise<void> {
  for (const name of ['dup4', 'lost4', 'leak4']) await records(name, {});
  const pods: Body[] = (await cluster.request('GET', `/api/v1/namespaces/${namespace}/pods`)).body.items;
  for (const { metadata } of pods.filter(({ status }) => status.podIP))
    await cluster.request('PATCH', `/api/v1/namespaces/${namespace}/pods/${metadata.name}/status`, {
      status: { podIP: null, podIPs: null },
    });
  await cluster.remove(...(await endpointsNow()).map((each) => ({ ...each, apiVersion, kind: 'SpiderEndpoint' })));
}

beforeAll(async () => {
  await installCrd(cluster, 'spiderippools-v2beta1');
  await installCrd(cluster, 'spiderendpoints-v2beta1');
  const { code, stderr } = await cluster.helm3(['install', 'spiderpool', CHART, '-n', 'kube-system']);
  expect(code, stderr).toBe(0);
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  await cluster.apply(pool('dup4', ['10.6.1.1-10.6.1.9']), pool('lost4', ['10.6.2.1-10.6.2.9']), pool('leak4', ['10.6.3.1-10.6.3.9']));
});

// ---- the sweeps -----------------------------------------------------------------------------------------------------

describe('addresses', () => {
  const shared = '10.6.1.1';
  const budget = { ...object('PodDisruptionBudget', 'cart'), spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'cart' } } } };
  beforeAll(async () => {
    await cluster.apply(barePod('keeper'), workload('StatefulSet', 'cart'), budget, barePod('lone'), workload('Deployment', 'web'));
  });

  sweeps.remedy({
    name: 'spiderpool/duplicate-pod-ip',
    fix: ['fix', 'spiderpool/duplicate-pod-ip'],
    writes: [
      ...['POST leases', 'PATCH spiderippools/status', 'PATCH spiderendpoints', 'DELETE spiderendpoints'],
      ...['POST pods/eviction', 'DELETE leases'],
    ],
    // Once its Pod was restarted, the endpoint is not wanted any more, nor its finalizer; the eviction was promised as final.
    undoWrites: ['POST leases', 'PATCH spiderippools/status', 'DELETE leases'],
    async reset() {
      await nobodyHolds();
      await holds('keeper', shared, 'dup4');
      await holds('cart', shared, 'dup4');
      // Created again: it takes the new cart-0 for the one that was evicted, for two minutes.
      await cluster.remove(budget);
      await cluster.apply(budget);
      await soon(async () => expect((await cluster.get(budget)).status?.disruptionsAllowed).toBe(1));
    },
    async state() {
      const [gone] = (await endpointsNow()).filter(({ metadata }) => metadata.name === 'cart-0');
      return {
        ...{ pool: await poolNow('dup4'), keeper: await uidOf('keeper'), cart: await uidOf('cart') },
        endpoint: { uid: gone.metadata.uid, finalizers: gone.metadata.finalizers, status: gone.status },
      };
    },
    async fixed({ keeper, cart }) {
      expect(await poolNow('dup4')).toEqual({ records: { [shared]: { pod: `${namespace}/keeper`, podUid: keeper } }, count: 1 });
      expect(await uidOf('keeper')).toBe(keeper);
      expect(await uidOf('cart')).not.toBe(cart);
      expect((await endpointsNow()).map(({ metadata }) => metadata.name)).toEqual(['keeper']);
    },
    async undone(before, reached) {
      expect(await poolNow('dup4')).toEqual(before.pool);
      expect(await uidOf('keeper')).toBe(before.keeper);
      expect((await uidOf('cart')) === before.cart).toBe(!reached.includes('POST pods/eviction'));
      const left = (await endpointsNow()).find(({ metadata }) => metadata.name === 'cart-0');
      if (reached.includes('POST pods/eviction')) return expect(left).toBeUndefined();
      const endpoint = { uid: left?.metadata.uid, finalizers: left?.metadata.finalizers, status: left?.status };
      // Made again for the Pod that runs on.
      expect(endpoint).toEqual({ ...before.endpoint, ...(reached.includes('DELETE spiderendpoints') ? { uid: expect.any(String) } : {}) });
    },
  });

  sweeps.remedy({
    name: 'spiderpool/unrecorded-pod-ip',
    fix: ['fix', 'spiderpool/unrecorded-pod-ip'],
    writes: ['POST leases', 'PATCH spiderippools/status', 'POST pods/eviction', 'DELETE leases'],
    undoWrites: ['POST leases', 'PATCH spiderippools/status', 'DELETE leases'],
    async reset() {
      await nobodyHolds();
      await holds('lone', '10.6.2.1', 'lost4');
      // Beyond what its pool may give: no record can be put back, so that it is restarted.
      await holds('web', '10.6.2.99', 'lost4');
    },
    state: async () => ({ pool: await poolNow('lost4'), lone: await uidOf('lone'), web: await uidOf('web') }),
    async fixed({ lone, web }) {
      expect(await poolNow('lost4')).toEqual({ records: { '10.6.2.1': { pod: `${namespace}/lone`, podUid: lone } }, count: 1 });
      expect(await uidOf('lone')).toBe(lone);
      expect(await uidOf('web')).not.toBe(web);
    },
    async undone(before, reached) {
      expect(await poolNow('lost4')).toEqual(before.pool);
      expect(await uidOf('lone')).toBe(before.lone);
      // It goes side by side with the record, so that a kill may cut it off between us and the server.
      if (!reached.includes('POST pods/eviction')) expect(await uidOf('web')).toBe(before.web);
    },
  });
});

describe('definitions', () => {
  const [installed, target] = ['0.7.3', '0.9.13'];
  const named = (version: string, plural: string): Body =>
    crdsOf(version).find(({ metadata }: Body) => metadata.name === `${plural}.spiderpool.spidernet.io`);
  const [older, missing] = [named(installed, 'spidercoordinators'), named(target, 'spidermultusconfigs')];
  const chart = join(newHome(), 'spiderpool');
  mkdirSync(join(chart, 'crds'), { recursive: true });
  writeFileSync(join(chart, 'Chart.yaml'), JSON.stringify({ apiVersion: 'v2', name: 'spiderpool', version: target }));
  for (const crd of [named(target, 'spidercoordinators'), missing])
    writeFileSync(join(chart, 'crds', `${crd.metadata.name}.yaml`), JSON.stringify(crd));
  const specNow = async () => (await cluster.get(older)).spec;
  const fieldsOf = ({ versions }: Body): string[] => Object.keys(versions[0].schema.openAPIV3Schema.properties.spec.properties).sort();
  const wanted = fieldsOf(named(target, 'spidercoordinators').spec);

  sweeps.remedy({
    name: 'spiderpool/crds-current',
    fix: ['fix', 'spiderpool/crds-current', '--chart', chart],
    writes: ['POST leases', 'PATCH customresourcedefinitions', 'POST customresourcedefinitions', 'DELETE leases'],
    undoWrites: ['POST leases', 'PATCH customresourcedefinitions', 'DELETE customresourcedefinitions', 'DELETE leases'],
    async reset() {
      // The chart lacks these, and they are as 0.9.13 has them: the two that it has are all that is to be fixed.
      await cluster.apply(...['spiderippools', 'spiderreservedips', 'spidersubnets'].map((plural) => named(target, plural)));
      await cluster.remove(missing);
      // Created again: other managers of its fields (managedFields) must not pile up from case to case.
      await cluster.remove(older);
      await cluster.apply(older);
      await soon(async () => {
        const { conditions } = (await cluster.get(older)).status;
        expect(conditions.some(({ type, status }: Body) => type === 'Established' && status === 'True')).toBe(true);
      });
    },
    state: specNow,
    async fixed() {
      expect(fieldsOf(await specNow())).toEqual(wanted);
      expect(await cluster.get(missing)).toBeDefined();
    },
    async undone(before) {
      expect(await specNow()).toEqual(before);
      await soon(async () => expect(await cluster.get(missing)).toBeUndefined());
    },
  });
});

describe('the init Pod', () => {
  const init = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'spiderpool-init',
      namespace: 'kube-system',
      labels: { 'app.kubernetes.io/name': 'spiderpool', 'app.kubernetes.io/instance': 'spiderpool' },
    },
    spec: { restartPolicy: 'Never', containers },
    status: { phase: 'Succeeded' },
  };
  const uid = async () => (await cluster.get(init))?.metadata.uid;

  sweeps.remedy({
    name: 'spiderpool/init-pod',
    // The one later version whose chart renders a Pod.
    fix: ['fix', 'spiderpool/init-pod', '--to', 'spiderpool=1.0.0-rc0'],
    writes: ['POST leases', 'DELETE pods', 'DELETE leases'],
    // What was deleted stays away, as it was said beforehand.
    undoWrites: ['POST leases', 'DELETE leases'],
    reset: () => cluster.apply(init),
    state: uid,
    fixed: async () => expect(await uid()).toBeUndefined(),
    async undone(before, reached) {
      expect(await uid()).toBe(reached.includes('DELETE pods') ? undefined : before);
    },
  });
});

describe('a record without an owner', () => {
  const leaked = { '10.6.3.5': { pod: `${namespace}/ghost`, podUid: 'gone' } };
  const killed = newHome();
  let lease: Body;
  let uid = '';

  test('the fix, killed with its first write behind the watch held', async () => {
    await nobodyHolds();
    await records('leak4', leaked);
    await cluster.request('DELETE', LEASE);
    uid = (await cluster.get(object('SpiderIPPool', 'leak4'))).metadata.uid;
    const begun = performance.now();
    await sweeps.killedAt(['fix', 'spiderpool/leaked-ip'], { write: 'PATCH spiderippools/status', nth: 1 }, 'hold', killed, hastened(20));
    // A minute of watching.
    expect(performance.now() - begun).toBeGreaterThan(60_000 / 20);
    expect(await poolNow('leak4')).toEqual({ records: leaked, count: 1 });
    const { metadata, spec } = (await cluster.request('GET', LEASE)).body;
    const { name, namespace: at, annotations } = metadata;
    lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace: at, annotations }, spec };
  });

  sweeps.sweep({
    name: 'spiderpool/leaked-ip',
    command: ['resume'],
    writes: ['PUT leases', 'PATCH spiderippools/status', 'DELETE leases'],
    endings: ['resume', 'undo'],
    async reset() {
      await records('leak4', leaked);
      expect((await cluster.get(object('SpiderIPPool', 'leak4'))).metadata.uid, 'the pool of the killed run').toBe(uid);
    },
    async home() {
      const home = newHome();
      cpSync(killed, home, { recursive: true });
      await cluster.apply(lease);
      return home;
    },
    state: () => poolNow('leak4'),
    fixed: async () => expect(await poolNow('leak4')).toEqual({ records: {}, count: 0 }),
    undone: async (before) => expect(await poolNow('leak4')).toEqual(before),
  });
});
