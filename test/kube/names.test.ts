// References, resource names, selectors, bounded JSON.
import { describe, expect, it } from 'vitest';
import type { Raw } from '../../src/engine/contracts.ts';
import { countMembers, parseJson, withinDepth } from '../../src/kube/json.ts';
import { labelSelector } from '../../src/kube/labels.ts';
import { describe as describeRef, groupOf, keyOf, refOf, sameObject } from '../../src/kube/refs.ts';
import { BUILT_IN_RESOURCES, guessPlural, parseResourceName, resourceName, ruleText } from '../../src/kube/resources.ts';

describe('references', () => {
  const pod: Raw = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', namespace: 'n', uid: 'u' } };
  it('come from objects', () => {
    expect(refOf(pod)).toEqual({ apiVersion: 'v1', kind: 'Pod', namespace: 'n', name: 'a', uid: 'u' });
    expect(refOf({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } })).toEqual({ apiVersion: 'v1', kind: 'Node', name: 'n1' });
    expect(() => refOf({ kind: 'Pod' })).toThrow('without apiVersion');
  });
  it('are described without what a terminal would obey', () => {
    expect(describeRef(refOf(pod))).toBe('Pod n/a');
    expect(describeRef({ apiVersion: 'v1', kind: 'Node', name: 'n\u001b[31m1' })).toBe('Node n1');
  });
  it('are the same over versions, not over uids', () => {
    const a = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', namespace: 'n', name: 'x' };
    expect(sameObject(a, { ...a, apiVersion: 'policy/v1beta1', uid: 'u' })).toBe(true);
    expect(sameObject({ ...a, uid: 'v' }, { ...a, uid: 'u' })).toBe(false);
    expect(keyOf(a)).not.toBe(keyOf({ ...a, namespace: undefined }));
    expect([groupOf('v1'), groupOf('apps/v1')]).toEqual(['', 'apps']);
  });
});

describe('resources', () => {
  it('take their names apart and put them together', () => {
    for (const name of ['pods', 'deployments.apps', 'spiderendpoints.spiderpool.spidernet.io'])
      expect(resourceName(parseResourceName(name))).toBe(name);
    expect(parseResourceName('plans.upgrade.cattle.io')).toEqual({ group: 'upgrade.cattle.io', resource: 'plans' });
  });
  it('put rights into words', () => {
    expect(ruleText({ verbs: ['list'], group: '', resource: 'secrets', namespace: 'kube-system' })).toBe('list secrets in kube-system');
    expect(ruleText({ verbs: ['get', 'patch'], group: 'apps', resource: 'deployments/status', names: ['x'] })).toBe(
      'get, patch deployments.apps/status x',
    );
  });
  it.each([
    ['NetworkPolicy', 'networkpolicies'],
    ['Ingress', 'ingresses'],
    ['Gateway', 'gateways'],
    ['SpiderIPPool', 'spiderippools'],
    ['MeshConfig', 'meshconfigs'],
    ['Plan', 'plans'],
  ])('guess the plural of %s', (kind, plural) => {
    expect(guessPlural(kind)).toBe(plural);
  });
  it('know what is built in', () => {
    const find = (kind: string) => BUILT_IN_RESOURCES.find((api) => api.kind === kind);
    expect(find('Pod')).toEqual({ group: '', version: 'v1', resource: 'pods', kind: 'Pod', namespaced: true, subresources: ['status'] });
    expect(find('Endpoints')?.resource).toBe('endpoints');
    expect(find('CustomResourceDefinition')).toMatchObject({ resource: 'customresourcedefinitions', namespaced: false });
    expect(find('NetworkAttachmentDefinition')?.resource).toBe('network-attachment-definitions');
    expect(BUILT_IN_RESOURCES.every(({ kind, version }) => /^[A-Z]\w+$/.test(kind) && /^v\d/.test(version))).toBe(true);
  });
});

describe('label selectors', () => {
  const labelled: Raw = { metadata: { labels: { app: 'web', tier: 'front', 'a.b/c': 'x' } } };
  it.each([
    ['', true],
    ['app=web', true],
    ['app==web,tier=front', true],
    ['app = db', false],
    ['app!=db', true],
    ['missing!=db', true],
    ['app in (web, db)', true],
    ['app in (db)', false],
    ['app notin (web)', false],
    ['missing notin (web)', true],
    ['missing in (web)', false],
    ['a.b/c', true],
    ['!app', false],
    ['!missing,app in (a,web),tier', true],
    ['missing', false],
    ['missing=', false],
    ['toString', false],
  ])('%j: %s', (selector, expected) => {
    expect(labelSelector(selector)(labelled)).toBe(expected);
  });
  it('rejects what kubectl rejects', () => {
    for (const bad of ['a b', 'a in', 'a in web', '=x', 'a,,b']) expect(() => labelSelector(bad)).toThrow('not a label selector');
  });
});

describe('bounded JSON', () => {
  it('refuses depth that would exhaust a stack', () => {
    expect(() => parseJson('['.repeat(1_000_000))).toThrow(/nested deeper than 200 levels in JSON at position 200/);
    expect(() => parseJson(`{"a":"${'['.repeat(1000)}\\"${'{'.repeat(1000)}"}`)).not.toThrow();
    expect(parseJson(`${'['.repeat(200)}${']'.repeat(200)}`)).toBeDefined();
    let deep: unknown = 1;
    for (let level = 0; level < 201; level++) deep = [deep];
    expect(withinDepth(deep)).toBe(false);
  });
});

it.each<[string, number]>([
  ['{}', 0],
  [' { } ', 0],
  ['{"a":1}', 1],
  ['{"a":[1,2,{"b":1,"c":2}],"d":"x,y\\",z"}', 2],
  ['{"a":1,"a":2}', 2],
])('members of %s: %i', (text, count) => expect(countMembers(text)).toBe(count));
