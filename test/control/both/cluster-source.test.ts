// The live Source against a real API server: paging, both encodings, expiry, rights, discovery.
import { beforeAll, describe, expect, test } from 'vitest';
import { clusterSource } from '../../../src/cluster/source.ts';
import type { Raw } from '../../../src/engine/contracts.ts';
import { bed } from '../../bed/index.ts';
import { inParallel, listed, never, OPTIONS, sources } from './sources.ts';

const plane = bed();
const { connected, source, proxied } = sources(plane);
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

  test('starts again when its continue token expires', async () => {
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
