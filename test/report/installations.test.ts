// The line about the upgrade path of an installation.
import { expect, test } from 'vitest';
import { disagreement, pathView, unread } from '../../src/report/installations.ts';

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
