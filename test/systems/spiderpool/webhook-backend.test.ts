import { grid } from '../../grid.ts';

const HOOKS = 'ValidatingWebhookConfiguration/spiderpool-controller, MutatingWebhookConfiguration/spiderpool-controller';
/** Of podResourceInject: it stands before the creation of Pods. */
const pods = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingWebhookConfiguration',
  metadata: { name: 'spiderpool-controller' },
  webhooks: [
    {
      name: 'pods.spiderpool.spidernet.io',
      clientConfig: { service: { name: 'spiderpool-controller', namespace: 'kube-system', port: 5722 } },
    },
  ],
};
const elsewhere = {
  ...pods,
  metadata: { name: 'another' },
  webhooks: [{ name: 'pods.example.com', clientConfig: { service: { name: 'gone', namespace: 'kube-system' } } }],
};
const noService = (name: string) => ({
  ...pods,
  webhooks: [{ name: 'spiderippool.spiderpool.spidernet.io', clientConfig: { service: { name, namespace: 'kube-system', port: 5722 } } }],
});

grid('spiderpool/webhook-backend', [
  { fixture: 'found', expect: `warning ${HOOKS}` },
  { fixture: 'port', expect: `warning ${HOOKS}` },
  { fixture: 'found', objects: [pods], expect: `blocker ${HOOKS}` },
  { fixture: 'healthy', objects: [noService('nowhere')], expect: 'warning MutatingWebhookConfiguration/spiderpool-controller' },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'healthy', objects: [elsewhere], expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'healthy', forbidden: ['endpointslices.discovery.k8s.io'], expect: 'unknown' },
]);
