import type { Raw } from '../../../src/engine/contracts.ts';
import { grid } from '../../grid.ts';

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
