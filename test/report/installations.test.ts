// The line about the upgrade path of an installation.
import { expect, test } from 'vitest';
import { disagreement, pathView, unread } from '../../src/report/installations.ts';
import kubernetes from '../../src/systems/kubernetes/index.ts';

const installation = {
  id: 'kubernetes@cluster' as const,
  system: 'kubernetes',
  name: 'cluster',
  version: 'v1.37.2',
  sources: [],
  byHelm: false,
};

test.each([
  ['en', 'no newer version known; set with --to'],
  ['zh', '没有已知的更新版本；可用 --to 指定'],
] as const)('a default target that is installed already is not shown as an upgrade (%s)', (language, note) => {
  const view = (hops: string[], from = 'v1.37.2') =>
    pathView({ installation, from, to: '1.37', chosen: 'default', hops }, { language, columns: 100, colour: false } as never);
  expect(view([])).toMatchObject({ versions: 'v1.37.2', note });
  expect(view(['1.37'], 'v1.36.4').versions).toBe('v1.36.4 → 1.37');
});

test('a patch release is shown as one upgrade, not as two: the hop to its minor is the same one', () => {
  const view = (hops: string[], to: string) =>
    pathView({ installation, from: 'v1.32.5', to, chosen: 'asked', hops }, { language: 'en', columns: 100, colour: false } as never)
      .versions;
  expect(view(['1.33'], 'v1.33.1')).toBe('v1.32.5 → v1.33.1');
  expect(view(['1.33', '1.34'], 'v1.34.1')).toBe('v1.32.5 → 1.33 → v1.34.1');
  expect(view(['1.33'], '1.33')).toBe('v1.32.5 → 1.33');
});

test('a system that is the cluster itself is named without its place', () => {
  const face = { language: 'en', columns: 100, colour: false } as never;
  const sources = ['v1.37.2', 'v1.36.0'].map((says) => ({ says, from: { en: 'API server', zh: 'API 服务器' } }));
  const gaps = [{ why: 'forbidden' as const, verb: 'list' as const, resource: 'pods' }];
  expect(disagreement({ ...installation, sources } as never, face)).toMatchObject([{ head: 'kubernetes reports different versions:' }]);
  expect(unread({ ...installation, gaps } as never, face)).toMatchObject([{ head: expect.stringMatching(/^kubernetes: /) }]);
  expect(unread({ ...installation, id: 'spiderpool@kube-system/a', gaps } as never, face)).toMatchObject([
    { head: expect.stringMatching(/^spiderpool@kube-system\/a: /) },
  ]);
});

test.each([
  ['en', 'v1.36.3 → 1.37 → 1.38 → ... → 1.99', '1.39 and newer: not known to this version of upgrade-guard'],
  ['zh', 'v1.36.3 → 1.37 → 1.38 → …… → 1.99', '当前版本的 upgrade-guard 没有 1.39 及更新版本的数据'],
] as const)('a path behind what is known is bounded, and says from where on nothing is known (%s)', (language, versions, note) => {
  const face = { language, columns: 100, colour: false } as never;
  const hops = (last: number) => Array.from({ length: last - 36 }, (_, i) => `1.${i + 37}`);
  const to = (last: number) => ({ installation, from: 'v1.36.3', to: `1.${last}`, chosen: 'asked' as const, hops: hops(last) });
  const system = { ...kubernetes, knownUpTo: '1.37', provisionalUpTo: '1.38' };
  expect(pathView(to(99), face, [system])).toMatchObject({ versions, note });
  expect(pathView(to(39), face, [system])).toMatchObject({ versions: 'v1.36.3 → 1.37 → 1.38 → 1.39', note: '' });
  // Where it is not told what is known (JUnit).
  expect(pathView(to(99), face).versions.split(' → ')).toHaveLength(19);
});
