import type { Raw } from '../../../src/engine/contracts.ts';
import { grid } from '../../grid.ts';

const service = (spec: Raw): Raw => ({ ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'loose', namespace: 'default' } }, spec });

grid('kubernetes/strict-ip-cidr', [
  {
    fixture: 'found',
    to: 'kubernetes=1.36',
    expect: [
      'warning Service/default/shop',
      'warning Service/default/shop',
      'warning NetworkPolicy/default/office',
      'warning EndpointSlice/default/legacy-1',
      'blocker Deployment/default/shop',
      'blocker CronJob/default/report',
    ],
  },
  // The API server fills in the list beside the one.
  {
    objects: [service({ clusterIP: '10.96.0.010', clusterIPs: ['10.96.0.010'] })],
    to: 'kubernetes=1.36',
    expect: 'warning Service/default/loose',
    says: ['clusterIPs'],
  },
  { objects: [service({ clusterIP: '10.96.0.010' })], to: 'kubernetes=1.36', expect: 'warning Service/default/loose' },
  { fixture: 'found', to: 'kubernetes=v1.35.9', expect: 'passed' },
  { fixture: 'healthy', to: 'kubernetes=1.36', expect: 'passed' },
  { fixture: 'healthy', to: 'kubernetes=1.36', forbidden: ['services'], expect: 'unknown' },
]);
