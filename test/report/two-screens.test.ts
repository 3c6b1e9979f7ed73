// A cluster in which nearly everything is wrong, from the bad fixtures of Kubernetes laid over each other: findings are shown so densely that 54 of them take two screens, in both languages,
// and no sentence names a hop twice. Both limits grow with the checks, so that a new one has room for three lines: its name, a finding, what is folded or the fix. A check that needs more
// groups its findings (one for each thing that is repaired or accepted by itself).
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
import { CATALOGUE } from './examined.ts';

const FIXTURES = join(import.meta.dirname, '..', 'fixtures', 'kubernetes');
/** Two screens of fifty lines. */
const [FINDINGS, LINES] = [54, 100];
/** Lines of a check that found something, on average; and of the head (with the versions that differ), the unknown and the sum. */
const [LINES_OF_A_CHECK, LINES_AROUND] = [3, 20];

const folder = mkdtempSync(join(tmpdir(), 'ug-two-screens-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The API servers are of the version that answers, as the path would begin at the oldest. */
const lay = (file: string, as: string) =>
  writeFileSync(join(folder, as), readFileSync(file, 'utf8').replace(/(\/kube-apiserver:)v[\d.]+/g, `$1${VERSION}`));
const VERSION = 'v1.33.4';

const read = (async () => {
  lay(join(FIXTURES, 'installed.yaml'), '0-installed.yaml');
  for (const name of readdirSync(FIXTURES).filter(
    (each) => !each.startsWith('way-back-') && existsSync(join(FIXTURES, each, 'found.yaml')),
  ))
    lay(join(FIXTURES, name, 'found.yaml'), `${name}.yaml`);
  writeFileSync(join(folder, 'version.json'), JSON.stringify({ gitVersion: VERSION }));
  const kubernetes = SYSTEMS.filter(({ id }) => id === 'kubernetes');
  return examine(dumpSource(await readDump(folder)), kubernetes, { targets: [parseTarget('kubernetes=1.37', SYSTEMS)] });
})();

test.each<Language>(['en', 'zh'])('54 findings fit on two screens: %s', async (language) => {
  const examination = await read;
  const findings = examination.results.flatMap(({ findings }) => findings);
  expect(findings.length).toBeGreaterThanOrEqual(FINDINGS);
  const face = { language, columns: 200, tool: 'kubectl upgrade-guard', wide: false, style: style({ isTTY: false }, {}) };
  const lines = table(examination, CATALOGUE.systems, CATALOGUE.checks, face, {});
  const checks = examination.results.filter((result) => result.findings.length);
  expect(lines.length, lines.join('\n')).toBeLessThanOrEqual(checks.length * LINES_OF_A_CHECK + LINES_AROUND);
  expect((lines.length / findings.length) * FINDINGS, 'lines of 54 findings').toBeLessThanOrEqual(LINES);
  for (const { id } of checks) expect(lines.join('\n')).toContain(id);
  const twice = lines.filter((line) => /(1\.3\d)(?!\d).*(?:\(at \1|（升级到 \1 时)/.test(line.replace(/.*(?= {2})/, '')));
  expect(twice).toEqual([]);
});
