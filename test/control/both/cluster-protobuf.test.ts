// Lists as protobuf against the same lists as JSON, on a real API server: every kind that the schema has, many objects, every field.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readerFor } from '../../../src/cluster/protobuf.ts';
import { type Message, schemaOf } from '../../../src/cluster/protobuf-schema.ts';
import { transport } from '../../../src/cluster/transport.ts';
import type { ApiResource, Json, Raw } from '../../../src/engine/contracts.ts';
import type { Fault } from '../../bed/fault-proxy.ts';
import { bed } from '../../bed/index.ts';
import { richObjects } from './rich-objects.ts';
import { inParallel, listed, never, OPTIONS, sources } from './sources.ts';

const plane = bed();
const { connected, source, proxied } = sources(plane);

/** All that are served by both lines of Kubernetes that are tested; in the version that the server prefers. */
const RESOURCES = [
  ...['pods', 'nodes', 'namespaces', 'services', 'events', 'secrets', 'configmaps', 'persistentvolumes', 'persistentvolumeclaims'],
  ...['deployments.apps', 'daemonsets.apps', 'statefulsets.apps', 'replicasets.apps', 'jobs.batch', 'cronjobs.batch'],
  ...['horizontalpodautoscalers.autoscaling', 'poddisruptionbudgets.policy', 'leases.coordination.k8s.io'],
  ...['endpointslices.discovery.k8s.io', 'events.events.k8s.io'],
  ...['validatingwebhookconfigurations', 'mutatingwebhookconfigurations'].map((name) => `${name}.admissionregistration.k8s.io`),
  ...['roles', 'clusterroles', 'rolebindings', 'clusterrolebindings'].map((name) => `${name}.rbac.authorization.k8s.io`),
  ...['storageclasses', 'csidrivers', 'volumeattachments'].map((name) => `${name}.storage.k8s.io`),
];

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

  test('gives what JSON gives, for every kind', async () => {
    const namespace = await plane.namespace('rich');
    await plane.apply(...richObjects(namespace));
    for (const resource of RESOURCES) await expectSameAsJson(resource, 1);
  });

  test('is given up for JSON where a later Kubernetes sends what is not known here', async () => {
    await plane.apply({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'plain' }, spec: { podCIDR: '10.8.0.0/24' } });
    // A NodeList of one Node `x`, whose spec has a field 15.
    const item = '\x0a\x03\x0a\x01x\x12\x02z\0';
    const raw = `\x0a\0\x12${String.fromCharCode(item.length)}${item}`;
    const later: Fault = {
      do: 'answer',
      ...{ status: 200, path: /^\/api\/v1\/nodes/, headers: { 'content-type': 'application/vnd.kubernetes.protobuf' } },
      body: `k8s\0\x0a\x0e\x0a\x02v1\x12\x08NodeList\x12${String.fromCharCode(raw.length)}${raw}`,
    };
    const { proxy, source } = await proxied();
    proxy.faults.push({ ...later });
    const whole = await listed(source, { resource: 'nodes', fields: ['spec'] });
    expect(whole).toMatchObject({ gap: undefined, restarts: 1 });
    expect(proxy.seen.at(-1)?.headers.accept).toBe('application/json');
    expect(whole.objects.find(({ metadata }) => (metadata as Raw).name === 'plain')?.spec).toMatchObject({ podCIDR: '10.8.0.0/24' });
    proxy.faults.push({ ...later });
    const narrow = await listed(source, { resource: 'nodes', fields: ['spec.podCIDR'] });
    expect(narrow).toMatchObject({ gap: undefined, restarts: 0, objects: [{ metadata: { name: 'x' }, spec: {} }] });
  });

  async function expectSameAsJson(resource: string, atLeast: number): Promise<void> {
    const { proxy, source } = await proxied();
    const api = (await source.resource(resource)) as ApiResource;
    const schema = schemaOf(api)!;
    const binary = await listed(source, { resource, fields: leavesOf(schema) });
    expect(proxy.seen.at(-1)?.headers.accept).toBe('application/vnd.kubernetes.protobuf,application/json');
    const wholes = await listed(source, { resource, fields: schema.fields.map(({ name }) => name) });
    const plain = await listed(source, { resource, fields: 'whole' });
    expect([binary.gap, wholes.gap, wholes.restarts, plain.gap]).toEqual([undefined, undefined, 0, undefined]);
    // Controllers are at work between the lists (a Pod without its owner or node goes): compared is what stayed as it was.
    const versionOf = ({ metadata }: Raw) => `${(metadata as Raw).uid} ${(metadata as Raw).resourceVersion}`;
    const stayed = new Map(plain.objects.map((object) => [versionOf(object), withoutOddity(object)]));
    for (const { objects } of [binary, wholes]) {
      const both = objects.filter((object) => stayed.has(versionOf(object)));
      expect(both.length, resource).toBeGreaterThanOrEqual(atLeast);
      for (const object of both) expect(withoutOddity(object), resource).toEqual(stayed.get(versionOf(object)));
    }
    // JSON would pass this test as well.
    const answer = await transport(await connected(), never, OPTIONS).request({
      method: 'GET',
      path: `${api.group ? `/apis/${api.group}` : '/api'}/${api.version}/${api.resource}?limit=1`,
      accept: 'application/vnd.kubernetes.protobuf,application/json',
    });
    expect(answer.headers['content-type']).toBe('application/vnd.kubernetes.protobuf');
  }

  /** Up to 1.35 JSON has `creationTimestamp: null` in templates. */
  function withoutOddity(value: Json): Json {
    if (Array.isArray(value)) return value.map(withoutOddity);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).filter(([name, each]) => name !== 'creationTimestamp' || each !== null);
    return Object.fromEntries(entries.map(([name, each]) => [name, withoutOddity(each)]));
  }

  function leavesOf({ fields }: Message, prefix = ''): string[] {
    return fields.flatMap(({ name, type, shape }) => {
      const path = name ? `${prefix}${name}` : prefix;
      return typeof type === 'object' && shape !== 'map' ? leavesOf(type, name ? `${path}.` : prefix) : [path];
    });
  }
});

test('no field of these kinds has to be asked for as JSON', async () => {
  const here = await source();
  const fallsBack: string[] = [];
  let asked = 0;
  for (const resource of RESOURCES) {
    const api = (await here.resource(resource)) as ApiResource;
    for (const path of await fieldsOf(api)) {
      asked++;
      if (!readerFor(api, [path])) fallsBack.push(`${resource} ${path}`);
    }
  }
  expect(asked).toBeGreaterThan(3000);
  expect(fallsBack).toEqual([]);
});

// biome-ignore lint/suspicious/noExplicitAny: OpenAPI has many forms
type Schema = any;

/** Every path into objects of this resource, by what the API server publishes about it. */
async function fieldsOf({ group, version, kind }: ApiResource): Promise<string[]> {
  const { status, body } = await plane.request('GET', `/openapi/v3/${group ? `apis/${group}` : 'api'}/${version}`);
  expect(status).toBe(200);
  // 1.24 sends JSON without a word that it is.
  const schemas: Record<string, Schema> = (typeof body === 'string' ? JSON.parse(body) : body).components.schemas;
  const own = Object.values(schemas).find((schema) =>
    schema['x-kubernetes-group-version-kind']?.some((is: Raw) => is.group === group && is.version === version && is.kind === kind),
  );
  const resolved = (schema: Schema): Schema => {
    const reference: string | undefined = schema?.$ref ?? schema?.allOf?.[0]?.$ref;
    return reference ? schemas[reference.slice(reference.lastIndexOf('/') + 1)] : schema;
  };
  const below = (schema: Schema, prefix: string): string[] => {
    const { properties, items } = resolved(schema);
    if (items) return below(items, prefix);
    return Object.entries(properties ?? {}).flatMap(([name, each]) => [`${prefix}${name}`, ...below(each, `${prefix}${name}.`)]);
  };
  return below(own, '');
}
