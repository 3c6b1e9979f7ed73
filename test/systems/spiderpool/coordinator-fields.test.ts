import { grid } from '../../grid.ts';

const COORDINATOR = 'SpiderCoordinator/default';

grid('spiderpool/coordinator-fields', [
  { fixture: 'found', expect: `blocker ${COORDINATOR}`, steps: [`${COORDINATOR} /spec/txQueueLen: ∅ → 0`] },
  { fixture: 'found', to: 'spiderpool=0.9.13', expect: `blocker ${COORDINATOR}` },
  { fixture: 'pruned', to: 'spiderpool=0.9.0', expect: `blocker ${COORDINATOR}` },
  // The CRDs of 0.9.13 fill it.
  { fixture: 'pruned', to: 'spiderpool=0.9.13', expect: 'passed' },
  { fixture: 'healthy', to: 'spiderpool=0.9.13', expect: 'passed' },
  { fixture: 'found', forbidden: ['spidercoordinators.spiderpool.spidernet.io'], expect: 'unknown' },
]);
