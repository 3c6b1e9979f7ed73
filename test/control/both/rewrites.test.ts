// Versions that fix -f takes for the same but for their name: the OpenAPI of a real API server describes both of them with the same fields.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Json, Raw } from '../../../src/engine/contracts.ts';
import { isRaw } from '../../../src/kube/json.ts';
import { SAME } from '../../../src/systems/kubernetes/rewrites.ts';
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
