// The live Source against a real API server: paging, both encodings, expiry, rights, discovery.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Connection, connect } from '../../src/cluster/kubeconfig.ts';
import { type Message, SCHEMAS } from '../../src/cluster/protobuf-schema.ts';
import { clusterSource } from '../../src/cluster/source.ts';
import { transport } from '../../src/cluster/transport.ts';
import type { Gap, ListQuery, Raw, Source } from '../../src/engine/contracts.ts';
import { type FaultProxy, startFaultProxy } from '../bed/fault-proxy.ts';
import { bed } from '../bed/index.ts';

const plane = bed();
const never = new AbortController().signal;
const OPTIONS = { version: 'test' };
const open: { close(): unknown }[] = [];
afterAll(async () => {
  for (const one of open) await one.close();
});

async function connected(kubeconfig = plane.kubeconfig, flags = {}): Promise<Connection> {
  const connection = await connect({ kubeconfig, ...flags }, {});
  open.push(connection);
  return connection;
}
async function source(kubeconfig?: string): Promise<Source> {
  return clusterSource(await connected(kubeconfig), never, OPTIONS);
}
async function proxied(): Promise<{ proxy: FaultProxy; source: Source }> {
  const proxy = await startFaultProxy(plane);
  open.push(proxy);
  return { proxy, source: await source(await proxy.kubeconfigFrom(plane.kubeconfig)) };
}
async function listed(from: Source, query: ListQuery): Promise<{ objects: Raw[]; gap: Gap | undefined; restarts: number }> {
  let objects: Raw[] = [];
  let restarts = 0;
  const gap = await from.list(query, {
    object: (object) => objects.push(object),
    restart() {
      objects = [];
      restarts++;
    },
  });
  return { objects, gap, restarts };
}
async function inParallel<T>(items: T[], width: number, each: (item: T) => Promise<unknown>): Promise<void> {
  const queue = [...items];
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await each(item);
    }),
  );
}
const nameOf = (object: Raw) => (object.metadata as Raw).name as string;

describe('a list of 1200 objects', () => {
  const COUNT = 1200;
  let namespace = '';
  beforeAll(async () => {
    namespace = await plane.namespace('many');
    const numbers = Array.from({ length: COUNT }, (_, index) => index);
    await inParallel(numbers, 16, async (index) => {
      const metadata = { name: `c-${String(index).padStart(4, '0')}`, labels: { many: 'yes' } };
      const { status } = await plane.request('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata });
      expect(status).toBe(201);
    });
  });

  test('comes in pages of 500, each object once, without resourceVersion', async () => {
    const { proxy, source } = await proxied();
    const { objects, gap } = await listed(source, { resource: 'serviceaccounts', labels: 'many=yes', fields: 'whole' });
    expect(gap).toBeUndefined();
    expect(new Set(objects.map(nameOf)).size).toBe(COUNT);
    expect(objects).toHaveLength(COUNT);
    expect(objects[0]).toMatchObject({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace } });
    const lists = proxy.seen.filter(({ path }) => path.startsWith('/api/v1/serviceaccounts?'));
    expect(lists).toHaveLength(3);
    for (const { path } of lists) expect(path).toMatch(/^[^?]*\?limit=500&labelSelector=many%3Dyes/);
    for (const { path } of lists) expect(path).not.toContain('resourceVersion');
  });

  test('is asked for as metadata alone when nothing else is needed', async () => {
    const { proxy, source } = await proxied();
    const { objects } = await listed(source, { resource: 'serviceaccounts', labels: 'many=yes', fields: ['metadata.labels'] });
    expect(objects).toHaveLength(COUNT);
    expect(objects[7]).toEqual({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'c-0007', namespace, uid: expect.any(String), labels: { many: 'yes' } },
    });
    expect(proxy.seen.at(-1)?.headers.accept).toMatch(/^application\/vnd\.kubernetes\.protobuf;as=PartialObjectMetadataList;/);
  });

  test('begins anew when its continue token expires', async () => {
    const { proxy, source } = await proxied();
    proxy.faults.push({ do: 'answer', status: 410, path: /continue=/, nth: 2 });
    const { objects, gap, restarts } = await listed(source, { resource: 'serviceaccounts', labels: 'many=yes', fields: [] });
    expect({ gap, restarts, count: objects.length }).toEqual({ gap: undefined, restarts: 1, count: COUNT });
  });

  test('is a gap when it expires again and again', async () => {
    const { proxy, source } = await proxied();
    proxy.faults.push({ do: 'answer', status: 410, path: /continue=/, times: 100 });
    const { gap, restarts } = await listed(source, { resource: 'serviceaccounts', labels: 'many=yes', fields: [] });
    expect(gap).toMatchObject({ why: 'failed', verb: 'list', resource: 'serviceaccounts', detail: expect.stringContaining('expired') });
    expect(restarts).toBe(3);
  });

  test('outlives a cut, a truncated page, a throttled one and a server error', async () => {
    const { proxy, source } = await proxied();
    proxy.faults.push(
      { do: 'cut', path: /continue=/, nth: 1 },
      { do: 'truncate', path: /continue=/, nth: 1 },
      { do: 'answer', status: 429, headers: { 'retry-after': '0' }, path: /continue=/, nth: 1 },
      { do: 'answer', status: 500, path: /continue=/, nth: 1 },
    );
    const { objects, gap } = await listed(source, { resource: 'serviceaccounts', labels: 'many=yes', fields: [] });
    expect({ gap, count: objects.length }).toEqual({ gap: undefined, count: COUNT });
  });
});

describe('protobuf', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 40 });
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9_.-]{0,20}[a-z0-9])?$/);
  const key = fc.oneof(label, fc.constant('prefix.example/key'), fc.constant('constructor'));
  const image = fc.stringMatching(/^[a-z]{1,12}(:[a-z0-9.]{1,8})?$/);
  const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
  const conditions = fc.uniqueArray(
    fc.record({
      type: fc.constantFrom('Ready', 'Initialized', 'example.com/Gate'),
      status: fc.constantFrom('True', 'False'),
      reason: maybe(label),
      message: maybe(text),
    }),
    { selector: ({ type }) => type, maxLength: 3 },
  );
  const containerStatus = fc.record({
    name: fc.constant('main'),
    ready: fc.boolean(),
    restartCount: fc.nat({ max: 2 ** 31 - 1 }),
    image: fc.oneof(image, fc.constant('')),
    imageID: fc.constant(''),
    started: maybe(fc.boolean()),
  });
  const pod = fc.record({
    metadata: fc.record({
      labels: maybe(fc.dictionary(key, fc.oneof(label, fc.constant('')), { maxKeys: 4 })),
      annotations: maybe(fc.dictionary(key, text, { maxKeys: 4 })),
      finalizers: maybe(fc.constant(['example.com/keep'])),
      ownerReferences: maybe(
        fc.array(
          fc.record({
            apiVersion: fc.constant('apps/v1'),
            kind: fc.constant('ReplicaSet'),
            name: label,
            uid: fc.uuid(),
            controller: maybe(fc.constant(false)),
          }),
          { maxLength: 2 },
        ),
      ),
    }),
    spec: fc.record({
      hostNetwork: maybe(fc.boolean()),
      nodeName: maybe(label.filter((name) => !/[_]|\.[.-]|-\./.test(name))),
      containers: image.map((name) => [{ name: 'main', image: name }]),
      initContainers: maybe(image.map((name) => [{ name: 'first', image: name, args: ['--a', ''] }])),
      tolerations: maybe(fc.constant([{ key: 'k', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 0 }])),
      terminationGracePeriodSeconds: fc.constant(0),
    }),
    status: fc.record({
      phase: maybe(fc.constantFrom('Running', 'Failed', 'Succeeded')),
      reason: maybe(label),
      message: maybe(text),
      conditions: maybe(conditions),
      podIPs: maybe(fc.constantFrom([{ ip: '10.1.2.3' }], [{ ip: '10.1.2.3' }, { ip: 'fd00::1' }])),
      containerStatuses: maybe(fc.array(containerStatus, { minLength: 1, maxLength: 1 })),
    }),
  });

  test('gives what JSON gives, for Pods of any content', async () => {
    const namespace = await plane.namespace('pods');
    const samples = fc.sample(pod, { numRuns: 120, seed: Number(process.env.SEED ?? Date.now() % 1e9) });
    let made = 0;
    await inParallel(samples, 8, async ({ metadata, spec, status }) => {
      const { podIPs } = status as { podIPs?: { ip: string }[] };
      const object = { metadata: { ...metadata, generateName: 'p-' }, spec };
      const created = await plane.request('POST', `/api/v1/namespaces/${namespace}/pods`, object);
      if (created.status !== 201) return;
      made++;
      const full = { ...status, ...(podIPs ? { podIP: podIPs[0]!.ip } : {}) };
      await plane.request('PATCH', `/api/v1/namespaces/${namespace}/pods/${created.body.metadata.name}/status`, { status: full });
    });
    expect(made).toBeGreaterThan(60);
    await expectSameAsJson('pods', 40);
  });

  test('gives what JSON gives, for nodes and workloads', async () => {
    const namespace = await plane.namespace('work');
    const template = {
      metadata: { labels: { app: 'a' }, annotations: { 'ünï/x': 'ü' } },
      spec: { containers: [{ name: 'c', image: 'i' }], serviceAccountName: 's' },
    };
    const workload = (kind: string, more: object) =>
      plane.apply({
        apiVersion: 'apps/v1',
        kind,
        metadata: { name: 'w', namespace },
        spec: { selector: { matchLabels: { app: 'a' } }, template: { ...template, metadata: { labels: { app: 'a' } } }, ...more },
      });
    await workload('Deployment', { replicas: 0, paused: true });
    await workload('DaemonSet', {});
    await workload('StatefulSet', { replicas: 2, serviceName: 'w' });
    await workload('ReplicaSet', { replicas: 3 });
    await plane.apply({
      ...{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1', annotations: { zh: '节点' } } },
      spec: {
        podCIDR: '10.9.0.0/24',
        podCIDRs: ['10.9.0.0/24', 'fd09::/64'],
        unschedulable: true,
        taints: [{ key: 'a', effect: 'NoSchedule' }],
      },
      status: {
        addresses: [{ type: 'InternalIP', address: '192.0.2.1' }],
        nodeInfo: {
          kubeletVersion: 'v1.24.17',
          machineID: '',
          systemUUID: '',
          bootID: '',
          kernelVersion: '',
          osImage: '',
          containerRuntimeVersion: '',
          kubeProxyVersion: '',
          operatingSystem: '',
          architecture: '',
        },
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    });
    for (const resource of Object.keys(SCHEMAS)) await expectSameAsJson(resource, 1);
  });

  test('is not used for a field outside of the schema', async () => {
    const { proxy, source } = await proxied();
    const { objects } = await listed(source, { resource: 'nodes', fields: ['status.daemonEndpoints'] });
    expect(objects.length).toBeGreaterThan(0);
    expect(objects[0]?.status).toHaveProperty('daemonEndpoints');
    expect(proxy.seen.at(-1)?.headers.accept).toBe('application/json');
  });

  async function expectSameAsJson(resource: string, atLeast: number): Promise<void> {
    const fields = leavesOf(SCHEMAS[resource]!);
    const { proxy, source } = await proxied();
    const binary = await listed(source, { resource, fields });
    expect(proxy.seen.at(-1)?.headers.accept).toBe('application/vnd.kubernetes.protobuf,application/json');
    const plain = await listed(source, { resource, fields: 'whole' });
    // Controllers are at work between the two lists (a Pod without its owner or node goes): compared is what stayed as it was.
    const versionOf = ({ metadata }: Raw) => `${(metadata as Raw).uid} ${(metadata as Raw).resourceVersion}`;
    const stayed = new Map(plain.objects.map((object) => [versionOf(object), object]));
    const both = binary.objects.filter((object) => stayed.has(versionOf(object)));
    expect(both.length).toBeGreaterThanOrEqual(atLeast);
    for (const object of both) {
      const same = stayed.get(versionOf(object))!;
      expect(picked(object, SCHEMAS[resource]!)).toEqual(picked(same, SCHEMAS[resource]!));
      expect([object.apiVersion, object.kind]).toEqual([same.apiVersion, same.kind]);
    }
    expect(Object.keys(binary.objects[0]?.metadata as Raw)).not.toContain('managedFields');
    // JSON would pass this test as well.
    const answer = await transport(await connected(), never, OPTIONS).request({
      method: 'GET',
      path: resource.includes('.') ? `/apis/apps/v1/${resource.split('.')[0]}?limit=1` : `/api/v1/${resource}?limit=1`,
      accept: 'application/vnd.kubernetes.protobuf,application/json',
    });
    expect(answer.headers['content-type']).toBe('application/vnd.kubernetes.protobuf');
  }

  function leavesOf(message: Message, prefix = ''): string[] {
    return Object.values(message.fields).flatMap(({ name, type }) =>
      typeof type === 'object' ? leavesOf(type, `${prefix}${name}.`) : [`${prefix}${name}`],
    );
  }

  /** What the schema knows of an object; null, {} and [] stand for absence in Go's JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: any JSON
  function picked(value: any, message: Message): any {
    const entries = Object.values(message.fields).flatMap(({ name, type, many }) => {
      const there = value?.[name];
      if (there === undefined || there === null) return [];
      if (typeof type !== 'object') return [[name, there]];
      // biome-ignore lint/suspicious/noExplicitAny: any JSON
      const below = many ? there.map((item: any) => picked(item, type)) : picked(there, type);
      return Object.keys(below).length ? [[name, below]] : [];
    });
    return Object.fromEntries(entries);
  }
});

describe('what may not be seen', () => {
  test('is a forbidden gap', async () => {
    const nobody = await source(await plane.user('nobody'));
    const { gap } = await listed(nobody, { resource: 'pods', fields: 'whole' });
    expect(gap).toMatchObject({ why: 'forbidden', verb: 'list', resource: 'pods' });
    expect(gap?.detail).toContain('cannot list resource "pods"');
    const binary = await listed(nobody, { resource: 'pods', fields: ['spec.nodeName'] });
    expect(binary.gap?.detail).toBe(gap?.detail);
    expect(await nobody.get({ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'a', name: 'b' })).toMatchObject({
      why: 'forbidden',
      verb: 'get',
      resource: 'deployments.apps',
      namespace: 'a',
      name: 'b',
    });
    expect(await nobody.log({ apiVersion: 'v1', kind: 'Pod', namespace: 'a', name: 'b' }, 'c', 100)).toMatchObject({
      why: 'forbidden',
      verb: 'log',
    });
  });

  test('is empty when it is not installed, whatever a 403 says', async () => {
    const nobody = await source(await plane.user('nobody'));
    const resource = 'things.not-installed.example';
    expect(await nobody.resource(resource)).toBeUndefined();
    expect(await listed(nobody, { resource, fields: 'whole' })).toEqual({ objects: [], gap: undefined, restarts: 0 });
    expect(await nobody.get({ apiVersion: 'not-installed.example/v1', kind: 'Thing', name: 'x' })).toBeUndefined();
    expect(await nobody.resource('nothings')).toBeUndefined();
  });

  test('identity falls back to server and CA', async () => {
    const [known, unknown] = await Promise.all([(await source()).identity(), (await source(await plane.user('nobody'))).identity()]);
    const { body } = await plane.request('GET', '/api/v1/namespaces/kube-system');
    expect(known).toEqual({ uid: body.metadata.uid, certain: true, server: plane.server, context: expect.any(String) });
    expect(unknown).toMatchObject({ uid: expect.stringMatching(/^sha256:[0-9a-f]{64}$/), certain: false });
  });
});

describe('discovery', () => {
  test('knows built-in and custom resources by name and by kind', async () => {
    const here = await source();
    expect(await here.resource('pods')).toMatchObject({
      group: '',
      version: 'v1',
      kind: 'Pod',
      namespaced: true,
      subresources: expect.arrayContaining(['status', 'eviction', 'log']),
    });
    expect(await here.resource('nodes')).toMatchObject({ kind: 'Node', namespaced: false });
    expect(await here.resource('deployments.apps')).toMatchObject({
      group: 'apps',
      version: 'v1',
      kind: 'Deployment',
      subresources: expect.arrayContaining(['scale', 'status']),
    });
    expect(await here.get({ apiVersion: 'v1', kind: 'Namespace', name: 'default' })).toMatchObject({ metadata: { name: 'default' } });
    expect(await here.get({ apiVersion: 'v1', kind: 'Namespace', name: 'no-such' })).toBeUndefined();
    expect(await here.serverVersion()).toMatch(new RegExp(`^v${plane.version}\\.`));
  });

  test('costs one request where the server aggregates, else one per group that is asked for', async () => {
    const { proxy, source } = await proxied();
    await Promise.all(
      ['deployments.apps', 'daemonsets.apps', 'jobs.batch', 'leases.coordination.k8s.io'].map((name) => source.resource(name)),
    );
    expect(proxy.seen.map(({ path }) => path)).toHaveLength(plane.version === '1.24' ? 4 : 1);
  });

  test('of a group whose server is down is a gap for that group alone', async () => {
    await plane.apply({
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: 'v1.down.example' },
      spec: {
        group: 'down.example',
        version: 'v1',
        groupPriorityMinimum: 100,
        versionPriority: 100,
        service: { name: 'no-such', namespace: 'default' },
      },
    });
    const here = await source();
    await expect
      .poll(async () => (await plane.request('GET', '/apis')).body.groups.some(({ name }: { name: string }) => name === 'down.example'))
      .toBe(true);
    await expect
      .poll(async () => (await source()).resource('things.down.example'), { timeout: 30_000, interval: 500 })
      .toMatchObject({ why: 'failed', verb: 'discover', resource: 'things.down.example', detail: expect.any(String) });
    expect(await here.resource('deployments.apps')).toMatchObject({ kind: 'Deployment' });
    expect(await here.resource('things.other.example')).toBeUndefined();
    await plane.remove({ apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: 'v1.down.example' } });
  });
});

describe('custom resources', () => {
  test('are listed whole and as metadata, and are empty once their CRD is gone', async () => {
    const crd = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'things.cluster-test.example' },
      spec: {
        group: 'cluster-test.example',
        scope: 'Namespaced',
        names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        ],
      },
    };
    await plane.apply(crd);
    const resource = 'things.cluster-test.example';
    await expect.poll(async () => (await source()).resource(resource), { timeout: 20_000, interval: 300 }).toMatchObject({ kind: 'Thing' });
    const here = await source();
    await expect.poll(async () => (await listed(here, { resource, fields: 'whole' })).gap, { timeout: 20_000 }).toBeUndefined();
    await plane.apply({
      apiVersion: 'cluster-test.example/v1',
      kind: 'Thing',
      metadata: { name: 't', namespace: 'default', annotations: { a: '值' } },
      spec: { any: [1, 'ü'] },
    });
    expect((await listed(here, { resource, fields: 'whole' })).objects).toMatchObject([
      { apiVersion: 'cluster-test.example/v1', kind: 'Thing', metadata: { name: 't' }, spec: { any: [1, 'ü'] } },
    ]);
    const narrow = await listed(here, { resource, fields: ["metadata.annotations['a']"] });
    expect(narrow).toMatchObject({
      gap: undefined,
      objects: [{ apiVersion: 'cluster-test.example/v1', kind: 'Thing', metadata: { name: 't', annotations: { a: '值' } } }],
    });
    expect(narrow.objects[0]).not.toHaveProperty('spec');
    await plane.remove(crd);
    await expect
      .poll(async () => listed(here, { resource, fields: 'whole' }), { timeout: 30_000, interval: 300 })
      .toMatchObject({ objects: [], gap: undefined });
  });
});

describe('a connection that leads nowhere', () => {
  test('wrong token: one error that names server and context', async () => {
    const connection = await connected(plane.kubeconfig, { token: 'wrong' });
    const asked = clusterSource(connection, never, OPTIONS).identity();
    await expect(asked).rejects.toMatchObject({
      name: 'UserError',
      message: expect.stringMatching(/connecting to https:\/\/127\.0\.0\.1:\d+ \(context .*401/),
    });
  });
  test('an unknown CA: TLS is named', async () => {
    const connection = await connected(plane.kubeconfig, { tlsServerName: 'somewhere.else' });
    await expect(clusterSource(connection, never, OPTIONS).serverVersion()).rejects.toMatchObject({
      name: 'UserError',
      message: expect.stringContaining('TLS'),
    });
  });
  test('an abort is thrown as it is', async () => {
    const stop = new AbortController();
    const here = clusterSource(await connected(), stop.signal, OPTIONS);
    stop.abort(new Error('Ctrl-C'));
    await expect(here.serverVersion()).rejects.toThrow('Ctrl-C');
  });
  test('impersonation reaches the server whole', async () => {
    const connection = await connected(plane.kubeconfig, { as: 'jane', asGroup: ['system:masters', 'two'] });
    expect(connection.as).toBe('jane');
    const { gap } = await listed(clusterSource(connection, never, OPTIONS), { resource: 'secrets', fields: [] });
    expect(gap).toBeUndefined();
    const other = await connected(plane.kubeconfig, { as: 'jane', asGroup: ['two'] });
    expect((await listed(clusterSource(other, never, OPTIONS), { resource: 'secrets', fields: [] })).gap?.detail).toContain('User "jane"');
  });
});
