import { grid } from '../../grid.ts';

grid('k3s/nodes-ready', [
  { fixture: 'found', expect: ['blocker Node/a3', 'blocker Node/a2', 'warning Node/a1', 'blocker Node/s1'] },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'shared', expect: ['blocker Node/a2', 'blocker Node/a1, Node/a2'] },
  { fixture: 'found', forbidden: ['nodes'], expect: 'unknown' },
  { expect: 'passed' },
]);
