// HELM_DRIVER as helm reads it (pkg/action/action.go, Init), and which of two histories it selects.
import { expect, test } from 'vitest';
import { helmDriver, history, lastWritten, otherHistory, type ReleaseRecord } from '../../src/helm/records.ts';

test.each<[string | undefined, ReturnType<typeof helmDriver>]>([
  [undefined, undefined],
  ['', undefined],
  ['secret', 'secret'],
  ['secrets', 'secret'],
  ['configmap', 'configmap'],
  ['configmaps', 'configmap'],
  ['ConfigMaps', 'elsewhere'],
  ['sql', 'elsewhere'],
  ['memory', 'elsewhere'],
])('HELM_DRIVER=%s: %s', (said, driver) => expect(helmDriver(said)).toBe(driver));

const record = (kind: string, revision: number): ReleaseRecord => ({
  ...{ kind, revision, object: `r${revision}`, namespace: 'n', name: 'sp', status: 'deployed' },
});
const BOTH = [record('Secret', 1), record('ConfigMap', 7), record('Secret', 2)];

test.each([
  [undefined, [2, 1], [7]],
  ['secret', [2, 1], [7]],
  ['configmap', [7], [2, 1]],
  ['elsewhere', [], []],
] as const)('of two histories %s selects', (driver, its, others) => {
  const revisions = (all: ReleaseRecord[]) => all.map(({ revision }) => revision);
  expect(revisions(history(BOTH, 'n', 'sp', driver))).toEqual(its);
  expect(revisions(otherHistory(BOTH, 'n', 'sp', driver))).toEqual(others);
});

test('where there is one history, it counts whatever HELM_DRIVER says', () => {
  expect(history([record('Secret', 3)], 'n', 'sp', 'configmap')).toHaveLength(1);
  expect(otherHistory([record('Secret', 3)], 'n', 'sp', 'configmap')).toEqual([]);
});

test.each<[string, object, number]>([
  ['modifiedAt', { labels: { modifiedAt: '20', createdAt: '10' }, creationTimestamp: '1970-01-01T00:00:05Z' }, 20_000],
  ['createdAt', { labels: { createdAt: '10' }, creationTimestamp: '1970-01-01T00:00:05Z' }, 10_000],
  [
    'the newest of managedFields, without either label',
    { managedFields: [{ time: '1970-01-01T00:00:40Z' }, { time: '1970-01-01T00:00:30Z' }, {}], creationTimestamp: '1970-01-01T00:00:05Z' },
    40_000,
  ],
  ['its creation, where a label holds no number', { labels: { modifiedAt: 'soon' }, creationTimestamp: '1970-01-01T00:00:05Z' }, 5000],
  ['nothing', {}, Number.NaN],
])('when a record was last written is told by %s', (_, { labels, ...metadata }: { labels?: object }, touched) => {
  const own = { name: 'sp', status: 'pending-upgrade', version: '2', ...labels };
  const object = { kind: 'Secret', metadata: { name: 'r', namespace: 'n', labels: own, ...metadata } };
  expect(lastWritten(object as never)).toBe(touched);
});
