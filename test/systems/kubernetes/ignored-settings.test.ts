import { grid } from '../../grid.ts';

const both = 'Deployment/default/confined, DaemonSet/default/confined-agent';

grid('kubernetes/ignored-settings', [
  { fixture: 'found', to: 'kubernetes=1.27', expect: `warning ${both}` },
  { fixture: 'found', to: 'kubernetes=v1.26.15', expect: 'passed' },
  { fixture: 'healthy', to: 'kubernetes=1.29', expect: 'passed' },
  { fixture: 'zone', to: 'kubernetes=1.29', expect: 'notice CronJob/default/zoned' },
  { fixture: 'zone', server: 'v1.29.15', to: 'kubernetes=1.37', expect: 'passed' },
  { to: 'kubernetes=1.31', expect: 'passed' },
  { fixture: 'healthy', to: 'kubernetes=1.29', forbidden: ['cronjobs.batch'], expect: 'unknown' },
]);
