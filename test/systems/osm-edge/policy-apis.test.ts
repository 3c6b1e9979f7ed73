import { grid } from '../../grid.ts';

const RECORD = 'Secret/osm-system/sh.helm.release.v1.osm.v1';
const to = 'osm-edge=1.3.9';

grid('osm-edge/policy-apis', [
  {
    fixture: 'found',
    to,
    expect: [`blocker ${RECORD}`, `blocker ${RECORD}`],
    steps: [
      '{tool} fix kubernetes/removed-api',
      'helm upgrade osm osm-edge --repo=https://flomesh-io.github.io/osm-edge --version=1.3.9 -n osm-system --reset-then-reuse-values --set osm.osmController.enablePodDisruptionBudget=false --set osm.injector.autoScale.enable=false',
    ],
  },
  // They hold whatever the target is.
  { fixture: 'found', to: 'osm-edge=1.3.8', expect: [`blocker ${RECORD}`, `blocker ${RECORD}`] },
  // One of them is served there still.
  { fixture: 'found', to, server: 'v1.25.4', expect: `blocker ${RECORD}` },
  { fixture: 'found', to, server: 'v1.24.17', expect: 'passed' },
  { fixture: 'healthy', to, expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'found', to, forbidden: ['secrets'], expect: 'unknown' },
]);
