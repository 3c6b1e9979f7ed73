import { grid } from '../../grid.ts';

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
  { fixture: 'found', to: 'kubernetes=v1.35.9', expect: 'passed' },
  { fixture: 'healthy', to: 'kubernetes=1.36', expect: 'passed' },
  { fixture: 'healthy', to: 'kubernetes=1.36', forbidden: ['services'], expect: 'unknown' },
]);
