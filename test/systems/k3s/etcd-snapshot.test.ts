import { grid } from '../../grid.ts';

grid('k3s/etcd-snapshot', [
  { fixture: 'found', expect: 'warning ETCDSnapshotFile/etcd-snapshot-s1-1' },
  { fixture: 'none', expect: 'warning Node/s1' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'not-applicable' },
  { fixture: 'found', forbidden: ['etcdsnapshotfiles.k3s.cattle.io'], expect: 'unknown' },
]);
