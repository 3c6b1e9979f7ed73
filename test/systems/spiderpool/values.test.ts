// The tables of the values: against the charts of the releases themselves, and what is made of them.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { tableOf } from '../../../scripts/knowledge/spiderpool-values.ts';
import { hasPlace, nearestKey, successors, valuesByChart } from '../../../src/chart/values.ts';
import type { Json } from '../../../src/engine/contracts.ts';
import { isRead, leavesOf, pathOf, written } from '../../../src/helm/keys.ts';
import { loadChart } from '../../../src/helm/load-chart.ts';
import renames from '../../../src/systems/spiderpool/knowledge/renames.json' with { type: 'json' };
import table from '../../../src/systems/spiderpool/knowledge/values.json' with { type: 'json' };
import versions from '../../../src/systems/spiderpool/knowledge/versions.json' with { type: 'json' };
import { FACTS, valuesByTable } from '../../../src/systems/spiderpool/values.ts';
import { describeUpstream } from '../../bed/upstream.ts';

test('the table knows every version that it is said to', () => {
  expect(table.versions.at(-1)).toBe(versions.knownUpTo);
  for (const point of versions.restingPoints) expect(valuesByTable(point), point).toBeDefined();
});

test('a table holds keys with their defaults, what is read, and what must be there', () => {
  const charts: Parameters<typeof tableOf>[0] = [
    { version: '1.0.0', values: { a: { b: 1 }, c: {} }, read: ['a.b', 'c'], needs: ['a a.b'] },
    { version: '1.1.0', values: { a: { b: 2, d: null } }, read: ['a', 'x.y'], needs: [] },
    { version: '1.2.0', values: { a: { b: 1, d: null }, e: [1] }, read: ['a.b'], needs: ['a a.b'] },
  ];
  expect(tableOf(charts)).toEqual({
    versions: ['1.0.0', '1.1.0', '1.2.0'],
    defaults: { 'a.b': { 1: '1.0.0 1.2.0', 2: '1.1.0' }, 'a.d': { null: '1.1.0..1.2.0' }, c: { '{}': '1.0.0' }, e: { '[1]': '1.2.0' } },
    read: { a: '1.1.0', 'x.y': '1.1.0' },
    unread: { 'a.d': '1.2.0', e: '1.2.0' },
    needs: [
      { in: '1.0.0 1.2.0', missing: ['a a.b'] },
      { in: '1.1.0', missing: [] },
    ],
  });
});

describe('renames', () => {
  test.each(renames.renames.flatMap(({ from, to, at }) => to.map((each) => [from, each, at] as const)))('%s → %s at %s', (from, to, at) => {
    const index = table.versions.indexOf(at);
    const has = (key: string, version: string) => hasPlace(pathOf(key), valuesByTable(version)!);
    expect(has(to, at)).toBe(true);
    expect(has(from, at)).toBe(false);
    expect(table.versions.slice(0, index).some((version) => has(from, version))).toBe(true);
  });
  test.each<[string, string, string[]]>([
    ['feature.enableSpiderSubnet', '1.2.2', ['ipam.spiderSubnet.enable']],
    ['ipam.spiderSubnet.enable', '0.9.13', ['ipam.enableSpiderSubnet']],
    ['ipam.spidersubnet.autoPool.enable', '1.0.6', ['ipam.spiderSubnet.autoPool.enable']],
    [
      'ipam.gc.GcDeletingTimeOutPod.enabled',
      '0.9.13',
      ['ipam.gc.statelessPod.zombieOnReadyNode', 'ipam.gc.statelessPod.zombieOnNotReadyNode'],
    ],
    ['spiderpoolAgent.prometheus.grafanaDashboard.labels.a', '0.9.13', ['grafanaDashboard.labels.a']],
    ['coordinator.detectIPConflict', '1.0.6', ['ipam.enableIPConflictDetection']],
    ['coordinator.detectIPConflict', '0.9.13', []],
    ['ipam.enableIPv4', '1.0.6', []],
    ['nothing.of.it', '1.0.6', []],
  ])('%s in %s is %j', (key, version, expected) => {
    expect(successors(pathOf(key), valuesByTable(version)!).map(written)).toEqual(expected);
  });
});

test.each<[string, string | undefined]>([
  ['ipam.enableIPV6', 'ipam.enableIPv6'],
  ['ipam.enableIPv66', 'ipam.enableIPv6'],
  ['ipma.enableIPv6', 'ipam.enableIPv6'],
  ['installSriovCNI', 'plugins.installSriovCNI'],
  ['something.else.altogether', undefined],
])('did you mean: %s → %s', (key, expected) => {
  const near = nearestKey(pathOf(key), valuesByTable('1.0.6')!);
  expect(near && written(near)).toBe(expected);
});

describeUpstream('the charts of Spiderpool', ['data', 'spiderpool', 'charts'], (folder) => {
  // The tag v0.2.3 brings a chart that calls itself 0.2.2.
  test.each(readdirSync(folder).filter((version) => version !== '0.2.3'))(
    '%s: the table says of it what its chart says',
    async (version) => {
      const chart = valuesByChart(await loadChart(join(folder, version, 'spiderpool')), FACTS);
      const known = valuesByTable(version)!;
      const sorted = (values: typeof chart.defaults) => leavesOf(values).map(({ path, value }): [string, Json] => [written(path), value]);
      expect(sorted(known.defaults).sort()).toEqual(sorted(chart.defaults).sort());
      for (const { path } of leavesOf(chart.defaults)) expect(isRead(path, known.read), written(path)).toBe(isRead(path, chart.read));
      for (const path of chart.read) expect(isRead(path, known.read), written(path)).toBe(true);
      expect(FACTS.missing(chart, chart.defaults)).toEqual([]);
      expect(FACTS.missing({ ...chart, defaults: { ...chart.defaults, more: 1 } }, {})).toBeUndefined();
    },
  );
});
