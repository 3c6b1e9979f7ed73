import { grid } from '../../grid.ts';

const RECORD = 'Secret/osm-system/sh.helm.release.v1.osm.v1';
const reuse = { given: {}, reuse: 'reuse' } as const;
const command =
  'helm upgrade osm osm-edge --repo=https://flomesh-io.github.io/osm-edge --version=1.3.9 -n osm-system --reset-then-reuse-values';

grid('osm-edge/reuse-values', [
  { fixture: 'found', to: 'osm-edge=1.3.9', intent: reuse, expect: `blocker ${RECORD}`, steps: [command] },
  { fixture: 'healthy', to: 'osm-edge=1.3.9', intent: reuse, expect: 'passed' },
  // The same defaults, at the version that they are of.
  { fixture: 'found', to: 'osm-edge=1.3.8', intent: reuse, expect: 'passed' },
  { fixture: 'found', to: 'osm-edge=1.3.9', expect: 'not-applicable' },
]);
