import { expect, test } from 'vitest';
import type { Raw } from '../../../src/engine/contracts.ts';
import { examine } from '../../../src/engine/examine.ts';
import { dumpOf } from '../../../src/snapshot/dump.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { grid } from '../../grid.ts';
import { installed } from './installed.ts';

const POOL = 'SpiderIPPool/default-v4';
/** Its webhooks, and no controller behind them. */
const DOWN: Raw[] = [
  {
    ...installed('0.9.4'),
    spec: {},
    status: { observedGeneration: 1, replicas: 1, unavailableReplicas: 1 },
  },
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'spiderpool-controller' },
    webhooks: [],
  },
];
const v1: Raw = {
  apiVersion: 'spiderpool.spidernet.io/v1',
  kind: 'SpiderIPPool',
  metadata: { name: 'default-v4', uid: 'u-v4' },
  spec: { ipVersion: 4, subnet: '10.6.0.0/24', ips: ['10.6.0.2'] },
};

const HELD: Raw = {
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderIPPool',
  metadata: { name: 'default-v4', uid: 'u-v4', deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['spiderpool.spidernet.io'] },
  spec: { ipVersion: 4, subnet: '10.6.0.0/16', ips: ['10.6.0.1-10.6.0.9'], gateway: '10.6.0.1', excludeIPs: ['10.6.0.2'] },
};

const USED: Raw = {
  ...HELD,
  metadata: { name: 'default-v4', uid: 'u-v4' },
  spec: { ipVersion: 4, subnet: '10.6.0.0/16', ips: ['10.6.0.1-10.6.0.9'] },
  status: { allocatedIPs: '{"10.6.0.10":{"pod":"a/b","podUid":"u"}}', allocatedIPCount: 1 },
};

grid('spiderpool/default-pool-flag', [
  { fixture: 'found', expect: `warning ${POOL}`, steps: [`${POOL} /spec/default: ∅ → true`] },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  // The field is not there yet; the webhook would reject it.
  { fixture: 'found', objects: [installed('0.3.7'), v1], to: 'spiderpool=0.9.13', expect: `warning ${POOL}` },
  { fixture: 'found', objects: DOWN, expect: `warning ${POOL}` },
  // It gives away its own gateway, or is on its way out: the webhook would reject it, and nothing is written.
  { fixture: 'found', objects: [HELD], expect: `warning ${POOL}` },
  { fixture: 'found', objects: [USED], expect: `warning ${POOL}` },
  { fixture: 'found', objects: [installed('0.3.6')], to: 'spiderpool=0.3.7', expect: 'not-applicable' },
  { fixture: 'healthy', forbidden: ['configmaps'], expect: 'unknown' },
]);

test.each<[string, Raw, string]>([
  ['its gateway', {}, 'add the gateway to spec.excludeIPs first'],
  [
    'an IP that is in use and not in its ranges',
    { spec: USED.spec!, status: USED.status! },
    '10.6.0.10 is allocated, but not in spec.ips: add it to spec.ips first',
  ],
])('of a pool that its webhook would reject for %s nothing is written, and it says what to do first', async (_, more, first) => {
  const held = { ...HELD, metadata: { name: 'default-v4', uid: 'u-v4' }, ...more };
  const config = { 'conf.yml': 'clusterDefaultIPv4IPPool: [default-v4]' };
  const settings = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'spiderpool-conf', namespace: 'kube-system' }, data: config };
  const { remedies } = await examine(dumpSource(dumpOf({ objects: [installed('0.9.4'), held, settings], whole: true })), SYSTEMS, {
    checks: ['spiderpool/default-pool-flag'],
  });
  expect(remedies[0]!.offered.drafts).toEqual([]);
  expect(remedies[0]!.offered.refusals).toMatchObject([{ refused: { en: expect.stringContaining(first) } }]);
});
