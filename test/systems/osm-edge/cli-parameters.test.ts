import { grid } from '../../grid.ts';
import { leaving } from './pods.ts';

const RECORD = 'Secret/osm-system/sh.helm.release.v1.osm.v1';
const apart = ['blocker Deployment/osm-system/osm-bootstrap'];
const seen = ['blocker Pod/osm-system/osm-bootstrap-6f-x', 'warning Event/osm-system/osm-controller-6f-y.17'];

grid('osm-edge/cli-parameters', [
  { fixture: 'found', to: 'osm-edge=1.3.9', expect: [...apart, `blocker ${RECORD}`, ...seen] },
  { fixture: 'healthy', expect: 'passed' },
  // A tag that was kept in the values, under the next chart.
  {
    to: 'osm-edge=1.3.9',
    intent: { given: { osm: { image: { tag: '1.1.1' } } } },
    expect: `blocker ${RECORD}`,
    steps: ['--set osm.image.tag=1.3.9'],
  },
  { expect: 'passed' },
  { objects: [leaving], expect: 'passed' },
  { fixture: 'healthy', forbidden: ['events'], expect: 'passed' },
  { fixture: 'found', forbidden: ['pods'], expect: 'unknown' },
]);
