import { grid } from '../../grid.ts';

grid('k3s/node-version', [
  { fixture: 'found', expect: 'blocker Node/a1' },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'found', forbidden: ['nodes'], expect: 'unknown' },
  { fixture: 'found', forbidden: ['plans.upgrade.cattle.io'], expect: 'unknown' },
  { expect: 'passed' },
]);
