import { grid } from '../../grid.ts';

grid('k3s/plan-version', [
  { fixture: 'found', expect: 'blocker Plan/system-upgrade/server' },
  { fixture: 'none', expect: 'blocker Plan/system-upgrade/server' },
  { fixture: 'unreleased', expect: 'warning Plan/system-upgrade/server' },
  { fixture: 'channel', expect: 'notice Plan/system-upgrade/server' },
  { fixture: 'both', expect: 'notice Plan/system-upgrade/server' },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'newer', expect: 'passed' },
  { fixture: 'found', forbidden: ['plans.upgrade.cattle.io'], expect: 'unknown' },
  { expect: 'passed' },
]);
