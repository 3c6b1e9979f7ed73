import { grid } from '../../grid.ts';

grid('spiderpool/owner-controller-type', [
  {
    fixture: 'found',
    expect: 'notice SpiderEndpoint/default/bare, SpiderEndpoint/shop/bare',
    steps: [
      'SpiderEndpoint/default/bare /status/ownerControllerType: None → Pod',
      'SpiderEndpoint/shop/bare /status/ownerControllerType: None → Pod',
    ],
  },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'found', forbidden: ['spiderendpoints.spiderpool.spidernet.io'], expect: 'unknown' },
  { fixture: 'found', to: 'spiderpool=9.0.0', expect: 'unknown' },
  { bare: true, expect: 'unknown' },
]);
