// Errors whose remedy depends on what was read: a directory lacks what no permission adds, and without a kubeconfig each command names what it takes in place of a cluster.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseArgv } from '../../src/cli/argv.ts';
import { type Call, callOf } from '../../src/cli/call.ts';
import { callerOf } from '../../src/cli/caller.ts';
import { check } from '../../src/cli/commands/check.ts';
import { fix } from '../../src/cli/commands/fix.ts';
import { plan } from '../../src/cli/commands/plan.ts';
import { undo } from '../../src/cli/commands/undo.ts';
import { UserError } from '../../src/text/user-error.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'ug-unread-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function refused(command: (call: Call) => Promise<unknown>, ...words: string[]): Promise<UserError> {
  const parsed = parseArgv(words, 'upgrade-guard');
  const caller = { ...callerOf('upgrade-guard', {}), usage: 'upgrade-guard' };
  const env = { HOME: folder, XDG_STATE_HOME: path.join(folder, 'state') };
  const call = callOf({ ...parsed, caller, env, version: '0', language: 'en', signal: new AbortController().signal });
  try {
    await command({ ...call, out: () => {}, say: () => {}, begins: () => false, progress: () => false });
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

test('a version that a directory does not hold: another snapshot, not permissions', async () => {
  const objects = path.join(folder, 'objects');
  mkdirSync(objects);
  writeFileSync(path.join(objects, 'node.yaml'), 'apiVersion: v1\nkind: Node\nmetadata: {name: cp1}\n');
  const { text, next } = await refused(plan, 'plan', 'kubernetes', '--from', objects);
  expect(text.en).toContain('the installed version is unknown: the snapshot has no version');
  expect(next?.en).toContain('take a new snapshot');
  expect(next?.zh).toContain('重新生成快照');
});

test.each([
  [
    'check',
    check,
    'without a cluster, give a snapshot (--from) or manifests (-f): {tool} check --help',
    '快照（--from）或清单（-f）：{tool} check --help',
  ],
  [
    'undo',
    undo,
    'for a run of fix -f, name the same files: {tool} undo -f FILE',
    '如果是 fix -f 的运行，请加上当时的 -f：{tool} undo -f FILE',
  ],
] as const)('%s without a kubeconfig names what it takes in place of a cluster', async (verb, command, en, zh) => {
  const { next } = await refused(command, verb);
  expect(next?.en).toContain(en);
  expect(next?.zh).toContain(zh);
});

test.each([
  ['check', check],
  ['fix', fix],
] as const)('a word that is neither a system nor a check: the example is of the same command (%s)', async (verb, command) => {
  const { next } = await refused(command, verb, 'qqqqqqqq');
  expect(next?.en).toBe(`for example: {tool} ${verb} kubernetes; all check IDs: {tool} checks`);
  expect(next?.zh).toContain(`例如：{tool} ${verb} kubernetes；`);
});

test('what contradicts itself is asked again without that flag alone: --offline stays', async () => {
  const { next } = await refused(check, 'check', '-f', 'm', '--offline', '--quick');
  expect(next?.en).toBe('omit --quick: {retry:quick}');
});

test('runs of manifests are named as such: there is no cluster', async () => {
  const { text } = await refused(undo, 'undo', '20260101-000000-abcd', '-f', manifestsFile());
  expect(text).toEqual({
    en: 'run 20260101-000000-abcd not found among the runs of these manifests',
    zh: '这些清单没有编号为 20260101-000000-abcd 的运行记录',
  });
});

function manifestsFile(): string {
  const file = path.join(folder, 'a.yaml');
  writeFileSync(file, 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n');
  return file;
}
