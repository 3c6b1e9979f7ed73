import { grid } from '../../grid.ts';

grid('kubernetes/container-restart', [
  { fixture: 'found', to: 'kubernetes=1.31', expect: 'notice Node/cp1, Node/w1, Node/w2' },
  { fixture: 'found', to: 'kubernetes=1.31', nodes: 'in-place', expect: 'warning Node/cp1, Node/w1, Node/w2' },
  { fixture: 'found', to: 'kubernetes=1.31', nodes: 'drain', expect: 'not-applicable' },
  { fixture: 'found', to: 'kubernetes=1.31', nodes: 'replace', expect: 'not-applicable' },
  { fixture: 'found', to: 'kubernetes=v1.30.9', expect: 'passed' },
  { fixture: 'behind', to: 'kubernetes=1.32', expect: 'notice Node/w1' },
  { fixture: 'healthy', to: 'kubernetes=1.32', expect: 'passed' },
  { forbidden: ['nodes'], expect: 'unknown' },
]);
