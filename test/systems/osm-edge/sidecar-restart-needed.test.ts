import { grid } from '../../grid.ts';

grid('osm-edge/sidecar-restart-needed', [
  { fixture: 'found', expect: ['blocker Pod/shop/api-5d-b', 'blocker Pod/shop/old-5d-c', 'warning Pod/shop/web-5d-a'], steps: [] },
  { fixture: 'healthy', expect: 'passed' },
  // Of another mesh.
  {
    fixture: 'found',
    objects: [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels: { 'openservicemesh.io/monitored-by': 'other' } } }],
    expect: 'passed',
  },
  { expect: 'passed' },
  { fixture: 'found', forbidden: ['pods'], expect: 'unknown' },
]);
