// Every next command can be pasted as it stands: with the name by which we were called, and with the flags that lead to the same place.
import { copyFileSync, cpSync, linkSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { BINARY, run } from '../bed/binary.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/spiderpool');
const folder = mkdtempSync(join(tmpdir(), 'ug next-')); // a blank that a shell would cut at
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const dump = join(folder, 'dump');
cpSync(join(FIXTURES, 'installed.yaml'), join(dump, 'installed.yaml'));
cpSync(join(FIXTURES, 'crds-current/found.yaml'), join(dump, 'older.yaml'));
const plugin = join(folder, 'kubectl-upgrade_guard');
try {
  linkSync(BINARY, plugin);
} catch {
  copyFileSync(BINARY, plugin); // another file system
}

test('a chart that is needed: where to get it, and the whole command with it', async () => {
  const { stdout } = await run(['check', 'spiderpool/crds-current', '--from', dump, '--to', 'spiderpool=0.9.13'], { binary: plugin });
  const command = `helm pull spiderpool --repo https://spidernet-io.github.io/spiderpool --version 0.9.13 && kubectl upgrade-guard fix spiderpool/crds-current --from '${dump}' --to spiderpool=0.9.13 --chart spiderpool-0.9.13.tgz`;
  expect(stdout).toContain(`\n  ${command}\n`);
  expect(stdout.trimEnd().endsWith(`Next: ${command}`), stdout).toBe(true);
});

test('what only a person can do is no repair: the next command shows how', async () => {
  const from = join(folder, 'by hand');
  cpSync(join(FIXTURES, 'installed.yaml'), join(from, 'installed.yaml'));
  cpSync(join(FIXTURES, 'removed-fields/found.yaml'), join(from, 'found.yaml'));
  const { stdout } = await run(['check', 'spiderpool/removed-fields', '--from', from, '--to', 'spiderpool=1.0.6'], { binary: plugin });
  const next = `kubectl upgrade-guard fix spiderpool/removed-fields --from '${from}' --to spiderpool=1.0.6 --dry-run=client`;
  expect(stdout.trimEnd().endsWith(`Next (lists the manual steps): ${next}`), stdout).toBe(true);
  const steps = await run(['fix', '--from', from, '--to', 'spiderpool=1.0.6', '--dry-run=client'], { binary: plugin });
  expect(steps.code, steps.stderr).toBe(0);
  expect(steps.stdout).toMatch(/manual[\s\S]*kubectl patch/);
});

describe.each([
  ['en', { tool: 'kubectl upgrade-guard', binary: plugin, env: {} }],
  ['zh', { tool: 'helm spiderpool-upgrade', binary: BINARY, env: { HELM_PLUGIN_NAME: 'spiderpool-upgrade' } }],
] as const)('errors in %s', (lang, { tool, binary, env }) => {
  test.each([
    [['check', '--to', 'spiderpool=x', '-o', 'json'], `check --output json --lang ${lang} --to spiderpool=1.2.2`],
    [
      ['check', 'spiderpool', '--from', dump, '--to', '0.9.4', '-n', 'nowhere'],
      `check spiderpool --from '${dump}' --to spiderpool=0.9.4 --lang ${lang}`,
    ],
    [['check', 'spiderpool', '--to', 'y'], `check spiderpool --lang ${lang} --to spiderpool=1.2.2`],
    [['check', '--context', 'a b'], undefined],
    [['check', 'spiderpool', '-n', 'nowhere', '--from', dump], `check spiderpool --from '${dump}' --lang ${lang}`],
  ])('%j', async (words, next) => {
    const { code, stderr } = await run([...words, '--lang', lang], { binary, env });
    expect(code, stderr).toBe(1);
    expect(stderr).not.toMatch(/[{}]/);
    if (next) expect(stderr).toContain(`${tool} ${next}\n`);
  });
});
