import { grid } from '../../grid.ts';

grid('kubernetes/nodes-ready', [
  { fixture: 'found', expect: ['blocker Node/cp1', 'warning Node/w1', 'warning Node/w2'] },
  { fixture: 'silent', expect: 'warning Node/w3' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { forbidden: ['nodes'], expect: 'unknown' },
]);
