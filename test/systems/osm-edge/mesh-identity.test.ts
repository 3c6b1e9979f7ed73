import { grid } from '../../grid.ts';

const RECORD = 'Secret/osm-system/sh.helm.release.v1.osm.v1';
const to = 'osm-edge=1.3.9';

grid('osm-edge/mesh-identity', [
  {
    fixture: 'found',
    to,
    expect: [`blocker ${RECORD}`, `blocker ${RECORD}`],
    steps: [
      'helm upgrade osm osm-edge --repo=https://flomesh-io.github.io/osm-edge --version=1.3.9 -n osm-system --reset-then-reuse-values --set-string osm.meshName=edge --set-string osm.osmNamespace=osm-system',
    ],
  },
  { fixture: 'healthy', to, expect: 'passed' },
  // As osm mesh upgrade does it: every value is reset.
  { fixture: 'healthy', to, intent: { given: {}, reuse: 'reset' }, expect: `blocker ${RECORD}` },
  { to, intent: { given: { osm: { trustDomain: 'example.org' } } }, expect: `warning ${RECORD}` },
  { to, expect: 'passed' },
  { fixture: 'found', to, forbidden: ['secrets'], expect: 'unknown' },
  { fixture: 'found', to, forbidden: ['deployments.apps'], expect: 'unknown' },
]);
