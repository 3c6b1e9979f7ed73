import { grid } from '../../grid.ts';

const both = ['blocker Pod/default/web-6c9f-x2x, Pod/shop/cart-0', 'blocker Pod/ops/agent-b, Pod/ops/agent-k'];

grid('spiderpool/duplicate-pod-ip', [
  { fixture: 'found', expect: both },
  { fixture: 'alone', expect: 'blocker Pod/default/web, Pod/default/bare' },
  { fixture: 'machine', expect: 'blocker Pod/default/web, Pod/vms/virt-launcher-db-a' },
  { fixture: 'ghost', expect: 'blocker Pod/default/web, Pod/default/api' },
  { fixture: 'budget', expect: 'blocker Pod/default/web, Pod/shop/cart-0' },
  { fixture: 'found-terminating', expect: 'blocker Pod/shop/web-new, Pod/shop/web-old' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'found', forbidden: ['pods'], expect: 'unknown' },
  { fixture: 'found', forbidden: ['spiderendpoints.spiderpool.spidernet.io'], expect: 'unknown' },
  { fixture: 'found', forbidden: ['spiderippools.spiderpool.spidernet.io'], expect: 'unknown' },
  { fixture: 'found', forbidden: ['poddisruptionbudgets.policy'], expect: both },
  { fixture: 'healthy', forbidden: ['poddisruptionbudgets.policy'], expect: 'passed' },
  { bare: true, expect: 'unknown' },
]);
