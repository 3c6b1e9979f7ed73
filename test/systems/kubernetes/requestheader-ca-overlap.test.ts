import { grid } from '../../grid.ts';

grid('kubernetes/requestheader-ca-overlap', [
  { fixture: 'found', to: 'kubernetes=1.35', expect: 'blocker ConfigMap/kube-system/extension-apiserver-authentication' },
  { fixture: 'found', to: 'kubernetes=v1.34.9', expect: 'passed' },
  { fixture: 'named', expect: 'passed' },
  { fixture: 'odd', expect: 'unknown' },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'found', server: 'v1.34.3-eks-a737599', expect: 'not-applicable' },
  { base: 'managed', fixture: 'aks', expect: 'not-applicable' },
  { expect: 'passed' },
  { fixture: 'healthy', forbidden: ['configmaps'], expect: 'unknown' },
]);
