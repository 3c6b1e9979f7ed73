// What an upgrade makes of the old values: real helm upgrades a real release of a chart that prints its values, in every way that there is.
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { Json, Raw } from '../../src/engine/contracts.ts';
import { rulesOf, upgraded } from '../../src/helm/values.ts';
import { bed } from '../bed/index.ts';

const cluster = bed();
const scratch = mkdtempSync(join(tmpdir(), 'ug-upgrade-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const CHART = join(import.meta.dirname, '..', 'helm', 'printing-chart');
/** As test/bed/tools.ts has them. */
const VERSION = { helm3: '3.17.1', helm4: '4.1.4' };

let count = 0;
const file = (values: Raw): string => {
  const name = join(scratch, `values-${count++}.yaml`);
  writeFileSync(name, JSON.stringify(values));
  return name;
};
const chart = (values: Raw): string => {
  const folder = mkdtempSync(join(scratch, 'chart-'));
  cpSync(CHART, folder, { recursive: true });
  writeFileSync(join(folder, 'values.yaml'), JSON.stringify(values));
  return folder;
};
/** Many cases at once: top-level keys do not see one another. */
const leaf = fc.constantFrom<Json>(null, null, 1, 'x', [1], {});
const tree: fc.Arbitrary<Raw> = fc.letrec<{ map: Raw; value: Json }>((tie) => ({
  map: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { maxKeys: 3 }),
  value: fc.oneof({ maxDepth: 3, depthSize: 'small' }, leaf, tie('map') as fc.Arbitrary<Json>),
})).map;
const many = (): Raw =>
  Object.fromEntries(
    fc.sample(tree, 120).flatMap((values, at) => Object.entries(values).map(([key, value]): [string, Json] => [`${key}${at}`, value])),
  );

test.each(['helm3', 'helm4'] as const)('%s', async (helm) => {
  const [before, config, after] = [many(), many(), many()];
  const namespace = await cluster.namespace();
  const installed = await cluster[helm](['install', 'x', chart(before), '-n', namespace, '-f', file(config)]);
  expect(installed.code, installed.stderr).toBe(0);
  // What the record holds is what counts from here on.
  const got = await cluster[helm](['get', 'values', 'x', '-n', namespace, '-o', 'json']);
  const old = { defaults: before, config: JSON.parse(got.stdout) as Raw };
  const target = chart(after);
  for (const given of [{}, many()] as Raw[]) {
    for (const reuse of [undefined, 'reuse', 'reset', 'reset-then-reuse'] as const) {
      const words = [...(reuse ? [`--${reuse}-values`] : []), ...(Object.keys(given).length ? ['-f', file(given)] : [])];
      const ran = await cluster[helm](['upgrade', 'x', target, '-n', namespace, '--dry-run', ...words]);
      expect(ran.code, ran.stderr).toBe(0);
      const [, manifest = ''] = /^MANIFEST:\n([\s\S]*?)(?:^NOTES:|$(?![\s\S]))/m.exec(ran.stdout) ?? [];
      const printed = parseAllDocuments(manifest).map((document) => document.toJS() as { data?: { values?: string } } | null);
      const seen = JSON.parse(printed.find((each) => each?.data?.values)!.data!.values!) as Raw;
      expect(upgraded(after, { given, reuse }, old, rulesOf(VERSION[helm])).all, words.join(' ')).toEqual(seen);
    }
  }
});
