import { grid } from '../../grid.ts';

grid('k3s/plan-pairing', [
  { fixture: 'found', expect: 'blocker Plan/system-upgrade/agents' },
  { fixture: 'missing', expect: 'blocker Plan/system-upgrade/agents' },
  { fixture: 'unordered', expect: 'warning Plan/system-upgrade/agents' },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'found', forbidden: ['nodes'], expect: 'unknown' },
  { fixture: 'found', forbidden: ['plans.upgrade.cattle.io'], expect: 'unknown' },
  { expect: 'passed' },
]);
