import { grid } from '../../grid.ts';

const NEWEST = 'Secret/osm-system/sh.helm.release.v1.osm.v2';

grid('osm-edge/release-deployed', [
  { fixture: 'found', expect: `blocker ${NEWEST}` },
  { fixture: 'healthy', expect: 'passed' },
  // The workloads name a release, and there is no record.
  { expect: 'unknown' },
  { fixture: 'healthy', forbidden: ['secrets'], expect: 'unknown' },
]);
