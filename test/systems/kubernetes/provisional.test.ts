// A target that only a pre-release is known of: what it breaks is said, and nothing is passed.

import { rmSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { examine } from '../../../src/engine/examine.ts';
import { readDump } from '../../../src/snapshot/read.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { versions } from '../../../src/systems/kubernetes/knowledge/tables.ts';
import { layOut } from '../../fixtures.ts';

const folder = layOut('kubernetes/removed-api', { server: 'v1.37.2' });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const outcomes = async (to: string) => {
  const { results } = await examine(dumpSource(await readDump(folder)), SYSTEMS, {
    systems: ['kubernetes'],
    targets: [{ system: 'kubernetes', version: to }],
  });
  return results;
};

test('a pre-release: every check that would pass is unknown, and says why', async () => {
  const { provisionalUpTo } = versions();
  const results = await outcomes(provisionalUpTo!);
  expect(results.filter(({ outcome }) => outcome === 'passed').map(({ id }) => id)).toEqual([]);
  const provisional = results.filter(({ note }) => note?.en.includes('pre-release'));
  expect(provisional.length).toBeGreaterThan(20);
  expect(provisional.filter(({ outcome }) => outcome !== 'unknown' && outcome !== 'found').map(({ id }) => id)).toEqual([]);
});

test('beyond it no check that judges by the target speaks', async () => {
  const results = await outcomes('1.39');
  const judging = new Set(
    SYSTEMS.flatMap(({ checks }) => checks)
      .filter(({ needs = [] }) => needs.includes('target'))
      .map(({ id }) => id as string),
  );
  const spoken = results.filter(({ id, outcome }) => judging.has(id) && (outcome === 'passed' || outcome === 'found'));
  expect(spoken.map(({ id }) => id)).toEqual([]);
});
