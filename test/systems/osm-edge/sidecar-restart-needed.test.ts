import { grid } from '../../grid.ts';

grid('osm-edge/sidecar-restart-needed', [
  { fixture: 'found', expect: ['blocker Pod/shop/api-5d-b', 'warning Pod/shop/web-5d-a'] },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'found', forbidden: ['pods'], expect: 'unknown' },
]);
