import { grid } from '../../grid.ts';

grid('kubernetes/in-tree-volume-plugins', [
  { fixture: 'found', expect: ['blocker PersistentVolume/block, StorageClass/ceph', 'blocker Pod/team-shop/shared'] },
  { fixture: 'found', to: 'kubernetes=v1.30.9', expect: 'passed' },
  { fixture: 'repository', to: 'kubernetes=1.33', expect: 'blocker Pod/team-shop/site' },
  { fixture: 'repository', to: 'kubernetes=1.36', expect: ['blocker Pod/team-shop/site', 'blocker StorageClass/portworx'] },
  { fixture: 'flex', to: 'kubernetes=1.36', expect: 'warning Pod/team-shop/flex' },
  { fixture: 'flex', to: 'kubernetes=v1.35.2', expect: 'passed' },
  { fixture: 'healthy', to: 'kubernetes=1.36', expect: 'passed' },
  { expect: 'passed' },
  { forbidden: ['persistentvolumes'], expect: 'unknown' },
]);
