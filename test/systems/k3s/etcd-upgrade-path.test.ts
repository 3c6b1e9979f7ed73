import { grid } from '../../grid.ts';

const STRAIGHT = {
  apiVersion: 'upgrade.cattle.io/v1',
  kind: 'Plan',
  metadata: { name: 'straight', namespace: 'system-upgrade', uid: 'plan-2' },
  spec: { concurrency: 1, nodeSelector: {}, version: 'v1.34.6+k3s1', upgrade: { image: 'rancher/k3s-upgrade' } },
};

grid('k3s/etcd-upgrade-path', [
  { fixture: 'found', to: 'k3s=v1.34.6+k3s1', expect: 'warning Node/s1, Node/s2, Node/s3' },
  { fixture: 'found', to: 'k3s=v1.34.6+k3s1', objects: [STRAIGHT], expect: 'blocker Node/s1, Node/s2, Node/s3' },
  { fixture: 'found', to: 'k3s=v1.33.9+k3s1', expect: 'passed' },
  { fixture: 'healthy', to: 'k3s=v1.34.6+k3s1', expect: 'passed' },
  { to: 'k3s=v1.34.6+k3s1', expect: 'not-applicable' },
  { fixture: 'found', to: 'k3s=v1.34.6+k3s1', forbidden: ['nodes'], expect: 'unknown' },
]);
