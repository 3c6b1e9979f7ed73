import { grid } from '../../grid.ts';

grid('spiderpool/pool-state', [
  { fixture: 'found', expect: 'notice SpiderIPPool/p4', steps: [] },
  {
    objects: [
      {
        apiVersion: 'spiderpool.spidernet.io/v2beta1',
        kind: 'SpiderIPPool',
        metadata: { name: 'q4', uid: '0d5d52a8-0000-4000-8000-000000000209' },
        spec: { ipVersion: 4, subnet: '10.7.0.0/24', ips: ['10.7.0.2'] },
        status: { totalIPCount: 1, allocatedIPCount: 1 },
      },
    ],
    expect: 'notice SpiderIPPool/q4',
    steps: ['SpiderIPPool/q4 /status/allocatedIPCount: 1 → 0'],
  },
  { fixture: 'deleting', expect: 'warning SpiderIPPool/p4' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'healthy', forbidden: ['spiderippools.spiderpool.spidernet.io'], expect: 'unknown' },
]);
