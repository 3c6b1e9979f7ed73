// What the control planes were measured to do and other tests rely on, held on both versions; and that the bed itself keeps its word.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { clientOf } from '../../bed/client.ts';
import { installCrd, removeCrd } from '../../bed/crds.ts';
import { bed } from '../../bed/index.ts';
import { reset } from '../../bed/reset.ts';

const cluster = bed();
const CHART = join(import.meta.dirname, '../../bed/helm-chart');
const ENDPOINTS = '/apis/spiderpool.spidernet.io/v2beta1';
const JSON_PATCH = 'application/json-patch+json';

const configMap = (namespace: string, name = 'one') => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data: { a: '1' },
});
const pod = (namespace: string, nodeName?: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace },
  spec: { nodeName, containers: [{ name: 'c', image: 'registry.example/web:1' }] },
});
const endpoint = (namespace: string, name: string) => ({
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderEndpoint',
  metadata: { name, namespace },
  status: {
    current: { uid: 'u', node: 'n1', ips: [{ interface: 'eth0', ipv4: '10.0.0.1/24' }] },
    ownerControllerType: 'None',
    ownerControllerName: '',
  },
});

describe('what the API server answers', () => {
  test('it says its version', async () => {
    const { body } = await cluster.request('GET', '/version');
    expect(body.gitVersion).toMatch(new RegExp(`^v${cluster.version}\\.\\d+$`));
  });

  test('a failed test of a JSON patch is 422, not 409', async () => {
    const object = configMap(await cluster.namespace());
    await cluster.apply(object);
    const patch = [{ op: 'test', path: '/data/a', value: 'other' }];
    expect((await cluster.request('PATCH', await cluster.path(object), patch, JSON_PATCH)).status).toBe(422);
  });

  test('a merge patch with a wrong uid is 422 too; only a wrong resourceVersion is 409', async () => {
    const object = configMap(await cluster.namespace());
    await cluster.apply(object);
    const path = await cluster.path(object);
    const uid = '00000000-0000-0000-0000-000000000000';
    expect((await cluster.request('PATCH', path, { metadata: { uid }, data: { a: '2' } })).status).toBe(422);
    expect((await cluster.request('PATCH', path, { metadata: { resourceVersion: '1' }, data: { a: '2' } })).status).toBe(409);
    expect((await cluster.get(object)).data.a).toBe('1');
  });

  test('a bound Pod that is deleted stays, Terminating: no kubelet ends it', async () => {
    const object = pod(await cluster.namespace(), 'n1');
    await cluster.apply(object);
    expect((await cluster.request('DELETE', await cluster.path(object))).status).toBe(200);
    expect((await cluster.get(object)).metadata.deletionTimestamp).toBeTruthy();
    await cluster.remove(object);
    expect(await cluster.get(object)).toBeUndefined();
  });
});

describe('custom resources', () => {
  afterEach(() => removeCrd(cluster, 'spiderendpoints-v2beta1'));

  test('a CRD that is not installed: its objects are 403 to nobody, its group 404', async () => {
    const nobody = clientOf(cluster, 'nobody');
    expect((await nobody.request('GET', `${ENDPOINTS}/spiderendpoints`)).status).toBe(403);
    expect((await nobody.request('GET', '/apis/spiderpool.spidernet.io')).status).toBe(404);
    expect((await cluster.request('GET', `${ENDPOINTS}/spiderendpoints`)).status).toBe(404);
  });

  test('in a list the continue token comes after the items', async () => {
    await installCrd(cluster, 'spiderendpoints-v2beta1');
    const namespace = await cluster.namespace();
    await cluster.apply(endpoint(namespace, 'a'), endpoint(namespace, 'b'));
    // As text: the client reads JSON only when it is told to.
    const listed = await cluster.kubectl(['get', '--raw', `${ENDPOINTS}/spiderendpoints?limit=1`]);
    expect(listed.stdout.indexOf('"continue":"')).toBeGreaterThan(listed.stdout.indexOf('"ownerControllerName"'));
  });

  test('v2beta1 holds its status in the main resource, v1 in a subresource', async () => {
    const namespace = await cluster.namespace();
    await installCrd(cluster, 'spiderendpoints-v2beta1');
    await cluster.apply(endpoint(namespace, 'a'));
    expect((await cluster.get(endpoint(namespace, 'a'))).status.ownerControllerType).toBe('None');
    expect((await cluster.request('GET', `${await cluster.path(endpoint(namespace, 'a'))}/status`)).status).toBe(404);
    await removeCrd(cluster, 'spiderendpoints-v2beta1');
    await installCrd(cluster, 'spiderendpoints-v1');
    const old = { ...endpoint(namespace, 'a'), apiVersion: 'spiderpool.spidernet.io/v1' };
    await cluster.apply(old);
    expect((await cluster.get(old)).status.ownerControllerType).toBe('None');
    await cluster.request('PATCH', await cluster.path(old), { status: { ownerControllerType: 'Pod' } });
    expect((await cluster.get(old)).status.ownerControllerType).toBe('None');
    await removeCrd(cluster, 'spiderendpoints-v1');
  });
});

test('an object that outlived its Namespace is removed all the same', async () => {
  const namespace = 'outlived';
  const object = { ...configMap(namespace), metadata: { name: 'one', namespace, finalizers: ['example.com/kept'] } };
  const path = `/api/v1/namespaces/${namespace}`;
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, object);
  await cluster.request('DELETE', path);
  const { body } = await cluster.request('GET', path);
  await cluster.request('PUT', `${path}/finalize`, { ...body, spec: { finalizers: [] } });
  expect([(await cluster.request('GET', path)).status, (await cluster.get(object)).metadata.name]).toEqual([404, 'one']);
  await cluster.remove(object);
  expect(await cluster.get(object)).toBeUndefined();
});

describe('the bed', () => {
  test('a spare user holds the rights of the last call, at once, and no others', async () => {
    const namespace = await cluster.namespace();
    const [pods, secrets] = ['pods', 'secrets'].map((resource) => ({ apiGroups: [''], resources: [resource], verbs: ['list'] }));
    const user = clientOf(cluster, 'user-1');
    const may = async (path: string) => (await user.request('GET', `/api/v1/${path}`)).status === 200;
    await cluster.user('user-1', [pods!]);
    expect([await may('pods'), await may(`namespaces/${namespace}/secrets`)]).toEqual([true, false]);
    await cluster.user('user-1', [secrets!], { namespace });
    expect([await may(`namespaces/${namespace}/secrets`), await may('secrets'), await may('pods')]).toEqual([true, false, false]);
    await cluster.user('user-1', [pods!, { ...secrets!, namespace }]);
    expect([await may('pods'), await may(`namespaces/${namespace}/secrets`), await may('secrets')]).toEqual([true, true, false]);
    await cluster.user('user-1');
    expect([await may('pods'), await may(`namespaces/${namespace}/secrets`)]).toEqual([false, false]);
  });

  test('apply replaces what can be replaced and creates the rest again, with its status', async () => {
    const namespace = await cluster.namespace();
    const bound = { ...pod(namespace, 'n1'), status: { phase: 'Running', podIP: '10.0.0.9' } };
    await cluster.apply(pod(namespace));
    await cluster.apply(bound);
    const now = await cluster.get(bound);
    expect([now.spec.nodeName, now.status.phase, now.status.podIP]).toEqual(['n1', 'Running', '10.0.0.9']);
    await cluster.apply({ ...configMap(namespace), data: { a: '1', b: '2' } }, configMap(namespace));
    expect((await cluster.get(configMap(namespace))).data).toEqual({ a: '1' });
  });

  test.each(['helm3', 'helm4'] as const)('real %s installs the chart, real kubectl sees it', async (helm) => {
    const namespace = await cluster.namespace();
    const installed = await cluster[helm](['install', 'spiderpool', CHART, '-n', namespace]);
    expect(installed).toMatchObject({ code: 0 });
    const seen = await cluster.kubectl(['get', 'deployments,daemonsets', '-n', namespace, '-o', 'name']);
    expect(seen.stdout.split('\n').filter(Boolean)).toEqual(['deployment.apps/spiderpool-controller', 'daemonset.apps/spiderpool-agent']);
    const release = await cluster.request('GET', `/api/v1/namespaces/${namespace}/secrets/sh.helm.release.v1.spiderpool.v1`);
    expect(release.body.type).toBe('helm.sh/release.v1');
    expect((await cluster[helm](['uninstall', 'spiderpool', '-n', namespace])).code).toBe(0);
  });

  test('a reset leaves what was there and removes all else', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'upgrade-guard-reset-'));
    const baseline = join(folder, 'baseline.json');
    const kept = await cluster.namespace('kept');
    await cluster.apply(configMap(kept));
    await reset(cluster, baseline);
    const gone = await cluster.namespace('gone');
    await installCrd(cluster, 'spiderendpoints-v2beta1');
    const held = endpoint(kept, 'held');
    await cluster.apply({ ...held, metadata: { ...held.metadata, finalizers: ['spiderpool.spidernet.io/held'] } }, pod(gone, 'n1'));
    await reset(cluster, baseline);
    expect(await cluster.get(configMap(kept))).toBeTruthy();
    expect((await cluster.request('GET', `/api/v1/namespaces/${gone}`)).status).toBe(404);
    expect((await cluster.request('GET', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions')).body.items).toEqual([]);
    rmSync(folder, { recursive: true });
  });
});
