import { expect, test } from 'vitest';
import type { Raw } from '../../../src/engine/contracts.ts';
import { examine } from '../../../src/engine/examine.ts';
import { dumpOf } from '../../../src/snapshot/dump.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { grid } from '../../grid.ts';
import { installed } from './installed.ts';

const COORDINATOR = 'SpiderCoordinator/default';

grid('spiderpool/coordinator-ready', [
  { fixture: 'found', expect: `blocker ${COORDINATOR}` },
  { fixture: 'unused', expect: `warning ${COORDINATOR}` },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'healthy', forbidden: ['spidercoordinators.spiderpool.spidernet.io'], expect: 'unknown' },
]);

const behind: Raw = {
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderCoordinator',
  metadata: { name: 'default' },
  spec: {},
  status: { phase: 'NotReady' },
};
const kubeadm = (networking: string): Raw => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'kubeadm-config', namespace: 'kube-system' },
  data: { ClusterConfiguration: `kind: ClusterConfiguration\n${networking}` },
});

test.each<[string, Raw[], RegExp]>([
  ['no ConfigMap', [], /because ConfigMap kube-system\/kubeadm-config and a kube-controller-manager Pod are missing/],
  [
    'one CIDR of two',
    [kubeadm('networking: {podSubnet: 10.42.0.0/16}\n')],
    /because ConfigMap kube-system\/kubeadm-config lacks podSubnet or serviceSubnet/,
  ],
  ['both', [kubeadm('networking: {podSubnet: 10.42.0.0/16, serviceSubnet: 10.43.0.0/16}\n')], /is in phase NotReady; Pods/],
  ['what is not YAML', [kubeadm('networking: {podSubnet')], /lacks podSubnet or serviceSubnet/],
])('%s: the cause', async (_, objects, message) => {
  const source = dumpSource(dumpOf({ objects: [installed('1.2.2'), behind, ...objects], whole: true }));
  const { results } = await examine(source, SYSTEMS, { checks: ['spiderpool/coordinator-ready'] });
  expect(results[0]!.findings.map((each) => each.message.en)).toEqual([expect.stringMatching(message)]);
});
