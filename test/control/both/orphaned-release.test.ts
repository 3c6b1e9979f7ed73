// Objects that say to be of a Helm release which does not exist, on a real API server: said so, and not that the release is to be changed. One that exists is named as before.
import { expect, test } from 'vitest';
import type { Raw } from '../../../src/engine/contracts.ts';
import { run } from '../../bed/binary.ts';
import { bed } from '../../bed/index.ts';

const cluster = bed();

/** A budget that lets no Pod go, of a release. */
const held = (release: string): Raw[] => [
  {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: release, namespace: 'default', labels: { app: release } } },
    spec: { nodeName: 'orphans', containers: [{ name: 'c', image: 'i' }] },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  },
  {
    ...{ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget' },
    metadata: {
      ...{ name: release, namespace: 'default' },
      annotations: { 'meta.helm.sh/release-name': release, 'meta.helm.sh/release-namespace': 'default' },
    },
    spec: { maxUnavailable: 0, selector: { matchLabels: { app: release } } },
  },
];

test('only where the release does not exist the object itself is to be changed', async () => {
  await cluster.apply({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'orphans' } }, ...held('left-behind'), ...held('living'), {
    ...{ apiVersion: 'v1', kind: 'Secret', type: 'helm.sh/release.v1' },
    metadata: {
      name: 'sh.helm.release.v1.living.v1',
      namespace: 'default',
      labels: { owner: 'helm', name: 'living', status: 'deployed', version: '1' },
    },
  });
  const look = async (lang: string) =>
    (await run(['check', 'kubernetes', '-o', 'wide', '--lang', lang], { kubeconfig: cluster.kubeconfig })).stdout;
  const [en, zh] = [await look('en'), await look('zh')];
  expect(en).toMatch(/annotated with Helm release default\/left-behind, which does not exist: change the object itself/);
  expect(en).toMatch(/owned by Helm release default\/living: change it there/);
  expect(en).not.toMatch(/owned by Helm release default\/left-behind|annotated with Helm release default\/living/);
  expect(zh).toMatch(/注解写明属于 Helm release default\/left-behind，但该 release 不存在，请直接修改对象/);
});
