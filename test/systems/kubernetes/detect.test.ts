// Which version the cluster has, and what of it is not known.
import { expect, test } from 'vitest';
import type { Cluster, Gap, PointReader } from '../../../src/engine/contracts.ts';
import { choosePath, parseTarget } from '../../../src/engine/paths.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { detect } from '../../../src/systems/kubernetes/detect.ts';

const gap = (why: Gap['why']): Gap => ({ why, verb: 'list', resource: 'pods' });
const pod = (name: string, image: string) => ({
  ref: { apiVersion: 'v1', kind: 'Pod', namespace: 'kube-system', name },
  node: 'cp',
  containers: [{ name: 'kube-apiserver', image, command: [], args: [], shell: [] }],
});
type Rows = Parameters<typeof detect>[0];
async function installationOf(pods: Gap | ReturnType<typeof pod>[], servers?: Cluster['servers']) {
  const rows = { nodes: [], pods, kops: Array.isArray(pods) ? [] : pods } as unknown as Rows;
  const cluster = {
    serverVersion: 'v1.37.2',
    servers,
    installations: [],
    serves: async () => undefined,
    servesAs: async () => false,
  } as Cluster;
  const [installation] = await detect(rows, {} as PointReader, cluster);
  return installation!;
}
async function found(...seen: Parameters<typeof installationOf>) {
  const installation = await installationOf(...seen);
  return [installation.version, installation.sources.map(({ says }) => says), installation.gaps?.map(({ why }) => why) ?? []];
}
const OLD = [pod('kube-apiserver-cp2', 'registry.k8s.io/kube-apiserver:v1.36.3')];
const EACH = [{ address: '10.0.0.1:6443', version: 'v1.37.2' }];

test('of the address of a kubeconfig alone: the static Pods name an older API server, which counts', async () => {
  expect(await found(OLD)).toEqual(['v1.36.3', ['v1.37.2', 'v1.36.3'], []]);
  expect(await found([pod('kube-apiserver-cp1', 'registry.k8s.io/kube-apiserver:v1.37.2')])).toEqual(['v1.37.2', ['v1.37.2'], []]);
});
test('without the right to read the Pods, another version is not excluded; a snapshot that never held them says nothing', async () => {
  expect(await found(gap('forbidden'))).toEqual(['v1.37.2', ['v1.37.2'], ['forbidden']]);
  expect(await found(gap('not-collected'))).toEqual(['v1.37.2', ['v1.37.2'], []]);
});
test('where each API server answers for itself neither matters', async () => {
  expect(await found(OLD, EACH)).toEqual(['v1.37.2', ['v1.37.2'], []]);
  expect(await found(gap('forbidden'), EACH)).toEqual(['v1.37.2', ['v1.37.2'], []]);
});
test('half upgraded: the way back begins at the newest API server', async () => {
  const half = [...EACH, { address: '10.0.0.2:6443', version: 'v1.36.3' }];
  const newest = async (...seen: Parameters<typeof installationOf>) => (await installationOf(...seen)).newest;
  expect([await newest([], half), await newest(OLD), await newest([], EACH)]).toEqual(['v1.37.2', 'v1.37.2', undefined]);
  const system = SYSTEMS.find(({ id }) => id === 'kubernetes')!;
  const installation = await installationOf([], half);
  const path = choosePath(system, installation, [installation], [parseTarget('kubernetes=1.36', SYSTEMS, undefined, 'back-to')]);
  expect(path).toMatchObject({ from: 'v1.37.2', to: '1.36', chosen: 'back' });
});
