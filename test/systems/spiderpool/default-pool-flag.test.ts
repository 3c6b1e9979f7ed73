import type { Raw } from '../../../src/engine/contracts.ts';
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

grid('spiderpool/default-pool-flag', [
  { fixture: 'found', expect: `warning ${POOL}`, steps: [`${POOL} /spec/default: ∅ → true`] },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  // The field is not there yet; the webhook would reject it.
  { fixture: 'found', objects: [installed('0.3.7'), v1], to: 'spiderpool=0.9.13', expect: `warning ${POOL}` },
  { fixture: 'found', objects: DOWN, expect: `warning ${POOL}` },
  { fixture: 'found', objects: [installed('0.3.6')], to: 'spiderpool=0.3.7', expect: 'not-applicable' },
  { fixture: 'healthy', forbidden: ['configmaps'], expect: 'unknown' },
]);
