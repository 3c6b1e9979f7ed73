// values-keys: what is lost of the settings of a release, over the tables; with charts and helm in values-render.test.ts.
import { expect, test } from 'vitest';
import type { Raw } from '../../../src/engine/contracts.ts';
import { examine } from '../../../src/engine/examine.ts';
import { dumpOf } from '../../../src/snapshot/dump.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { grid } from '../../grid.ts';
import { INSTALLED_BY_HELM } from './installed.ts';
import { releaseOf } from './release.ts';

const RECORD = 'Secret/kube-system/sh.helm.release.v1.spiderpool.v1';
const warning = `warning ${RECORD}`;
const TO = 'spiderpool=0.9.13';
const upgrade = (version: string, flags: string) =>
  `helm upgrade spiderpool spiderpool --repo=https://spidernet-io.github.io/spiderpool --version=${version} -n kube-system --reset-then-reuse-values${flags && ` ${flags}`}`;

grid('spiderpool/values-keys', [
  // Renamed: at 1.0.0, forwards over several releases, and backwards.
  {
    objects: [releaseOf('0.9.4', { ipam: { enableSpiderSubnet: false } })],
    to: 'spiderpool=1.0.6',
    expect: warning,
    steps: [upgrade('1.0.6', '--set ipam.spiderSubnet.enable=false')],
  },
  {
    objects: [releaseOf('0.5.0', { feature: { enableIPv6: true, gc: { enabled: false } } })],
    to: TO,
    expect: warning,
  },
  { objects: [releaseOf('0.9.13', { ipam: { spiderSubnet: { enable: false } } })], to: 'spiderpool=0.9.13', expect: warning },
  // Already under its new key, or as the target has it anyway: nothing is lost.
  {
    objects: [
      releaseOf('0.9.13', {
        ipam: { enableSpiderSubnet: false, spiderSubnet: { enable: false } },
        plugins: { installSriovCNI: false },
        spiderpoolController: { cleanup: { enable: false } },
      }),
    ],
    to: 'spiderpool=1.0.6',
    expect: 'passed',
  },
  // Gone: one finding for all that lies below; the same as its own chart's default is not a setting.
  {
    objects: [
      releaseOf('0.9.4', {
        spiderpoolInit: { resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '100m' } } },
        spiderpoolAgent: { tuneSysctlConfig: true },
      }),
    ],
    to: TO,
    expect: warning,
  },
  // Not read any more.
  {
    objects: [releaseOf('0.9.4', { multus: { multusCNI: { log: { logLevel: 'verbose' } } }, spiderpoolAgent: { tuneSysctlConfig: true } })],
    to: TO,
    expect: warning,
  },
  // A slip; a map of labels takes any key.
  {
    objects: [
      releaseOf('0.9.13', {
        ipam: { enableIPV6: false },
        spiderpoolAgent: { podLabels: { a: 'b' }, nodeSelector: { x: 'y' }, resources: { limits: { 'example.com/x': 1 } } },
      }),
    ],
    to: TO,
    expect: warning,
  },
  // A value where the target has a map.
  { objects: [releaseOf('0.9.13', { ipam: { gc: true } })], to: TO, expect: [`blocker ${RECORD}`, warning] },
  // Dropped by helm because something is given; not with --reset-then-reuse-values, and not unless it matters.
  { objects: [releaseOf('0.9.13', { ipam: { enableIPv6: false } })], to: TO, intent: { given: { a: null } }, expect: warning, steps: [] },
  {
    objects: [releaseOf('0.9.13', { ipam: { enableIPv6: false } })],
    to: TO,
    intent: { given: { ipam: { enableIPv6: true } } },
    expect: 'passed',
  },
  {
    objects: [releaseOf('0.9.13', { ipam: { enableIPv6: false } })],
    to: TO,
    intent: { given: { a: null }, reuse: 'reset-then-reuse' },
    expect: 'passed',
  },
  // A map taken away that templates look into.
  { objects: [releaseOf('0.9.13', {})], to: TO, intent: { given: { ipam: { gc: null } } }, expect: `blocker ${RECORD}` },
  // The revision that is deployed counts; records of another storage driver are another history.
  {
    objects: [
      releaseOf('0.9.13', {}, { status: 'superseded' }),
      releaseOf('0.9.13', { ipam: { nope: 1 } }, { revision: 2 }),
      releaseOf('0.9.13', {}, { revision: 3, status: 'failed' }),
      releaseOf('0.9.13', {}, { revision: 9, kind: 'ConfigMap' }),
    ],
    to: TO,
    expect: 'warning Secret/kube-system/sh.helm.release.v1.spiderpool.v2',
  },
  { objects: [releaseOf('0.9.13', {})], to: TO, expect: 'passed' },
  // A record that cannot be read, a target that no table knows.
  { objects: [{ ...releaseOf('0.9.13', {}), data: { release: 'Z2FyYmFnZQ==' } }], to: TO, expect: 'unknown' },
  { objects: [releaseOf('0.9.13', {})], to: 'spiderpool=0.9.99', expect: 'unknown' },
  { objects: [releaseOf('0.9.13', { many: new Array(5001).fill(0) })], to: TO, expect: 'unknown' },
  { objects: [releaseOf('0.9.13', {})], to: TO, forbidden: ['secrets'], expect: 'unknown' },
]);

const looked = (release: Raw, version: string) =>
  examine(dumpSource(dumpOf({ objects: [INSTALLED_BY_HELM, release], whole: true })), SYSTEMS, {
    checks: ['spiderpool/values-keys'],
    targets: [{ system: 'spiderpool', version }],
  });

test('what it says names the key, its successor and the words that keep the setting; secrets are hidden', async () => {
  const config = {
    ipam: { enableSpiderSubnet: false, enableIPV6: false },
    rdma: { rdmaSharedDevicePlugin: { deviceConfig: { vendors: '15b4' } } },
    spiderpoolController: { tls: { method: 'provided', provided: { tlsPassword: 'hunter2' } } },
  };
  const { results } = await looked(releaseOf('0.9.13', config), '1.0.6');
  const said = results[0]!.findings.map(({ message }) => message);
  expect(said.map(({ en }) => en)).toEqual([
    'ipam.enableSpiderSubnet=false is ignored by 1.0.6: renamed to ipam.spiderSubnet.enable, which will be true. To keep it: --set ipam.spiderSubnet.enable=false',
    'unknown key in 1.0.6: ipam.enableIPV6; did you mean ipam.enableIPv6?',
    'unknown key in 1.0.6: spiderpoolController.tls.provided.tlsPassword',
    '1.0.6 removed rdma.rdmaSharedDevicePlugin.deviceConfig.vendors, so this value is ignored; its replacement rdma.rdmaSharedDevicePlugin.deviceConfig.configList has a different format',
  ]);
  expect(JSON.stringify(results)).not.toContain('hunter2');
});
