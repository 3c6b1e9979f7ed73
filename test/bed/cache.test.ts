// Work on the cache is done by one process at a time: another one waits for its end, however it ends, and then looks again.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { cacheFolder, oneAtATime } from './cache.ts';

let home = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'ug-cache-'));
  vi.stubEnv('XDG_CACHE_HOME', home);
  mkdirSync(cacheFolder(), { recursive: true });
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true, force: true });
});

test('a process that was killed at it is waited for no longer than it lives', async () => {
  const other = spawn('sleep', ['60']);
  writeFileSync(join(cacheFolder(), 'build.lock'), `${other.pid}`);
  const said: string[] = [];
  const order: string[] = [];
  const mine = oneAtATime(
    'build',
    (line) => said.push(line),
    async () => order.push('mine'),
  );
  await vi.waitFor(() => expect(said).toEqual([`waiting for process ${other.pid}, which does a build here already`]));
  expect(order).toEqual([]);
  other.kill('SIGKILL');
  await mine;
  expect(order).toEqual(['mine']);
});

test('after a failure the next one may begin', async () => {
  const say = () => {};
  await expect(oneAtATime('build', say, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await oneAtATime('build', say, async () => 'done')).toBe('done');
});
