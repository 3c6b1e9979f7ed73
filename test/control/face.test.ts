// What a person meets beside the commands themselves, on a real API server: several contexts as one result, and completion of what only a cluster knows.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import { beforeEach, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import schema from '../../docs/check-result.schema.json' with { type: 'json' };
import listSchema from '../../docs/check-result-list.schema.json' with { type: 'json' };
import { newHome, run } from '../bed/binary.ts';
import { bed } from '../bed/index.ts';
import { tools } from '../bed/tools.ts';
import { CHECK, scene } from './scene.ts';

const cluster = bed();
const stage = await scene(cluster);
const home = newHome();
const valid = new Ajv({ strict: false }).addSchema(schema).compile(listSchema);

/** The bed under two names, and a cluster that is not there. */
const kubeconfig = join(home, 'config');
const config = parse(readFileSync(cluster.kubeconfig, 'utf8'));
const [{ cluster: bedCluster }] = config.clusters;
const [{ user }] = config.users;
writeFileSync(
  kubeconfig,
  stringify({
    ...config,
    'current-context': 'a',
    clusters: [
      { name: 'bed', cluster: bedCluster },
      { name: 'gone', cluster: { server: 'http://127.0.0.1:9' } },
    ],
    users: [{ name: 'me', user }],
    contexts: [
      ['a', 'bed'],
      ['b', 'bed'],
      ['gone', 'gone'],
    ].map(([name, at]) => ({ name, context: { cluster: at, user: 'me' } })),
  }),
);
beforeEach(() => stage.reset());

describe('several contexts', () => {
  const list = async (...args: string[]) => {
    const ran = await run(['check', 'spiderpool', 'k3s', ...args, '-o', 'json'], { kubeconfig });
    const result = JSON.parse(ran.stdout);
    expect(valid(result), JSON.stringify(valid.errors)).toBe(true);
    return { ...ran, result };
  };
  test('one list, one exit code: findings decide', async () => {
    const { code, result } = await list('--contexts', 'a,b', '--fail-on', 'notice');
    expect(code).toBe(2);
    expect(result.items.map((each: { cluster: { context: string } }) => each.cluster.context)).toEqual(['a', 'b']);
    expect(result.complete).toBe(true);
  });
  test('a cluster that is gone is named, and is never fine', async () => {
    const { code, result } = await list('--all-contexts');
    const blockers = result.items.some(({ summary }: { summary: { findings: { blocker: number } } }) => summary.findings.blocker);
    expect(code).toBe(blockers ? 2 : 3);
    expect(result).toMatchObject({ complete: false, failed: [{ context: 'gone' }] });
    expect(result.items).toHaveLength(2);
    const { stdout } = await run(['check', '--all-contexts'], { kubeconfig });
    expect(stdout).toContain('Next: upgrade-guard fix --context b');
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/, 1 cluster not checked\.$/);
  });
});

const PATIENT = { timeout: 30_000, interval: 500 };
test('printed kubectl commands go to the cluster that --context chose, not to the current context', async () => {
  const labels = { app: 'stuck' };
  const meta = { name: 'stuck', namespace: 'default', labels };
  await cluster.apply({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'stuck' } });
  await cluster.apply({
    ...{ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: meta },
    spec: { maxUnavailable: 0, selector: { matchLabels: labels } },
  });
  await cluster.apply({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: meta },
    spec: { nodeName: 'stuck', automountServiceAccountToken: false, containers: [{ name: 'c', image: 'i' }] },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  });
  const onGone = join(home, 'on-gone');
  writeFileSync(onGone, stringify({ ...parse(readFileSync(kubeconfig, 'utf8')), 'current-context': 'gone' }));
  const { stdout, stderr } = await run(['fix', 'kubernetes/pdb-blocks-drain', '--context', 'b', '--dry-run=client'], {
    kubeconfig: onGone,
  });
  const printed = `${stdout}${stderr}`.split('\n').filter((line) => /kubectl .*patch/.test(line));
  expect(printed, stdout + stderr).toEqual([expect.stringContaining('kubectl --context b patch')]);
  // As a person pastes it; the current context is a cluster that is not there.
  const pasted = spawnSync('sh', ['-c', printed[0]!.trim()], {
    env: { PATH: `${dirname(tools().kubectl)}:/usr/bin:/bin`, KUBECONFIG: onGone, HOME: home },
    encoding: 'utf8',
  });
  expect([pasted.status, pasted.stdout], pasted.stderr).toEqual([0, expect.stringContaining('poddisruptionbudget.policy/stuck patched')]);
  await cluster.request('DELETE', '/api/v1/nodes/stuck');
  await cluster.request('DELETE', '/api/v1/namespaces/default/pods/stuck', { gracePeriodSeconds: 0 });
  await cluster.request('DELETE', '/apis/policy/v1/namespaces/default/poddisruptionbudgets/stuck');
});

describe('completion', () => {
  const complete = async (...words: string[]) => (await run(['__complete', ...words], { kubeconfig, home })).stdout.trimEnd().split('\n');
  test('namespaces of the cluster that the line names', async () => {
    // Within 300 ms or not at all: a busy machine may need a second try.
    await expect.poll(() => complete('check', '-n', 'kube-s'), PATIENT).toEqual(['kube-system', ':4']);
    expect(await complete('check', '--context', 'gone', '-n', '')).toEqual([':4']);
  });
  test('contexts, also the last of several', async () => {
    expect(await complete('check', '--context=')).toEqual(['--context=a', '--context=b', '--context=gone', ':4']);
    expect(await complete('check', '--contexts', 'a,g')).toEqual(['a,gone', ':4']);
  });
  test('runs of this cluster, with what they did and their state', async () => {
    expect((await run(['fix', '--yes', CHECK], { kubeconfig, home })).code).toBe(0);
    const finished = expect.stringMatching(new RegExp(`^\\d{8}-\\d{6}-\\w{4}\tfix ${CHECK}: finished$`));
    await expect.poll(() => complete('undo', ''), PATIENT).toEqual([finished, ':4']);
  });
});
