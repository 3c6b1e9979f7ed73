import { grid } from '../../grid.ts';

grid('kubernetes/apiservice-available', [
  { fixture: 'found', expect: 'warning APIService/v1beta1.metrics.k8s.io' },
  { fixture: 'silent', expect: 'warning APIService/v1beta1.metrics.k8s.io' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { forbidden: ['apiservices.apiregistration.k8s.io'], expect: 'unknown' },
]);
