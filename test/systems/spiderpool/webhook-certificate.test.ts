import { grid } from '../../grid.ts';

const SECRET = 'Secret/kube-system/spiderpool-controller-server-certs';
const secret = (data: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: 'kubernetes.io/tls',
  metadata: { name: 'spiderpool-controller-server-certs', namespace: 'kube-system' },
  data,
});

grid('spiderpool/webhook-certificate', [
  {
    fixture: 'found',
    expect: ['warning ValidatingWebhookConfiguration/spiderpool-controller', 'warning MutatingWebhookConfiguration/spiderpool-controller'],
  },
  { fixture: 'expired', expect: `warning ${SECRET}` },
  { fixture: 'healthy', objects: [secret({ 'tls.crt': 'Z2FyYmFnZQ==' })], expect: `warning ${SECRET}` },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'healthy', forbidden: ['secrets'], expect: 'unknown' },
]);
