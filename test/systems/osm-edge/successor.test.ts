import { grid } from '../../grid.ts';

grid('osm-edge/successor', [
  { fixture: 'found', expect: ['notice ', 'warning Deployment/fsm-system/fsm-controller'] },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'found', forbidden: ['deployments.apps'], expect: 'unknown' },
]);
