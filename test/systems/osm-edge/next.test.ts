// Each finding says what to do about it: over every fixture of osm-edge, and every capture of a real cluster, no finding is without a fix line.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { intendedBy } from '../../../src/chart/intended.ts';
import { examine } from '../../../src/engine/examine.ts';
import { parseTarget } from '../../../src/engine/paths.ts';
import { readDump } from '../../../src/snapshot/read.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { flagsOf, layOut } from '../../fixtures.ts';

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures', 'osm-edge');
const CASES = readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' })
  .filter((file) => /^[^/]+\/[^/]+\.yaml$/.test(file))
  .map((file) => file.replace('.yaml', '').split('/') as [string, string]);

test.concurrent.each(CASES)('%s %s: every finding has a fix line', { timeout: 60_000 }, async (check, fixture) => {
  const folder = layOut(`osm-edge/${check}`, { fixture });
  const [flag, target, reuse] = flagsOf(`osm-edge/${check}`, fixture);
  try {
    const { results } = await examine(dumpSource(await readDump(folder)), SYSTEMS, {
      systems: ['osm-edge'],
      intended: intendedBy({ intent: reuse === '--reuse-values' ? { given: {}, reuse: 'reuse' } : undefined }),
      targets: flag === '--to' || flag === '--back-to' ? [parseTarget(target!, SYSTEMS, 'osm-edge', flag.slice(2) as 'to')] : [],
    });
    const bare = results.flatMap(({ id, findings }) =>
      findings.filter(({ remedy }) => !remedy?.text.en || !remedy.text.zh).map(({ message }) => `${id}: ${message.en}`),
    );
    expect(bare).toEqual([]);
    const found = results.filter(({ findings }) => findings.length);
    if (fixture === 'found') expect(found.map(({ id }) => id)).toContain(`osm-edge/${check}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a target older than the installed version is refused', async () => {
  const folder = layOut('osm-edge/mesh-found', {});
  try {
    const targets = [parseTarget('osm-edge=1.2.3', SYSTEMS)];
    await expect(examine(dumpSource(await readDump(folder)), SYSTEMS, { systems: ['osm-edge'], targets })).rejects.toMatchObject({
      text: { en: 'osm-edge@osm-system/osm: target version 1.2.3 is older than the installed version 1.3.8' },
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
