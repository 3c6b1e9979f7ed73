import { grid } from '../../grid.ts';

grid('k3s/plan-drain-timeout', [
  { fixture: 'found', expect: 'blocker Plan/system-upgrade/agents' },
  { fixture: 'short', expect: 'warning Plan/system-upgrade/agents' },
  { fixture: 'old-controller', expect: 'passed' },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'found', forbidden: ['plans.upgrade.cattle.io'], expect: 'unknown' },
  { expect: 'passed' },
]);
