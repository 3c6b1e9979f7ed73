import { grid } from '../../grid.ts';

const ETCD_ALONE = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'e1', uid: 'node-e1', labels: { 'kubernetes.io/hostname': 'e1', 'node-role.kubernetes.io/etcd': 'true' } },
  status: { conditions: [{ type: 'Ready', status: 'True' }], nodeInfo: { kubeletVersion: 'v1.33.9+k3s1' } },
};

grid('k3s/plan-pairing', [
  { fixture: 'healthy', objects: [ETCD_ALONE], expect: 'warning Plan/system-upgrade/agents' },
  { fixture: 'found', expect: 'blocker Plan/system-upgrade/agents' },
  { fixture: 'missing', expect: 'blocker Plan/system-upgrade/agents' },
  { fixture: 'unordered', expect: 'warning Plan/system-upgrade/agents' },
  { fixture: 'excluded', expect: 'blocker Plan/system-upgrade/agents' },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'found', forbidden: ['nodes'], expect: 'unknown' },
  { fixture: 'found', forbidden: ['plans.upgrade.cattle.io'], expect: 'unknown' },
  { expect: 'passed' },
]);
