import { grid } from '../../grid.ts';

const [inject, validate] = ['MutatingWebhookConfiguration/osm-webhook-osm', 'ValidatingWebhookConfiguration/osm-validator-mesh-osm'];

grid('osm-edge/webhook-certificate', [
  {
    fixture: 'found',
    expect: [`blocker ${inject}`, `blocker ${validate}`],
    steps: [
      'kubectl rollout restart deployment/osm-injector deployment/osm-controller -n osm-system',
      'kubectl rollout status deployment/osm-injector -n osm-system',
    ],
  },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'found', forbidden: ['mutatingwebhookconfigurations.admissionregistration.k8s.io'], expect: 'unknown' },
]);
