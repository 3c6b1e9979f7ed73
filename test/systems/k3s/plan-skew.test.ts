import { grid } from '../../grid.ts';

grid('k3s/plan-skew', [
  { fixture: 'found', expect: 'blocker Plan/system-upgrade/server' },
  { fixture: 'ahead', expect: 'blocker Plan/system-upgrade/agents' },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'found', forbidden: ['nodes'], expect: 'unknown' },
  { fixture: 'found', forbidden: ['plans.upgrade.cattle.io'], expect: 'unknown' },
  { expect: 'passed' },
]);
