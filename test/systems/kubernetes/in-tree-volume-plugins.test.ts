import { expect, test } from 'vitest';
import { checkText } from '../../check-files.ts';
import { grid } from '../../grid.ts';

test('in a file the template of a controller counts, by the kind of its volumes', async () => {
  const deployment = (volume: string) =>
    `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: site, namespace: shop}\nspec: {template: {spec: {volumes: [{name: tmp, emptyDir: {}}, {name: v, ${volume}}]}}}\n`;
  const found = async (volume: string) =>
    (await checkText({ 'a.yaml': deployment(volume) }, '--to', 'kubernetes=1.33')).found.flatMap(({ check, objects }) =>
      check === 'kubernetes/in-tree-volume-plugins' ? objects : [],
    );
  expect([await found('gitRepo: {repository: x}'), await found('emptyDir: {}')]).toEqual([['Deployment/shop/site a.yaml:1'], []]);
});

grid('kubernetes/in-tree-volume-plugins', [
  {
    fixture: 'found',
    expect: ['blocker PersistentVolume/block, StorageClass/ceph', 'blocker Pod/team-shop/shared'],
    says: ['\nspec.rbd\n', '\nprovisioner=kubernetes.io/rbd\n', '\nspec.volumes[].cephfs\n'],
  },
  { fixture: 'found', to: 'kubernetes=v1.30.9', expect: 'passed' },
  { fixture: 'repository', to: 'kubernetes=1.33', expect: 'blocker Pod/team-shop/site' },
  { fixture: 'repository', to: 'kubernetes=1.36', expect: ['blocker Pod/team-shop/site', 'blocker StorageClass/portworx'] },
  { fixture: 'flex', to: 'kubernetes=1.36', expect: 'warning Pod/team-shop/flex' },
  { fixture: 'flex', to: 'kubernetes=v1.35.2', expect: 'passed' },
  { fixture: 'healthy', to: 'kubernetes=1.36', expect: 'passed' },
  { expect: 'passed' },
  { forbidden: ['persistentvolumes'], expect: 'unknown' },
]);
