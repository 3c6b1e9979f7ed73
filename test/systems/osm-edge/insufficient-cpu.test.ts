import { grid } from '../../grid.ts';
import { leaving } from './pods.ts';

grid('osm-edge/insufficient-cpu', [
  { fixture: 'found', to: 'osm-edge=1.3.9', expect: 'warning Deployment/osm-system/osm-controller' },
  // Nothing rolls.
  { fixture: 'found', to: 'osm-edge=1.3.8', expect: 'passed' },
  { fixture: 'pending', to: 'osm-edge=1.3.8', expect: 'blocker Pod/osm-system/osm-injector-7a-x' },
  { fixture: 'healthy', to: 'osm-edge=1.3.9', expect: 'passed' },
  { expect: 'passed' },
  { objects: [leaving], expect: 'passed' },
  { fixture: 'found', to: 'osm-edge=1.3.9', forbidden: ['nodes'], expect: 'unknown' },
]);
