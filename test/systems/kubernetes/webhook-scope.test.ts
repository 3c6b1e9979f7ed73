import { grid } from '../../grid.ts';

grid('kubernetes/webhook-scope', [
  {
    fixture: 'found',
    expect: [
      'warning ValidatingWebhookConfiguration/everything',
      'warning ValidatingWebhookConfiguration/everything',
      'warning ValidatingWebhookConfiguration/everything, MutatingWebhookConfiguration/inject',
    ],
  },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { forbidden: ['namespaces'], expect: 'unknown' },
]);
