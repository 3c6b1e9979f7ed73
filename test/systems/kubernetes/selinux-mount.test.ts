import { grid } from '../../grid.ts';

const driver = (seLinuxMount: boolean) => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'CSIDriver',
  metadata: { name: 'block.csi.example.com' },
  spec: { seLinuxMount },
});
const recursive = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web-1', namespace: 'default' },
  spec: {
    securityContext: { seLinuxChangePolicy: 'Recursive', seLinuxOptions: { level: 's0:c9,c9' } },
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'shared' } }],
    containers: [{ name: 'c', image: 'i' }],
  },
  status: { phase: 'Running' },
};

/** With an emptyDir before the claim. */
const second = { ...recursive, spec: { ...recursive.spec, securityContext: { seLinuxOptions: { level: 's0:c9,c9' } } } };
second.spec.volumes = [{ name: 'tmp', emptyDir: {} } as never, ...recursive.spec.volumes];

grid('kubernetes/selinux-mount', [
  { fixture: 'found', to: 'kubernetes=1.37', expect: 'warning Pod/default/web-1, Pod/default/batch-1' },
  { fixture: 'found', to: 'kubernetes=v1.36.9', expect: 'passed' },
  { fixture: 'found', objects: [driver(false)], to: 'kubernetes=1.37', expect: 'passed' },
  { fixture: 'found', objects: [second], to: 'kubernetes=1.37', expect: 'warning Pod/default/web-1, Pod/default/batch-1' },
  { fixture: 'found', objects: [recursive], to: 'kubernetes=1.37', expect: 'passed' },
  { fixture: 'healthy', to: 'kubernetes=1.37', expect: 'passed' },
  { fixture: 'healthy', forbidden: ['csidrivers.storage.k8s.io'], to: 'kubernetes=1.37', expect: 'unknown' },
]);
