// Comparing results over several clusters: paired by identity, and what only one side knows is said.
import { describe, expect, test } from 'vitest';
import { compareClusters } from '../../src/engine/compare.ts';
import type { Language } from '../../src/engine/contracts.ts';
import { readPublished } from '../../src/report/check-result.ts';
import { comparisons } from '../../src/report/comparison.ts';
import { jsonOf, yamlOf } from '../../src/report/data.ts';
import type { Face } from '../../src/report/face.ts';
import { style } from '../../src/text/colour.ts';

const face = (language: Language): Face => ({
  language,
  columns: 100,
  tool: 'ug',
  again: '',
  wide: false,
  style: style(process.stdout, {}, false),
});
const finding = (fingerprint: string) => ({
  fingerprint,
  severity: 'warning',
  message: { en: `it is ${fingerprint}`, zh: `这是 ${fingerprint}` },
  accepted: false,
});
const result = (uid: string, context: string, ...found: string[]) => ({
  apiVersion: 'upgrade-guard/v1',
  kind: 'CheckResult',
  cluster: { uid, context },
  checks: [{ id: 'a/b', installation: 'a@x/y', outcome: found.length ? 'found' : 'passed', findings: found.map(finding), gaps: [] }],
});
const list = (...items: object[]) => ({ apiVersion: 'upgrade-guard/v1', kind: 'CheckResultList', items, failed: [], complete: true });
const read = (value: object, as = jsonOf) => readPublished(as(value), 'f');

const BEFORE = list(result('u1', 'prod', 'old', 'stays'), result('u2', 'stage', 'stays'), result('u3', 'gone-cluster', 'lost'));
const AFTER = list(result('u2', 'renamed', 'stays', 'fresh'), result('u1', 'prod', 'stays'), result('u4', 'new-cluster', 'born'));

describe.each([
  ['JSON', jsonOf],
  ['YAML', yamlOf],
])('%s', (_, as) => {
  test('clusters are paired by identity', () => {
    const compared = compareClusters(read(BEFORE, as).clusters, read(AFTER, as).clusters);
    const names = (part: 'new' | 'gone' | 'still' | 'notLookedAt') =>
      compared.map((cluster) => [cluster.uid, ...cluster[part].map(({ fingerprint }) => fingerprint)].join(' '));
    expect(compared.map((cluster) => cluster.in)).toEqual(['both', 'both', 'before', 'after']);
    expect(names('new')).toEqual(['u1', 'u2 fresh', 'u3', 'u4 born']);
    expect(names('gone')).toEqual(['u1 old', 'u2', 'u3', 'u4']);
    expect(names('still')).toEqual(['u1 stays', 'u2 stays', 'u3', 'u4']);
    expect(names('notLookedAt')).toEqual(['u1', 'u2', 'u3 lost', 'u4']);
  });
  test('one cluster reads as before', () => {
    expect(read(result('u1', 'prod', 'x'), as)).toMatchObject({ several: false, clusters: [{ uid: 'u1', context: 'prod' }] });
  });
});

test('two contexts of one cluster are one', () => {
  const twice = read(list(result('u1', 'a', 'x'), result('u1', 'b', 'x', 'y'))).clusters;
  const [only, ...others] = compareClusters(twice, read(list(result('u1', 'a'))).clusters);
  expect(others).toEqual([]);
  expect(only!.gone.map(({ fingerprint }) => fingerprint)).toEqual(['x', 'y']);
});

test.each(['en', 'zh'] as const)('as a person reads it: %s', (language) => {
  const said = comparisons(compareClusters(read(BEFORE).clusters, read(AFTER).clusters), face(language)).join('\n');
  expect(said).toMatch(
    language === 'en' ? /^gone-cluster {3}only in the first result: not checked again$/m : /^gone-cluster {3}仅见于前一个结果/m,
  );
  expect(said).toMatch(language === 'en' ? /^new-cluster {3}only in the second result: new$/m : /^new-cluster {3}仅见于后一个结果/m);
  expect(said).toMatch(/^prod$/m);
  const sum = {
    en: '4 clusters: 2 new, 2 still there, 1 not checked again, 1 gone.',
    zh: '4 个集群：新出现 2 个，仍存在 2 个，未再检查 1 个，已消失 1 个。',
  };
  expect(said.split('\n').at(-1)).toBe(sum[language]);
});

test.each([
  ['no kind', 'apiVersion: upgrade-guard/v1\n'],
  ['broken YAML', 'apiVersion: [\n'],
  ['an item that is none', jsonOf(list({ kind: 'Pod' }))],
  ['an item without a cluster', jsonOf(list({ ...result('u', 'c'), cluster: {} }))],
  ['aliases without end', `a: &a [x]\nb: &b [${'*a,'.repeat(50)}]\nc: &c [${'*b,'.repeat(50)}]\nd: [${'*c,'.repeat(50)}]\n`],
])('%s is refused', (_, text) => {
  expect(() => readPublished(text, 'f')).toThrow(/reading f: not a result of check/);
});
