// Plans of K3s on a real API server: one that takes too many etcd members at a time is told before it is applied (-f), and while it is there.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Actor, startKubelet } from '../bed/actors/index.ts';
import { run } from '../bed/binary.ts';
import type { Body } from '../bed/client.ts';
import { installCrd } from '../bed/crds.ts';
import { bed } from '../bed/index.ts';
import { callingItself, SNAPSHOTS, snapshot, upgradeAccess, upgradeController } from './scene.ts';

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

/** What `check` of everything says: exit code, what was found, what could not be known. */
async function whole(): Promise<[number | null, string[], string[]]> {
  const { code, stdout } = await run(['check', '-o', 'json'], { kubeconfig });
  const checks: Body[] = JSON.parse(stdout).checks;
  const those = (outcome: string) => checks.filter((each) => each.outcome === outcome).map(({ id }) => id);
  return [code, those('found'), those('unknown')];
}

/** The API server of a bed does not call itself K3s: the first four look for static Pods of a control plane; the last asks each API server at an address that a bed only announces. */
const UNSEEN = ['admission-files', 'audit-log-retention', 'component-flags', 'control-plane-skew'].map((id) => `kubernetes/${id}`);

test('everything: on a healthy K3s nothing is worse than a notice; a Plan for too many members and without its ServiceAccount is a blocker', {
  timeout: 120_000,
}, async () => {
  const controller = upgradeController(NAMESPACE, 'v0.20.1', { tolerations: [{ operator: 'Exists' }] });
  await cluster.apply(SNAPSHOTS, controller, ...upgradeAccess(NAMESPACE), {
    ...plan(1),
    spec: { ...plan(1).spec, version: 'v1.36.2+k3s1' },
  });
  await vi.waitFor(async () => expect((await cluster.request('GET', '/apis/k3s.cattle.io/v1/etcdsnapshotfiles')).status).toBe(200), {
    timeout: 30_000,
  });
  await cluster.apply(snapshot('on-demand'));
  for (const name of ['s1', 's2', 's3']) {
    await cluster.request('PATCH', `/api/v1/nodes/${name}/status`, { status: { nodeInfo: { kubeletVersion: 'v1.36.2+k3s1' } } });
    await cluster.request('PATCH', `/api/v1/nodes/${name}`, { metadata: { annotations: { 'k3s.io/node-args': '["server"]' } } });
  }
  await vi.waitFor(async () => expect((await cluster.get(controller)).status.readyReplicas).toBe(1), { timeout: 60_000 });
  expect(await whole()).toEqual([3, ['kubernetes/single-replica'], UNSEEN]);
  await cluster.apply({ ...plan(2), spec: { ...plan(2).spec, version: 'v1.36.2+k3s1', serviceAccountName: 'gone' } });
  expect(await whole()).toEqual([2, ['k3s/plan-access', 'k3s/plan-quorum', 'kubernetes/single-replica'], UNSEEN]);
});

test('an API server that says +k3s: what the README has for K3s, as it is typed there', { timeout: 120_000 }, async () => {
  await cluster.apply({ ...plan(1), spec: { ...plan(1).spec, version: 'v1.36.2+k3s1' } });
  const k3s = await callingItself(cluster, 'v1.36.2+k3s1');
  const file = path.join(folder, 'plan.yaml');
  writeFileSync(file, JSON.stringify({ ...plan(2), spec: { ...plan(2).spec, version: 'v1.37.0+k3s1' } }));
  const typed = (line: string) => run(line.split(' '), { kubeconfig: k3s.kubeconfig });
  const all = await typed('check -o json');
  const { installations, checks } = JSON.parse(all.stdout) as Body;
  expect(installations.map(({ id }: Body) => id)).toEqual(['k3s@cluster', 'kubernetes@cluster']);
  // K3s has no static Pods, so that nothing is missing where they would be.
  expect(checks.filter(({ outcome }: Body) => outcome === 'unknown').map(({ id }: Body) => id)).toEqual([]);
  expect(await typed('check k3s')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^bed {2}v1\.36\.2\+k3s1\n.*All checks ran completely\./s),
  });
  expect(await typed(`check k3s -f ${file}`)).toMatchObject({ code: 2, stdout: expect.stringContaining(`${TWO}   Plan`) });
  expect(await typed(`check k3s -f ${file} --offline`)).toMatchObject({ stdout: expect.stringContaining('k3s') });
  expect(await typed('fix k3s/nodes-cordoned-by-plan')).toMatchObject({ code: 0, stderr: expect.stringContaining('Nothing to fix.') });
  const waits = await typed('plan k3s --to v1.37.0+k3s1');
  expect([waits.code, waits.stderr]).toEqual([1, expect.stringContaining('Plan system-upgrade/server still has 3 Nodes to upgrade')]);
  await cluster.remove(plan(1));
  expect(await typed('plan k3s --to v1.37.0+k3s1')).toMatchObject({ stdout: expect.stringMatching(/1\.37\.0\+k3s1/) });
  await k3s.close();
});

test.each<[string, Record<string, string>, string, string, RegExp]>([
  ['v1.36.2-eks-a737599', { minor: '36+' }, 'EKS', 'aws eks update-cluster-version', /^v1\.36\.2-eks-a737599$/],
  ['v1.36.2-gke.1104000', {}, 'GKE', 'gcloud container clusters upgrade', /^v1\.36\.2-gke\.1104000$/],
  ['v1.37.2', { emulationMajor: '1', emulationMinor: '36' }, '', 'kubeadm', /^v1\.37\.2$/],
])('an API server that says %s: checked and planned for as that', { timeout: 120_000 }, async (gitVersion, more, by, command, version) => {
  const server = await callingItself(cluster, gitVersion, more);
  for (const name of ['s1', 's2', 's3'])
    await cluster.request('PATCH', `/api/v1/nodes/${name}/status`, { status: { nodeInfo: { kubeletVersion: gitVersion } } });
  const typed = (line: string) => run(line.split(' '), { kubeconfig: server.kubeconfig });
  const { installations, checks } = JSON.parse((await typed('check kubernetes -o json')).stdout) as Body;
  expect(installations).toMatchObject([{ id: 'kubernetes@cluster', version: expect.stringMatching(version), gaps: [] }]);
  const of = (id: string) => checks.find((each: Body) => each.id === `kubernetes/${id}`);
  if (by) {
    // Its control plane is its provider's: said as such, never passed.
    for (const id of ['control-plane-skew', 'component-flags', 'etcd-upgrade-path', 'admission-files', 'way-back-etcd'])
      expect([id, of(id).outcome, of(id).note?.en]).toEqual([
        id,
        'not-applicable',
        expect.stringContaining(`${by} runs the control plane`),
      ]);
    for (const id of ['kubelet-skew', 'client-skew', 'removed-api']) expect([id, of(id).outcome]).toEqual([id, 'passed']);
    expect(await typed('plan kubernetes --to 1.37')).toMatchObject({ stdout: expect.stringContaining(command) });
  } else {
    // Skew is counted from what it behaves as.
    expect(of('kubelet-skew').findings.map(({ message }: Body) => message.en)).toEqual([
      'kubelet 1.37 (3 Nodes) is newer than API server 1.36: not supported',
    ]);
  }
  await server.close();
});
