import { grid } from '../../grid.ts';

grid('kubernetes/webhook-backend', [
  {
    fixture: 'found',
    expect: [
      'blocker ValidatingWebhookConfiguration/gone, MutatingWebhookConfiguration/gone',
      'notice ValidatingWebhookConfiguration/gone',
    ],
  },
  { fixture: 'no-endpoints', expect: 'blocker ValidatingWebhookConfiguration/policy-guard' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { base: 'managed', expect: 'passed' },
  { forbidden: ['endpointslices.discovery.k8s.io'], expect: 'unknown' },
]);
