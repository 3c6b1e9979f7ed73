import { grid } from '../../grid.ts';

grid('k3s/plan-overlap', [
  { fixture: 'found', expect: 'blocker Plan/system-upgrade/agents, Plan/system-upgrade/all-agents' },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'left', expect: 'notice Node/a1, Node/a2' },
  { fixture: 'excluded', expect: 'notice Node/a2' },
  { fixture: 'found', forbidden: ['nodes'], expect: 'unknown' },
  { fixture: 'found', forbidden: ['plans.upgrade.cattle.io'], expect: 'unknown' },
  { expect: 'passed' },
]);
