import type { Raw } from '../../../src/engine/contracts.ts';
import { grid } from '../../grid.ts';

const SYSTEM: Raw = {
  ...{ apiVersion: 'v1', kind: 'Namespace' },
  metadata: { name: 'kube-system', uid: '0d5d52a8-0000-4000-8000-000000000003', labels: { 'kubernetes.io/metadata.name': 'kube-system' } },
};
const hook = (rule: Raw, ...left: string[]): Raw => ({
  ...{ apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', metadata: { name: 'one' } },
  webhooks: [
    {
      ...{ name: 'one.example.com', failurePolicy: 'Fail', clientConfig: { url: 'https://hooks.example.com' } },
      rules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], ...rule }],
      namespaceSelector: {
        matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system', ...left] }],
      },
    },
  ],
});
const ONE = 'warning ValidatingWebhookConfiguration/one';

grid('kubernetes/webhook-scope', [
  // The Leases by which kubelets say that they are alive are in a namespace of their own.
  { objects: [SYSTEM, hook({ resources: ['leases'] })], expect: ONE },
  { objects: [SYSTEM, hook({ resources: ['leases'] }, 'kube-node-lease')], expect: 'passed' },
  // Nodes are in no namespace: no selector leaves them out, and a scope does.
  { objects: [SYSTEM, hook({ resources: ['*'] }, 'kube-node-lease')], expect: ONE },
  { objects: [SYSTEM, hook({ resources: ['*'], scope: 'Namespaced' }, 'kube-node-lease')], expect: 'passed' },
  { objects: [SYSTEM, hook({ resources: ['leases'], scope: 'Cluster' })], expect: 'passed' },
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
