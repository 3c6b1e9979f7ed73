import { authority } from '../../bed/certificates.ts';
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

const ODD = '-----BEGIN CERTIFICATE-----\nbm8gY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n';
const bundled = (...pems: string[]) => ({
  ...expiring,
  webhooks: expiring.webhooks.map((hook) => ({
    ...hook,
    clientConfig: { url: 'https://x', caBundle: Buffer.from(pems.join('')).toString('base64') },
  })),
});
const { cert } = authority('ca').issue({ name: 'hooks', until: new Date(Date.now() + 90 * 24 * 3600 * 1000) });

grid('kubernetes/webhook-certificate', [
  // The API server passes over what it cannot read, as long as there is another.
  { objects: [bundled(ODD, cert)], expect: 'passed' },
  { objects: [bundled('# of cert-manager\n', cert)], expect: 'passed' },
  { objects: [bundled(ODD)], expect: 'blocker ValidatingWebhookConfiguration/soon-ca' },
  { fixture: 'found', expect: ['blocker ValidatingWebhookConfiguration/old-ca', 'warning MutatingWebhookConfiguration/odd-ca'] },
  {
    fixture: 'found-missing',
    expect: ['blocker ValidatingWebhookConfiguration/no-ca', 'warning MutatingWebhookConfiguration/no-ca'],
    says: ['\nhigh'],
  },
  { objects: [expiring], expect: 'warning ValidatingWebhookConfiguration/soon-ca' },
  // It matches nothing.
  { objects: [{ ...expiring, webhooks: expiring.webhooks.map(({ rules: _, ...hook }) => hook) }], expect: 'passed' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { forbidden: ['mutatingwebhookconfigurations.admissionregistration.k8s.io'], expect: 'unknown' },
]);
