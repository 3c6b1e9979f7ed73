// Kubernetes on K3s: the checks that apply there run, the others say why not; and of the arguments that K3s notes on its Nodes a snapshot keeps only flags that bear on versions.
import { rmSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import type { Raw } from '../../../src/engine/contracts.ts';
import { examine } from '../../../src/engine/examine.ts';
import { readDump } from '../../../src/snapshot/read.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { k3sArguments } from '../../../src/systems/kubernetes/k3s-arguments.ts';
import { layOut } from '../../fixtures.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

test('both systems are found; what K3s does in its own process is named as such', async () => {
  const folder = layOut('kubernetes/component-flags', { fixture: 'k3s', base: 'managed', server: 'v1.30.4+k3s1' });
  folders.push(folder);
  const { installations, results } = await examine(dumpSource(await readDump(folder)), SYSTEMS);
  expect(installations.map(({ id }) => id)).toEqual(expect.arrayContaining(['kubernetes@cluster', 'k3s@cluster']));
  const aside = results.filter(({ note }) => note?.en.startsWith('K3s runs the control plane')).map(({ id }) => id);
  expect(aside).toEqual(expect.arrayContaining(['kubernetes/etcd-upgrade-path', 'kubernetes/requestheader-ca-overlap']));
  const outcome = (id: string) => results.find((each) => each.id === `kubernetes/${id}`)?.outcome;
  // Removed APIs, budgets, webhooks and skew are judged as anywhere.
  for (const id of ['removed-api', 'pdb-blocks-drain', 'webhook-backend', 'kubelet-skew', 'nodes-ready'])
    expect(outcome(id), id).toBe('passed');
  expect(outcome('component-flags')).toBe('found');
});

test('other arguments are not kept', () => {
  const [column] = k3sArguments().columns;
  const words = ['server', '--datastore-endpoint', 'mysql://secret', '--kube-apiserver-arg', 'feature-gates=X=true', '--kubelet-arg=x=y'];
  const node: Raw = { metadata: { name: 's1', annotations: { 'k3s.io/node-args': JSON.stringify(words) } } };
  const kept = column!.keep(node) as Raw;
  expect(JSON.stringify(kept)).not.toContain('secret');
  expect(column!.read(kept)).toEqual(column!.read(node));
  expect(column!.read(node)).toEqual([{ component: 'kube-apiserver', name: 'feature-gates', value: 'X=true' }]);
});
