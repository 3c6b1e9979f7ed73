import { grid } from '../../grid.ts';

const IN_ANOTHER_MESH = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'shop', labels: { 'openservicemesh.io/monitored-by': 'other' } },
};
const deployment = (generation: number, status: Record<string, number>) => ({
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'shop', generation } },
  ...{ spec: { replicas: 3 }, status },
});

grid('osm-edge/workload-rollout', [
  { fixture: 'found', expect: ['warning Deployment/shop/web', 'warning StatefulSet/shop/db', 'warning DaemonSet/shop/agent'] },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'found', objects: [IN_ANOTHER_MESH], expect: 'passed' },
  // Its controller has not seen the change yet.
  { fixture: 'healthy', objects: [deployment(2, { observedGeneration: 1, updatedReplicas: 3 })], expect: ['warning Deployment/shop/web'] },
  { fixture: 'healthy', objects: [deployment(2, { observedGeneration: 2, updatedReplicas: 3 })], expect: 'passed' },
  // Pods are replaced when they are deleted, not by a rollout.
  {
    fixture: 'healthy',
    objects: [
      {
        ...{ apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'agent', namespace: 'shop', generation: 1 } },
        spec: { updateStrategy: { type: 'OnDelete' } },
        status: { observedGeneration: 1, desiredNumberScheduled: 2, updatedNumberScheduled: 0 },
      },
      {
        ...{ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'db', namespace: 'shop', generation: 1 } },
        ...{ spec: { replicas: 3, updateStrategy: { type: 'OnDelete' } }, status: { observedGeneration: 1, updatedReplicas: 0 } },
      },
    ],
    expect: 'passed',
  },
  { expect: 'passed' },
  { fixture: 'found', forbidden: ['statefulsets.apps'], expect: 'unknown' },
]);
