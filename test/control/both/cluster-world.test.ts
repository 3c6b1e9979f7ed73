// The live World against a real API server: what each no means, and that a dry run changes nothing.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connect } from '../../../src/cluster/kubeconfig.ts';
import { clusterWorld } from '../../../src/cluster/world.ts';
import type { PatchOp, Raw, Ref, Rule, World } from '../../../src/engine/contracts.ts';
import { missingRights } from '../../../src/engine/rights.ts';
import { startAdmission } from '../../bed/actors/admission.ts';
import { startFaultProxy } from '../../bed/fault-proxy.ts';
import { bed } from '../../bed/index.ts';

const plane = bed();
const never = new AbortController().signal;
const open: { close(): unknown }[] = [];
afterAll(async () => {
  for (const one of open) await one.close();
});

async function world(kubeconfig = plane.kubeconfig): Promise<World> {
  const connection = await connect({ kubeconfig }, {});
  open.push(connection);
  return clusterWorld(connection, never, { version: 'test' });
}
async function proxied() {
  const proxy = await startFaultProxy(plane);
  open.push(proxy);
  return { proxy, world: await world(await proxy.kubeconfigFrom(plane.kubeconfig)) };
}

let namespace = '';
let on: Ref;
let now: Raw;
const name = 'w';
beforeAll(async () => {
  namespace = await plane.namespace('world');
});
beforeEach(async () => {
  const template = { metadata: { labels: { app: 'w' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace } };
  await plane.apply({ ...deployment, spec: { replicas: 0, selector: { matchLabels: { app: 'w' } }, template } });
  on = { apiVersion: 'apps/v1', kind: 'Deployment', namespace, name };
  now = (await (await world()).get(on))!;
});
const guarded = (...patch: PatchOp[]): PatchOp[] => [{ op: 'test', path: '/metadata/uid', value: (now.metadata as Raw).uid! }, ...patch];
const kindOf = async (asked: Promise<unknown>) =>
  asked.then(
    () => 'no error',
    (error) => `${error.name} ${error.kind} ${error.status}`,
  );

describe('a write', () => {
  test('answers with the object, under our field manager', async () => {
    const written = await (await world()).write({
      verb: 'patch',
      on,
      patch: guarded({ op: 'replace', path: '/spec/paused', value: true }),
    });
    expect(written).toMatchObject({ kind: 'Deployment', spec: { paused: true } });
    expect(((written!.metadata as Raw).managedFields as Raw[]).map(({ manager }) => manager)).toContain('upgrade-guard');
  });

  test('reaches a subresource', async () => {
    const patch: PatchOp[] = guarded({ op: 'add', path: '/status', value: { replicas: 0, observedGeneration: 7 } });
    const written = await (await world()).write({ verb: 'patch', on, subresource: 'status', patch }, { dryRun: true });
    expect(written).toMatchObject({ status: { observedGeneration: 7 } });
  });

  test('as a dry run is judged by the server and not stored', async () => {
    const patch = guarded({ op: 'add', path: '/metadata/labels', value: { dry: 'run' } });
    expect(await (await world()).write({ verb: 'patch', on, patch }, { dryRun: true })).toMatchObject({
      metadata: { labels: { dry: 'run' } },
    });
    expect((await (await world()).get(on))?.metadata).not.toHaveProperty('labels');
  });

  test('is a conflict when a test operation fails, when what it removes is not there, and when the uid is another', async () => {
    const here = await world();
    expect(await kindOf(here.write({ verb: 'patch', on, patch: guarded({ op: 'test', path: '/spec/replicas', value: 7 }) }))).toBe(
      'WorldError conflict 422',
    );
    expect(await kindOf(here.write({ verb: 'patch', on, patch: guarded({ op: 'remove', path: '/metadata/annotations/x' }) }))).toBe(
      'WorldError conflict 422',
    );
    const patch: PatchOp[] = [{ op: 'test', path: '/metadata/uid', value: 'another' }];
    expect(await kindOf(here.write({ verb: 'patch', on, patch }))).toBe('WorldError conflict 422');
    const stale: PatchOp[] = [{ op: 'add', path: '/metadata/resourceVersion', value: '1' }];
    expect(await kindOf(here.write({ verb: 'patch', on, patch: stale }))).toBe('WorldError conflict 409');
    const reborn: PatchOp[] = [{ op: 'replace', path: '/metadata/uid', value: '00000000-0000-0000-0000-000000000000' }];
    expect(await kindOf(here.write({ verb: 'patch', on, patch: reborn }))).toBe('WorldError conflict 422');
  });

  test('is refused when the result is invalid, and when it cannot be read', async () => {
    const here = await world();
    expect(await kindOf(here.write({ verb: 'patch', on, patch: guarded({ op: 'replace', path: '/spec/replicas', value: -1 }) }))).toBe(
      'WorldError refused 422',
    );
    const selector = guarded({ op: 'replace', path: '/spec/selector/matchLabels', value: { app: 'other' } });
    expect(await kindOf(here.write({ verb: 'patch', on, patch: selector }))).toBe('WorldError refused 422');
    const wrongType = here.write({ verb: 'patch', on, patch: guarded({ op: 'replace', path: '/spec/replicas', value: 'many' }) });
    expect(await kindOf(wrongType)).toBe('WorldError refused 422');
    // The server's own words repeat the whole object.
    await expect(wrongType).rejects.toThrow(
      /^"" is invalid: patch: json: cannot unmarshal string into Go struct field [\w.]+ of type int32$/,
    );
    const renamed = guarded({ op: 'replace', path: '/metadata/name', value: 'other' });
    expect(await kindOf(here.write({ verb: 'patch', on, patch: renamed }))).toBe('WorldError refused 400');
  });

  test.skipIf(plane.version === '1.24')(
    'with a field that does not exist is refused where the server checks it (1.25 and later)',
    async () => {
      const unknown = guarded({ op: 'add', path: '/spec/noSuchField', value: 1 });
      expect(await kindOf((await world()).write({ verb: 'patch', on, patch: unknown }))).toBe('WorldError refused 422');
    },
  );

  test('is refused by a webhook that denies, whatever code it answers with', async () => {
    const codes = [403, 404, 409, 422];
    const admission = await startAdmission(plane, () => ({ message: 'not today', code: codes[0]! }));
    open.push({ close: admission.stop });
    const hook = admission.led({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'world-test-denies' },
      webhooks: [
        {
          ...{ name: 'deny.example.com', admissionReviewVersions: ['v1'], sideEffects: 'None' },
          rules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['deployments'] }],
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        },
      ],
    });
    await plane.apply(hook);
    const here = await world();
    const asked = () =>
      kindOf(
        here.write({
          verb: 'patch',
          on,
          patch: guarded({ op: 'add', path: '/metadata/labels', value: { at: String(performance.now()) } }),
        }),
      );
    for (; codes.length; codes.shift()) await expect.poll(asked, { timeout: 10_000 }).toBe(`WorldError refused ${codes[0]}`);
    await plane.remove(hook);
    await expect.poll(asked, { timeout: 10_000 }).toBe('no error');
  });

  test('of a webhook that cannot be asked nothing was written', async () => {
    const hook = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'world-test' },
      webhooks: [
        {
          name: 'deny.example.com',
          clientConfig: { service: { namespace, name: 'no-such' } },
          rules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['deployments'] }],
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          timeoutSeconds: 1,
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        },
      ],
    };
    await plane.apply(hook);
    const here = await world();
    const patch = () => guarded({ op: 'add', path: '/metadata/annotations', value: { at: String(performance.now()) } });
    await expect
      .poll(async () => kindOf(here.write({ verb: 'patch', on, patch: patch() })), { timeout: 10_000 })
      .toBe('WorldError throttled 500');
    await plane.remove(hook);
    await expect.poll(async () => kindOf(here.write({ verb: 'patch', on, patch: patch() })), { timeout: 10_000 }).toBe('no error');
  });

  test('without the right is forbidden; of what is not there it is missing', async () => {
    const patch = guarded({ op: 'replace', path: '/spec/paused', value: true });
    expect(await kindOf((await world(await plane.user('nobody'))).write({ verb: 'patch', on, patch }))).toBe('WorldError forbidden 403');
    expect(await kindOf((await world()).write({ verb: 'patch', on: { ...on, name: 'no-such' }, patch }))).toBe('WorldError missing 404');
    expect(await kindOf((await world()).write({ verb: 'patch', on: { ...on, apiVersion: 'no.such/v1' }, patch }))).toBe(
      'WorldError missing undefined',
    );
  });

  test('that is cut, swallowed or answered by a broken proxy is unanswered, and sent once', async () => {
    for (const fault of [{ do: 'cut' }, { do: 'truncate' }, { do: 'answer', status: 502 }, { do: 'answer', status: 500 }] as const) {
      const { proxy, world } = await proxied();
      await world.get(on);
      proxy.faults.push({ ...fault, method: 'PATCH', times: 9 });
      const patch = guarded({ op: 'add', path: '/metadata/annotations', value: { fault: fault.do } });
      expect(await kindOf(world.write({ verb: 'patch', on, patch })), fault.do).toMatch(/^WorldError unanswered/);
      expect(proxy.seen.filter(({ method }) => method === 'PATCH')).toHaveLength(1);
    }
  });

  test('that is throttled is sent again, politely and not for ever', async () => {
    const { proxy, world } = await proxied();
    proxy.faults.push({ do: 'answer', status: 429, headers: { 'retry-after': '0' }, method: 'PATCH', times: 2 });
    const patch = guarded({ op: 'replace', path: '/spec/paused', value: true });
    expect(await world.write({ verb: 'patch', on, patch })).toMatchObject({ spec: { paused: true } });
    expect(proxy.seen.filter(({ method }) => method === 'PATCH')).toHaveLength(3);
    proxy.faults.push({ do: 'answer', status: 429, headers: { 'retry-after': '0' }, method: 'PATCH', times: 100 });
    expect(await kindOf(world.write({ verb: 'patch', on, patch }))).toBe('WorldError throttled 429');
  });
});

describe('a read', () => {
  test('is undefined for no such object and no such kind, and an error without the right', async () => {
    const here = await world();
    expect(await here.get({ ...on, name: 'no-such' })).toBeUndefined();
    expect(await here.get({ ...on, kind: 'NoSuch' })).toBeUndefined();
    expect(await kindOf((await world(await plane.user('nobody'))).get(on))).toBe('WorldError forbidden 403');
  });

  test('finds a kind that came after the first look', async () => {
    const here = await world();
    const ref = { apiVersion: 'late.example/v1', kind: 'Late', name: 'x' };
    expect(await here.get(ref)).toBeUndefined();
    const crd = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'lates.late.example' },
      spec: {
        group: 'late.example',
        scope: 'Cluster',
        names: { plural: 'lates', singular: 'late', kind: 'Late', listKind: 'LateList' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: { spec: { type: 'object', properties: { n: { type: 'integer', maximum: 5 } } } },
              },
            },
          },
        ],
      },
    };
    await plane.apply(crd);
    await expect
      .poll(
        async () =>
          (
            await plane.request('POST', '/apis/late.example/v1/lates', {
              apiVersion: 'late.example/v1',
              kind: 'Late',
              metadata: { name: 'x' },
              spec: { n: 1 },
            })
          ).status,
        { timeout: 20_000, interval: 200 },
      )
      .toBeOneOf([201, 409]);
    await expect.poll(async () => here.get(ref), { timeout: 20_000, interval: 200 }).toMatchObject({ metadata: { name: 'x' } });
    // Of a custom resource the same words mean the same.
    expect(await kindOf(here.write({ verb: 'patch', on: ref, patch: [{ op: 'test', path: '/spec/n', value: 2 }] }))).toBe(
      'WorldError conflict 422',
    );
    expect(await kindOf(here.write({ verb: 'patch', on: ref, patch: [{ op: 'replace', path: '/spec/n', value: 9 }] }))).toBe(
      'WorldError refused 422',
    );
    expect(await here.write({ verb: 'patch', on: ref, patch: [{ op: 'replace', path: '/spec/n', value: 5 }] })).toMatchObject({
      spec: { n: 5 },
    });
    await plane.remove(crd);
  });
});

describe('what conditions and rights ask', () => {
  const configMap = (name: string, labels = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, labels } });
  test('a selection comes whole, over pages, by labels and namespace; of a kind that is not served there is none', async () => {
    const many = Array.from({ length: 260 }, (_, i) => configMap(`many-${i}`, { many: 'yes' }));
    for (let from = 0; from < many.length; from += 20) await Promise.all(many.slice(from, from + 20).map((each) => plane.apply(each)));
    const one = await world();
    const of = { apiVersion: 'v1', kind: 'ConfigMap', namespace, labels: 'many=yes' };
    const found = await one.select(of);
    expect(found).toHaveLength(260);
    expect(found[0]).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace } });
    expect(await one.select({ ...of, namespace: undefined, labels: 'many=no' })).toEqual([]);
    expect(await one.select({ apiVersion: 'not.there/v1', kind: 'Thing' })).toEqual([]);
  });
  test('a reading is the answer of the server, line by line', async () => {
    const text = expect.stringMatching(/\[\+\]ping ok\n[\s\S]*readyz check passed/);
    expect(await (await world()).read({ path: '/readyz?verbose' })).toEqual([{ server: '', text }]);
  });
  test('rights are told one by one, of a namespace and of single names too', async () => {
    const user = await plane.user('user-2', [
      { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'patch'], resourceNames: ['mine'], namespace },
      { apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'], namespace },
    ]);
    const one = await world(user);
    const patch = (name: string, more = {}): Rule => ({
      verbs: ['patch'],
      group: '',
      resource: 'configmaps',
      names: [name],
      namespace,
      ...more,
    });
    const evict: Rule = { verbs: ['create'], group: '', resource: 'pods/eviction', names: ['p'], namespace };
    expect(await one.allowed([patch('mine'), evict])).toEqual([]);
    expect(await one.allowed([patch('other'), { ...evict, namespace: 'default' }])).toEqual([
      patch('other'),
      { ...evict, namespace: 'default' },
    ]);
    expect(await missingRights([patch('mine'), patch('other'), evict, { ...patch('mine'), verbs: ['get', 'delete'] }], one)).toEqual([
      patch('other'),
      { ...patch('mine'), verbs: ['delete'] },
    ]);
    expect(await missingRights([patch('mine'), patch('other')], await world())).toEqual([]);
  });
});
