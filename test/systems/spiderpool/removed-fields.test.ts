// removed-fields: what the target drops, by table and by the CRDs of a chart; and what took its place.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { intendedBy } from '../../../src/chart/intended.ts';
import { objectName } from '../../../src/engine/acceptance.ts';
import type { Raw } from '../../../src/engine/contracts.ts';
import { examine } from '../../../src/engine/examine.ts';
import type { Chart } from '../../../src/helm/contracts.ts';
import { loadChart } from '../../../src/helm/load-chart.ts';
import { dumpOf } from '../../../src/snapshot/dump.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { describeUpstream } from '../../bed/upstream.ts';
import { grid } from '../../grid.ts';
import { installed } from './installed.ts';

const SMC = 'SpiderMultusConfig/kube-system';

/** By the fields that 1.2.2 lacks, in the order of the names of the CRDs. */
const EVERY_FIELD = [
  // detectIPConflict, detectGateway, hostRPFilter, extraCIDR, tuneMode.
  ...new Array(3).fill('warning SpiderCoordinator/default'),
  'notice SpiderCoordinator/default',
  'warning SpiderCoordinator/default',
  'warning SpiderIPPool/a',
  // The same as of SpiderCoordinator, below spec.coordinator, then what macvlan, ipvlan and sriov had up to 0.8.
  ...new Array(3).fill(`warning ${SMC}/all`),
  `notice ${SMC}/all`,
  ...new Array(7).fill(`warning ${SMC}/all`),
  'warning SpiderSubnet/s',
  'warning SpiderSubnet/s',
];

grid('spiderpool/removed-fields', [
  {
    fixture: 'found',
    to: 'spiderpool=1.0.6',
    expect: [
      'warning SpiderCoordinator/default',
      'notice SpiderCoordinator/default',
      'warning SpiderIPPool/a',
      `warning ${SMC}/ib`,
      `warning ${SMC}/ib`,
      `warning ${SMC}/vf`,
      'warning SpiderSubnet/s',
    ],
    steps: [
      `kubectl patch spidermultusconfig ib -n kube-system --type=merge -p '{"spec":{"ibsriov":{"enableIbKubernetes":true}}}'`,
      `kubectl patch spidermultusconfig vf -n kube-system --type=merge -p '{"spec":{"sriov":{"rdmaIsolation":true}}}'`,
      'helm upgrade spiderpool spiderpool --repo=https://spidernet-io.github.io/spiderpool --version=1.0.6 -n kube-system --reset-then-reuse-values --set ipam.enableIPConflictDetection=true --set ipam.enableGatewayDetection=true',
    ],
  },
  { fixture: 'found', to: 'spiderpool=0.9.13', expect: 'passed' },
  { fixture: 'found', to: 'spiderpool=0.9.4', expect: 'not-applicable' },
  { fixture: 'every-field', to: 'spiderpool=1.2.2', expect: EVERY_FIELD },
  { fixture: 'healthy', to: 'spiderpool=1.0.6', expect: 'passed' },
  { fixture: 'healthy', to: 'spiderpool=0.9.99', expect: 'unknown' },
  { fixture: 'healthy', to: 'spiderpool=1.0.6', forbidden: ['spidermultusconfigs.spiderpool.spidernet.io'], expect: 'unknown' },
]);

const object = (kind: string, spec: Raw): Raw => ({
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind,
  metadata: { name: 'x', ...(kind === 'SpiderMultusConfig' ? { namespace: 'default' } : {}) },
  spec,
});

async function messages(from: string, to: string, objects: Raw[], chart?: Chart): Promise<string[]> {
  const { results } = await examine(dumpSource(dumpOf({ objects: [installed(from), ...objects], whole: true })), SYSTEMS, {
    checks: ['spiderpool/removed-fields'],
    targets: [{ system: 'spiderpool', version: to }],
    intended: intendedBy({ chart }),
  });
  const [{ outcome, findings }] = results as [(typeof results)[0]];
  return findings.length ? findings.map(({ message, objects: of }) => `${of.map(objectName)}: ${message.en}`) : [outcome];
}

const mtu = object('SpiderMultusConfig', { cniType: 'macvlan', macvlan: { master: ['eth0'], mtu: 1400 } });
test.each<[string, string, Raw, string | RegExp]>([
  ['1.0.3', '1.0.6', mtu, /drops spec\.macvlan\.mtu, set on 1 SpiderMultusConfig; supported again in 1\.2\.0/],
  ['1.0.3', '1.1.2', mtu, /supported again in 1\.2\.0/],
  ['1.0.3', '1.2.2', mtu, 'passed'],
  ['1.0.2', '1.0.3', mtu, 'passed'],
  ['1.0.3', '1.0.6', object('SpiderMultusConfig', { macvlan: { master: ['eth0'], mtu: 0 } }), 'passed'],
  [
    '0.8.13',
    '0.9.4',
    object('SpiderCoordinator', { podRPFilter: 2 }),
    /drops spec\.podRPFilter, set on 1 SpiderCoordinator; supported again in 0\.9\.5/,
  ],
  ['0.9.13', '1.0.6', object('SpiderIPPool', { vlan: 7 }), /drops spec\.vlan, set on 1 SpiderIPPool; no replacement/],
])('%s → %s: %o', async (from, to, one, expected) => {
  const [said] = await messages(from, to, [one]);
  expect(said).toMatch(expected);
});

describeUpstream('by the charts of Spiderpool', ['data', 'spiderpool', 'charts'], (folder) => {
  const chartOf = (version: string) => loadChart(join(folder, version, 'spiderpool'));
  test('the same as by table', async () => {
    for (const [from, to, one] of [
      ['1.0.3', '1.0.6', mtu],
      ['1.0.3', '1.2.2', mtu],
      ['0.9.13', '1.0.6', object('SpiderCoordinator', { detectGateway: true, hostRPFilter: 1 })],
      ['0.8.13', '0.9.4', object('SpiderCoordinator', { podRPFilter: 2, vethLinkAddress: '169.254.100.1' })],
      ['0.9.13', '1.0.6', object('SpiderSubnet', { vlan: 7 })],
    ] as const)
      expect(await messages(from, to, [one], await chartOf(to)), `${from} → ${to}`).toEqual(await messages(from, to, [one]));
  });
});
