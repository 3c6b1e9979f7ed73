// The Spiderpool actor keeps its word: records, SpiderEndpoints, what a StatefulSet keeps, and the admission that a test controls.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { type Actor, startAdmission, startKubelet, startSpiderpool } from '../bed/actors/index.ts';
import type { Body } from '../bed/client.ts';
import { installCrd, layCrds } from '../bed/crds.ts';
import { bed } from '../bed/index.ts';
import { describeUpstream } from '../bed/upstream.ts';

const cluster = bed();
const apiVersion = 'spiderpool.spidernet.io/v2beta1';
const started: Actor[] = [];
const soon = <T>(look: () => Promise<T>) => vi.waitFor(look, { timeout: 20_000, interval: 50 });

beforeAll(async () => {
  await installCrd(cluster, 'spiderippools-v2beta1');
  await installCrd(cluster, 'spiderendpoints-v2beta1');
});
afterEach(async () => {
  for (const actor of started.splice(0).reverse()) await actor.stop();
});

const kept = <A extends Actor>(actor: A): A => {
  started.push(actor);
  return actor;
};
const play = async () => {
  const spiderpool = kept(await startSpiderpool(cluster));
  kept(await startKubelet(cluster, { nodes: ['n1', 'n2'], ips: spiderpool.ips }));
  return spiderpool;
};
/** A pool of two addresses, empty, of this name alone. */
const pool = async (name: string, spec: object = {}) => {
  const object = {
    apiVersion,
    kind: 'SpiderIPPool',
    metadata: { name },
    spec: { ipVersion: 4, subnet: '10.6.0.0/16', ips: ['10.6.168.41-10.6.168.42'], ...spec },
    status: {},
  };
  await cluster.apply(object);
  return object;
};
const template = (named: object) => ({
  metadata: { labels: { app: 'a' }, annotations: { 'ipam.spidernet.io/ippool': JSON.stringify(named) } },
  spec: { containers: [{ name: 'c', image: 'registry.example/c:1' }] },
});
const pod = (namespace: string, named: object, name = 'web') => {
  const { metadata, spec } = template(named);
  return { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name, namespace }, spec };
};
const set = (kind: string, namespace: string, named: object, replicas = 1) => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name: 'cart', namespace },
  spec: { replicas, serviceName: 'cart', selector: { matchLabels: { app: 'a' } }, template: template(named) },
});
const endpointOf = ({ metadata: { name, namespace } }: Body) =>
  cluster.get({ apiVersion, kind: 'SpiderEndpoint', metadata: { name, namespace } });
const recordsIn = async (object: Body) => JSON.parse((await cluster.get(object)).status.allocatedIPs || '{}');
const running = (object: Body) =>
  soon(async () => {
    const now = await cluster.get(object);
    expect(now?.status.phase).toBe('Running');
    expect(now.metadata.deletionTimestamp).toBeUndefined();
    return now;
  });
const remove = async (object: Body) => {
  const { uid } = (await cluster.get(object)).metadata;
  await cluster.request('DELETE', await cluster.path(object));
  await soon(async () => expect((await cluster.get(object))?.metadata.uid).not.toBe(uid));
};

describe('a Pod', () => {
  test('gets an address of its pool, a record and a SpiderEndpoint; all go with it', async () => {
    await play();
    const [four, six] = [
      await pool('four'),
      await pool('six', { ipVersion: 6, subnet: 'fd00::/64', ips: ['fd00::10-fd00::1f'], excludeIPs: ['fd00::10'] }),
    ];
    const object = pod(await cluster.namespace(), { ipv4: ['four'], ipv6: ['six'] });
    await cluster.apply(object);
    const { status, metadata, spec } = await running(object);
    expect(status.podIPs).toEqual([{ ip: '10.6.168.41' }, { ip: 'fd00::11' }]);
    const record = { pod: `${metadata.namespace}/web`, podUid: metadata.uid };
    expect(await recordsIn(four)).toEqual({ '10.6.168.41': record });
    expect(await recordsIn(six)).toEqual({ 'fd00::11': record });
    expect((await cluster.get(four)).status).toMatchObject({ allocatedIPCount: 1, totalIPCount: 2 });
    const endpoint = await endpointOf(object);
    expect(endpoint.metadata.finalizers).toEqual(['spiderpool.spidernet.io']);
    expect(endpoint.metadata.ownerReferences).toMatchObject([{ kind: 'Pod', uid: metadata.uid }]);
    expect(endpoint.status).toEqual({
      current: {
        uid: metadata.uid,
        node: spec.nodeName,
        ips: [{ interface: 'eth0', vlan: 0, ipv4: '10.6.168.41/16', ipv4Pool: 'four', ipv6: 'fd00::11/64', ipv6Pool: 'six' }],
      },
      ownerControllerType: 'Pod',
      ownerControllerName: 'web',
    });
    await remove(object);
    await soon(async () => expect([await recordsIn(four), await recordsIn(six), await endpointOf(object)]).toEqual([{}, {}, undefined]));
    expect((await cluster.get(four)).status.allocatedIPCount).toBe(0);
  });
  test('of a Deployment is owned by that; without an annotation the default pool serves', async () => {
    await play();
    const object = await pool('default', { default: true });
    const deployment = set('Deployment', await cluster.namespace(), {});
    const { annotations: _, ...metadata } = deployment.spec.template.metadata;
    await cluster.apply({ ...deployment, spec: { ...deployment.spec, template: { ...deployment.spec.template, metadata } } });
    await soon(async () => expect(Object.keys(await recordsIn(object))).toHaveLength(1));
    await soon(async () => {
      const [endpoint] = (await cluster.request('GET', `/apis/${apiVersion}/namespaces/${deployment.metadata.namespace}/spiderendpoints`))
        .body.items;
      expect(endpoint?.status).toMatchObject({ ownerControllerType: 'Deployment', ownerControllerName: 'cart' });
    });
    await cluster.remove(deployment, object);
  });
  test('waits for an address when the pool is exhausted; no pool, no record', async () => {
    await play();
    const object = await pool('small', { ips: ['10.6.168.50'] });
    const namespace = await cluster.namespace();
    const [first, second, other] = [
      pod(namespace, { ipv4: ['small'] }),
      pod(namespace, { ipv4: ['small'] }, 'second'),
      pod(namespace, {}, 'other'),
    ];
    await cluster.apply(first);
    await running(first);
    await cluster.apply(second, other);
    expect((await running(other)).status.podIP).toMatch(/^10\.244\./);
    expect(await endpointOf(other)).toBeUndefined();
    await sleep(300);
    expect((await cluster.get(second)).status.phase).toBe('Pending');
    await remove(first);
    expect((await running(second)).status.podIP).toBe('10.6.168.50');
    expect(Object.values(await recordsIn(object))).toMatchObject([{ pod: `${namespace}/second` }]);
  });
  test('frees only what carries its uid', async () => {
    await play();
    const object = await pool('shared');
    const one = pod(await cluster.namespace(), { ipv4: ['shared'] });
    await cluster.apply(one);
    await running(one);
    const theirs = { '10.6.168.41': { pod: 'ops/agent-k', podUid: 'theirs' } };
    await cluster.request('PATCH', `${await cluster.path(object)}/status`, { status: { allocatedIPs: JSON.stringify(theirs) } });
    await remove(one);
    await soon(async () => expect(await endpointOf(one)).toBeUndefined());
    expect(await recordsIn(object)).toEqual(theirs);
  });
});

describe('a StatefulSet', () => {
  const scene = async (name: string) => {
    await play();
    const object = await pool(name);
    const owner = set('StatefulSet', await cluster.namespace(), { ipv4: [name] });
    const member = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'cart-0', namespace: owner.metadata.namespace } };
    await cluster.apply(owner);
    await running(member);
    return { object, owner, member };
  };
  test('keeps the IP of a Pod that is created again, and gives it back when it shrinks', async () => {
    const { object, owner, member } = await scene('keeps');
    const before = await endpointOf(member);
    expect(before.metadata.ownerReferences).toBeUndefined();
    await remove(member);
    const { metadata, status } = await running(member);
    expect(status.podIP).toBe('10.6.168.41');
    expect(await recordsIn(object)).toEqual({ '10.6.168.41': { pod: `${metadata.namespace}/cart-0`, podUid: metadata.uid } });
    const after = await endpointOf(member);
    expect([after.metadata.uid, after.status.current.uid]).toEqual([before.metadata.uid, metadata.uid]);
    await cluster.request('PATCH', await cluster.path(owner), { spec: { replicas: 0 } });
    await soon(async () => expect([await recordsIn(object), await endpointOf(member)]).toEqual([{}, undefined]));
  });
  test('a restart does not bring a lost record back, and sticks while another Pod has it; without its SpiderEndpoint it starts afresh', async () => {
    const { object, member } = await scene('lost');
    const write = async (records: object) =>
      cluster.request('PATCH', `${await cluster.path(object)}/status`, { status: { allocatedIPs: JSON.stringify(records) } });
    await write({});
    await remove(member);
    expect((await running(member)).status.podIP).toBe('10.6.168.41');
    expect(await recordsIn(object)).toEqual({});
    const theirs = { '10.6.168.41': { pod: 'ops/agent-k', podUid: 'theirs' } };
    await write(theirs);
    await remove(member);
    await sleep(700);
    expect((await cluster.get(member)).status.phase).toBe('Pending');
    const endpoint = await endpointOf(member);
    await cluster.remove({ ...endpoint, apiVersion, kind: 'SpiderEndpoint' });
    expect((await running(member)).status.podIP).toBe('10.6.168.42');
    expect(await recordsIn(object)).toMatchObject({ ...theirs, '10.6.168.42': { podUid: (await cluster.get(member)).metadata.uid } });
  });
});

test('stopped, it neither gives nor takes; the next one goes on', async () => {
  const spiderpool = await play();
  const object = await pool('stopped');
  const namespace = await cluster.namespace();
  const [one, two] = [pod(namespace, { ipv4: ['stopped'] }), pod(namespace, { ipv4: ['stopped'] }, 'two')];
  await cluster.apply(one);
  await running(one);
  const before = await recordsIn(object);
  await spiderpool.stop();
  await cluster.apply(two);
  await remove(one);
  await sleep(500);
  expect(await recordsIn(object)).toEqual(before);
  expect((await cluster.get(two)).status.phase).toBe('Pending');
  for (const actor of started.splice(0)) await actor.stop();
  await play();
  expect((await running(two)).status.podIP).toBe('10.6.168.42');
});

describe('admission', () => {
  const configuration = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'spiderpool-controller' },
    webhooks: [
      {
        name: 'spiderippool.spiderpool.spidernet.io',
        failurePolicy: 'Fail',
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        timeoutSeconds: 2,
        clientConfig: { service: { name: 'spiderpool-controller', namespace: 'kube-system', path: '/validate' }, caBundle: '' },
        rules: [
          { apiGroups: ['spiderpool.spidernet.io'], apiVersions: ['*'], operations: ['CREATE', 'UPDATE'], resources: ['spiderippools'] },
        ],
      },
    ],
  };
  test('admits and refuses what the test wants; stopped, it blocks', async () => {
    const admission = await startAdmission(cluster, ({ object }) => (object.spec.subnet === 'bad' ? 'no such subnet' : undefined));
    await cluster.apply(admission.led(configuration));
    // The API server takes up a new configuration with some delay.
    await soon(async () => {
      await pool('guarded');
      expect(admission.seen.length).toBeGreaterThan(0);
    });
    await expect(pool('bad', { subnet: 'bad' })).rejects.toThrow(/no such subnet/);
    await pool('good');
    expect(admission.seen).toContain('CREATE SpiderIPPool good');
    await admission.stop();
    await expect(pool('late')).rejects.toThrow(/failed calling webhook/);
    // As with the real one: its rules name neither the status nor SpiderEndpoints.
    const status = { allocatedIPs: '{}', allocatedIPCount: 0 };
    expect((await cluster.request('PATCH', `/apis/${apiVersion}/spiderippools/good/status`, { status })).status).toBe(200);
    await cluster.remove(configuration);
  });
});

describeUpstream("with upstream's own CRDs", ['data', 'spiderpool', 'charts', '0.9.4', 'spiderpool', 'crds'], (folder) => {
  test('what the actor writes is what those CRDs keep', async () => {
    for (const kind of ['spiderippools', 'spiderendpoints'])
      await cluster.apply(parse(readFileSync(join(folder, `spiderpool.spidernet.io_${kind}.yaml`), 'utf8')));
    // A field that only upstream's schema knows to be a number.
    await soon(() => expect(pool('wrong', { vlan: 'ten' })).rejects.toThrow(/vlan/));
    await play();
    const object = await pool('real', { gateway: '10.6.0.1' });
    const one = pod(await cluster.namespace(), { ipv4: ['real'] });
    await cluster.apply(one);
    const { metadata } = await running(one);
    expect(await recordsIn(object)).toEqual({ '10.6.168.41': { pod: `${metadata.namespace}/web`, podUid: metadata.uid } });
    expect((await endpointOf(one)).status.current.ips).toEqual([
      { interface: 'eth0', ipv4: '10.6.168.41/16', ipv4Pool: 'real', ipv4Gateway: '10.6.0.1', vlan: 0 },
    ]);
  });
});

describeUpstream('as the real one was recorded (1.2.2 on 1.37)', ['data', 'spiderpool'], (folder) => {
  const recorded = (name: string): Body => JSON.parse(readFileSync(join(folder, 'recorded', 'spiderpool-1.2.2', name), 'utf8'));
  /** Without what no two runs share: uids, times, versions, the Node, and what a ReplicaSet adds to the name of its Pod. */
  function steady(object: Body): Body {
    const text = JSON.stringify({ ...object, metadata: { ...object.metadata, resourceVersion: undefined } })
      .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UID')
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, 'TIME')
      .replaceAll(/"node":"[^"]+"/g, '"node":"NODE"')
      .replaceAll(/web-[0-9a-f]+-[a-z0-9]+/g, 'web-POD');
    return JSON.parse(text);
  }
  /** The kinds in a list come without. */
  const whole = (kind: string, object: Body) => steady({ apiVersion, kind, ...object });
  /** What the agent and the controller wrote. */
  const written = ({ metadata, status }: Body) => ({
    status,
    writers: metadata.managedFields
      .filter(({ manager }: Body) => manager.startsWith('spiderpool-'))
      .sort((a: Body, b: Body) => a.manager.localeCompare(b.manager)),
  });

  test('a pool and the SpiderEndpoints of three Pods', async () => {
    await layCrds(cluster, join(folder, 'charts', '1.2.2', 'spiderpool', 'crds'));
    await play();
    const { metadata, spec } = recorded('pool.json');
    const object = { apiVersion, kind: 'SpiderIPPool', metadata: { name: metadata.name }, spec };
    await cluster.apply(object);
    // The controller's part comes first, as recorded: who writes a map first owns it.
    await soon(async () => expect((await cluster.get(object)).status?.totalIPCount).toBe(4));
    const plain = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'registry.example/c:1' }] } };
    const lone = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'lone', namespace: 'default' }, spec: plain.spec };
    const owned = (kind: string, name: string) => ({
      ...set(kind, 'default', {}),
      metadata: { name, namespace: 'default' },
      spec: { ...set(kind, 'default', {}).spec, template: plain, ...(kind === 'Deployment' ? { serviceName: undefined } : {}) },
    });
    const endpoints = async () => (await cluster.request('GET', `/apis/${apiVersion}/namespaces/default/spiderendpoints`)).body.items;
    const [db, web] = [owned('StatefulSet', 'db'), owned('Deployment', 'web')];
    for (const [at, each] of [lone, db, web].entries()) {
      await cluster.apply(each);
      await soon(async () => expect(await endpoints()).toHaveLength(at + 1));
    }
    const kind = 'SpiderEndpoint';
    const steadied = (items: Body[]) => items.map((item) => whole(kind, item));
    expect(steadied(await endpoints())).toEqual(steadied(recorded('endpoints.json').items));
    expect(written(steady(await cluster.get(object)))).toEqual(written(steady(recorded('pool.json'))));
    await cluster.remove(lone, db, web, object);
  });
});
