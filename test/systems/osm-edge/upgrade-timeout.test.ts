import { grid } from '../../grid.ts';
import { leaving } from './pods.ts';

const deployment = (name: string) => `Deployment/osm-system/${name}`;

grid('osm-edge/upgrade-timeout', [
  { fixture: 'found', expect: [`blocker ${deployment('osm-controller')}`, `warning ${deployment('osm-injector')}`] },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { objects: [leaving], expect: 'passed' },
  { fixture: 'found', forbidden: ['pods'], expect: 'unknown' },
]);
