// `runs` where a run is there that cannot be read: said on stdout in the place of "No runs", with an exit code of its own.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseArgv } from '../../src/cli/argv.ts';
import { type Call, callOf } from '../../src/cli/call.ts';
import { callerOf } from '../../src/cli/caller.ts';
import { runs } from '../../src/cli/commands/runs.ts';
import { openFiles } from '../../src/cli/file-session.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'ug-runs-'));
  writeFileSync(path.join(folder, 'a.yaml'), 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function callTo(language: 'en' | 'zh', ...words: string[]): { call: Call; said: { out: string[]; err: string[] } } {
  const said = { out: [] as string[], err: [] as string[] };
  const parsed = parseArgv(['runs', '-f', path.join(folder, 'a.yaml'), ...words], 'upgrade-guard');
  const caller = { ...callerOf('upgrade-guard', {}), usage: 'upgrade-guard' };
  const env = { XDG_STATE_HOME: path.join(folder, 'state') };
  const call = callOf({ ...parsed, caller, env, version: '0', language, signal: new AbortController().signal });
  return {
    call: {
      ...call,
      out: (...lines) => void said.out.push(...lines),
      say: (...lines) => void said.err.push(...lines),
      begins: () => false,
      progress: () => false,
    },
    said,
  };
}

test.each([
  ['en', /^1 run cannot be read\.$/, /^run r1 cannot be read: .*damaged/],
  ['zh', /^1 次运行无法读取。$/, /^无法读取运行 r1：.*文件已损坏/],
] as const)('one run, and it cannot be read (%s)', async (language, out, err) => {
  const none = callTo(language);
  expect(await runs(none.call)).toBe(0);
  expect(none.said.out).toHaveLength(1);
  expect(none.said.out[0]).not.toMatch(out);

  const live = await openFiles(none.call, false);
  const run = path.dirname(live.store.beside('r1').folder);
  live.close();
  mkdirSync(path.join(run, 'r1'), { recursive: true, mode: 0o700 });
  writeFileSync(path.join(run, 'r1', 'run.json'), '{"schema":', { mode: 0o600 });
  expect(readdirSync(run)).toEqual(['r1']);

  const one = callTo(language);
  expect(await runs(one.call)).toBe(1);
  expect(one.said.out).toHaveLength(1);
  expect(one.said.out[0]).toMatch(out);
  expect(one.said.err.join('\n')).toMatch(err);

  const json = callTo(language, '-o', 'json');
  expect(await runs(json.call)).toBe(1);
  expect(JSON.parse(json.said.out.join('\n'))).toEqual([]);
});
