import { grid } from '../../grid.ts';

grid('kubernetes/version-skip', [
  { fixture: 'found', to: 'kubernetes=1.32', expect: 'blocker ' },
  { fixture: 'healthy', to: 'kubernetes=1.31', expect: 'passed' },
  { to: 'kubernetes=v1.30.14', expect: 'passed' },
  { expect: 'passed' },
  { server: 'v1.37.2', expect: 'passed' },
]);
