// fix -f for API versions: only apiVersion changes, where nothing else has to; comments, order, anchors, quotes and line endings stay; undo brings back every byte. What a
// person has to decide is said with file and line.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseArgv } from '../../../src/cli/argv.ts';
import { callOf } from '../../../src/cli/call.ts';
import { callerOf } from '../../../src/cli/caller.ts';
import { fix } from '../../../src/cli/commands/fix.ts';
import { undo } from '../../../src/cli/commands/undo.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ug-fix-apis-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function ran(command: typeof fix, words: string[]): Promise<{ exit: number; said: string }> {
  const parsed = parseArgv(words, 'upgrade-guard');
  const caller = { ...callerOf('upgrade-guard', {}), usage: 'upgrade-guard' };
  const env = { XDG_STATE_HOME: join(folder, 'state'), HOME: folder };
  const call = callOf({ ...parsed, caller, env, version: '0', language: 'en', signal: new AbortController().signal });
  const lines: string[] = [];
  const take = (...more: string[]) => void lines.push(...more);
  const exit = await command({ ...call, out: take, say: take, begins: () => false, progress: () => false });
  return { exit, said: lines.join('\n') };
}
const put = (name: string, text: string) => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};
const fixed = (file: string, minor: string) =>
  ran(fix, ['fix', 'kubernetes/removed-api', '-f', file, '--offline', '--to', `kubernetes=${minor}`, '--yes']);

const MIXED = `# nightly report
kind: CronJob   # kind first
apiVersion: batch/v1beta1 # since 1.8
metadata: &m
  name: report
  labels: &l {app: report}
spec:
  # at night
  schedule: "0 3 * * *"
  jobTemplate: {spec: {template: {metadata: {labels: *l}, spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}
--- # the budget
apiVersion: "policy/v1beta1"
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
---
apiVersion: v1
kind: List
items:
- apiVersion: autoscaling/v2beta2
  kind: HorizontalPodAutoscaler
  metadata: {name: web}
  spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
`.replaceAll('\n', '\r\n');

test('only apiVersion changes, and undo brings back every byte', async () => {
  const file = put('mixed.yaml', MIXED);
  const { exit, said } = await fixed(file, '1.30');
  expect(exit, said).toBe(0);
  const expected = MIXED.replace('batch/v1beta1', 'batch/v1')
    .replace('policy/v1beta1', 'policy/v1')
    .replace('autoscaling/v2beta2', 'autoscaling/v2');
  expect(readFileSync(file, 'utf8')).toBe(expected);
  const undone = await ran(undo, ['undo', '-f', file, '--yes']);
  expect(undone.exit, undone.said).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(MIXED);
});

test.each<[string, string, string, RegExp]>([
  [
    'Ingress',
    'networking.k8s.io/v1beta1',
    'spec: {backend: {serviceName: a, servicePort: 80}}',
    /manual: \S+one\.yaml:2 Ingress\/default\/x: networking\.k8s\.io\/v1beta1 becomes networking\.k8s\.io\/v1: choose a pathType/,
  ],
  [
    'HorizontalPodAutoscaler',
    'autoscaling/v2beta1',
    'spec: {}',
    /HorizontalPodAutoscaler\/default\/x: autoscaling\/v2beta1 becomes autoscaling\/v2: give each metric a target/,
  ],
  ['PodSecurityPolicy', 'policy/v1beta1', 'spec: {}', /PodSecurityPolicy\/x: there is no successor: choose a Pod Security Standard/],
  [
    'PodDisruptionBudget',
    'policy/v1beta1',
    'spec: {minAvailable: 1, selector: {}}',
    /PodDisruptionBudget\/default\/x: .*decide what its empty selector means/,
  ],
])('%s of %s: what a person decides, and the file stays', async (kind, apiVersion, spec, said) => {
  const text = `# one\napiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: x}\n${spec}\n`;
  const file = put('one.yaml', text);
  const result = await fixed(file, '1.30');
  expect(result.said).toMatch(said);
  expect(result.exit).toBe(2);
  expect(readFileSync(file, 'utf8')).toBe(text);
});

test('the version that the target serves is written, not the newest', async () => {
  const text = 'apiVersion: flowcontrol.apiserver.k8s.io/v1beta1\nkind: FlowSchema\nmetadata: {name: x}\nspec: {}\n';
  const file = put('levels.yaml', text);
  expect((await fixed(file, '1.27')).exit).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(text.replace('v1beta1', 'v1beta3'));
});
