import { grid } from '../../grid.ts';

const CONTROLLER = 'Deployment/osm-system/osm-controller';

grid('osm-edge/selector-immutable', [
  { fixture: 'found', to: 'osm-edge=1.3.9', expect: `blocker ${CONTROLLER}`, steps: [] },
  { fixture: 'found', to: 'osm-edge=1.3.0', expect: `blocker ${CONTROLLER}` },
  // The label came with 1.3.0.
  { fixture: 'found', to: 'osm-edge=1.2.3', expect: 'not-applicable' },
  { fixture: 'healthy', to: 'osm-edge=1.3.9', expect: 'passed' },
  { expect: 'passed' },
  // The value is the label.
  { to: 'osm-edge=1.3.9', intent: { given: { osm: { repoServer: { codebase: 'edge' } } } }, expect: `blocker ${CONTROLLER}` },
  { to: 'osm-edge=1.3.9', forbidden: ['secrets'], expect: 'unknown' },
  { fixture: 'found', to: 'osm-edge=1.3.9', forbidden: ['deployments.apps'], expect: 'unknown' },
]);
