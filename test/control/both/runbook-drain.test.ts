// The drain of a runbook with the real kubectl, on a real API server: a Node of which the kubelet is upgraded already, by the run of the runbook before it, is left as it is.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { Condition, StepOf } from '../../../src/engine/contracts.ts';
import { drain } from '../../../src/engine/steps/drain.ts';
import { helpers, unlessLines } from '../../../src/report/runbook-waits.ts';
import { textOf } from '../../../src/text/language.ts';
import { bed } from '../../bed/index.ts';
import { tools } from '../../bed/tools.ts';

const cluster = bed();

const [GOAL, BEHIND] = ['v1.31.2', 'v1.30.9'];
const node = (kubeletVersion: string) => ({
  ...{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'again' } },
  status: {
    conditions: [{ type: 'Ready', status: 'True' }],
    nodeInfo: {
      ...{ architecture: '', bootID: '', containerRuntimeVersion: '', kernelVersion: '', kubeProxyVersion: '' },
      ...{ machineID: '', operatingSystem: '', osImage: '', systemUUID: '', kubeletVersion },
    },
  },
});
const unless: Condition[] = [
  {
    on: { apiVersion: 'v1', kind: 'Node', name: 'again' },
    must: [
      { path: '/status/nodeInfo/kubeletVersion', in: [GOAL, 'v1.31.3'], words: { en: GOAL, zh: GOAL } },
      { path: '/status/conditions[type=Ready]/status', is: 'True' },
    ],
  },
];
const step = { do: 'drain', on: { apiVersion: 'v1', kind: 'Node', name: 'again' }, within: 30 } as StepOf<'drain'>;

test('only a Node behind the target is drained; the other one is named, with why', async () => {
  const commands = drain.commands(step).map((each) => textOf(each).en);
  const lines = unlessLines(commands, unless, '7', 'en');
  const script = ['set -eu', ...helpers(lines, 'en'), ...lines].join('\n');
  const env = { PATH: `${path.dirname(tools().kubectl)}:/usr/bin:/bin`, KUBECONFIG: cluster.kubeconfig, HOME: '/nonexistent' };
  const started = () => spawnSync('sh', [], { input: script, env, encoding: 'utf8' });
  const isCordoned = async () =>
    ((await cluster.request('GET', '/api/v1/nodes/again')).body as { spec: { unschedulable?: boolean } }).spec.unschedulable === true;
  await cluster.apply(node(GOAL));
  const skipped = started();
  expect([skipped.status, skipped.stdout]).toEqual([0, expect.stringMatching(/^skipped: 7\. Node again: .*kubeletVersion is v1\.31\.2/)]);
  expect(await isCordoned()).toBe(false);
  await cluster.apply(node(BEHIND));
  const drained = started();
  expect([drained.status, drained.stdout], drained.stderr).toEqual([0, expect.stringContaining('node/again cordoned')]);
  expect(await isCordoned()).toBe(true);
});
