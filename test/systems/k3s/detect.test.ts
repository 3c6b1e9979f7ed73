// Detection: found by the kubelets, absent, or cannot tell; what Plans ask for, their controller, and Rancher are named.
import { describe, expect, test } from 'vitest';
import type { Gap, Raw } from '../../../src/engine/contracts.ts';
import { examine } from '../../../src/engine/examine.ts';
import { dumpOf } from '../../../src/snapshot/dump.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { textOf } from '../../../src/text/language.ts';

const node = (name: string, kubeletVersion: string, labels: Raw = {}): Raw => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
  status: { nodeInfo: { kubeletVersion } },
});
const SERVER = { 'node-role.kubernetes.io/control-plane': 'true' };
const plan = (metadata: Raw = {}): Raw => ({
  apiVersion: 'upgrade.cattle.io/v1',
  kind: 'Plan',
  metadata: { name: 'server', namespace: 'system-upgrade', ...metadata },
  spec: { version: 'v1.34.5+k3s1', upgrade: { image: 'rancher/k3s-upgrade', envs: [{ name: 'T', value: 'hunter2' }] } },
  status: { latestVersion: 'v1.34.5-k3s1' },
});
const deployment = (name: string, namespace: string, image: string): Raw => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace },
  spec: { template: { spec: { containers: [{ name, image }] } } },
});
const seen = async (objects: Raw[], absent: Gap[] = []) => {
  const examination = await examine(dumpSource(dumpOf({ objects, absent, whole: true })), SYSTEMS, { systems: ['k3s'] });
  return { ...examination, sources: examination.installations[0]?.sources.map(({ from, says }) => `${says}: ${textOf(from).en}`) };
};

describe('k3s', () => {
  test('no node, or nodes of other distributions: absent', async () => {
    expect((await seen([])).absent).toEqual(['k3s']);
    const { absent, results } = await seen([node('n1', 'v1.33.9'), node('n2', 'v1.33.9+rke2r1')]);
    expect([absent, results]).toEqual([['k3s'], []]);
  });
  test('nodes that may not be listed: cannot tell', async () => {
    const { results, absent } = await seen([], [{ why: 'forbidden', verb: 'list', resource: 'nodes' }]);
    expect([absent, new Set(results.map(({ outcome }) => outcome))]).toEqual([[], new Set(['unknown'])]);
  });
  test('the version is that of the oldest server; every version is named, with how many run it', async () => {
    const { installations, sources } = await seen([
      node('s1', 'v1.34.1+k3s1', SERVER),
      node('s2', 'v1.33.9+k3s1', SERVER),
      node('a1', 'v1.32.1+k3s1'),
      node('a2', 'v1.32.1+k3s1'),
    ]);
    expect(installations).toMatchObject([{ id: 'k3s@cluster', name: 'cluster', version: 'v1.33.9+k3s1', byHelm: false }]);
    expect(installations[0]!.namespace).toBeUndefined();
    expect(sources).toEqual(['v1.32.1+k3s1: kubelet of 2 Nodes', 'v1.33.9+k3s1: kubelet of 1 Node', 'v1.34.1+k3s1: kubelet of 1 Node']);
  });
  test('agents alone (the servers hide themselves): their oldest', async () => {
    expect((await seen([node('a1', 'v1.33.9+k3s2'), node('a2', 'v1.33.9+k3s1')])).installations[0]!.version).toBe('v1.33.9+k3s1');
  });
  test('a build that was never released: found, version unknown', async () => {
    expect((await seen([node('s1', 'v1.34.0+k3s-1a2b3c4d', SERVER)])).installations[0]!.version).toMatchObject({ why: 'failed' });
  });
  test('Plans with their target and their controller; never their environment', async () => {
    const objects = [
      node('s1', 'v1.33.9+k3s1', SERVER),
      plan(),
      deployment('system-upgrade-controller', 'system-upgrade', 'rancher/system-upgrade-controller:v0.16.3@sha256:00'),
    ];
    const examination = await seen(objects);
    expect(examination.sources).toEqual([
      'v1.33.9+k3s1: kubelet of 1 Node',
      'v1.34.5+k3s1: Plan system-upgrade/server (system-upgrade-controller 0.16.3)',
    ]);
    expect(JSON.stringify(examination.installations)).not.toContain('hunter2');
    expect((await seen(objects.slice(0, 2))).sources?.[1]).toContain('no Deployment system-upgrade/system-upgrade-controller');
  });
  test('the version of a Plan for other software is none of K3s', async () => {
    const os = { ...plan({ name: 'os' }), spec: { version: '5.4', upgrade: { image: 'example.com/kernel' } }, status: {} } as Raw;
    expect((await seen([node('s1', 'v1.33.9+k3s1', SERVER), os])).sources).toEqual(['v1.33.9+k3s1: kubelet of 1 Node']);
  });
  test.each([
    ['provisioned', node('s1', 'v1.33.9+k3s1', { 'rke.cattle.io/machine': 'x' }), 'rke.cattle.io/machine'],
    ['imported', node('s1', 'v1.33.9+k3s1', { 'upgrade.cattle.io/kubernetes-upgrade': 'true' }), 'kubernetes-upgrade'],
    ['its Plan', plan({ labels: { 'rancher-managed': 'true' } }), 'rancher-managed'],
    ['its namespace', plan({ namespace: 'cattle-system' }), 'cattle-system'],
    [
      'a Plan that it switched off',
      { ...plan(), spec: { nodeSelector: { matchExpressions: [{ key: 'upgrade.cattle.io/disable', operator: 'Exists' }] } } } as Raw,
      'disable',
    ],
    ['its agent', deployment('cattle-cluster-agent', 'cattle-system', 'rancher/rancher-agent:v2.12.3'), 'cattle-cluster-agent'],
  ])('Rancher: %s', async (_, object, mark) => {
    const { sources } = await seen([node('s2', 'v1.33.9+k3s1', SERVER), object]);
    expect(sources?.join('\n')).toMatch(new RegExp(`managed by Rancher: .*${mark}`));
  });
  test('the default target is the newest of the next minor; on the newest minor there may be none', async () => {
    const to = async (version: string) => (await seen([node('s1', version, SERVER)])).paths[0]!.to;
    expect(await to('v1.27.4+k3s1')).toBe('v1.28.15+k3s1');
    expect(await to('v1.37.0+k3s1')).toBe('v1.37.1+k3s1');
    expect(await to('v1.37.1+k3s1')).toBeUndefined();
  });
});
