import { grid } from '../../grid.ts';

grid('k3s/plan-selects-nodes', [
  { fixture: 'found', expect: 'blocker Plan/system-upgrade/server' },
  { fixture: 'no-selector', expect: 'blocker Plan/system-upgrade/server' },
  { fixture: 'master', expect: 'blocker Plan/system-upgrade/server' },
  { fixture: 'no-match', expect: 'blocker Plan/system-upgrade/server' },
  { fixture: 'disabled', expect: 'warning Plan/system-upgrade/server' },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'found', forbidden: ['nodes'], expect: 'unknown' },
  { fixture: 'found', forbidden: ['plans.upgrade.cattle.io'], expect: 'unknown' },
  { expect: 'passed' },
]);
