import type { Raw } from '../../../src/engine/contracts.ts';
import { grid } from '../../grid.ts';

const claims = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'gpu-w1', namespace: 'kube-system', annotations: { 'kubernetes.io/config.mirror': 'x' } },
  spec: { nodeName: 'w1', resourceClaims: [{ name: 'gpu' }], containers: [{ name: 'c', image: 'i' }] },
};

/** A volume of each type that needs an API object only for its Secret. */
const volumes = (...named: string[]): Raw => ({
  ...claims,
  metadata: { ...claims.metadata, name: 'storage-w1' },
  spec: {
    nodeName: 'w1',
    containers: [{ name: 'c', image: 'i' }],
    volumes: ['cephfs', 'cinder', 'flexVolume', 'iscsi', 'rbd', 'scaleIO', 'storageos'].map((type) => ({
      name: type.toLowerCase(),
      [type]: Object.fromEntries(named.map((name) => ['secretRef', { name }])),
    })),
  },
});

/** What its environment comes from. */
const environment = (key: string, source: 'env' | 'envFrom'): Raw => ({
  ...claims,
  metadata: { ...claims.metadata, name: 'env-w1' },
  spec: {
    nodeName: 'w1',
    containers: [
      {
        name: 'c',
        image: 'i',
        [source]: [source === 'env' ? { name: 'A', valueFrom: { [key]: { name: 'x' } } } : { [key]: { name: 'x' } }],
      },
    ],
  },
});

grid('kubernetes/static-pod-api-refs', [
  { fixture: 'found', to: 'kubernetes=1.34', expect: 'blocker Pod/kube-system/node-agent-w1' },
  // The kubelets are still behind 1.34, whatever the API server is.
  { fixture: 'found', server: 'v1.36.4', to: 'kubernetes=1.37', expect: 'blocker Pod/kube-system/node-agent-w1' },
  { fixture: 'healthy', objects: [claims], to: 'kubernetes=1.34', expect: 'blocker Pod/kube-system/gpu-w1' },
  { fixture: 'healthy', objects: [volumes('s')], to: 'kubernetes=1.34', expect: 'blocker Pod/kube-system/storage-w1' },
  { fixture: 'healthy', objects: [volumes()], to: 'kubernetes=1.34', expect: 'passed' },
  ...(['secretRef', 'configMapRef'] as const).map((key) => ({
    fixture: 'healthy',
    objects: [environment(key, 'envFrom')],
    to: 'kubernetes=1.34',
    expect: 'blocker Pod/kube-system/env-w1',
  })),
  ...['secretKeyRef', 'configMapKeyRef'].map((key) => ({
    fixture: 'healthy',
    objects: [environment(key, 'env')],
    to: 'kubernetes=1.34',
    expect: 'blocker Pod/kube-system/env-w1',
  })),
  { fixture: 'healthy', objects: [environment('fieldRef', 'env')], to: 'kubernetes=1.34', expect: 'passed' },
  { fixture: 'found', to: 'kubernetes=v1.33.9', expect: 'passed' },
  // Every kubelet refuses them already, or no minor lies on the way.
  {
    fixture: 'found',
    objects: ['cp1', 'w1'].map((name) => ({
      ...{ apiVersion: 'v1', kind: 'Node', metadata: { name } },
      status: { nodeInfo: { kubeletVersion: 'v1.34.1' } },
    })),
    server: 'v1.36.4',
    to: 'kubernetes=1.37',
    expect: 'passed',
  },
  { fixture: 'found', server: 'v1.34.4', to: 'kubernetes=v1.34.9', expect: 'passed' },
  { fixture: 'healthy', to: 'kubernetes=1.34', expect: 'passed' },
  { server: 'v1.33.6', to: 'kubernetes=1.34', expect: 'unknown' },
  { base: 'managed', fixture: 'aks', server: 'v1.33.6', to: 'kubernetes=1.34', expect: 'not-applicable' },
  { base: 'managed', fixture: 'aks', server: 'v1.31.6', to: 'kubernetes=1.32', expect: 'not-applicable' },
  { base: 'managed', server: 'v1.33.6+k3s1', to: 'kubernetes=1.34', expect: 'unknown' },
]);
