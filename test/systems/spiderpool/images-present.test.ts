import { expect, test } from 'vitest';
import type { Raw } from '../../../src/engine/contracts.ts';
import { agentImages } from '../../../src/systems/spiderpool/images.ts';
import { valuesByTable } from '../../../src/systems/spiderpool/values.ts';
import { grid } from '../../grid.ts';

const node = (name: string, count: number): Raw => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  status: { images: Array.from({ length: count }, (_, at) => ({ names: [`registry.example/i:${at}`] })) },
});
const pod: Raw = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'spiderpool-agent-x',
    namespace: 'kube-system',
    labels: { 'app.kubernetes.io/name': 'spiderpool', 'app.kubernetes.io/instance': 'spiderpool' },
  },
  status: {
    initContainerStatuses: [{ name: 'i', image: 'registry.example/ok:1', state: { waiting: { reason: 'PodInitializing' } } }],
    containerStatuses: [{ name: 'c', image: 'registry.example/agent:v0.9.4', state: { waiting: { reason: 'ImagePullBackOff' } } }],
  },
};
const TO = 'spiderpool=0.9.13';

grid('spiderpool/images-present', [
  { fixture: 'found', to: TO, expect: new Array(3).fill('notice Node/node-b') },
  { fixture: 'healthy', to: TO, expect: 'passed' },
  // Nothing is listed, or not all; another chart of the images.
  { objects: [node('a', 0), node('b', 50)], to: TO, expect: 'passed' },
  { fixture: 'healthy', objects: [pod], to: 'spiderpool=0.9.4', expect: 'blocker Pod/kube-system/spiderpool-agent-x' },
  { fixture: 'healthy', to: TO, forbidden: ['nodes'], expect: 'unknown' },
]);

test('images as the templates name them', () => {
  const { defaults } = valuesByTable('0.9.13')!;
  expect(agentImages(defaults, '0.9.13')).toEqual([
    'ghcr.io/spidernet-io/spiderpool/spiderpool-agent:v0.9.13',
    'ghcr.io/spidernet-io/spiderpool/spiderpool-plugins:v0.9.2',
    'ghcr.io/k8snetworkplumbingwg/multus-cni:v4.1.4',
  ]);
  const image = { registry: 'r', repository: 'a', tag: 'x', digest: 'sha256:00' };
  const own: Raw = { global: { imageRegistryOverride: 'm' }, spiderpoolAgent: { image }, multus: { multusCNI: { install: false, image } } };
  expect(agentImages(own, '1.2.2')).toEqual(['m/a@sha256:00']);
});
