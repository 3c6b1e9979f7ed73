import { grid } from '../../grid.ts';

grid('k3s/etcd-upgrade-path', [
  { fixture: 'found', to: 'k3s=v1.34.6+k3s1', expect: 'blocker Node/s1, Node/s2, Node/s3' },
  { fixture: 'found', to: 'k3s=v1.33.9+k3s1', expect: 'passed' },
  { fixture: 'healthy', to: 'k3s=v1.34.6+k3s1', expect: 'passed' },
  { to: 'k3s=v1.34.6+k3s1', expect: 'passed' },
  { fixture: 'found', to: 'k3s=v1.34.6+k3s1', forbidden: ['nodes'], expect: 'unknown' },
]);
