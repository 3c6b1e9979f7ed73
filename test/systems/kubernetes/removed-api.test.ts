import { describe, expect, test } from 'vitest';
import type { Gap, Installation, Manifest, Raw, System } from '../../../src/engine/contracts.ts';
import { withoutCluster } from '../../../src/engine/declared.ts';
import { examine } from '../../../src/engine/examine.ts';
import { executeRun, executeUndo } from '../../../src/engine/execute.ts';
import { makePlan, stepsOf } from '../../../src/engine/plan.ts';
import { progressOf } from '../../../src/engine/progress.ts';
import { decodeRelease, encodeRelease } from '../../../src/helm/release.ts';
import { withRecords } from '../../../src/helm/revise.ts';
import { wrongInRun } from '../../../src/journal/well-formed.ts';
import { dumpOf } from '../../../src/snapshot/dump.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { dumpWorld } from '../../../src/snapshot/world.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { pages, runOf } from '../../engine/worlds.ts';
import { grid } from '../../grid.ts';
import { writtenBeside } from './written-beside.ts';

/** A release whose manifest has a budget in the version that 1.25 drops, and a hook with one. */
const record = (revision: number, status: string, apiVersion: string, name = 'web', more = ''): Raw => {
  const budget = (name: string) => `apiVersion: ${apiVersion}\nkind: PodDisruptionBudget\nmetadata: {name: ${name}}\nspec: {}\n`;
  const release = {
    ...{ name, namespace: 'shop', version: revision, info: { status, description: 'Install complete' } },
    ...{ chart: { metadata: { name: 'web', version: '1.0.0' }, values: {} }, config: {} },
    manifest: `---\n# Source: web/templates/pdb.yaml\n${budget('web')}---\n${budget('api')}${more}`,
    hooks: [{ name: 'hook', kind: 'PodDisruptionBudget', manifest: budget('hook') }],
  };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'helm.sh/release.v1',
    metadata: {
      name: `sh.helm.release.v1.${name}.v${revision}`,
      namespace: 'shop',
      labels: { owner: 'helm', name, status, version: String(revision) },
    },
    data: { release: encodeRelease(release as Raw, 'Secret') },
  };
};

const WRITTEN_BESIDE = writtenBeside('Apply', 'argocd-controller');
const WRITTEN_BESIDE_FOUND = ['blocker CSIStorageCapacity/kube-system/beside', 'blocker EndpointSlice/shop/beside'];

grid('kubernetes/removed-api', [
  {
    fixture: 'found',
    expect: [
      'notice HorizontalPodAutoscaler/shop/web',
      'blocker PodDisruptionBudget/shop/argo, PodDisruptionBudget/shop/argo-2',
      'blocker PodDisruptionBudget/shop/kubectl',
    ],
    says: ['metadata.managedFields=argocd-controller/apply/policy/v1beta1', 'last-applied-configuration=policy/v1beta1'],
  },
  // Created, not applied: it goes with its kind all the same.
  {
    fixture: 'found-without-successor',
    expect: 'blocker PodSecurityPolicy/restricted',
    says: ['\napiVersion: policy/v1beta1\n'],
  },
  { fixture: 'found-without-successor', to: 'kubernetes=v1.24.17', expect: 'passed' },
  // Gone already, or of another group: nothing that this path breaks.
  { fixture: 'found', server: 'v1.32.13', expect: 'passed' },
  { fixture: 'found', to: 'kubernetes=v1.24.17', expect: 'passed' },
  // What people write of kinds that controllers make.
  { server: 'v1.24.17', to: 'kubernetes=1.27', objects: WRITTEN_BESIDE, expect: WRITTEN_BESIDE_FOUND },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  // Helm: the deployed revision alone counts, whatever older ones hold.
  {
    server: 'v1.24.17',
    objects: [record(1, 'superseded', 'policy/v1beta1'), record(2, 'deployed', 'policy/v1beta1')],
    expect: 'blocker PodDisruptionBudget/shop/web, PodDisruptionBudget/shop/api, PodDisruptionBudget/shop/hook',
    says: ['\napiVersion: policy/v1beta1\n'],
  },
  { server: 'v1.24.17', objects: [record(1, 'superseded', 'policy/v1beta1'), record(2, 'deployed', 'policy/v1')], expect: 'passed' },
  // Gone in the installed version: helm upgrade of the release fails now; the cluster's own upgrade does not.
  {
    server: 'v1.32.13',
    objects: [record(2, 'deployed', 'policy/v1beta1')],
    expect: 'warning PodDisruptionBudget/shop/web, PodDisruptionBudget/shop/api, PodDisruptionBudget/shop/hook',
  },
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
  // Gone before the installed version: no hop of this path removes it.
  expect(results.flatMap(({ findings }) => findings.map(({ hop }) => hop))).toEqual([undefined, undefined]);
  const inChinese = results.flatMap(({ findings }) => findings.map(({ message }) => message.zh));
  expect(inChinese).toEqual([
    expect.stringContaining('：该版本已在 1.22 中移除'),
    expect.stringContaining('：该版本已弃用，将在 1.39 中移除'),
  ]);
});

test('Helm keeps its records outside of the cluster: nothing is cleared, and the command that settles it is named', async () => {
  const source = () => dumpSource(dumpOf({ objects: [], absent: [], whole: true, serverVersion: 'v1.24.17' }));
  const outcome = async (helmDriver?: 'secret' | 'configmap' | 'elsewhere') => {
    const { results } = await examine(source(), SYSTEMS, { checks: ['kubernetes/removed-api'], helmDriver });
    return results.map(({ outcome, gaps }) => [outcome, ...gaps.map(({ settle }) => settle?.en)]);
  };
  expect(await outcome()).toEqual([['passed']]);
  expect(await outcome('configmap')).toEqual([['passed']]);
  expect(await outcome('elsewhere')).toEqual([
    [
      'unknown',
      'for each release: helm get manifest RELEASE -n NAMESPACE | {tool} check kubernetes/removed-api -f - --offline --to kubernetes=1.25',
    ],
  ]);
});

test('of a kind without a successor every object counts; what to decide is said', async () => {
  const objects: Raw[] = ['a', 'b'].map((name) => ({ apiVersion: 'policy/v1beta1', kind: 'PodSecurityPolicy', metadata: { name } }));
  const source = dumpSource(dumpOf({ objects, absent: [], whole: true, serverVersion: 'v1.24.17' }));
  const { results } = await examine(source, SYSTEMS, { checks: ['kubernetes/removed-api'] });
  expect(results.flatMap(({ findings }) => findings.map(({ message }) => message))).toEqual([
    {
      en: '2 PodSecurityPolicy objects exist (policy/v1beta1): removed in 1.25; there is no successor: choose a Pod Security Standard for each namespace',
      zh: '集群中有 2 个 PodSecurityPolicy（policy/v1beta1）：该版本将在 1.25 中移除；没有后继版本，请为每个命名空间选择 Pod 安全标准',
    },
  ]);
});

test('a budget that selects no Pod in policy/v1beta1 would select all in policy/v1: a finding of its own that says so', async () => {
  const budget = (name: string, selector: Raw): Raw => ({
    ...{ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', spec: { minAvailable: 1, selector } },
    metadata: { name, namespace: 'shop', managedFields: [{ manager: 'flux', operation: 'Apply', apiVersion: 'policy/v1beta1' }] },
  });
  // As the API server returns {} of v1beta1 in v1.
  const none = { matchExpressions: [{ key: 'pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match', operator: 'Exists' }] };
  const objects = [budget('web', { matchLabels: { app: 'web' } }), budget('none', none), budget('all', {})];
  const source = dumpSource(dumpOf({ objects, absent: [], whole: true, serverVersion: 'v1.24.17' }));
  const { results } = await examine(source, SYSTEMS, { checks: ['kubernetes/removed-api'] });
  const found = results.flatMap(({ findings }) => findings);
  expect(found.map(({ message, objects }) => `${message.en} ${objects.map(({ name }) => name).join(' ')}`)).toEqual([
    '2 PodDisruptionBudget objects applied as policy/v1beta1 by flux: removed in 1.25; use policy/v1 web all',
    '1 PodDisruptionBudget applied as policy/v1beta1 by flux: removed in 1.25; use policy/v1, and check its empty selector: it selects no Pod in v1beta1, and every Pod in v1 none',
  ]);
  expect(new Set(found.map(({ fingerprint }) => fingerprint)).size).toBe(2);
});

test('of a kind without a successor: what a file declares is told once, and of an applied one it is said what to decide', async () => {
  const psp: Raw = { apiVersion: 'policy/v1beta1', kind: 'PodSecurityPolicy', metadata: { name: 'a' } };
  const applied = { manager: 'argocd-controller', operation: 'Apply', apiVersion: 'policy/v1beta1', time: '2022-10-01T00:00:00Z' };
  const live: Raw = { ...psp, metadata: { name: 'b', managedFields: [applied] } };
  const manifests: Manifest[] = [{ object: psp, file: 'a.yaml', document: 1, line: 1 }];
  const dump = dumpOf({ objects: [{ ...psp }, live], absent: [], whole: true, serverVersion: 'v1.24.17' });
  const { results } = await examine({ ...dumpSource(dump), manifests: () => manifests }, SYSTEMS, { checks: ['kubernetes/removed-api'] });
  expect(results.flatMap(({ findings }) => findings.map(({ message }) => message.en)).toSorted()).toEqual([
    '1 PodSecurityPolicy applied as policy/v1beta1 by argocd-controller: removed in 1.25; there is no successor: choose a Pod Security Standard for each namespace',
    '1 PodSecurityPolicy declared as policy/v1beta1: removed in 1.25; there is no successor: choose a Pod Security Standard for each namespace',
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

describe('releases are rewritten', () => {
  const look = async (...objects: Raw[]) => {
    const dump = dumpOf({ objects, absent: [], whole: true, serverVersion: 'v1.24.17' });
    const { remedies } = await examine(dumpSource(dump), SYSTEMS, { checks: ['kubernetes/removed-api'] });
    return { dump, proposals: remedies.map(({ offered }) => ({ ...offered, reasons: ['f'] })) };
  };
  const psp = '---\napiVersion: policy/v1beta1\nkind: PodSecurityPolicy\nmetadata: {name: old}\n';
  const ingress = '---\napiVersion: networking.k8s.io/v1beta1\nkind: Ingress\nmetadata: {name: web}\n';

  test('several of them in one run, each behind its newest revision; what has no successor leaves the manifest; and back', async () => {
    const objects = [
      record(3, 'deployed', 'policy/v1beta1', 'web', psp),
      record(4, 'failed', 'policy/v1beta1', 'web'),
      record(1, 'deployed', 'policy/v1beta1', 'api'),
    ];
    const { dump, proposals } = await look(...objects);
    const plan = makePlan(proposals);
    const steps = stepsOf(plan);
    expect(plan.refusals).toEqual([]);
    expect(steps.map((step) => step.do === 'revise' && `${step.release.name} ${step.from} → ${step.to}`)).toEqual([
      'api 1 → 2',
      'web 3 → 5',
    ]);
    expect(wrongInRun(JSON.parse(JSON.stringify(runOf(...steps))), 'r')).toBeUndefined();
    const world = withRecords(dumpWorld(dump));
    const journal = pages();
    const means = { world, halt: new AbortController().signal };
    expect((await executeRun(runOf(...steps), { ...means, journal, progress: progressOf([]) })).state).toBe('finished');
    expect((await examine(dumpSource(dump), SYSTEMS, { checks: ['kubernetes/removed-api'] })).results[0]!.outcome).toBe('passed');
    const made = await world.get({ apiVersion: 'v1', kind: 'Secret', namespace: 'shop', name: 'sh.helm.release.v1.web.v5' });
    const release = decodeRelease(made!);
    if ('why' in release) throw new Error(release.why);
    expect([release.version, release.status, release.manifest.match(/policy\/\S+|PodSecurityPolicy/g)]).toEqual([
      5,
      'deployed',
      ['policy/v1', 'policy/v1'],
    ]);
    expect(JSON.stringify(journal.entries)).not.toContain('H4sI');
    expect((await executeUndo(runOf(...steps), { ...means, journal: pages(), progress: progressOf(journal.entries) })).state).toBe(
      'finished',
    );
    expect(await world.get({ apiVersion: 'v1', kind: 'Secret', namespace: 'shop', name: 'sh.helm.release.v1.web.v5' })).toBeUndefined();
    expect((await examine(dumpSource(dump), SYSTEMS, { checks: ['kubernetes/removed-api'] })).results[0]!.outcome).toBe('found');
  });

  test('what needs a new chart, and what would not fit into a Secret, is named and left', async () => {
    const { proposals } = await look(record(1, 'deployed', 'policy/v1', 'web', ingress));
    expect(proposals.flatMap(({ drafts }) => drafts)).toEqual([]);
    const { createHash } = await import('node:crypto');
    let noise = '';
    for (let i = 0; noise.length < 1_500_000; i++) noise += createHash('sha512').update(`${i}`).digest('base64');
    const config = `---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: big}\ndata: {a: ${JSON.stringify(noise)}}\n`;
    const large = await look(record(1, 'deployed', 'policy/v1beta1', 'web', config));
    expect(large.proposals.flatMap(({ refusals }) => refusals.map(({ refused }) => refused.en))).toEqual([
      expect.stringMatching(/^the record would have 1\d\d\d KiB, and the API server takes 1024 KiB/),
    ]);
  });
});

test('a release is left, and why is said: while helm has not ended, where an object means something else in the next version, where the old record would not fit', async () => {
  const refusals = async (...objects: Raw[]) => {
    const dump = dumpOf({ objects, absent: [], whole: true, serverVersion: 'v1.24.17' });
    const { remedies } = await examine(dumpSource(dump), SYSTEMS, { checks: ['kubernetes/removed-api'] });
    const offered = remedies.flatMap(({ offered }) => offered);
    expect(offered.flatMap(({ drafts }) => drafts)).toEqual([]);
    return offered.flatMap(({ refusals }) => refusals.map(({ refused }) => refused.en));
  };
  expect(await refusals(record(3, 'deployed', 'policy/v1beta1'), record(4, 'pending-upgrade', 'policy/v1beta1'))).toEqual([
    'revision 4 of Helm release shop/web is pending-upgrade: wait until helm has ended; if no helm runs, delete its record Secret/shop/sh.helm.release.v1.web.v4',
  ]);
  // The first install failed: helm upgrade starts from its manifest all the same, and no revision is deployed that could be superseded.
  expect(await refusals(record(1, 'failed', 'policy/v1beta1'))).toEqual([
    'revision 1 of Helm release shop/web is failed and no revision is deployed: upgrade it to a chart without removed API versions, or uninstall it',
  ]);
  // Helm refuses to upgrade what was uninstalled with --keep-history.
  expect(await refusals(record(1, 'uninstalled', 'policy/v1beta1'))).toEqual([]);
  // Its budget selects no Pod in v1beta1, and every Pod in v1; the others of the release would change with it.
  const none =
    '---\napiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: none}\nspec: {minAvailable: 1, selector: {}}\n';
  expect([...new Set(await refusals(record(3, 'deployed', 'policy/v1beta1', 'web', none)))]).toEqual([
    'PodDisruptionBudget of policy/v1beta1 needs more changes than apiVersion: upgrade Helm release shop/web to a chart without it, while policy/v1beta1 is still served',
  ]);
  const { randomBytes } = await import('node:crypto');
  const noise = randomBytes(900_000).toString('base64');
  const large = `---\napiVersion: policy/v1beta1\nkind: PodSecurityPolicy\nmetadata: {name: large, annotations: {a: ${JSON.stringify(noise)}}}\n`;
  expect(await refusals(record(3, 'deployed', 'policy/v1beta1', 'web', large))).toEqual([
    expect.stringMatching(/^the record would have 1\d\d\d KiB, and the API server takes 1024 KiB/),
  ]);
});

test('EndpointSlices and CSIStorageCapacities that someone applied are read, and not those that controllers make', async () => {
  const applied = (apiVersion: string) => ({ manager: 'argocd', operation: 'Apply', apiVersion, time: '2022-10-01T00:00:00Z' });
  const slice = (name: string, labels: Raw): Raw => ({
    ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4', endpoints: [] },
    metadata: { name, namespace: 'shop', labels, managedFields: [applied('discovery.k8s.io/v1beta1')] },
  });
  const capacity = (name: string, labels: Raw): Raw => ({
    ...{ apiVersion: 'storage.k8s.io/v1', kind: 'CSIStorageCapacity', storageClassName: 'fast' },
    metadata: { name, namespace: 'kube-system', labels, managedFields: [applied('storage.k8s.io/v1beta1')] },
  });
  const objects = [
    slice('own', {}),
    slice('made', { 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' }),
    slice('mirrored', { 'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io' }),
    capacity('mine', {}),
    capacity('counted', { 'csi.storage.k8s.io/managed-by': 'external-provisioner' }),
  ];
  const source = dumpSource(dumpOf({ objects, absent: [], whole: true, serverVersion: 'v1.24.17' }));
  const targets = [{ system: 'kubernetes', version: '1.27' }];
  const { results } = await examine(source, SYSTEMS, { checks: ['kubernetes/removed-api'], targets });
  expect(results.flatMap(({ findings }) => findings.map(({ message, objects }) => [message.en, objects.map(({ name }) => name)]))).toEqual([
    ['1 CSIStorageCapacity applied as storage.k8s.io/v1beta1 by argocd: removed in 1.27; use storage.k8s.io/v1', ['mine']],
    [
      '1 EndpointSlice applied as discovery.k8s.io/v1beta1 by argocd: removed in 1.25; use discovery.k8s.io/v1, and replace topology with nodeName and zone',
      ['own'],
    ],
  ]);
});

/** Lists that the two checks make on this path besides those of Helm's records and of detection. */
async function listed(from: string, to: string): Promise<string[]> {
  const asked: string[] = [];
  const source = dumpSource(dumpOf({ objects: [], absent: [], whole: true, serverVersion: from }));
  const counting = {
    ...source,
    list: (query: Parameters<typeof source.list>[0], sink: Parameters<typeof source.list>[1]) => {
      if (!['nodes', 'pods', 'secrets', 'configmaps'].includes(query.resource)) asked.push(query.resource);
      return source.list(query, sink);
    },
  };
  const checks = ['kubernetes/removed-api', 'kubernetes/api-writers'];
  await examine(counting, SYSTEMS, { checks, targets: [{ system: 'kubernetes', version: to }] });
  return asked;
}

test.each([
  [
    'v1.24.17',
    '1.25',
    'cronjobs.batch csistoragecapacities.storage.k8s.io endpointslices.discovery.k8s.io flowschemas.flowcontrol.apiserver.k8s.io horizontalpodautoscalers.autoscaling poddisruptionbudgets.policy podsecuritypolicies.policy prioritylevelconfigurations.flowcontrol.apiserver.k8s.io runtimeclasses.node.k8s.io',
  ],
  ['v1.30.4', '1.31', 'flowschemas.flowcontrol.apiserver.k8s.io prioritylevelconfigurations.flowcontrol.apiserver.k8s.io'],
  ['v1.24.17', 'v1.24.20', ''],
])('from %s to %s only kinds that the path concerns are listed, each once', async (from, to, resources) => {
  expect((await listed(from, to)).filter((name) => !NOT_STORED_BY_DEFAULT.test(name))).toEqual(resources.split(' ').filter(Boolean));
});
/** Of APIs that an API server serves only where they are switched on: there is nothing to list elsewhere. */
const NOT_STORED_BY_DEFAULT =
  /\.(?:resource|networking|admissionregistration|certificates|storagemigration|scheduling|coordination|internal\.apiserver)\.k8s\.io$/;
