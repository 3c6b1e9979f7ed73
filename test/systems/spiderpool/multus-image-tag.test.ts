import { grid } from '../../grid.ts';
import { releaseOf } from './release.ts';

const RECORD = 'Secret/kube-system/sh.helm.release.v1.spiderpool.v1';
const tagged = (tag: string, more = {}) => ({ multus: { multusCNI: { image: { tag }, ...more } } });
const TO = 'spiderpool=0.9.13';
const named = releaseOf('0.9.4', { global: { configName: 'my-conf' } });
const FIXED = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'spiderpool-conf', namespace: 'kube-system' },
  data: { clusterNetwork: '' },
};
const upgrade =
  'helm upgrade spiderpool spiderpool --repo=https://spidernet-io.github.io/spiderpool --version=0.9.13 -n kube-system --reset-then-reuse-values --set-string multus.multusCNI.image.tag=v4.1.4';

grid('spiderpool/multus-image-tag', [
  // Pinned by the release; kept by --reuse-values.
  { fixture: 'found', to: TO, expect: `blocker ${RECORD}`, steps: [upgrade] },
  { objects: [releaseOf('0.9.4', {})], to: TO, intent: { given: {}, reuse: 'reuse' }, expect: `blocker ${RECORD}`, steps: [upgrade] },
  { fixture: 'healthy', to: TO, expect: 'passed' },
  { objects: [releaseOf('0.9.4', {})], to: TO, expect: 'passed' },
  // Not installed by the chart; no version in the tag; set by the upgrade itself.
  { objects: [releaseOf('0.9.4', tagged('v3.9.3', { install: false }))], to: TO, expect: 'passed' },
  { objects: [releaseOf('0.9.4', tagged('snapshot'))], to: TO, expect: 'passed' },
  { fixture: 'found', to: TO, intent: { given: tagged('v4.1.4') }, expect: 'passed' },
  // The template reads a ConfigMap of a fixed name.
  {
    fixture: 'found-config-name',
    to: TO,
    expect: `blocker ${RECORD}`,
    steps: [upgrade.replace(/--set-string.*/, '--set-string global.configName=spiderpool-conf')],
  },
  { objects: [named, FIXED], to: TO, expect: 'passed' },
  { objects: [named, { ...FIXED, data: { 'conf.yml': '' } }], to: TO, expect: `blocker ${RECORD}` },
  { objects: [named], to: 'spiderpool=0.9.7', expect: 'not-applicable' },
  {
    objects: [releaseOf('0.9.4', { global: { configName: 'my-conf' }, multus: { multusCNI: { install: false } } })],
    to: TO,
    expect: 'passed',
  },
  // Per release line: these still run the old image.
  { fixture: 'found', to: 'spiderpool=0.9.7', expect: 'not-applicable' },
  { fixture: 'found', to: 'spiderpool=0.9.8', expect: `blocker ${RECORD}` },
  { objects: [{ ...releaseOf('0.9.4', {}), data: { release: 'Z2FyYmFnZQ==' } }], to: TO, expect: 'unknown' },
]);
