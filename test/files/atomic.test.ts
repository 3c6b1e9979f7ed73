// A file is replaced where it was read, and nowhere else: links that are made between the question and the answer lead to files that were not shown.
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { notReplaceable, replaceFile } from '../../src/files/atomic.ts';

const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'ug-atomic-')));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const [SHOWN, NEXT] = [Buffer.from('kind: A\n'), Buffer.from('kind: B\n')];
const MOVED = /its path now leads to another file through a symbolic link/;

const links: Record<string, (at: string, other: string) => void> = {
  'its directory': (at, other) => {
    renameSync(at, `${at}-away`);
    symlinkSync(other, at);
  },
  'the file itself': (at, other) => {
    rmSync(path.join(at, 'a.yaml'));
    symlinkSync(path.join(other, 'a.yaml'), path.join(at, 'a.yaml'));
  },
};
test.each(Object.entries(links))('%s has become a link since: nothing is written, neither there nor here', async (name, swap) => {
  const [at, other] = ['m', 'other'].map((each) => path.join(folder, `${name.replaceAll(' ', '-')}-${each}`)) as [string, string];
  for (const each of [at, other]) {
    mkdirSync(each);
    writeFileSync(path.join(each, 'a.yaml'), SHOWN);
  }
  const file = path.join(at, 'a.yaml');
  expect(notReplaceable(file)).toBeUndefined();
  swap(at, other);
  expect(notReplaceable(file)?.en).toMatch(MOVED);
  await expect(replaceFile(file, SHOWN, NEXT)).rejects.toThrow(MOVED);
  expect(readFileSync(path.join(other, 'a.yaml'))).toEqual(SHOWN);
});
test('as it was read it is replaced', async () => {
  const file = path.join(folder, 'plain.yaml');
  writeFileSync(file, SHOWN);
  await replaceFile(file, SHOWN, NEXT);
  expect(readFileSync(file)).toEqual(NEXT);
});
