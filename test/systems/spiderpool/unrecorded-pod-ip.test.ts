import { grid } from '../../grid.ts';

const found = ['lost', 'stale', 'taken', 'outside', 'strange'].map((name) => `warning Pod/default/${name}`);

grid('spiderpool/unrecorded-pod-ip', [
  { fixture: 'found', expect: found },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'unreadable', expect: 'unknown' },
  { expect: 'passed' },
  { fixture: 'found', forbidden: ['pods'], expect: 'unknown' },
  { fixture: 'found', forbidden: ['spiderendpoints.spiderpool.spidernet.io'], expect: 'unknown' },
  { fixture: 'found', forbidden: ['spiderippools.spiderpool.spidernet.io'], expect: 'unknown' },
  { fixture: 'healthy', forbidden: ['poddisruptionbudgets.policy'], expect: 'passed' },
]);
