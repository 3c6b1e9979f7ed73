import { grid } from '../../grid.ts';

const WAITING = {
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'waiting', namespace: 'team-shop', uid: 'pod-waiting' } },
  ...{ spec: { containers: [{ name: 'c', image: 'x' }] }, status: { phase: 'Pending' } },
};

grid('kubernetes/unmanaged-pods', [
  { fixture: 'found', expect: ['warning Pod/team-shop/debug, Pod/team-shop/shell', 'warning Pod/team-batch/import'] },
  // Where Nodes are drained the upgrade ends there.
  { fixture: 'found', nodes: 'drain', expect: ['blocker Pod/team-shop/debug, Pod/team-shop/shell', 'blocker Pod/team-batch/import'] },
  { fixture: 'found', nodes: 'replace', expect: ['blocker Pod/team-shop/debug, Pod/team-shop/shell', 'blocker Pod/team-batch/import'] },
  { fixture: 'found', nodes: 'in-place', expect: 'not-applicable' },
  { fixture: 'healthy', expect: 'passed' },
  // On no Node yet.
  { objects: [WAITING], expect: 'passed' },
  { expect: 'passed' },
  { forbidden: ['pods'], expect: 'unknown' },
]);
