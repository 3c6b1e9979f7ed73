import { expect, test } from 'vitest';
import type { Gap, Installation, Manifest, Raw, System } from '../../../src/engine/contracts.ts';
import { withoutCluster } from '../../../src/engine/declared.ts';
import { examine } from '../../../src/engine/examine.ts';
import { encodeRelease } from '../../../src/helm/release.ts';
import { dumpOf } from '../../../src/snapshot/dump.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { grid } from '../../grid.ts';

/** A release whose manifest has a budget in the version that 1.25 drops, and a hook with one. */
const record = (revision: number, status: string, apiVersion: string): Raw => {
  const budget = (name: string) => `apiVersion: ${apiVersion}\nkind: PodDisruptionBudget\nmetadata: {name: ${name}}\nspec: {}\n`;
  const release = {
    ...{ name: 'web', namespace: 'shop', version: revision, info: { status } },
    ...{ chart: { metadata: { name: 'web', version: '1.0.0' }, values: {} }, config: {} },
    manifest: `---\n# Source: web/templates/pdb.yaml\n${budget('web')}---\n${budget('api')}`,
    hooks: [{ name: 'hook', kind: 'PodDisruptionBudget', manifest: budget('hook') }],
  };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'helm.sh/release.v1',
    metadata: {
      name: `sh.helm.release.v1.web.v${revision}`,
      namespace: 'shop',
      labels: { owner: 'helm', name: 'web', status, version: String(revision) },
    },
    data: { release: encodeRelease(release as Raw, 'Secret') },
  };
};

grid('kubernetes/removed-api', [
  {
    fixture: 'found',
    expect: [
      'notice HorizontalPodAutoscaler/shop/web',
      'blocker PodDisruptionBudget/shop/argo, PodDisruptionBudget/shop/argo-2',
      'blocker PodDisruptionBudget/shop/kubectl',
    ],
  },
  // Gone already, or of another group: nothing that this path breaks.
  { fixture: 'found', server: 'v1.32.13', expect: 'passed' },
  { fixture: 'found', to: 'kubernetes=v1.24.17', expect: 'passed' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  // Helm: the deployed revision alone counts, whatever older ones hold.
  {
    server: 'v1.24.17',
    objects: [record(1, 'superseded', 'policy/v1beta1'), record(2, 'deployed', 'policy/v1beta1')],
    expect: 'blocker PodDisruptionBudget/shop/web, PodDisruptionBudget/shop/api, PodDisruptionBudget/shop/hook',
  },
  { server: 'v1.24.17', objects: [record(1, 'superseded', 'policy/v1beta1'), record(2, 'deployed', 'policy/v1')], expect: 'passed' },
  // Where one kind may not be listed, the others still speak, and nothing is cleared.
  { fixture: 'healthy', forbidden: ['cronjobs.batch'], expect: 'unknown' },
  // A kind that the path does not concern is not listed: that it may not be does not matter.
  { fixture: 'healthy', to: 'kubernetes=1.26', forbidden: ['ipaddresses.networking.k8s.io'], expect: 'passed' },
]);

test('manifests that are about to be applied: also what went before the installed version, with file and line', async () => {
  const object = (apiVersion: string, kind: string, name: string): Raw => ({ apiVersion, kind, metadata: { name, namespace: 'shop' } });
  const manifests: Manifest[] = [
    object('extensions/v1beta1', 'Ingress', 'old'),
    object('networking.k8s.io/v1', 'Ingress', 'new'),
    object('autoscaling.k8s.io/v1beta2', 'VerticalPodAutoscaler', 'borrowed'),
    object('resource.k8s.io/v1beta2', 'DeviceClass', 'later'),
  ].map((each, i) => ({ object: each, file: 'a.yaml', document: i + 1, line: 1 + 5 * i }));
  const source = { ...dumpSource(dumpOf({ objects: [], absent: [], whole: true, serverVersion: 'v1.36.4' })), manifests: () => manifests };
  const { results } = await examine(source, SYSTEMS, { checks: ['kubernetes/removed-api'] });
  const said = results.flatMap(({ findings }) => findings.map(({ severity, message }) => `${severity} ${message.en}`));
  expect(said).toEqual([
    'blocker 1 Ingress declared as extensions/v1beta1: removed in 1.22; use networking.k8s.io/v1, and choose a pathType for each path and name backends by service.name and service.port',
    'notice 1 DeviceClass declared as resource.k8s.io/v1beta2: deprecated, removed in 1.39; use resource.k8s.io/v1',
  ]);
});

test.each([
  ['policy/v1beta1', 'found'],
  ['policy/v1', 'passed'],
])('manifests alone, %s: %s, and nothing of a cluster is missed', async (apiVersion, outcome) => {
  const object: Raw = { apiVersion, kind: 'PodDisruptionBudget', metadata: { name: 'web', namespace: 'shop' } };
  const manifests: Manifest[] = [{ object, file: 'a.yaml', document: 1, line: 1 }];
  const source = { ...dumpSource(dumpOf({ objects: [], absent: [], whole: false })), manifests: () => manifests };
  const unseen: Gap = { why: 'not-collected', verb: 'get', resource: 'version' };
  const assume = ({ id }: System): Installation[] => [
    { id: `${id}@manifests`, system: id, name: 'manifests', version: unseen, sources: [], byHelm: false },
  ];
  const targets = [{ system: 'kubernetes', version: '1.25' }];
  const seen = await examine(source, SYSTEMS, { checks: ['kubernetes/removed-api'], assume, targets });
  const { results } = withoutCluster(seen, SYSTEMS, manifests);
  expect(results.map((result) => [result.outcome, result.gaps])).toEqual([[outcome, []]]);
});
