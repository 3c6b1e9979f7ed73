import { grid } from '../../grid.ts';

grid('osm-edge/webhook-leftovers', [
  { fixture: 'found', expect: 'blocker MutatingWebhookConfiguration/osm-webhook-old', steps: [] },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'found', forbidden: ['mutatingwebhookconfigurations.admissionregistration.k8s.io'], expect: 'unknown' },
]);
