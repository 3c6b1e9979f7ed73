// Folders with their parents: made, there already, in the way, and in a place that takes none.
import { chmodSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makeFolder } from '../../src/files/folder.ts';

const root = mkdtempSync(path.join(tmpdir(), 'upgrade-guard-folder-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const at = (...names: string[]) => path.join(root, ...names);

test('all that is missing, with the mode; what is there stays as it is, a link to a folder too', async () => {
  chmodSync(root, 0o755);
  await Promise.all([makeFolder(at('a', 'b', 'c'), 0o700), makeFolder(at('a', 'b', 'd'), 0o700)]);
  for (const folder of [at('a'), at('a', 'b'), at('a', 'b', 'c'), at('a', 'b', 'd')]) expect(statSync(folder).mode & 0o777).toBe(0o700);
  await makeFolder(root, 0o700);
  expect(statSync(root).mode & 0o777).toBe(0o755);
  symlinkSync(at('a'), at('link'));
  await makeFolder(at('link', 'e'), 0o700);
  expect(statSync(at('a', 'e')).isDirectory()).toBe(true);
});
test('a file in the way', async () => {
  writeFileSync(at('file'), '');
  await expect(makeFolder(at('file'), 0o700)).rejects.toMatchObject({ code: 'EEXIST' });
  await expect(makeFolder(at('file', 'a'), 0o700)).rejects.toMatchObject({ code: expect.stringMatching(/EEXIST|ENOTDIR/) });
});
test.runIf(process.platform === 'linux')('a place that takes no folders', async () => {
  for (const folder of ['/proc/nope', '/proc/nope/deeper', '/dev/null/x'])
    await expect(makeFolder(folder, 0o700)).rejects.toMatchObject({ code: expect.stringMatching(/^E/) });
});
