import { grid } from '../../grid.ts';

const apiServer = 'warning Pod/kube-system/kube-apiserver-cp1';

grid('kubernetes/audit-log-retention', [
  { fixture: 'found', expect: [apiServer, apiServer] },
  { fixture: 'found', to: 'kubernetes=v1.35.9', expect: 'passed' },
  { fixture: 'found', server: 'v1.36.2', to: 'kubernetes=1.37', expect: 'passed' },
  { fixture: 'healthy', to: 'kubernetes=1.36', expect: 'passed' },
  { server: 'v1.35.8', to: 'kubernetes=1.36', expect: 'passed' },
  { base: 'managed', to: 'kubernetes=1.36', expect: 'unknown' },
  { base: 'managed', server: 'v1.35.4-eks-a737599', to: 'kubernetes=1.36', expect: 'not-applicable' },
  { base: 'managed', fixture: 'aks', to: 'kubernetes=1.36', expect: 'not-applicable' },
  { forbidden: ['pods'], to: 'kubernetes=1.36', expect: 'unknown' },
]);
