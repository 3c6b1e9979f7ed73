// What a run needs to be allowed: asked from the wide to the narrow, so that 100,000 steps of one kind are a single question.
import { expect, test } from 'vitest';
import type { Rule, Step } from '../../src/engine/contracts.ts';
import { missingRights, rightsOf } from '../../src/engine/rights.ts';
import { patchStep } from './worlds.ts';

/** A server that allows what `may` says; how many questions it was asked. */
function server(may: (rule: Rule) => boolean) {
  const self = {
    asked: 0,
    allowed: async (rules: readonly Rule[]) => {
      self.asked += rules.length;
      return rules.filter((rule) => !may(rule));
    },
  };
  return self;
}
const steps = Array.from({ length: 1000 }, (_, i) => patchStep(`e${i}`));
const rules = () => steps.flatMap(rightsOf);

test('one question for each verb and resource, where all of them are allowed everywhere', async () => {
  const one = server(() => true);
  expect(await missingRights(rules(), one)).toEqual([]);
  expect(one.asked).toBe(2);
});
test('a namespace, then a name: a narrow right is enough', async () => {
  const inDefault = server(({ namespace }) => namespace === 'default');
  expect(await missingRights(rules(), inDefault)).toEqual([]);
  expect(inDefault.asked).toBe(4);
  const named = server(({ namespace, names }) => namespace === 'default' && names?.[0] !== undefined && names[0] !== 'e7');
  expect((await missingRights(steps.slice(0, 10).flatMap(rightsOf), named)).map(({ verbs, names }) => [verbs, names])).toEqual([
    [['patch'], ['e7']],
    [['get'], ['e7']],
  ]);
});
test('what a step waits for is asked as well', () => {
  const wait = {
    ...patchStep('w'),
    do: 'wait',
    until: [
      { of: { apiVersion: 'v1', kind: 'Node' }, which: 'every', must: 'exist' },
      { reading: { path: '/readyz?verbose' }, contains: 'ok' },
      { reading: { path: '/metrics', every: true }, contains: 'ok' },
    ],
  } as unknown as Step;
  expect(rightsOf(wait)).toEqual([
    { verbs: ['list'], group: '', resource: 'nodes' },
    { verbs: ['get'], group: '', resource: '', nonResourceURLs: ['/readyz'] },
    { verbs: ['get'], group: '', resource: '', nonResourceURLs: ['/metrics'] },
    { verbs: ['list'], group: 'discovery.k8s.io', resource: 'endpointslices', namespace: 'default' },
  ]);
});
