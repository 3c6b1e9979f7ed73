import { expect, test } from 'vitest';
import { coordinatorRefusal } from '../../../src/systems/spiderpool/webhook-refusal.ts';
import { grid } from '../../grid.ts';

const COORDINATOR = 'SpiderCoordinator/default';

grid('spiderpool/coordinator-fields', [
  { fixture: 'found', expect: `blocker ${COORDINATOR}`, steps: [`${COORDINATOR} /spec/txQueueLen: ∅ → 0`] },
  { fixture: 'found', to: 'spiderpool=0.9.13', expect: `blocker ${COORDINATOR}` },
  // Its webhook rejects every change of it: left out.
  {
    fixture: 'found',
    objects: [
      {
        ...{ apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderCoordinator', metadata: { name: 'x1', uid: 'u-x1' } },
        spec: { hijackCIDR: ['1.2.3'], detectGateway: false, detectIPConflict: false, hostRPFilter: 0, hostRuleTable: 500 },
      },
    ],
    expect: [`blocker ${COORDINATOR}`, 'blocker SpiderCoordinator/x1'],
  },
  { fixture: 'pruned', to: 'spiderpool=0.9.0', expect: `blocker ${COORDINATOR}` },
  // The CRDs of 0.9.13 fill it.
  { fixture: 'pruned', to: 'spiderpool=0.9.13', expect: 'passed' },
  { fixture: 'healthy', to: 'spiderpool=0.9.13', expect: 'passed' },
  { fixture: 'found', forbidden: ['spidercoordinators.spiderpool.spidernet.io'], expect: 'unknown' },
]);

const refusalFor = (hijackCIDR: string[]) => coordinatorRefusal({ hijackCIDR })?.en ?? '';
test('a hijackCIDR that its webhook would reject', () => {
  expect(refusalFor(['169.254.0.0/16', 'fd00::/64', '10.6.0.1'])).toBe('');
  expect(refusalFor(['169.254.0.0/16', 'nonsense'])).toContain('"nonsense" in spec.hijackCIDR is not an IP or a CIDR');
});
