import { grid } from '../../grid.ts';

const RECORD = 'Secret/osm-system/sh.helm.release.v1.osm.v1';

grid('osm-edge/values-keys', [
  { fixture: 'found', to: 'osm-edge=1.3.9', expect: `blocker ${RECORD}` },
  // Dropped by the flag: nothing that helm could refuse.
  { fixture: 'found', to: 'osm-edge=1.3.9', intent: { given: {}, reuse: 'reset' }, expect: 'passed' },
  { fixture: 'healthy', to: 'osm-edge=1.3.9', intent: { given: { osm: { notThere: 1 } } }, expect: `blocker ${RECORD}` },
  // It was allowed before 1.3.0.
  { fixture: 'found', to: 'osm-edge=1.2.3', expect: 'passed' },
  { fixture: 'healthy', to: 'osm-edge=1.3.9', expect: 'passed' },
  // A chart with a schema of its own.
  { fixture: 'healthy', to: 'osm-edge=1.3.9-ubi8', expect: 'unknown' },
  { fixture: 'healthy', to: 'osm-edge=1.3.9', forbidden: ['secrets'], expect: 'unknown' },
]);
