import { grid } from '../../grid.ts';

grid('kubernetes/requested-deprecated-apis', [
  // For 1.25 the first is due, the second not yet.
  { fixture: 'found', expect: ['warning ', 'notice '] },
  { fixture: 'found', to: 'kubernetes=1.26', expect: ['warning ', 'warning '] },
  // PodSecurityPolicies have no other version: the control plane asks for them.
  { fixture: 'alone', expect: 'notice ' },
  { fixture: 'healthy', expect: 'passed' },
  { base: 'managed', bare: true, expect: 'unknown' },
]);
