// Versions that fix -f takes for the same but for their name: the OpenAPI of a real API server describes both of them with the same fields.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Json, Raw } from '../../../src/engine/contracts.ts';
import { wasEmpty } from '../../../src/kube/budgets.ts';
import { isRaw } from '../../../src/kube/json.ts';
import { isSame, SAME } from '../../../src/systems/kubernetes/rewrites.ts';
import { bed } from '../../bed/index.ts';

const cluster = bed();
const definitions = await described();

/** The description is put together a moment after the API server is ready. */
async function described(): Promise<Record<string, Raw>> {
  for (let left = 60; left > 0; left--) {
    const { status, body } = await cluster.request('GET', '/openapi/v2');
    // 1.24 does not say that it is JSON.
    if (status === 200) return (typeof body === 'string' ? JSON.parse(body) : body).definitions;
    await sleep(500);
  }
  throw new Error('the API server does not describe its APIs');
}

/** By `group/version kind`. */
const named = new Map(
  Object.entries(definitions).flatMap(([name, schema]) => {
    const kinds = Array.isArray(schema['x-kubernetes-group-version-kind']) ? schema['x-kubernetes-group-version-kind'].filter(isRaw) : [];
    return kinds.map(({ group, version, kind }): [string, string] => [`${group}/${version} ${kind}`, name]);
  }),
);

/** What the schema allows; words about it and the names of its parts left out. `seen`: against circles. */
function shapeOf(value: Json | undefined, seen: readonly string[] = []): Json {
  if (Array.isArray(value))
    return value.map((each) => shapeOf(each, seen)).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (!isRaw(value)) return value ?? null;
  if (typeof value.$ref === 'string') {
    const name = value.$ref.replace('#/definitions/', '');
    return seen.includes(name) ? 'itself' : shapeOf(definitions[name], [...seen, name]);
  }
  const kept = Object.entries(value).filter(([key, each]) => typeof each === 'object' || !['description', 'title'].includes(key));
  const rest = kept.filter(([key]) => !key.startsWith('x-kubernetes-group-version-kind'));
  return Object.fromEntries(rest.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, each]) => [key, shapeOf(each, seen)]));
}

const pairs = SAME.flatMap(({ group, versions, kinds }) =>
  kinds.split(' ').flatMap((kind) => {
    const served = versions.split(' ').filter((version) => named.has(`${group}/${version} ${kind}`));
    return served.slice(1).map((version, at) => [group, kind, served[at]!, version] as const);
  }),
);

// The newest serves beta versions only where they are switched on.
test.runIf(cluster.version === '1.24')('there are pairs to compare', () => expect(pairs.length).toBeGreaterThan(4));
test('kinds are described', () => expect(named.size).toBeGreaterThan(100));

/** What a newer version has besides does not stand in a manifest of the older one; nothing of the older one may be missing. */
test.each(pairs)('%s %s: %s and %s', (group, kind, older, newer) => {
  const [a, b] = [older, newer].map((version) => fieldsOf(shapeOf(definitions[named.get(`${group}/${version} ${kind}`)!]))) as [
    string[],
    string[],
  ];
  expect(a.length).toBeGreaterThan(5);
  expect(a.filter((field) => !b.includes(field))).toEqual([]);
});

/** `spec.jobTemplate.spec.suspend: boolean` */
function fieldsOf(shape: Json, path = ''): string[] {
  if (!isRaw(shape)) return [];
  const { properties, items, additionalProperties, type } = shape;
  const below = isRaw(properties) ? Object.entries(properties).flatMap(([name, each]) => fieldsOf(each, `${path}.${name}`)) : [];
  return [
    `${path}: ${String(type)}`,
    ...below,
    ...fieldsOf(items ?? null, `${path}[]`),
    ...fieldsOf(additionalProperties ?? null, `${path}{}`),
  ];
}

// ---- what they mean --------------------------------------------------------------------------------------------------

const POD = { containers: [{ name: 'c', image: 'x' }], restartPolicy: 'Never' };
const TARGET = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
/** As little as a manifest may say: what is left out is a default, and of both versions the same. */
const BODIES: Record<string, Raw> = {
  CronJob: { spec: { schedule: '1 1 1 1 1', jobTemplate: { spec: { template: { spec: POD } } } } },
  PodDisruptionBudget: { spec: { selector: { matchLabels: { a: 'b' } } } },
  HorizontalPodAutoscaler: { spec: { maxReplicas: 3, scaleTargetRef: TARGET, behavior: { scaleDown: {} } } },
  RuntimeClass: { handler: 'runc', scheduling: {} },
  FlowSchema: { spec: { priorityLevelConfiguration: { name: 'exempt' } } },
  PriorityLevelConfiguration: { spec: { type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing: {} } } } },
  CSIStorageCapacity: { storageClassName: 'fast' },
};
const NAMESPACED = ['CronJob', 'PodDisruptionBudget', 'HorizontalPodAutoscaler', 'CSIStorageCapacity'];
const RESOURCES: Record<string, string> = { RuntimeClass: 'runtimeclasses', CSIStorageCapacity: 'csistoragecapacities' };

/** What the API server holds of it in `read`, once it was created in `version`. Nothing stays. */
async function held(group: string, kind: string, body: Raw, version: string, read: string): Promise<Raw> {
  const resource = RESOURCES[kind] ?? `${kind.toLowerCase()}s`;
  const at = (which: string) => `/apis/${group}/${which}${NAMESPACED.includes(kind) ? '/namespaces/default' : ''}/${resource}`;
  // A CronJob of v1beta1 stays a moment longer: its Jobs are orphaned.
  const name = `means-the-same-${version}`;
  const made = await cluster.request('POST', at(version), { apiVersion: `${group}/${version}`, kind, metadata: { name }, ...body });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  const { body: found } = await cluster.request('GET', `${at(read)}/${name}`);
  expect((await cluster.request('DELETE', `${at(version)}/${name}`)).status).toBe(200);
  const { metadata: _, status: __, apiVersion: ___, ...rest } = found as Raw;
  return rest;
}

test.each(pairs.filter(([, kind]) => BODIES[kind]))(
  '%s %s: what is left out means the same in %s and %s',
  async (group, kind, older, newer) => {
    const body = BODIES[kind]!;
    expect(await held(group, kind, body, older, newer)).toEqual(await held(group, kind, body, newer, newer));
  },
);

test.runIf(cluster.version === '1.24')('an empty selector of a budget does not, and is not rewritten', async () => {
  const body: Raw = { spec: { minAvailable: 1, selector: {} } };
  const of = async (version: string) => (await held('policy', 'PodDisruptionBudget', body, version, 'v1')).spec as Raw;
  expect([wasEmpty((await of('v1beta1')).selector), (await of('v1')).selector]).toEqual([true, {}]);
  const budget = { apiVersion: 'policy/v1beta1', kind: 'PodDisruptionBudget', metadata: { name: 'x' }, ...body };
  expect(isSame(budget, 'policy/v1')).toBe(false);
});
