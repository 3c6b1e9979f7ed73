import { grid } from '../../grid.ts';

const terminating = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'db-0', namespace: 'default', creationTimestamp: '2026-01-01T00:00:00Z', deletionTimestamp: '2026-01-02T00:00:00Z' },
  spec: { containers: [{ name: 'c', image: 'i' }] },
  status: { phase: 'Pending' },
};
const alone = { ...terminating, metadata: { name: 'alone', namespace: 'default', creationTimestamp: '2026-01-01T00:00:00Z' } };

grid('kubernetes/unhealthy-before', [
  {
    fixture: 'found',
    expect: [
      'notice Pod/default/shop-6d4cf56db6-abcde, Pod/default/shop-6d4cf56db6-fghij',
      'notice Pod/default/db-0',
      'notice Pod/ops/agent-x2v7k',
    ],
  },
  { objects: [alone], expect: 'notice Pod/default/alone' },
  { objects: [terminating], expect: 'passed' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { forbidden: ['pods'], expect: 'unknown' },
]);
