import { grid } from '../../grid.ts';

grid('k3s/plan-tolerations', [
  { fixture: 'found', expect: 'blocker Node/s1' },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'found', forbidden: ['nodes'], expect: 'unknown' },
  { fixture: 'found', forbidden: ['plans.upgrade.cattle.io'], expect: 'unknown' },
  { expect: 'passed' },
]);
