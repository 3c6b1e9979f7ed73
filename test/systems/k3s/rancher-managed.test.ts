import { grid } from '../../grid.ts';

const AGENT = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'cattle-cluster-agent', namespace: 'cattle-system' } };
const MACHINE = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'a2', uid: 'node-a2', labels: { 'kubernetes.io/hostname': 'a2', 'rke.cattle.io/machine': 'm1' } },
  status: { nodeInfo: { kubeletVersion: 'v1.33.9+k3s1' } },
};

grid('k3s/rancher-managed', [
  { fixture: 'found', expect: 'warning Plan/system-upgrade/server' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { objects: [AGENT], expect: 'warning Plan/system-upgrade/server' },
  { objects: [MACHINE], expect: 'warning Plan/system-upgrade/server' },
  { base: 'without-plans', objects: [MACHINE], expect: 'notice Node/a2' },
  { base: 'without-plans', objects: [AGENT], expect: 'notice Deployment/cattle-system/cattle-cluster-agent' },
  { fixture: 'found', forbidden: ['nodes'], expect: 'unknown' },
]);
