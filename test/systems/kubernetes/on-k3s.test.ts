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
  const aside = results.filter(({ note }) => note?.en.startsWith('K3s runs the control plane and its datastore')).map(({ id }) => id);
  expect(aside).toEqual(expect.arrayContaining(['kubernetes/etcd-upgrade-path', 'kubernetes/requestheader-ca-overlap']));
  const outcome = (id: string) => results.find((each) => each.id === `kubernetes/${id}`)?.outcome;
  // Removed APIs, budgets, webhooks and skew are judged as anywhere.
  for (const id of ['removed-api', 'pdb-blocks-drain', 'webhook-backend', 'kubelet-skew', 'nodes-ready'])
    expect(outcome(id), id).toBe('passed');
  expect(outcome('component-flags')).toBe('found');
});

/** Of K3s: in its own process, or brought by it with each version. */
const OF_K3S = [
  'admission-files',
  'control-plane-skew',
  'coredns-corefile',
  'etcd-upgrade-path',
  'requestheader-ca-overlap',
  'way-back-etcd',
];
/** There is nothing of it in K3s. */
const NOT_THERE = ['addon-versions', 'kube-proxy-skew', 'kubeadm-config', 'kubelet-config'];

test.each<[string, string | undefined, RegExp[]]>([
  ['a healthy cluster with etcd', 'healthy', []],
  ['with sqlite', undefined, [/^k3s\/etcd-snapshot$/, /^k3s\/etcd-upgrade-path$/]],
])('a whole check of K3s, %s: nothing is found, and nothing is said of kubeadm, its files or its static Pods', async (_, fixture, also) => {
  const { labels, ...metadata } = {
    name: 's1',
    uid: 'node-s1',
    labels: { 'kubernetes.io/hostname': 's1', 'node-role.kubernetes.io/control-plane': 'true' },
  };
  const server: Raw = {
    ...{ apiVersion: 'v1', kind: 'Node' },
    metadata: {
      ...metadata,
      labels: { ...labels, ...(fixture ? { 'node-role.kubernetes.io/etcd': 'true' } : {}) },
      annotations: { 'k3s.io/node-args': JSON.stringify(['server', '--kubelet-arg=max-pods=200']) },
    },
    status: { nodeInfo: { kubeletVersion: 'v1.33.9+k3s1' }, conditions: [{ type: 'Ready', status: 'True' }] },
  };
  const folder = layOut('k3s/etcd-snapshot', { fixture, base: 'installed', server: 'v1.33.9+k3s1', objects: [server] });
  folders.push(folder);
  const { results } = await examine(dumpSource(await readDump(folder)), SYSTEMS);
  const of = (outcome: string) => results.filter((each) => each.outcome === outcome);
  expect(of('found').filter(({ findings }) => findings.some(({ severity }) => severity === 'blocker'))).toEqual([]);
  // What no object of the cluster shows, and what a folder has no text of.
  expect(of('unknown').map(({ id }) => id)).toEqual(['kubernetes/requested-deprecated-apis', 'kubernetes/static-pod-api-refs']);
  const aside = of('not-applicable').map(({ id }) => id);
  expect(aside).toEqual(expect.arrayContaining([...OF_K3S, ...NOT_THERE].map((id) => `kubernetes/${id}`)));
  for (const id of also) expect(aside).toContainEqual(expect.stringMatching(id));
  const isOfK3s = (id: string) => OF_K3S.some((each) => id === `kubernetes/${each}`);
  for (const { id, note } of results.filter((each) => isOfK3s(each.id))) expect(note?.en, id).toMatch(/^K3s /);
  const said = results
    .filter(({ id }) => !NOT_THERE.some((each) => id === `kubernetes/${each}`))
    .flatMap(({ note, findings }) => [note, ...findings.map(({ message }) => message)])
    .flatMap((text) => (text ? [text.en, text.zh] : []));
  expect(said.filter((text) => /kubeadm|\/etc\/kubernetes|static Pods? of/.test(text))).toEqual([]);
});

test('other arguments are not kept', () => {
  const [column] = k3sArguments().columns;
  const words = ['server', '--datastore-endpoint', 'mysql://secret', '--kube-apiserver-arg', 'feature-gates=X=true', '--kubelet-arg=x=y'];
  const node: Raw = { metadata: { name: 's1', annotations: { 'k3s.io/node-args': JSON.stringify(words) } } };
  const kept = column!.keep(node) as Raw;
  expect(JSON.stringify(kept)).not.toContain('secret');
  expect(column!.read(kept)).toEqual(column!.read(node));
  expect(column!.read(node)).toEqual([{ component: 'kube-apiserver', name: 'feature-gates', value: 'X=true' }]);
  const kubelet = {
    metadata: { annotations: { 'k3s.io/node-args': '["agent","--kubelet-arg=feature-gates=Y=false","--kubelet-arg=root-dir=/x"]' } },
  };
  expect(column!.read(kubelet)).toEqual([{ component: 'kubelet', name: 'feature-gates', value: 'Y=false' }]);
});
