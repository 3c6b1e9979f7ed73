import { grid } from '../../grid.ts';

grid('kubernetes/api-references', [
  {
    fixture: 'found',
    to: 'kubernetes=1.25',
    expect: 'warning ValidatingWebhookConfiguration/budgets',
  },
  { fixture: 'found', to: 'kubernetes=v1.24.20', expect: 'passed' },
  { fixture: 'healthy', to: 'kubernetes=1.25', expect: 'passed' },
  { expect: 'passed' },
  { forbidden: ['mutatingwebhookconfigurations.admissionregistration.k8s.io'], expect: 'unknown' },
]);
