import { grid } from '../../grid.ts';

/** As a snapshot keeps a certificate: this one is valid for ten more days. */
const expiring = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  metadata: { name: 'soon-ca' },
  webhooks: [
    {
      name: 'soon.example.com',
      failurePolicy: 'Fail',
      rules: [{ apiGroups: ['*'], apiVersions: ['*'], resources: ['*'], operations: ['*'] }],
      clientConfig: {
        url: 'https://x',
        caBundle: [{ subject: 'CN=soon', notBefore: 0, notAfter: Date.now() + 10 * 24 * 3600 * 1000, fingerprint: 'AA:BB', dnsNames: [] }],
      },
    },
  ],
};

grid('kubernetes/webhook-certificate', [
  { fixture: 'found', expect: ['blocker ValidatingWebhookConfiguration/old-ca', 'warning MutatingWebhookConfiguration/odd-ca'] },
  { fixture: 'found-missing', expect: ['blocker ValidatingWebhookConfiguration/no-ca', 'warning MutatingWebhookConfiguration/no-ca'] },
  { objects: [expiring], expect: 'warning ValidatingWebhookConfiguration/soon-ca' },
  // It matches nothing.
  { objects: [{ ...expiring, webhooks: expiring.webhooks.map(({ rules: _, ...hook }) => hook) }], expect: 'passed' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { forbidden: ['mutatingwebhookconfigurations.admissionregistration.k8s.io'], expect: 'unknown' },
]);
