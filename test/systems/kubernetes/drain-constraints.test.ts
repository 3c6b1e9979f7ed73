import type { Raw } from '../../../src/engine/contracts.ts';
import { grid } from '../../grid.ts';

const HOSTNAME = 'kubernetes.io/hostname';
const node = (name: string): Raw => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { [HOSTNAME]: name } },
  status: { nodeInfo: { kubeletVersion: 'v1.30.4' } },
});
const pod = (name: string, on: string, spec: Raw, deleted?: string): Raw => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    ...{ name, namespace: 'default', labels: { app: 'web' }, ...(deleted ? { deletionTimestamp: deleted } : {}) },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'rs', controller: true }],
  },
  spec: { nodeName: on, containers: [{ name: 'c', image: 'i' }], ...spec },
  status: { phase: 'Running' },
});
const labelSelector = { matchLabels: { app: 'web' } };
const apart = {
  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: HOSTNAME, labelSelector }] } },
};
const spread = { topologySpreadConstraints: [{ topologyKey: HOSTNAME, maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule', labelSelector }] };
const nodes = [node('cp1'), node('w1'), node('w2')];
const each = (spec: Raw) => nodes.map(({ metadata }) => pod(`web-${(metadata as Raw).name}`, String((metadata as Raw).name), spec));
const three = 'Pod/default/web-cp1, Pod/default/web-w1, Pod/default/web-w2';

grid('kubernetes/drain-constraints', [
  {
    fixture: 'found',
    expect: [
      'warning Pod/default/db-0',
      'warning Pod/default/cache-7d9f8b6c5d-abcde',
      'warning Pod/default/edge-1',
      'warning StatefulSet/default/queue',
    ],
  },
  { fixture: 'found', nodes: 'in-place', expect: 'not-applicable' },
  {
    fixture: 'found',
    nodes: 'replace',
    expect: [
      'warning Pod/default/db-0',
      'warning Pod/default/cache-7d9f8b6c5d-abcde',
      'warning Pod/default/edge-1',
      'warning StatefulSet/default/queue',
    ],
  },
  { fixture: 'healthy', expect: 'passed' },
  // As many as there are Nodes.
  { objects: [...nodes, ...each(apart)], expect: `warning ${three}` },
  { objects: [...nodes, ...each(apart).slice(1)], expect: 'passed' },
  { objects: [...nodes, ...each(spread)], expect: `warning ${three}` },
  {
    objects: [...nodes, ...each({ topologySpreadConstraints: [{ ...spread.topologySpreadConstraints[0]!, maxSkew: 2 }] })],
    expect: 'passed',
  },
  { objects: [...nodes, pod('gone', 'w1', apart, '2026-01-01T00:00:00Z')], expect: 'passed' },
  // One that has ended, or has no Node yet, is on no Node.
  ...['Succeeded', 'Failed'].map((phase) => ({
    objects: [...nodes, ...each(apart).map((one, i) => (i ? one : { ...one, status: { phase } }))],
    expect: 'passed',
  })),
  { objects: [...nodes, ...each(apart).slice(1), pod('web-new', '', apart)], expect: 'passed' },
  { base: 'managed', objects: [pod('web-w1', 'w1', {})], expect: 'warning Node/w1' },
  // It is not made again anywhere.
  { base: 'managed', objects: [{ ...pod('web-w1', 'w1', {}), metadata: { name: 'web-w1', namespace: 'default' } }], expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'healthy', forbidden: ['persistentvolumes'], expect: 'unknown' },
]);
