// Selectors and the choice of a Node, with plain objects.
import { expect, test } from 'vitest';
import { placeFor, selects } from './select.ts';

test.each<[string, object | undefined, boolean]>([
  ['none', undefined, false],
  ['an empty one', {}, true],
  ['a label that is there', { matchLabels: { app: 'a' } }, true],
  ['a label that differs', { matchLabels: { app: 'b' } }, false],
  ['In', { matchExpressions: [{ key: 'app', operator: 'In', values: ['a', 'b'] }] }, true],
  ['In of a missing label', { matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }] }, false],
  ['NotIn', { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['a'] }] }, false],
  ['NotIn of a missing label', { matchExpressions: [{ key: 'zone', operator: 'NotIn', values: ['a'] }] }, true],
  ['Exists', { matchExpressions: [{ key: 'zone', operator: 'Exists' }] }, false],
  ['DoesNotExist', { matchExpressions: [{ key: 'zone', operator: 'DoesNotExist' }] }, true],
  [
    'one that holds and one that does not',
    { matchLabels: { app: 'a' }, matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] },
    false,
  ],
])('%s', (_, selector, selected) => {
  expect(selects(selector, { app: 'a' })).toBe(selected);
});

const node = (name: string, spec = {}, labels = {}) => ({
  metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
  spec,
});
const pod = (spec = {}, labels = {}) => ({ metadata: { namespace: 'shop', labels }, spec: { containers: [], ...spec } });
const antiAffinity = {
  podAntiAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [
      { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'a' } } },
    ],
  },
};

test('the Node with the fewest Pods, by name among equals', () => {
  const nodes = [node('n2'), node('n1'), node('n3')];
  expect(placeFor(pod(), nodes, [])).toEqual({ node: 'n1' });
  expect(placeFor(pod(), nodes, [{ pod: pod(), node: 'n1' }])).toEqual({ node: 'n2' });
});
test('why there is none, counted', () => {
  const taint = { key: 'k', value: 'v', effect: 'NoExecute' };
  const nodes = [node('n1', { unschedulable: true }), node('n2', { taints: [taint] }), node('n3')];
  const why = placeFor(pod({ affinity: antiAffinity }), nodes, [{ pod: pod({}, { app: 'a' }), node: 'n3' }]);
  expect(why).toEqual({
    why: "0/3 nodes are available: 1 node(s) were unschedulable, 1 node(s) had untolerated taint {k: v}, 1 node(s) didn't match pod anti-affinity rules.",
  });
});
test.each([
  [{ key: 'k', operator: 'Exists' }, true],
  [{ operator: 'Exists' }, true],
  [{ key: 'k', value: 'v', effect: 'NoSchedule' }, true],
  [{ key: 'k', value: 'other' }, false],
  [{ key: 'k', operator: 'Exists', effect: 'NoExecute' }, false],
])('toleration %j', (toleration, tolerated) => {
  const tainted = node('n1', { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] });
  expect('node' in placeFor(pod({ tolerations: [toleration] }), [tainted], [])).toBe(tolerated);
});
test('a preference keeps no Pod away', () => {
  expect(placeFor(pod(), [node('n1', { taints: [{ key: 'k', effect: 'PreferNoSchedule' }] })], [])).toEqual({ node: 'n1' });
});
