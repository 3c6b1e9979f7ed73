import { grid } from '../../grid.ts';

const NO_DELAY = {
  apiVersion: 'upgrade.cattle.io/v1',
  kind: 'Plan',
  metadata: { name: 'server', namespace: 'system-upgrade', uid: 'plan-server' },
  spec: {
    concurrency: 1,
    nodeSelector: { matchExpressions: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists' }] },
    version: 'v1.34.6+k3s1',
    upgrade: { image: 'rancher/k3s-upgrade' },
  },
};

grid('k3s/plan-quorum', [
  { fixture: 'healthy', objects: [NO_DELAY], expect: 'warning Plan/system-upgrade/server' },
  { fixture: 'found', expect: 'blocker Plan/system-upgrade/server' },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'one-down', expect: 'blocker Plan/system-upgrade/server' },
  { fixture: 'one-member', expect: 'passed' },
  { fixture: 'found', forbidden: ['nodes'], expect: 'unknown' },
  { fixture: 'found', forbidden: ['plans.upgrade.cattle.io'], expect: 'unknown' },
  { expect: 'passed' },
]);
