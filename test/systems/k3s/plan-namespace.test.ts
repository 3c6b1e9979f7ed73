import { grid } from '../../grid.ts';

grid('k3s/plan-namespace', [
  { fixture: 'found', expect: ['blocker Plan/cluster-upgrades/server', 'blocker Plan/cluster-upgrades/server'] },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'found', forbidden: ['pods'], expect: 'unknown' },
  { fixture: 'healthy', forbidden: ['namespaces'], expect: 'unknown' },
]);
