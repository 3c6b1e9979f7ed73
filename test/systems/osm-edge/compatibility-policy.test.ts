import { grid } from '../../grid.ts';

grid('osm-edge/compatibility-policy', [
  {
    fixture: 'found',
    to: 'osm-edge=1.3.9',
    expect: ['blocker ', 'warning ', 'notice ', 'notice ', 'notice ', 'warning ', 'warning ', 'notice ', 'notice '],
  },
  { fixture: 'found', to: 'osm-edge=1.1.3', expect: 'warning ' },
  { fixture: 'healthy', to: 'osm-edge=1.2.3', expect: 'passed' },
  { to: 'osm-edge=1.3.8', expect: 'passed' },
  // What the policy does not cover.
  { to: 'osm-edge=1.3.9-ubi8', expect: 'warning ' },
]);
