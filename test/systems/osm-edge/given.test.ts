// What helm is given where remedies ask for values: set, moved to a new name, or left out; the release will hold them, and the step of the plan says so.
import { expect, test } from 'vitest';
import { helmUpgrade } from '../../../src/chart/intent.ts';
import { settingText } from '../../../src/helm/flags.ts';

const release = { namespace: 'osm-system', name: 'osm', revision: 3, status: 'deployed' };
const chart = {
  name: 'osm-edge',
  version: '1.3.9',
  digest: 'd',
  values: { osm: { meshName: 'osm', repoServer: { image: 'pipy-repo:2' } } },
};
const stands = {
  ...{ version: 3, manifest: '' },
  chart: { values: { osm: { meshName: 'osm', pipyRepoImage: 'pipy-repo:1' } } },
  config: { osm: { pipyRepoImage: 'own/pipy-repo:1', multicluster: { gatewayLogLevel: 'info' }, logs: true } },
};
const VALUES = [
  { path: ['osm', 'meshName'], value: 'edge' },
  { path: ['osm', 'repoServer', 'image'], movedFrom: ['osm', 'pipyRepoImage'] },
  { path: ['osm', 'multicluster'], value: null },
  { path: ['osm', 'gone', 'key'], value: null },
];
const upgrade = (reuse?: 'reuse') =>
  helmUpgrade({
    ...{ release, chart: chart as never, path: '/c', stands: stands as never, run: 'r' },
    ...(reuse ? { intent: { given: {}, reuse } } : {}),
    explicit: { values: VALUES, fixes: ['osm-edge/mesh-identity'] },
  });

test('the values of the release with them, and nothing else changed', () => {
  const { upgrade: made, given } = upgrade();
  const config = { osm: { meshName: 'edge', repoServer: { image: 'own/pipy-repo:1' }, logs: true } };
  expect(given).toEqual(config);
  expect(made.values).toEqual({ osm: { ...config.osm } });
  expect(made.kept.given).toBe(true);
  expect(made.explicit?.fixes).toEqual(['osm-edge/mesh-identity']);
});

test('in words, each as a person would give it', () => {
  expect(VALUES.map((each) => settingText(each).en)).toEqual([
    '--set-string osm.meshName=edge',
    'osm.pipyRepoImage as osm.repoServer.image',
    'without osm.multicluster',
    'without osm.gone.key',
  ]);
});
