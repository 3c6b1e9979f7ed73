import { expect, test } from 'vitest';
import type { Raw } from '../../../src/engine/contracts.ts';
import { examine } from '../../../src/engine/examine.ts';
import { dumpOf } from '../../../src/snapshot/dump.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { grid } from '../../grid.ts';
import { installed } from './installed.ts';

const DEFAULT = 'SpiderCoordinator/default';
const env = (...pairs: [string, string][]): Raw => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name: 'spiderpool-controller',
    namespace: 'kube-system',
    labels: { 'app.kubernetes.io/name': 'spiderpool', 'app.kubernetes.io/instance': 'spiderpool', 'app.kubernetes.io/version': '0.9.4' },
  },
  spec: { template: { spec: { containers: [{ name: 'c', env: pairs.map(([name, value]) => ({ name, value })) }] } } },
});
const unused: Raw = {
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderMultusConfig',
  metadata: { name: 'macvlan-eth0', namespace: 'kube-system' },
  spec: { cniType: 'macvlan', enableCoordinator: false },
};

grid('spiderpool/coordinator-object', [
  { fixture: 'found', expect: `blocker ${DEFAULT}`, steps: [] },
  { fixture: 'found', objects: [unused], expect: `warning ${DEFAULT}` },
  { fixture: 'healthy', expect: 'passed' },
  // Not used by the values.
  { fixture: 'found', objects: [env(['SPIDERPOOL_COORDINATOR_ENABLED', 'false'])], expect: 'passed' },
  // Another name; another one before it.
  { fixture: 'healthy', objects: [env(['SPIDERPOOL_COORDINATOR_DEAFULT_NAME', 'net-1'])], expect: `warning ${DEFAULT}` },
  {
    fixture: 'healthy',
    objects: [{ apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderCoordinator', metadata: { name: 'a' }, spec: {} }],
    expect: 'warning SpiderCoordinator/a',
  },
  { fixture: 'healthy', forbidden: ['spidercoordinators.spiderpool.spidernet.io'], expect: 'unknown' },
]);

const before06 = (to: string) =>
  examine(dumpSource(dumpOf({ objects: [installed('0.5.1')], whole: true })), SYSTEMS, {
    checks: ['spiderpool/coordinator-object'],
    targets: [{ system: 'spiderpool', version: to }],
  });

test('from before 0.6.0: a Pod spiderpool-init makes it, a Job does not; then it is created behind the upgrade', async () => {
  expect((await before06('0.9.4')).results[0]!.outcome).toBe('passed');
  const { results, remedies } = await before06('0.9.13');
  expect(results[0]!.findings).toMatchObject([{ severity: 'warning', args: { is: 'not-created' } }]);
  expect(remedies[0]!.offered.drafts).toMatchObject([
    {
      ...{ do: 'create', when: 'after', optional: true },
      object: { spec: { mode: 'auto', podCIDRType: 'auto', hostRuleTable: 500, podRPFilter: 0, txQueueLen: 0 } },
    },
  ]);
});
