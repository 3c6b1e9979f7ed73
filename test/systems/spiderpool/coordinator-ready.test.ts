import { grid } from '../../grid.ts';

const COORDINATOR = 'SpiderCoordinator/default';

grid('spiderpool/coordinator-ready', [
  { fixture: 'found', expect: `blocker ${COORDINATOR}` },
  { fixture: 'unused', expect: `warning ${COORDINATOR}` },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'healthy', forbidden: ['spidercoordinators.spiderpool.spidernet.io'], expect: 'unknown' },
]);
