// target-version: which targets are refused and why, from wherever one comes; and what to take instead.
import { describe, expect, test } from 'vitest';
import { intendedBy } from '../../../src/chart/intended.ts';
import { examine } from '../../../src/engine/examine.ts';
import { dumpOf } from '../../../src/snapshot/dump.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import versions from '../../../src/systems/spiderpool/knowledge/versions.json' with { type: 'json' };
import { compare } from '../../../src/versions/chart.ts';
import { grid } from '../../grid.ts';
import { installed } from './installed.ts';

grid('spiderpool/target-version', [
  { expect: 'passed' },
  { to: 'spiderpool=0.9.13', expect: 'passed' },
  { to: 'spiderpool=1.2.2', expect: 'passed' },
  { to: 'spiderpool=0.9.5', expect: 'blocker ' },
  { to: 'spiderpool=1.0.0-rc2', expect: 'blocker ' },
  { to: 'spiderpool=0.9.99', expect: 'blocker ' },
  { to: 'spiderpool=0.9.4', expect: 'not-applicable' },
  { to: 'spiderpool=1.3.0', expect: 'unknown' },
]);

const CHART = { name: 'spiderpool', digest: '', crds: [], values: {}, read: [] };

async function judged(from: string, to?: string, chart?: string) {
  const { results } = await examine(dumpSource(dumpOf({ objects: [installed(from)], whole: true })), SYSTEMS, {
    checks: ['spiderpool/target-version'],
    targets: to === undefined ? [] : [{ system: 'spiderpool', version: to }],
    intended: intendedBy({ chart: chart === undefined ? undefined : { ...CHART, version: chart } }),
  });
  const [{ outcome, findings }] = results as [(typeof results)[0]];
  const [found] = findings;
  const { reasons, instead } = (found?.args ?? {}) as { reasons?: string[]; instead?: string };
  return found ? [found.severity, reasons, instead] : [outcome];
}

describe('why, and what instead', () => {
  test.each<[string, string, unknown[]]>([
    ['0.9.4', '0.9.5', ['blocker', ['clusterNetwork', 'podRPFilter'], '0.9.13']],
    ['0.9.4', '0.9.6', ['blocker', ['clusterNetwork', 'podRPFilter'], '0.9.13']],
    ['0.9.4', '0.9.7', ['blocker', ['clusterNetwork'], '0.9.13']],
    ['0.9.4', '0.9.8', ['passed']],
    ['0.8.7', '0.8.8', ['blocker', ['clusterNetwork', 'podRPFilter'], '0.8.13']],
    ['0.8.7', '0.8.9', ['passed']],
    ['0.8.1', '0.8.3', ['blocker', ['addresses', 'preStop'], '0.8.13']],
    ['0.8.4', '0.8.5', ['blocker', ['kubeadmConfig', 'addresses'], '0.8.13']],
    ['0.7.3', '0.9.0', ['blocker', ['txQueueLen', 'addresses'], '0.9.13']],
    ['0.9.0', '0.9.1', ['blocker', ['kubeadmConfig', 'addresses'], '0.9.13']],
    ['0.9.3', '0.9.4', ['blocker', ['addresses'], '0.9.13']],
    ['0.9.13', '1.0.2', ['blocker', ['mtu'], '1.0.6']],
    ['0.9.13', '1.0.0-rc1', ['blocker', ['clusterNetwork', 'addresses', 'candidate'], '1.0.6']],
    ['1.1.2', '1.2.0-rc1', ['blocker', ['candidate'], '1.2.2']],
    // The whole line has the flaw.
    ['0.7.1', '0.7.3', ['warning', ['addresses'], '0.8.13']],
    ['0.6.1', '0.7.0', ['blocker', ['addresses', 'initLoop'], '0.8.13']],
    ['0.4.1', '0.5.0-rc0', ['blocker', ['addresses', 'candidate'], '0.8.13']],
    ['0.7.1', '0.7.2', ['blocker', ['addresses', 'unpublished'], '0.8.13']],
    // What the objects are stored as is for crd-storage-version to say.
    ['0.3.7', '0.4.1', ['warning', ['addresses'], '0.8.13']],
    ['0.3.7', '1.2.2', ['passed']],
    ['0.3.5', '0.3.7', ['warning', ['addresses'], '0.8.13']],
    ['0.4.0', '0.9.13', ['passed']],
    ['0.9.4', '0.9.40', ['blocker', ['unreleased'], '0.9.13']],
    ['0.9.13', '0.9.40', ['blocker', ['unreleased'], '1.0.6']],
  ])('%s → %s', async (from, to, expected) => expect(await judged(from, to)).toEqual(expected));

  test('a chart in hand need not have been published; one of no known release is unknown', async () => {
    expect(await judged('0.7.1', '0.7.2', '0.7.2')).toEqual(['warning', ['addresses'], '0.8.13']);
    expect(await judged('0.9.4', '0.9.40', '0.9.40')).toEqual(['unknown']);
  });
  test('without a target nothing is said', async () => expect(await judged('1.2.2')).toEqual(['not-looked-at']));
  test('no resting point from the fix on is refused', async () => {
    for (const point of versions.restingPoints.filter((each) => compare(each, '0.8.0') > 0))
      expect(await judged('0.6.0', point), point).toEqual(['passed']);
  });
});
