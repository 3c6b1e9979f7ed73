import { grid } from '../../grid.ts';

const ENDPOINT = 'SpiderEndpoint/shop/llm-0';
const POOL = {
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderIPPool',
  metadata: { name: 'p4', uid: '0d5d52a8-0000-4000-8000-000000000401' },
  spec: { ipVersion: 4, subnet: '10.6.0.0/24', ips: ['10.6.0.2-10.6.0.20'] },
  status: {
    totalIPCount: 19,
    allocatedIPCount: 1,
    allocatedIPs: '{"10.6.0.2":{"pod":"shop/llm-0","podUid":"0d5d52a8-0000-4000-8000-000000000101"}}',
  },
};

grid('spiderpool/stale-endpoint', [
  {
    fixture: 'found',
    expect: `warning ${ENDPOINT}`,
    steps: [`${ENDPOINT} /metadata/finalizers: spiderpool.spidernet.io → ∅`],
  },
  // A pool still has its IP allocated to the earlier Pod.
  {
    fixture: 'found',
    objects: [POOL],
    expect: `warning ${ENDPOINT}`,
    steps: [`${ENDPOINT} /metadata/finalizers: spiderpool.spidernet.io → ∅`, 'SpiderIPPool/p4 /status/allocatedIPs: [object Object] → ∅'],
  },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'healthy', forbidden: ['pods'], expect: 'unknown' },
]);
