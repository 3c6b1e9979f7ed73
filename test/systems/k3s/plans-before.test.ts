// Plans are judged before they are applied (`check k3s -f plan.yaml`): the controller starts the moment a Plan exists, and again when one that is done is edited.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { assumedBy, withoutCluster } from '../../../src/engine/declared.ts';
import { examine } from '../../../src/engine/examine.ts';
import { readManifests } from '../../../src/files/manifests.ts';
import { alone, overCluster } from '../../../src/files/overlay.ts';
import { readDump } from '../../../src/snapshot/read.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { layOut } from '../../fixtures.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
async function* nothing(): AsyncGenerator<string> {}

/** `PLAN: what is said of it`, over three servers with etcd whose Plan is done. */
async function saidOf(check: string, version: string, concurrency: number): Promise<string[]> {
  const cluster = layOut('k3s/etcd-snapshot', { fixture: 'healthy' });
  const folder = mkdtempSync(path.join(tmpdir(), 'ug-plan-'));
  folders.push(cluster, folder);
  const file = path.join(folder, 'plan.yaml');
  writeFileSync(
    file,
    `apiVersion: upgrade.cattle.io/v1
kind: Plan
metadata: {name: server, namespace: system-upgrade}
spec:
  concurrency: ${concurrency}
  cordon: true
  postCompleteDelay: 30s
  nodeSelector: {matchExpressions: [{key: node-role.kubernetes.io/control-plane, operator: Exists}]}
  serviceAccountName: system-upgrade
  version: ${version}
  upgrade: {image: rancher/k3s-upgrade}
`,
  );
  const { manifests } = await readManifests([file], nothing());
  const source = await overCluster(dumpSource(await readDump(cluster)), manifests, 'default');
  const { results } = await examine(source, SYSTEMS, { checks: [check] });
  return results[0]!.findings.flatMap(({ objects, message }) => objects.map(({ name }) => `${name}: ${message.en}`));
}

test.each<[check: string, version: string, concurrency: number, said: RegExp | undefined]>([
  ['k3s/plan-quorum', 'v1.34.6+k3s1', 2, /^server: .* 2 of 3 etcd members at a time/],
  ['k3s/plan-quorum', 'v1.34.6+k3s1', 1, undefined],
  ['k3s/plan-skew', 'v1.35.3+k3s1', 1, /skips a minor/],
  ['k3s/plan-downgrade', 'v1.32.13+k3s1', 1, /back to v1.32.13/],
  ['k3s/plan-version', '1.34.6+k3s1', 1, /not a tag/],
])('%s: %s, %i at a time', async (check, version, concurrency, said) => {
  expect(await saidOf(check, version, concurrency)).toEqual(said ? [expect.stringMatching(said)] : []);
});

test('from the file alone: what a Plan says of itself, and of another in the same file', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'ug-plan-'));
  folders.push(folder);
  const file = path.join(folder, 'plans.yaml');
  const plan = (name: string, version: string, more: string) =>
    `apiVersion: upgrade.cattle.io/v1
kind: Plan
metadata: {name: ${name}, namespace: system-upgrade}
spec: {version: ${version}, nodeSelector: {}, upgrade: {image: 'rancher/k3s-upgrade'}, ${more}}
`;
  const agents =
    'concurrency: 1, prepare: {image: rancher/k3s-upgrade, args: [prepare, server]}, window: {days: [saturday], timeZone: Mars/Base}';
  writeFileSync(
    file,
    `${plan('server', 'v1.34.6+k3s1', 'drain: {deleteLocalData: true, deleteEmptydirData: true}')}---\n${plan('agents', '1.35.3+k3s1', agents)}`,
  );
  const { manifests } = await readManifests([file], nothing());
  const source = await alone(manifests, 'default', 'plans.yaml');
  const examination = await examine(source, SYSTEMS, { systems: ['k3s'], assume: assumedBy(manifests, []) });
  // The file names the version.
  expect(examination.paths).toMatchObject([{ to: 'v1.35.3+k3s1', chosen: 'default' }]);
  const { results } = withoutCluster(examination, SYSTEMS, manifests);
  expect(results.filter(({ outcome }) => outcome === 'unknown')).toEqual([]);
  const found = results.filter(({ outcome }) => outcome === 'found').map(({ id }) => id);
  expect(found).toEqual(['k3s/plan-drain', 'k3s/plan-pairing', 'k3s/plan-selects-nodes', 'k3s/plan-version', 'k3s/plan-window']);
});
