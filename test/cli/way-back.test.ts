// --back-to: the way back is asked about, and nothing else; foretold before an upgrade, it stops none.
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { SYSTEMS } from '../../src/systems/index.ts';
import { run } from '../bed/binary.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/spiderpool');
const dump = mkdtempSync(join(tmpdir(), 'ug-back-'));
afterAll(() => rmSync(dump, { recursive: true, force: true }));
cpSync(join(FIXTURES, 'installed.yaml'), join(dump, 'installed.yaml'));
cpSync(join(FIXTURES, 'rollback-crds/found.yaml'), join(dump, 'found.yaml'));
writeFileSync(join(dump, 'version.json'), JSON.stringify({ gitVersion: 'v1.30.4' }));

test('only checks of the way back, with the path said so; the next command asks the same', async () => {
  const { code, stdout } = await run(['check', 'spiderpool', '--from', dump, '--back-to', '0.9.1']);
  expect(stdout).toMatch(/spiderpool +0\.9\.4 → 0\.9\.1 \(way back\)/);
  const json = await run(['check', '--from', dump, '--back-to', 'spiderpool=0.9.1', '-o', 'json']);
  const { checks, paths } = JSON.parse(json.stdout);
  expect(paths).toMatchObject([{ from: '0.9.4', to: '0.9.1', chosen: 'back' }]);
  expect(checks.map(({ id }: { id: string }) => id)).toEqual(['spiderpool/rollback-crds']);
  expect(code).toBe(0);
});

test('foretold before an upgrade it is a warning', async () => {
  const { stdout } = await run(['check', 'spiderpool/rollback-crds', '--from', dump, '--to', 'spiderpool=1.0.6', '-o', 'json']);
  const { checks } = JSON.parse(stdout);
  expect(checks[0].findings.map(({ severity }: { severity: string }) => severity)).toEqual(['warning', 'notice']);
});

/** Systems of whose way back nothing is known yet. */
const BLIND = SYSTEMS.filter(({ checks }) => !checks.some(({ applies }) => applies.stage === 'back'));

test.each<[string[], RegExp]>([
  [
    ['spiderpool', '--back-to', '0.9.13'],
    /--back-to 0\.9\.13 is not older than the installed version 0\.9\.4\n.* --to spiderpool\S*=0\.9\.13\n/,
  ],
  [['spiderpool', '--back-to', '0.9.4'], /not older than the installed version/],
  [['--back-to', '0.9.1'], /--back-to 0\.9\.1: must be SYSTEM=VERSION/],
  // In the example: a system that has such a version.
  [['--to', '1.25'], /--to 1\.25: must be SYSTEM=VERSION.*\n.*--to kubernetes=1\.25$/m],
  [['--to', 'v1.33.4+k3s1'], /must be SYSTEM=VERSION.*\n.*--to k3s=v1\.33\.4\+k3s1$/m],
  [['spiderpool', '--back-to', 'x'], /--back-to x: x is not a version of spiderpool/],
  ...BLIND.map(({ id, knownFrom }): [string[], RegExp] => [
    ['--back-to', `${id}=${knownFrom}`],
    new RegExp(`no checks of the way back of ${id}; it has them for .*spiderpool`),
  ]),
  [['spiderpool', '--back-to', '0.9.1', '--to', '1.0.6'], /--back-to and --to cannot be used together/],
  [['spiderpool/leaked-ip', '--back-to', '0.9.1'], /spiderpool\/leaked-ip is not a check of the way back/],
  [['spiderpool', '--to', '0.9.1'], /older than the installed version[\s\S]*check --back-to spiderpool@kube-system\/spiderpool=0\.9\.1/],
])('%j', async (words, said) => {
  const { code, stderr } = await run(['check', ...words, '--from', dump]);
  expect(code).toBe(1);
  expect(stderr).toMatch(said);
  expect(stderr).not.toMatch(/[{}]/);
});

test.each([
  ['en', 'Not checked: the rest of the cluster (run check without --back-to)'],
  ['zh', '未检查：集群的其他状态（去掉 --back-to 即可检查）'],
])('nothing found on the way back does not say that the cluster is well: %s', async (lang, said) => {
  const clean = mkdtempSync(join(dump, 'clean-'));
  cpSync(join(FIXTURES, 'installed.yaml'), join(clean, 'installed.yaml'));
  cpSync(join(dump, 'version.json'), join(clean, 'version.json'));
  const { code, stdout } = await run(['check', 'spiderpool', '--from', clean, '--back-to', '0.9.1', '--lang', lang]);
  expect(code).toBe(0);
  expect(stdout).toContain(said);
  expect(stdout).not.toMatch(/No problems found|未发现问题，全部/);
});

test('completion offers it', async () => {
  const { stdout } = await run(['__complete', 'check', '--ba']);
  expect(stdout).toContain('--back-to\t');
});
