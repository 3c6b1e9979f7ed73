// The stage that pulls images ahead: when there is one, on which nodes, of which images, with what an image can run.
import { describe, expect, test } from 'vitest';
import { mirrorOf } from '../../../src/cli/intent.ts';
import type { Raw, StageDraft, StepDraft } from '../../../src/engine/contracts.ts';
import { mergeMaps } from '../../../src/helm/values.ts';
import { pointerGet } from '../../../src/kube/pointer.ts';
import { dumpOf } from '../../../src/snapshot/dump.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { mirrored } from '../../../src/systems/spiderpool/images.ts';
import { pullStages } from '../../../src/systems/spiderpool/pull.ts';
import type { SpiderpoolUpgrade } from '../../../src/systems/spiderpool/repairs.ts';
import { valuesByTable } from '../../../src/systems/spiderpool/values.ts';

const node = (name: string, images: string[], ready = 'True', os = 'linux'): Raw => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, uid: name, labels: { 'kubernetes.io/os': os } },
  status: { images: images.map((image) => ({ names: [image] })), conditions: [{ type: 'Ready', status: ready }] },
});
const GHCR = 'ghcr.io';
const images = (version: string, registry = GHCR) => [
  `${registry}/spidernet-io/spiderpool/spiderpool-agent:v${version}`,
  `${registry}/spidernet-io/spiderpool/spiderpool-plugins:${version === '0.9.13' ? 'v0.9.2' : '87fd4a400858705c208d5a4b7059423b33a551aa'}`,
  `${registry}/k8snetworkplumbingwg/multus-cni:v4.1.4`,
  `${registry}/spidernet-io/spiderpool/spiderpool-controller:v${version}`,
];
const PAUSE = 'registry.k8s.io/pause:3.10';

function upgrade(objects: Raw[], more: Partial<SpiderpoolUpgrade> = {}, values: Raw = {}, version = '0.9.13'): SpiderpoolUpgrade {
  return {
    source: dumpSource(dumpOf({ objects, whole: true })),
    path: { from: '0.9.4', to: version, hops: [version] } as SpiderpoolUpgrade['path'],
    intended: {
      release: { namespace: 'kube-system', name: 'sp', revision: 4, status: 'deployed' },
      chart: { path: '/c', name: 'spiderpool', version, digest: '' },
      values: mergeMaps(valuesByTable(version)!.defaults, values),
      kept: {
        on: { apiVersion: 'v1', kind: 'Secret', namespace: 'kube-system', name: 'upgrade-guard-r' },
        digest: '',
        given: false,
        config: '',
      },
      reuse: false,
      rights: [],
    },
    ...more,
  };
}
const stepsIn = ([stage]: StageDraft[]): StepDraft[] => stage?.steps ?? [];
const setIn = (stages: StageDraft[]): Raw => {
  const [made] = stepsIn(stages);
  return made?.do === 'create' ? made.object : {};
};
const pod = (set: Raw, path = '') => pointerGet(set, `/spec/template/spec${path}`);
const ran = (set: Raw) =>
  [...(pod(set, '/containers') as Raw[]), ...(pod(set, '/initContainers') as Raw[])].map(({ image, command }) => [
    image,
    (command as string[])[0],
  ]);

describe('whether there is one', () => {
  const all = [...images('0.9.13'), PAUSE];
  const many = Array.from({ length: 50 }, (_, at) => `registry.example/i:${at}`);
  test.each<[string, Raw[], boolean]>([
    ['every node has all images', [node('a', all)], false],
    ['no node says what it has', [node('a', [])], false],
    ['one lacks one', [node('a', all), node('b', all.slice(1))], true],
    ['one lists so many that it may have more', [node('a', all), node('b', many)], true],
    ['only a Windows node lacks them', [node('a', all), node('b', [PAUSE], 'True', 'windows')], false],
  ])('%s', async (_, nodes, expected) => {
    expect(stepsIn(await pullStages(upgrade(nodes))).map((step) => step.do)).toEqual(expected ? ['create', 'wait', 'forget'] : []);
  });
  test('not with --no-pull-images; and where nodes must not be listed, one that leaves none out', async () => {
    expect(await pullStages(upgrade([node('a', [PAUSE])], { pullImages: false }))).toEqual([]);
    const blind = dumpSource(dumpOf({ objects: [], whole: true, absent: [{ why: 'forbidden', verb: 'list', resource: 'nodes' }] }));
    expect(stepsIn(await pullStages(upgrade([], { source: blind }))).length).toBe(3);
  });
});

describe('what it runs', () => {
  test.each(['0.9.13', '1.2.2'])('every image of %s, with a program that is in it', async (version) => {
    const [agent, plugins, multus, controller] = images(version);
    expect(ran(setIn(await pullStages(upgrade([node('a', [PAUSE])], {}, {}, version))))).toEqual([
      [agent, 'sleep'],
      [plugins, '/bin/sh'],
      [multus, '/install_multus'],
      [controller, '/bin/sh'],
    ]);
  });
  test('the images of a mirror', async () => {
    const set = setIn(await pullStages(upgrade([node('a', images('0.9.13'))], {}, mirrored('ghcr.m.daocloud.io'))));
    expect(ran(set).map(([image]) => image)).toEqual(images('0.9.13', 'ghcr.m.daocloud.io'));
    expect(await pullStages(upgrade([node('a', images('0.9.13', 'm:5000/x'))], {}, mirrored('m:5000/x')))).toEqual([]);
  });
  test('where agents run: their tolerations, nodeSelector, affinity and pull secrets; not where no kubelet answers', async () => {
    const term = { matchExpressions: [{ key: 'a', operator: 'Exists' }] };
    const own = {
      nodeSelector: { zone: 'a' },
      affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] } } },
      image: { imagePullSecrets: [{ name: 'k' }] },
    };
    const nodes = [node('a', [PAUSE]), node('b', [PAUSE], 'Unknown')];
    const stages = await pullStages(
      upgrade(nodes, {}, { spiderpoolAgent: own, spiderpoolController: { image: { imagePullSecrets: [{ name: 'k' }] } } }),
    );
    expect(pod(setIn(stages))).toMatchObject({
      hostNetwork: true,
      automountServiceAccountToken: false,
      tolerations: [{ operator: 'Exists' }],
      nodeSelector: { 'kubernetes.io/os': 'linux', zone: 'a' },
      imagePullSecrets: [{ name: 'k' }],
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ ...term, matchFields: [{ key: 'metadata.name', operator: 'NotIn', values: ['b'] }] }],
          },
        },
      },
    });
    expect(stepsIn(stages)[0]!.text.en).toMatch(/; not ready, and left out: b$/);
  });
});

test.each(['https://m.example', 'm.example/', 'M', '', 'a b'])('--mirror %j is refused', (mirror) => {
  expect(() => mirrorOf({ mirror })).toThrow('not a registry');
});
test.each(['ghcr.m.daocloud.io', 'registry.local:5000/ghcr'])('--mirror %s is taken', (mirror) => {
  expect(mirrorOf({ mirror })).toBe(mirror);
});
