// Which PodDisruptionBudgets count for a Pod.
import { describe, expect, test } from 'vitest';
import type { Json, Raw } from '../../src/engine/contracts.ts';
import { budgetRow, budgetsOf, selects } from '../../src/kube/budgets.ts';

const budget = (name: string, namespace: string, selector: Json | undefined, disruptionsAllowed?: number): Raw => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name, namespace },
  spec: selector === undefined ? {} : { selector },
  ...(disruptionsAllowed === undefined ? {} : { status: { disruptionsAllowed } }),
});

test('of its namespace and by its labels; a budget without a status allows nothing', () => {
  const rows = [
    budget('a', 'shop', { matchLabels: { app: 'cart' } }, 1),
    budget('b', 'ops', { matchLabels: { app: 'cart' } }, 1),
    budget('all', 'shop', {}),
    budget('none', 'shop', undefined, 5),
  ].map(budgetRow);
  const pod: Raw = { metadata: { name: 'cart-0', namespace: 'shop', labels: { app: 'cart' } } };
  expect(budgetsOf(pod, rows).map(({ ref, allows }) => [ref.name, allows])).toEqual([
    ['a', 1],
    ['all', 0],
  ]);
});

describe('selects', () => {
  const labels = { app: 'cart', tier: 'web' };
  test.each<[Json, boolean]>([
    [{ matchLabels: { app: 'cart', tier: 'web' } }, true],
    [{ matchLabels: { app: 'cart', tier: 'db' } }, false],
    [{ matchLabels: { constructor: 'x' } }, false],
    [{ matchExpressions: [{ key: 'app', operator: 'In', values: ['cart', 'x'] }] }, true],
    [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['x'] }] }, false],
    [{ matchExpressions: [{ key: 'zone', operator: 'NotIn', values: ['x'] }] }, true],
    [{ matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['cart'] }] }, false],
    [{ matchExpressions: [{ key: 'app', operator: 'Exists' }] }, true],
    [{ matchExpressions: [{ key: 'zone', operator: 'Exists' }] }, false],
    [{ matchExpressions: [{ key: 'zone', operator: 'DoesNotExist' }] }, true],
    [{ matchLabels: { app: 'cart' }, matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] }, false],
    [{ matchExpressions: [{ key: 'app', operator: 'Like', values: [] }] }, true],
    [{}, true],
    [null, false],
  ])('%j: %s', (selector, expected) => expect(selects(selector, labels)).toBe(expected));
});
