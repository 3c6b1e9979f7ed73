import { grid } from '../../grid.ts';

const relabelled = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingWebhookConfiguration',
  metadata: { name: 'osm-webhook-osm', uid: 'b1f4a0de-0000-4000-8000-000000000011', labels: { 'app.kubernetes.io/version': '1.2.3' } },
  webhooks: [
    { name: 'osm-inject.k8s.io', failurePolicy: 'Fail', clientConfig: { service: { name: 'osm-injector', namespace: 'osm-system' } } },
  ],
};

grid('osm-edge/webhook-leftovers', [
  { fixture: 'found', expect: 'blocker MutatingWebhookConfiguration/osm-webhook-old', steps: [] },
  { fixture: 'healthy', expect: 'passed' },
  // Installed as 1.2.3, and upgraded since.
  {
    objects: [relabelled],
    to: 'osm-edge=1.3.8',
    expect: 'notice MutatingWebhookConfiguration/osm-webhook-osm',
    steps: ['MutatingWebhookConfiguration/osm-webhook-osm /metadata/labels/app.kubernetes.io~1version: 1.2.3 → 1.3.8'],
  },
  { expect: 'passed' },
  // One part is away; the mesh is there.
  { base: 'no-injector', expect: 'passed' },
  { fixture: 'found', forbidden: ['mutatingwebhookconfigurations.admissionregistration.k8s.io'], expect: 'unknown' },
]);
