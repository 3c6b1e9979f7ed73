import { grid } from '../../grid.ts';

const CORDONED = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'a1', uid: 'node-a1', labels: { 'kubernetes.io/hostname': 'a1' } },
  spec: { unschedulable: true },
  status: { nodeInfo: { kubeletVersion: 'v1.33.9+k3s1' } },
};

grid('k3s/cordoned-before', [
  { base: 'without-plans', objects: [CORDONED], to: 'k3s=v1.34.6+k3s1', expect: 'notice Node/a1' },
  { base: 'without-plans', objects: [CORDONED], to: 'k3s=v1.33.9+k3s1', expect: 'passed' },
  { fixture: 'found', expect: 'warning Node/a1' },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'excluded', expect: 'passed' },
  { fixture: 'found', forbidden: ['nodes'], expect: 'unknown' },
  { fixture: 'found', forbidden: ['plans.upgrade.cattle.io'], expect: 'unknown' },
  { expect: 'passed' },
]);
