import type { Raw } from '../../../src/engine/contracts.ts';
import { grid } from '../../grid.ts';

const RECORD = 'Secret/osm-system/sh.helm.release.v1.osm.v1';
const apart = ['blocker Deployment/osm-system/osm-bootstrap'];
const seen = ['blocker Pod/osm-system/osm-bootstrap-6f-x', 'warning Event/osm-system/osm-controller-6f-y.17'];

/** Every field that is read of a Pod; it is on its way out. */
const leaving: Raw = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'osm-bootstrap-0',
    namespace: 'osm-system',
    deletionTimestamp: '2026-11-29T00:00:00Z',
    labels: { app: 'osm-bootstrap', 'app.kubernetes.io/name': 'openservicemesh.io' },
  },
  spec: { nodeName: 'n1', containers: [{ name: 'a', resources: { requests: { cpu: '1' } } }] },
  status: {
    phase: 'Running',
    conditions: [
      { type: 'PodScheduled', status: 'True', message: 'x' },
      { type: 'Ready', status: 'False' },
    ],
    initContainerStatuses: [{ name: 'i', state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: { exitCode: 1 } } }],
    containerStatuses: [{ name: 'a', state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: { exitCode: 2 } } }],
  },
};

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
