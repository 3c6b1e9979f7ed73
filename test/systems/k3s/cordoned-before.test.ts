import { grid } from '../../grid.ts';

grid('k3s/cordoned-before', [
  { fixture: 'found', expect: 'warning Node/a1' },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'found', forbidden: ['nodes'], expect: 'unknown' },
  { fixture: 'found', forbidden: ['plans.upgrade.cattle.io'], expect: 'unknown' },
  { expect: 'passed' },
]);
