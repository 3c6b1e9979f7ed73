// --knowledge FILE: every table of every system can be replaced, since none is read before FILE is.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { run } from '../bed/binary.ts';
import { layOut } from '../fixtures.ts';

const SYSTEMS = join(import.meta.dirname, '../../src/systems');
const folder = mkdtempSync(join(tmpdir(), 'ug-knowledge-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TABLES = readdirSync(SYSTEMS, { withFileTypes: true })
  .filter((each) => each.isDirectory())
  .flatMap(({ name: system }) =>
    readdirSync(join(SYSTEMS, system, 'knowledge'))
      .filter((file) => file.endsWith('.json'))
      .map(
        (file) =>
          [`${system}/${basename(file, '.json')}`, JSON.parse(readFileSync(join(SYSTEMS, system, 'knowledge', file), 'utf8'))] as const,
      ),
  );
function fileOf(tables: Record<string, unknown>): string {
  const file = join(folder, 'tables.json');
  writeFileSync(file, JSON.stringify({ apiVersion: 'upgrade-guard/v1', kind: 'Knowledge', tables }));
  return file;
}

test('all of them, and version shows it', async () => {
  const { code, stdout, stderr } = await run(['version', '-o', 'json', '--knowledge', fileOf(Object.fromEntries(TABLES))]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(JSON.parse(stdout).replaced.toSorted()).toEqual(TABLES.map(([name]) => name).toSorted());
});

test('a flaw of a Spiderpool release that this build does not know', async () => {
  const versions = structuredClone(Object.fromEntries(TABLES)['spiderpool/versions']);
  versions.flaws.mtu.in += ' || 0.9.13';
  const from = layOut('spiderpool/target-version', { fixture: 'healthy' });
  const check = ['check', 'spiderpool/target-version', '--from', from, '--to', '0.9.13', '-o', 'json'];
  const outcome = async (more: string[]) => JSON.parse((await run([...check, ...more])).stdout).checks[0].outcome;
  expect(await outcome([])).toBe('passed');
  expect(await outcome(['--knowledge', fileOf({ 'spiderpool/versions': versions })])).toBe('found');
  rmSync(from, { recursive: true });
});
