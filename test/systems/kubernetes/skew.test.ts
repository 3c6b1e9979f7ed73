// The minors that skew is counted against: of every API server, as it behaves.
import { expect, test } from 'vitest';
import type { Situation } from '../../../src/engine/contracts.ts';
import { controlPlaneOf } from '../../../src/systems/kubernetes/skew.ts';

const at = (from: string, servers?: { address: string; version: string; emulationMinor?: string }[]) =>
  ({ path: { from, hops: [] }, cluster: { servers, serverVersion: from } }) as unknown as Situation;
const [a, b] = ['10.0.0.1:6443', '10.0.0.2:6443'];

test.each([
  ['one server', at('v1.37.2'), { oldest: 37, newest: 37 }],
  [
    'two of different minors',
    at('v1.36.4', [
      { address: a!, version: 'v1.36.4' },
      { address: b!, version: 'v1.37.2' },
    ]),
    { oldest: 36, newest: 37 },
  ],
  // KEP-4330: upgraded, and still behaving as before.
  [
    'one that emulates',
    at('v1.36.4', [
      { address: a!, version: 'v1.36.4', emulationMinor: '36' },
      { address: b!, version: 'v1.37.2', emulationMinor: '36' },
    ]),
    { oldest: 36, newest: 36 },
  ],
  [
    'one whose version cannot be read',
    at('v1.37.2', [
      { address: a!, version: 'v1.37.2' },
      { address: b!, version: 'unknown' },
    ]),
    { oldest: 37, newest: 37 },
  ],
  ['none that can be read', at('v1.37.2', [{ address: a!, version: 'unknown' }]), undefined],
  ['EKS', at('v1.30.4-eks-a737599', [{ address: a!, version: 'v1.30.4-eks-a737599', emulationMinor: '30+' }]), { oldest: 30, newest: 30 }],
  ['GKE', at('v1.30.7-gke.1104000'), { oldest: 30, newest: 30 }],
  ['K3s', at('v1.30.2+k3s1'), { oldest: 30, newest: 30 }],
  ['a minor as GET /version has it', at('1.21+'), { oldest: 21, newest: 21 }],
])('%s', (_, situation, expected) => expect(controlPlaneOf(situation)).toEqual(expected));
