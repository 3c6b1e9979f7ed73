// The demo: a broken cluster goes through check, fix (rehearsed, step by step) and check again; and what it prints comes from the snapshot, not from a script.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { run } from '../bed/binary.ts';

const DEMO = join(import.meta.dirname, '../../src/cli/demo.tar.gz');
const folder = mkdtempSync(join(tmpdir(), 'ug-demo-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The demo's snapshot as a folder, changed. */
function changed(name: string, change: (text: string) => string): string {
  const into = join(folder, name);
  mkdirSync(into);
  execFileSync('tar', ['-xzf', DEMO, '-C', into]);
  const objects = join(into, 'objects');
  const file = join(objects, readdirSync(objects).find((each) => each.startsWith('spiderendpoints'))!);
  const before = readFileSync(file, 'utf8');
  const after = change(before);
  expect(after).not.toBe(before);
  writeFileSync(file, after);
  return into;
}

test('goes through check, fix and check again, without a cluster', async () => {
  const { code, stdout, stderr } = await run(['demo']);
  expect(code, stderr).toBe(0);
  const [before, fix, after] = ['# check\n', '# fix\n', '# check again\n'].map((heading) => stdout.indexOf(heading));
  expect(before).toBe(0);
  expect(fix).toBeGreaterThan(before!);
  expect(after).toBeGreaterThan(fix!);
  const [found, rehearsed, again] = [stdout.slice(0, fix), stdout.slice(fix, after), stdout.slice(after)];
  expect(found).toContain('# check\ndemo  v');
  expect(found).toContain('i spiderpool/owner-controller-type');
  expect(rehearsed).toContain('undo: exact');
  expect(rehearsed.match(/✓ \d+\. set status\.ownerControllerType/g)).toHaveLength(3);
  expect(rehearsed).toContain('- gone: spiderpool/owner-controller-type');
  expect(again).not.toContain('i spiderpool/owner-controller-type');
  expect(stdout.trimEnd().split('\n').at(-1)).toBe('Next, your own cluster: upgrade-guard check');
});

test('is what its snapshot gives', async () => {
  const same = changed('same', (text) => `${text}\n`);
  expect((await run(['demo', '--from', same])).stdout).toBe((await run(['demo'])).stdout);
});

describe('changing one object in the snapshot changes the output', () => {
  test('one fewer is broken', async () => {
    const from = changed('fewer', (text) => text.replace('"ownerControllerType":"None"', '"ownerControllerType":"Pod"'));
    const { stdout } = await run(['demo', '--from', from]);
    expect(stdout).toContain('in 2 SpiderEndpoints');
    expect(stdout.match(/✓ \d+\. set status\.ownerControllerType/g)).toHaveLength(2);
  });
  test('one has another name', async () => {
    const from = changed('renamed', (text) => text.replaceAll('probe-b', 'probe-renamed'));
    const { stdout } = await run(['demo', '--from', from]);
    expect(stdout).toContain('SpiderEndpoint ops/probe-renamed');
    expect(stdout).not.toContain('probe-b');
  });
});

test('in Chinese', async () => {
  const { code, stdout } = await run(['demo'], { env: { LANG: 'zh_CN.UTF-8' } });
  expect(code).toBe(0);
  for (const heading of ['# 检查', '# 修复', '# 再次检查', '已消失：spiderpool/owner-controller-type']) expect(stdout).toContain(heading);
});
