import { grid } from '../../grid.ts';

const role = (name: string, namespace: string | undefined, ...rules: [resources: string[], verbs: string[]][]) => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: namespace ? 'Role' : 'ClusterRole',
  metadata: { name, ...(namespace ? { namespace } : {}) },
  rules: rules.map(([resources, verbs]) => ({ apiGroups: ['resource.k8s.io'], resources, verbs })),
});

grid('kubernetes/dra-status-rights', [
  { fixture: 'found', expect: 'warning ClusterRole/gpu-driver' },
  { fixture: 'found', to: 'kubernetes=v1.35.9', expect: 'passed' },
  { fixture: 'healthy', to: 'kubernetes=1.36', expect: 'passed' },
  { objects: [role('own', 'gpu', [['resourceclaims/status'], ['*']])], to: 'kubernetes=1.36', expect: 'warning Role/gpu/own' },
  { objects: [role('all', undefined, [['resourceclaims/status', '*'], ['*']])], to: 'kubernetes=1.36', expect: 'passed' },
  {
    objects: [
      role('driver', undefined, [['resourceclaims/status'], ['update']], [['resourceclaims/driver'], ['get', 'associated-node:update']]),
    ],
    to: 'kubernetes=1.36',
    expect: 'passed',
  },
  { expect: 'passed' },
  { forbidden: ['clusterroles.rbac.authorization.k8s.io'], to: 'kubernetes=1.36', expect: 'unknown' },
]);
