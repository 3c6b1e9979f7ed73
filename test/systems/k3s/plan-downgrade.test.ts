import { grid } from '../../grid.ts';

grid('k3s/plan-downgrade', [
  { fixture: 'found', expect: 'blocker Plan/system-upgrade/agents' },
  { fixture: 'unguarded', expect: 'blocker Plan/system-upgrade/server' },
  { fixture: 'same-release', expect: 'blocker Plan/system-upgrade/server' },
  { fixture: 'built-earlier', expect: 'blocker Plan/system-upgrade/agents' },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'found', forbidden: ['nodes'], expect: 'unknown' },
  { fixture: 'found', forbidden: ['plans.upgrade.cattle.io'], expect: 'unknown' },
  { expect: 'passed' },
]);
