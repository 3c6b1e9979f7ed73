import { grid } from '../../grid.ts';

const claims = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'gpu-w1', namespace: 'kube-system', annotations: { 'kubernetes.io/config.mirror': 'x' } },
  spec: { nodeName: 'w1', resourceClaims: [{ name: 'gpu' }], containers: [{ name: 'c', image: 'i' }] },
};

grid('kubernetes/static-pod-api-refs', [
  { fixture: 'found', to: 'kubernetes=1.34', expect: 'blocker Pod/kube-system/node-agent-w1' },
  // The kubelets are still behind 1.34, whatever the API server is.
  { fixture: 'found', server: 'v1.36.4', to: 'kubernetes=1.37', expect: 'blocker Pod/kube-system/node-agent-w1' },
  { fixture: 'healthy', objects: [claims], to: 'kubernetes=1.34', expect: 'blocker Pod/kube-system/gpu-w1' },
  { fixture: 'found', to: 'kubernetes=v1.33.9', expect: 'passed' },
  { fixture: 'healthy', to: 'kubernetes=1.34', expect: 'passed' },
  { server: 'v1.33.6', to: 'kubernetes=1.34', expect: 'unknown' },
  { base: 'managed', fixture: 'aks', server: 'v1.33.6', to: 'kubernetes=1.34', expect: 'not-applicable' },
  { base: 'managed', fixture: 'aks', server: 'v1.31.6', to: 'kubernetes=1.32', expect: 'not-applicable' },
  { base: 'managed', server: 'v1.33.6+k3s1', to: 'kubernetes=1.34', expect: 'unknown' },
]);
