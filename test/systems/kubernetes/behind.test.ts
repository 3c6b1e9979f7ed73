// Removals that the installed version has made and its API servers have not: with an emulated version, or kept for one release.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Raw, ServedResource } from '../../../src/engine/contracts.ts';
import { examine } from '../../../src/engine/examine.ts';
import { parseTarget } from '../../../src/engine/paths.ts';
import { encodeRelease } from '../../../src/helm/release.ts';
import { dumpOf } from '../../../src/snapshot/dump.ts';
import { readDump } from '../../../src/snapshot/read.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';

const served = (group: string, version: string, resource: string, kind: string): ServedResource => ({
  ...{ group, version, resource, kind, namespaced: true, subresources: [], verbs: ['list'], preferred: false },
});
const CLASSES = served('storage.k8s.io', 'v1beta1', 'volumeattributesclasses', 'VolumeAttributesClass');
const BUDGETS = served('policy', 'v1beta1', 'poddisruptionbudgets', 'PodDisruptionBudget');

const applied = (apiVersion: string, was: string, kind: string, operation = 'Apply'): Raw => ({
  ...{ apiVersion, kind },
  metadata: {
    name: 'one',
    namespace: 'shop',
    managedFields: [{ manager: 'argocd-controller', operation, apiVersion: was, fieldsType: 'FieldsV1' }],
  },
});
const CLASS = applied('storage.k8s.io/v1', 'storage.k8s.io/v1beta1', 'VolumeAttributesClass');
const BUDGET = applied('policy/v1', 'policy/v1beta1', 'PodDisruptionBudget');

interface Seen {
  version: string;
  to: string;
  emulates?: string;
  resources?: ServedResource[];
  metrics?: string[];
}
/** `SEVERITY HOP MESSAGE`. */
async function found(check: string, objects: Raw[], { version, to, emulates, resources, metrics = [] }: Seen): Promise<string[]> {
  const says = emulates === undefined ? [] : [`  "emulationMinor": "${emulates}",`];
  const texts = new Map([
    ['/version', new Map([['', [`  "gitVersion": "${version}",`, ...says]]])],
    ['/metrics', new Map([['', metrics]])],
  ]);
  const dump = dumpOf({
    objects,
    absent: [],
    whole: true,
    serverVersion: version,
    texts,
    ...(resources ? { served: { resources, gaps: [] } } : {}),
  });
  const targets = [parseTarget(`kubernetes=${to}`, SYSTEMS)];
  const { results } = await examine(dumpSource(dump), SYSTEMS, { checks: [`kubernetes/${check}`], targets });
  return results.flatMap(({ findings }) => findings.map(({ severity, hop, message }) => `${severity} ${hop ?? '-'} ${message.en}`));
}

const EMULATING = { version: 'v1.37.2', emulates: '36' };
const STILL =
  '1 VolumeAttributesClass applied as storage.k8s.io/v1beta1 by argocd-controller: removed in 1.37, still served here; use storage.k8s.io/v1';

test('with an emulated version its removals are yet to come: once it is raised, and at the latest with the next upgrade', async () => {
  expect(await found('removed-api', [CLASS], { ...EMULATING, to: '1.37', resources: [CLASSES] })).toEqual([`blocker - ${STILL}`]);
  expect(await found('removed-api', [CLASS], { ...EMULATING, to: '1.38', resources: [CLASSES] })).toEqual([`blocker 1.38 ${STILL}`]);
  // Where what is served is not known.
  expect(await found('removed-api', [CLASS], { ...EMULATING, to: '1.37' })).toEqual([`blocker - ${STILL}`]);
});

test('without one, or where the version is not served, it was gone before', async () => {
  expect(await found('removed-api', [CLASS], { version: 'v1.37.2', to: '1.38', resources: [BUDGETS] })).toEqual([]);
  expect(await found('removed-api', [CLASS], { ...EMULATING, to: '1.38', resources: [BUDGETS] })).toEqual([]);
  expect(await found('removed-api', [CLASS], { version: 'v1.37.2', emulates: '37', to: '1.38', resources: [BUDGETS] })).toEqual([]);
});

test('on the way from an older version the minor itself is the hop', async () => {
  const said = await found('removed-api', [CLASS], { version: 'v1.36.3', to: '1.37', resources: [CLASSES] });
  expect(said).toEqual([`blocker 1.37 ${STILL.replace(', still served here', '')}`]);
});

const ONE_MORE = { version: 'v1.25.16', to: '1.26' };
test('a version that is served one release longer than the table says goes with the next minor', async () => {
  const said = [
    'blocker 1.26 1 PodDisruptionBudget applied as policy/v1beta1 by argocd-controller: removed in 1.25, still served here; use policy/v1',
  ];
  expect(await found('removed-api', [BUDGET], { ...ONE_MORE, resources: [BUDGETS] })).toEqual(said);
  expect(await found('removed-api', [BUDGET], { ...ONE_MORE, resources: [CLASSES] })).toEqual([]);
  expect(await found('removed-api', [BUDGET], ONE_MORE)).toEqual([]);
  // Within the minor nothing goes.
  expect(await found('removed-api', [BUDGET], { version: 'v1.25.16', to: 'v1.25.16', resources: [BUDGETS] })).toEqual([]);
  // Another kind is served, this one is not.
  const jobs = served('batch', 'v1beta1', 'cronjobs', 'CronJob');
  expect(await found('removed-api', [BUDGET], { ...ONE_MORE, resources: [jobs] })).toEqual([]);
});

test('the manifest of a Helm release with it can still be upgraded until then', async () => {
  const manifest = 'apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: web}\nspec: {}\n';
  const release = {
    name: 'web',
    namespace: 'shop',
    version: 1,
    info: { status: 'deployed' },
    chart: { metadata: {}, values: {} },
    manifest,
  };
  const record: Raw = {
    ...{ apiVersion: 'v1', kind: 'Secret', type: 'helm.sh/release.v1' },
    metadata: {
      name: 'sh.helm.release.v1.web.v1',
      namespace: 'shop',
      labels: { owner: 'helm', name: 'web', status: 'deployed', version: '1' },
    },
    data: { release: encodeRelease(release as Raw, 'Secret') },
  };
  const said = (await found('removed-api', [record], { ...ONE_MORE, resources: [BUDGETS] })).map((each) => each.slice(0, 30));
  expect(said).toEqual(['blocker 1.26 Helm release shop']);
  expect((await found('removed-api', [record], ONE_MORE)).map((each) => each.slice(0, 9))).toEqual(['warning -']);
});

test('its peers judge from the same minor', async () => {
  const updated = applied('storage.k8s.io/v1', 'storage.k8s.io/v1beta1', 'VolumeAttributesClass', 'Update');
  const at = { ...EMULATING, to: '1.38', resources: [CLASSES] };
  expect((await found('api-writers', [updated], at)).map((each) => each.replace(/, last on .*?:/, ':'))).toEqual([
    'warning 1.38 argocd-controller updated 1 VolumeAttributesClass as storage.k8s.io/v1beta1: removed in 1.37, still served here',
  ]);
  const rules = [{ apiGroups: ['storage.k8s.io'], apiVersions: ['v1beta1'], resources: ['volumeattributesclasses'], operations: ['*'] }];
  const hook: Raw = {
    ...{ apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', metadata: { name: 'v' } },
    webhooks: [{ name: 'v.example.com', rules, clientConfig: { url: 'https://x' } }],
  };
  expect((await found('api-references', [hook], at)).map((each) => each.slice(0, 30))).toEqual(['warning 1.38 webhook v.example']);
  const labels = 'group="storage.k8s.io",version="v1beta1",resource="volumeattributesclasses",subresource="",removed_release="1.37"';
  const metrics = [`apiserver_requested_deprecated_apis{${labels}} 1`];
  const asked = async (to: string, emulates?: string) =>
    (await found('requested-deprecated-apis', [], { ...at, resources: [], metrics, to, emulates }))[0]?.slice(0, 12);
  expect([await asked('1.38', '36'), await asked('1.37', '36'), await asked('1.37')]).toEqual([
    'warning 1.38',
    'warning - st',
    'notice - sto',
  ]);
});

test('of what is deprecated without a date only Endpoints are left out, which the control plane itself writes', async () => {
  const asked = (resource: string) =>
    `apiserver_requested_deprecated_apis{group="",version="v1",resource="${resource}",subresource="",removed_release=""} 1`;
  const at = { version: 'v1.36.3', to: '1.37', metrics: [asked('componentstatuses'), asked('endpoints')] };
  expect((await found('requested-deprecated-apis', [], at)).map((each) => each.slice(0, 33))).toEqual([
    'notice - v1/componentstatuses was',
  ]);
});

test('a gate has the default of the emulated version', async () => {
  const service: Raw = {
    ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'loose', namespace: 'shop' } },
    spec: { externalIPs: ['10.0.0.010'] },
  };
  const at = { version: 'v1.36.3', to: '1.37' };
  expect((await found('strict-ip-cidr', [service], { ...at, emulates: '35' })).map((each) => each.slice(0, 12))).toEqual(['warning 1.37']);
  expect(await found('strict-ip-cidr', [service], at)).toEqual([]);
  // What is served one release longer says nothing of gates.
  const longer = served('storagemigration.k8s.io', 'v1alpha1', 'storageversionmigrations', 'StorageVersionMigration');
  expect(await found('strict-ip-cidr', [service], { version: 'v1.36.3', to: '1.37', resources: [longer] })).toEqual([]);
  const role: Raw = {
    ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'driver' } },
    rules: [{ apiGroups: ['resource.k8s.io'], resources: ['resourceclaims/status'], verbs: ['update'] }],
  };
  expect((await found('dra-status-rights', [role], { ...at, emulates: '35' })).map((each) => each.slice(0, 12))).toEqual(['warning 1.37']);
});

test('a folder with the answer of GET /version says so too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ug-behind-'));
  try {
    writeFileSync(join(folder, 'version.json'), JSON.stringify({ gitVersion: 'v1.37.2', emulationMajor: '1', emulationMinor: '35' }));
    const { installations } = await examine(dumpSource(await readDump(folder)), SYSTEMS, { checks: ['kubernetes/version-skip'] });
    expect(installations.map(({ behind }) => behind)).toEqual([['1.36', '1.37']]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the cluster is shown with the version that it emulates', async () => {
  const texts = new Map([['/version', new Map([['', ['  "emulationMinor": "36",']]])]]);
  const dump = dumpOf({ objects: [], absent: [], whole: true, serverVersion: 'v1.37.2', texts });
  const { installations } = await examine(dumpSource(dump), SYSTEMS, { checks: ['kubernetes/version-skip'] });
  expect(installations.map(({ version, behind, sources }) => [version, behind, sources.map(({ from }) => from)])).toEqual([
    ['v1.37.2', ['1.37'], [{ en: 'API server (emulates 1.36)', zh: 'API 服务器（模拟 1.36）' }]],
  ]);
});
