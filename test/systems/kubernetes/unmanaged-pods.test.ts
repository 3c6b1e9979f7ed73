import { grid } from '../../grid.ts';

grid('kubernetes/unmanaged-pods', [
  { fixture: 'found', expect: ['warning Pod/team-shop/debug, Pod/team-shop/shell', 'warning Pod/team-batch/import'] },
  { fixture: 'found', nodes: 'in-place', expect: 'not-applicable' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { forbidden: ['pods'], expect: 'unknown' },
]);
