import { grid } from '../../grid.ts';

grid('kubernetes/webhook-scope', [
  {
    fixture: 'found',
    expect: [
      'warning ValidatingWebhookConfiguration/everything',
      'warning ValidatingWebhookConfiguration/everything',
      'warning ValidatingWebhookConfiguration/everything, MutatingWebhookConfiguration/inject',
      'warning ValidatingWebhookConfiguration/gate',
    ],
  },
  { fixture: 'found-evictions', expect: 'warning ValidatingWebhookConfiguration/evict' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { forbidden: ['namespaces'], expect: 'unknown' },
  { forbidden: ['endpointslices.discovery.k8s.io'], expect: 'unknown' },
]);
