import { grid } from '../../grid.ts';

const NEWEST = 'Secret/osm-system/sh.helm.release.v1.osm.v2';

grid('osm-edge/release-deployed', [
  { fixture: 'found', expect: `blocker ${NEWEST}` },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'healthy', forbidden: ['secrets'], expect: 'unknown' },
]);
