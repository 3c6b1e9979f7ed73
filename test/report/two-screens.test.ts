// A cluster in which nearly everything is wrong, from the bad fixtures of Kubernetes laid over each other: more than 54 findings of more than thirty checks stand on two screens, in both
// languages, and no sentence names a hop twice.
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Language } from '../../src/engine/contracts.ts';
import { examine } from '../../src/engine/examine.ts';
import { parseTarget } from '../../src/engine/paths.ts';
import { table } from '../../src/report/table.ts';
import { readDump } from '../../src/snapshot/read.ts';
import { dumpSource } from '../../src/snapshot/source.ts';
import { SYSTEMS } from '../../src/systems/index.ts';
import { style } from '../../src/text/colour.ts';
import { CATALOGUE } from './examples.ts';

const FIXTURES = join(import.meta.dirname, '..', 'fixtures', 'kubernetes');
/** Two screens of fifty lines, and what is never folded: a line for each check, and the unknown. */
const LINES = 110;

const folder = mkdtempSync(join(tmpdir(), 'ug-two-screens-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const read = (async () => {
  cpSync(join(FIXTURES, 'installed.yaml'), join(folder, '0-installed.yaml'));
  for (const name of readdirSync(FIXTURES).filter(
    (each) => !each.startsWith('way-back-') && existsSync(join(FIXTURES, each, 'found.yaml')),
  ))
    cpSync(join(FIXTURES, name, 'found.yaml'), join(folder, `${name}.yaml`));
  writeFileSync(join(folder, 'version.json'), JSON.stringify({ gitVersion: 'v1.33.4' }));
  const kubernetes = SYSTEMS.filter(({ id }) => id === 'kubernetes');
  return examine(dumpSource(await readDump(folder)), kubernetes, { targets: [parseTarget('kubernetes=1.37', SYSTEMS)] });
})();

test.each<Language>(['en', 'zh'])('54 findings fit on two screens: %s', async (language) => {
  const examination = await read;
  const findings = examination.results.flatMap(({ findings }) => findings);
  expect(findings.length).toBeGreaterThanOrEqual(54);
  const face = { language, columns: 200, tool: 'kubectl upgrade-guard', wide: false, style: style({ isTTY: false }, {}) };
  const lines = table(examination, CATALOGUE.systems, CATALOGUE.checks, face, {});
  expect(lines.length, lines.join('\n')).toBeLessThanOrEqual(LINES);
  for (const { id, findings } of examination.results) if (findings.length) expect(lines.join('\n')).toContain(id);
  const twice = lines.filter((line) => /(1\.3\d)(?!\d).*(?:\(at \1|（升级到 \1 时)/.test(line.replace(/.*(?= {2})/, '')));
  expect(twice).toEqual([]);
});
