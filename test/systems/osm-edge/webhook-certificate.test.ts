import { grid } from '../../grid.ts';

const [inject, validate] = ['MutatingWebhookConfiguration/osm-webhook-osm', 'ValidatingWebhookConfiguration/osm-validator-mesh-osm'];

grid('osm-edge/webhook-certificate', [
  {
    fixture: 'found',
    expect: [`blocker ${inject}`, `blocker ${validate}`],
  },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'found', forbidden: ['mutatingwebhookconfigurations.admissionregistration.k8s.io'], expect: 'unknown' },
]);
