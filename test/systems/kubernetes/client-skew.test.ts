import { grid } from '../../grid.ts';

grid('kubernetes/client-skew', [
  { fixture: 'found', to: 'kubernetes=1.31', expect: ['notice Deployment/ops/waiter', 'notice CronJob/ops/clean-up'] },
  { fixture: 'found', to: 'kubernetes=v1.30.9', expect: 'notice Deployment/ops/waiter' },
  { fixture: 'healthy', to: 'kubernetes=1.31', expect: 'passed' },
  { fixture: 'healthy', forbidden: ['cronjobs.batch'], expect: 'unknown' },
]);
