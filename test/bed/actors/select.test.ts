// Selectors, with plain objects.
import { expect, test } from 'vitest';
import { selects } from './select.ts';

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
