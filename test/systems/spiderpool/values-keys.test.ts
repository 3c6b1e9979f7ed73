// values-keys: what is lost of the settings of a release, over the tables; with charts and helm in values-render.test.ts.
import { grid } from '../../grid.ts';
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
    expect: [warning, ...new Array(3).fill(`notice ${RECORD}`)],
    steps: [upgrade('1.0.6', '--set ipam.spiderSubnet.enable=false')],
  },
  {
    objects: [releaseOf('0.5.0', { feature: { enableIPv6: true, gc: { enabled: false } } })],
    to: TO,
    expect: [warning, ...new Array(4).fill(`notice ${RECORD}`)],
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
  // Gone: one finding for all that lies below; the same as its own chart's default is no setting.
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
  // The revision that is deployed counts, wherever it is kept.
  {
    objects: [
      releaseOf('0.9.13', {}, { status: 'superseded' }),
      releaseOf('0.9.13', { ipam: { nope: 1 } }, { revision: 2, kind: 'ConfigMap' }),
      releaseOf('0.9.13', {}, { revision: 3, status: 'failed' }),
    ],
    to: TO,
    expect: 'warning ConfigMap/kube-system/sh.helm.release.v1.spiderpool.v2',
  },
  { objects: [releaseOf('0.9.13', {})], to: TO, expect: 'passed' },
  // A record that cannot be read, a target that no table knows.
  { expect: 'unknown' },
  { objects: [releaseOf('0.9.13', {})], to: 'spiderpool=0.9.99', expect: 'unknown' },
  { objects: [releaseOf('0.9.13', {})], to: TO, forbidden: ['secrets'], expect: 'unknown' },
]);
