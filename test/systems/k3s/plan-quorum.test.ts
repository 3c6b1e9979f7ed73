import { grid } from '../../grid.ts';

grid('k3s/plan-quorum', [
  { fixture: 'found', expect: 'blocker Plan/system-upgrade/server' },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'one-down', expect: 'blocker Plan/system-upgrade/server' },
  { fixture: 'one-member', expect: 'passed' },
  { fixture: 'found', forbidden: ['nodes'], expect: 'unknown' },
  { fixture: 'found', forbidden: ['plans.upgrade.cattle.io'], expect: 'unknown' },
  { expect: 'passed' },
]);
