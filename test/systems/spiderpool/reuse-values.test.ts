// reuse-values over the tables; with charts and helm in values-render.test.ts.
import { grid } from '../../grid.ts';
import { releaseOf } from './release.ts';

const RECORD = 'Secret/kube-system/sh.helm.release.v1.spiderpool.v1';
const reuse = { given: {}, reuse: 'reuse' as const };

grid('spiderpool/reuse-values', [
  // Does not render.
  {
    objects: [releaseOf('0.9.13', { ipam: { enableSpiderSubnet: false } })],
    to: 'spiderpool=1.0.6',
    intent: reuse,
    expect: `blocker ${RECORD}`,
    steps: [
      'helm upgrade spiderpool spiderpool --repo=https://spidernet-io.github.io/spiderpool --version=1.0.6 -n kube-system --reset-then-reuse-values --set ipam.spiderSubnet.enable=false',
    ],
  },
  { objects: [releaseOf('1.2.0', {})], to: 'spiderpool=1.2.2', intent: reuse, expect: `blocker ${RECORD}` },
  // Renders, and does not start; and misses more.
  { objects: [releaseOf('0.9.4', {})], to: 'spiderpool=0.9.13', intent: reuse, expect: [`blocker ${RECORD}`, `warning ${RECORD}`] },
  // Said by the user: not missing.
  {
    objects: [releaseOf('1.0.1', {})],
    to: 'spiderpool=1.0.3',
    intent: { ...reuse, given: { ipam: { gc: { statelessPod: { enableGcRunningPodOnEmptyPodStatusIPs: false } } } } },
    expect: `warning ${RECORD}`,
  },
  {
    base: 'installed-by-configmaps',
    objects: [releaseOf('0.9.10', {}, { kind: 'ConfigMap', revision: 2 })],
    to: 'spiderpool=0.9.11',
    intent: reuse,
    expect: 'passed',
  },
  // Not meant.
  { objects: [releaseOf('0.9.13', {})], to: 'spiderpool=1.0.6', expect: 'not-applicable' },
  {
    objects: [releaseOf('0.9.13', {})],
    to: 'spiderpool=1.0.6',
    intent: { given: {}, reuse: 'reset-then-reuse' },
    expect: 'not-applicable',
  },
  {
    objects: [{ ...releaseOf('0.9.13', {}), data: { release: 'Z2FyYmFnZQ==' } }],
    to: 'spiderpool=1.0.6',
    intent: reuse,
    expect: 'unknown',
  },
]);
