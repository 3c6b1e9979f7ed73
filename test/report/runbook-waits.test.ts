// The stops of a runbook, carried out by sh: they hold until what they wait for is so, end the script when it is not in time, and ask for what nothing shows. kubectl is a script that says what
// the cluster would.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Condition, Step } from '../../src/engine/contracts.ts';
import { planShell } from '../../src/report/planned.ts';
import { confirmLine, helpers, waitLines } from '../../src/report/runbook-waits.ts';
import { style } from '../../src/text/colour.ts';
import { IDENTITY } from './examined.ts';

const place = mkdtempSync(join(tmpdir(), 'ug-waits-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));

/** `kubectl`: what it does, as a script that may count its calls in the file `calls`. */
function ran(lines: string[], kubectl: string, language: 'en' | 'zh' = 'en') {
  const at = mkdtempSync(join(place, 'at-'));
  writeFileSync(join(at, 'kubectl'), `#!/bin/sh\n${kubectl}\n`, { mode: 0o755 });
  const script = join(at, 'runbook.sh');
  writeFileSync(script, ['set -eu', ...helpers(lines, language), ...lines, 'echo went on'].join('\n'));
  const { status, stdout, stderr } = spawnSync('sh', [script], { cwd: at, env: { PATH: `${at}:/usr/bin:/bin` }, encoding: 'utf8' });
  return { status, on: stdout.includes('went on'), stdout, stderr };
}
const waits = (condition: Condition, within = 1, language: 'en' | 'zh' = 'en') => {
  const { lines, unseen } = waitLines([condition], { id: '3', within, language });
  expect(unseen).toBe(false);
  return lines;
};
const NODE = { apiVersion: 'v1', kind: 'Node', name: 'w1' };
const AT = { path: '/status/nodeInfo/kubeletVersion', in: ['v1.31.14', 'v1.31.15'] };
const READY = { path: '/status/conditions[type=Ready]/status', is: 'True' };

describe.each<[string, Condition, string, string]>([
  ['an object', { on: NODE, must: [AT, READY] }, 'w1|v1.31.14|True', 'w1|v1.31.14|False'],
  ['a version that only begins alike', { on: NODE, must: [AT] }, 'w1|v1.31.15', 'w1|v1.31.150'],
  [
    'so many of a selection',
    { of: { apiVersion: 'v1', kind: 'Node' }, which: { atLeast: 2 }, must: [AT, READY] },
    'a|v1.31.14|True\\nb|v1.31.14|True',
    'a|v1.31.14|True\\nb|v1.30.4|True',
  ],
  ['every one', { of: { apiVersion: 'v1', kind: 'Node' }, which: 'every', must: [READY] }, 'a|True\\nb|True', 'a|True\\nb|Unknown'],
  ['every one of none', { of: { apiVersion: 'v1', kind: 'Node' }, which: 'every', must: [READY] }, 'a|True', ''],
  ['none', { of: { apiVersion: 'v1', kind: 'Node' }, which: 'none', must: [{ path: '/a', in: ['x'] }] }, 'a|y', 'a|y\\nb|x'],
  ['an object that goes', { on: NODE, must: 'be-gone' }, '', 'node/w1'],
  ['another holder', { on: NODE, must: [{ path: '/spec/holderIdentity', isNot: 'a.b' }] }, 'w1|a_b', 'w1|a.b'],
  ['a count', { on: NODE, must: [{ path: '/status/ready', atLeast: 19 }] }, 'w1|120', 'w1|18'],
  ['a time', { on: NODE, must: [{ path: '/spec/renewTime', newerThan: 60 }] }, 'w1|2999-01-01T00:00:00.000000Z', 'w1|2020-01-01T00:00:00Z'],
  ['an old time', { on: NODE, must: [{ path: '/spec/renewTime', olderThan: 30 }] }, 'w1|2020-01-01T00:00:00Z', 'w1|2999-01-01T00:00:00Z'],
  [
    'an answer',
    { reading: { path: '/version' }, matches: '"gitVersion": *"v1\\.31\\.(?:[4-9]|[1-9]\\d)["+-]' },
    '{\\n "gitVersion": "v1.31.14"\\n}',
    '{\\n "gitVersion": "v1.31.3"\\n}',
  ],
])('%s', (_, condition, held, not) => {
  test('is waited for', () => {
    expect(ran(waits(condition), `printf '${held}'`)).toMatchObject({ status: 0, on: true });
  });
  test.each(['en', 'zh'] as const)('stops the script where it is not so in time: %s', (language) => {
    const { status, on, stderr } = ran(waits(condition, 0, language), `printf '${not}'`, language);
    expect({ status, on }).toEqual({ status: 1, on: false });
    expect(stderr).toMatch(
      language === 'zh' ? /^错误：等待超时，脚本停止；未满足：3\. / : /^error: timed out, so the script stops; not met: 3\. /,
    );
  });
  test('stops it where kubectl fails', () => {
    expect(ran(waits(condition, 0), 'exit 1')).toMatchObject({ status: 1, on: false });
  });
});

test('what is not so yet is looked at again', () => {
  const later = `echo >> calls; [ "$(grep -c '' calls)" -ge 2 ] && printf 'w1|v1.31.14|True' || printf 'w1|v1.30.4|True'`;
  expect(ran(waits({ on: NODE, must: [AT, READY] }, 60), later)).toMatchObject({ status: 0, on: true });
});

test('every API server is asked by its own address', () => {
  const condition: Condition = { reading: { path: '/version', every: true }, matches: '"gitVersion": *"v1\\.31\\.4["+-]' };
  const servers = (second: string) =>
    `case "$*" in *addresses*) echo 10.0.0.1 fd00::2 ;; *port*) echo 6443 ;; *https://10.0.0.1:6443*) echo '"gitVersion": "v1.31.4"' ;; *'https://[fd00::2]:6443'*) echo '"gitVersion": "${second}"' ;; *) exit 1 ;; esac`;
  expect(ran(waits(condition), servers('v1.31.4'))).toMatchObject({ status: 0, on: true });
  expect(ran(waits(condition, 0), servers('v1.30.4'))).toMatchObject({ status: 1, on: false });
});

test('Nodes of which the same is asked are looked at with one command', () => {
  const { lines } = waitLines(
    ['a', 'b', 'c'].map((name) => ({ on: { ...NODE, name }, must: [AT] })),
    { id: '1', within: 9, language: 'en' },
  );
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('kubectl get Node a b c -o ');
});

test('what kubectl does not show is said to be unseen, and asked: without a terminal the script stops', () => {
  const { lines, unseen } = waitLines([{ on: NODE, must: [{ path: '/data/x', inString: 'y', is: 1 }] }], {
    id: '1',
    within: 9,
    language: 'en',
  });
  expect({ lines, unseen }).toEqual({ lines: [], unseen: true });
  const { status, on, stderr } = ran([confirmLine('2', "back up etcd; it's yours")], 'exit 0');
  expect({ status, on, stderr }).toEqual({ status: 1, on: false, stderr: "error: no terminal to confirm: 2. back up etcd; it's yours\n" });
});

test('a step for Nodes that the reader sets one by one is left out where all of them are there', () => {
  const face = { language: 'en', columns: 80, tool: 'kubectl upgrade-guard', wide: false, style: style({ isTTY: false }, {}) } as const;
  const nodes = ['w1', 'w2'].map((name) => ({ on: { ...NODE, name }, must: [AT, READY] }));
  const step: Step = {
    ...{ id: '1', after: [], reasons: [], guard: [], undo: 'none', do: 'manual', seen: nodes },
    ...{ text: { en: 'upgrade 2 Nodes', zh: '' }, commands: ['NODE=   # set it', `kubectl drain "\${NODE:?}"`] },
  };
  const stages = [{ id: '1', title: { en: 'Nodes', zh: '' }, hop: '1.31', steps: [step] }];
  const lines = planShell({ cluster: { ...IDENTITY, certain: false }, paths: [], plan: { stages, refusals: [] }, stopping: [] }, face);
  const there = ran(lines, `printf 'w1|v1.31.14|True\\nw2|v1.31.15|True\\n'`);
  expect(there).toMatchObject({ status: 0, on: true, stdout: expect.stringContaining('skipped: 1. Node w1') });
  // Its Node has to be set.
  const behind = ran(lines, `printf 'w1|v1.31.14|True\\nw2|v1.30.9|True\\n'`);
  expect(behind).toMatchObject({ on: false, stderr: expect.stringContaining('NODE') });
});

test.each(['en', 'zh'] as const)('ends before its first step where kubectl points to another cluster, or reaches none: %s', (language) => {
  const face = { language, columns: 80, tool: 'kubectl upgrade-guard', wide: false, style: style({ isTTY: false }, {}) };
  const script = (certain: boolean) =>
    planShell({ cluster: { ...IDENTITY, certain }, paths: [], plan: { stages: [], refusals: [] }, stopping: [] }, face);
  expect(ran(script(true), `printf ${IDENTITY.uid}`)).toMatchObject({ status: 0, on: true, stderr: '' });
  for (const kubectl of ['printf another', 'exit 1']) {
    const { status, on, stderr } = ran(script(true), kubectl);
    expect({ status, on }).toEqual({ status: 1, on: false });
    expect(stderr).toContain(language === 'zh' ? '错误：kubectl 当前指向的不是' : 'error: kubectl points to another cluster');
  }
  // The flags that led to the cluster lead kubectl there, in the look at the head and in every wait.
  const aim = { kubectl: ' --context prod', helm: ' --kube-context prod' };
  const aimed = planShell({ cluster: IDENTITY, paths: [], plan: { stages: [], refusals: [] }, stopping: [] }, { ...face, aim });
  expect(ran(aimed, `[ "$1 $2" = "--context prod" ] && printf ${IDENTITY.uid}`)).toMatchObject({ status: 0, on: true, stderr: '' });
  expect(aimed).toContain('helm() { command helm --kube-context prod "$@"; }');
  expect(ran([...aimed, 'kubectl upgrade-guard check'], `[ "$1" = upgrade-guard ] || printf ${IDENTITY.uid}`)).toMatchObject({ status: 0 });
  // Of an address alone nothing can be compared.
  expect(ran(script(false), 'exit 1')).toMatchObject({ status: 0, on: true });
});
