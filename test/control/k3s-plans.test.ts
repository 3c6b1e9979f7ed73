// Plans of K3s on a real API server: one that takes too many etcd members at a time is told before it is applied (-f), and while it is there.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Actor, startKubelet } from '../bed/actors/index.ts';
import { run } from '../bed/binary.ts';
import type { Body } from '../bed/client.ts';
import { installCrd } from '../bed/crds.ts';
import { bed } from '../bed/index.ts';

const cluster = bed();
const { kubeconfig } = cluster;
const NAMESPACE = 'system-upgrade';
const ROLES = { 'node-role.kubernetes.io/control-plane': 'true', 'node-role.kubernetes.io/etcd': 'true' };
const folder = mkdtempSync(path.join(tmpdir(), 'ug-plans-'));
let kubelet: Actor;

const plan = (concurrency: number): Body => ({
  apiVersion: 'upgrade.cattle.io/v1',
  kind: 'Plan',
  metadata: { name: 'server', namespace: NAMESPACE },
  spec: {
    concurrency,
    cordon: true,
    postCompleteDelay: '30s',
    serviceAccountName: 'system-upgrade',
    version: 'v1.34.6+k3s1',
    upgrade: { image: 'rancher/k3s-upgrade' },
    nodeSelector: { matchExpressions: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists' }] },
  },
});
/** Exit code, and what is said. */
async function checked(...args: string[]): Promise<[number | null, string[]]> {
  const { code, stdout } = await run(['check', 'k3s/plan-quorum', '-o', 'json', ...args], { kubeconfig });
  const { findings } = JSON.parse(stdout).checks.find(({ id }: Body) => id === 'k3s/plan-quorum');
  return [code, findings.map(({ message }: Body) => message.en)];
}

beforeAll(async () => {
  await installCrd(cluster, 'plans-v1');
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  kubelet = await startKubelet(cluster, {
    nodes: ['s1', 's2', 's3'].map((name) => ({ name, kubeletVersion: 'v1.33.9+k3s1', labels: ROLES })),
  });
});
afterAll(async () => {
  await kubelet.stop();
  rmSync(folder, { recursive: true, force: true });
});

const TWO = 'Plan system-upgrade/server upgrades 2 of 3 etcd members at a time: the cluster can lose 1';

test('before it is applied, and once it is there', { timeout: 120_000 }, async () => {
  const file = path.join(folder, 'plan.yaml');
  writeFileSync(file, JSON.stringify(plan(2)));
  expect(await checked()).toEqual([0, []]);
  expect(await checked('-f', file)).toEqual([2, [TWO]]);
  await cluster.apply(plan(2));
  expect(await checked()).toEqual([2, [TWO]]);
  writeFileSync(file, JSON.stringify(plan(1)));
  expect(await checked('-f', file)).toEqual([0, []]);
});
