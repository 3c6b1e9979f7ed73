import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import type { Raw } from '../../../src/engine/contracts.ts';
import { examine } from '../../../src/engine/examine.ts';
import { overCluster } from '../../../src/files/overlay.ts';
import { dumpOf } from '../../../src/snapshot/dump.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { grid } from '../../grid.ts';

/** The trimmed one, with who set its list, or something else of its status. */
function setBy(manager: string, field = 'f:storedVersions'): Raw {
  const crd = parse(readFileSync(new URL('../../fixtures/kubernetes/crd-stored-versions/found-trimmed.yaml', import.meta.url), 'utf8'));
  const written = { operation: 'Update', apiVersion: 'apiextensions.k8s.io/v1', subresource: 'status', time: '2026-11-02T00:00:00Z' };
  const managedFields = [{ manager, ...written, fieldsType: 'FieldsV1', fieldsV1: { 'f:status': { [field]: {} } } }];
  return { ...crd, metadata: { ...crd.metadata, managedFields } };
}

/** What an API server of 1.37 serves where storagemigration.k8s.io/v1 is switched on. */
const migration = (type: 'Succeeded' | 'Failed') => ({
  apiVersion: 'storagemigration.k8s.io/v1',
  kind: 'StorageVersionMigration',
  metadata: { name: 'widgets', uid: 'svm-widgets' },
  spec: { resource: { group: 'example.com', resource: 'widgets' } },
  status: {
    resourceVersion: '1',
    conditions: [{ type, status: 'True', lastUpdateTime: '2026-11-01T10:00:07Z', reason: `StorageVersionMigration${type}` }],
  },
});
const WIDGETS = 'notice CustomResourceDefinition/widgets.example.com';

grid('kubernetes/crd-stored-versions', [
  {
    fixture: 'found',
    expect: [
      'warning CustomResourceDefinition/gadgets.example.com',
      'notice CustomResourceDefinition/widgets.example.com, CustomResourceDefinition/tools.example.com',
    ],
    // A version has a field that the storage version lacks: a person saves it first.
    steps: ['kubectl get tools.v1beta1.example.com -A -o yaml > tools.v1beta1.example.com.yaml'],
  },
  // Carried out in memory, and undone.
  { fixture: 'migratable', expect: WIDGETS, says: ['status.storedVersions: '], steps: [] },
  // A StorageVersionMigration is not taken for proof, whatever it says.
  { fixture: 'migratable', objects: [migration('Succeeded')], expect: WIDGETS },
  { fixture: 'migratable', objects: [migration('Failed')], expect: WIDGETS },
  // One that failed has trimmed the list all the same; with a single version there is nothing else that objects could be stored in.
  {
    fixture: 'found-trimmed',
    expect: 'warning CustomResourceDefinition/parts.example.com',
    says: ['status.conditions[type=StorageMigrating].reason=MigrationFailed'],
    steps: ['kubectl get storageversionmigrations.storagemigration.k8s.io -o yaml', expect.stringContaining('"resource": "parts"')],
  },
  { objects: [setBy('migration-runner-controller')], expect: 'warning CustomResourceDefinition/parts.example.com' },
  // None has failed.
  { objects: [{ ...setBy('kube-apiserver'), status: { storedVersions: ['v1'] } }], expect: 'passed' },
  { objects: [setBy('shop-operator', 'f:conditions')], expect: 'warning CustomResourceDefinition/parts.example.com' },
  // Migrated by another client since.
  { objects: [setBy('upgrade-guard')], expect: 'passed' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { forbidden: ['customresourcedefinitions.apiextensions.k8s.io'], expect: 'unknown' },
]);

const crd = (versions: string[], stored?: string[]): Raw => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget' },
    versions: versions.map((name, at) => ({ name, served: true, storage: at === versions.length - 1 })),
  },
  ...(stored ? { status: { storedVersions: stored } } : {}),
});

test.each([
  // The API server refuses it, whichever version is the storage version in the cluster.
  [['v1beta1', 'v1'], ['v1beta1', 'v1'], ['v1'], 'blocker CRD widgets.example.com drops v1beta1'],
  [['v1beta1'], ['v1beta1'], ['v1'], 'blocker CRD widgets.example.com drops v1beta1'],
  // Both are still there, or the older one holds nothing.
  [['v1beta1'], ['v1beta1'], ['v1beta1', 'v1'], 'notice 1 CRD stores objects in older versions too'],
  [['v1beta1', 'v1'], ['v1'], ['v1'], ''],
])('a CRD of -f over the cluster: %j, stored %j, becomes %j', async (versions, stored, next, expected) => {
  const cluster = dumpSource(dumpOf({ objects: [crd(versions, stored)], absent: [], whole: true, serverVersion: 'v1.30.4' }));
  const source = await overCluster(cluster, [{ object: crd(next), file: 'crd.yaml', document: 1, line: 1 }], 'default');
  const { results, remedies } = await examine(source, SYSTEMS, { checks: ['kubernetes/crd-stored-versions'] });
  const [said] = results.flatMap(({ findings }) => findings.map(({ severity, message }) => `${severity} ${message.en}`));
  expect(said ?? '').toMatch(new RegExp(`^${expected}${expected ? '' : '$'}`));
  // What a file drops no step can put right: the CRD in the cluster is migrated first.
  if (expected.startsWith('blocker')) expect(remedies).toEqual([]);
});

describe('what undo leaves of a rewrite', () => {
  const noteOf = async (change: (crd: Raw) => void) => {
    const object = structuredClone(found);
    change(object);
    const source = dumpSource(dumpOf({ objects: [object], absent: [], whole: true, serverVersion: 'v1.30.4' }));
    const { remedies } = await examine(source, SYSTEMS, { checks: ['kubernetes/crd-stored-versions'] });
    return remedies.flatMap(({ offered }) => offered.drafts.flatMap((draft) => (draft.do === 'migrate' ? [draft.undoNote!] : [])));
  };
  const found = parseAllDocuments(
    readFileSync(new URL('../../fixtures/kubernetes/crd-stored-versions/found.yaml', import.meta.url), 'utf8'),
  )
    .map((each) => each.toJS() as Raw)
    .find((each) => (each.metadata as Raw).name === 'tools.example.com')!;
  const versions = (crd: Raw) => (crd.spec as Raw).versions as Raw[];

  test('names the fields that stay lost, and how the saved values are put back', async () => {
    const [note] = await noteOf(() => {});
    expect(note!.en).toBe(
      'undo: restores storedVersions (v1beta1, v2); what stays: custom resources are stored in v2, without the values of spec.colour. To put the saved values back after undo: make v1beta1 the storage version of the CRD, remove metadata.resourceVersion from the items of tools.v1beta1.example.com.yaml, then kubectl apply -f that file',
    );
    expect(note!.zh).toContain('spec.colour 的值不再存在');
    expect(note!.zh).toContain('tools.v1beta1.example.com.yaml');
  });

  test('where the storage version has every field, says so; of a conversion webhook it says only what is known', async () => {
    const same = (crd: Raw) => {
      versions(crd)[1]!.schema = versions(crd)[0]!.schema!;
    };
    expect((await noteOf(same))[0]!.en).toMatch(/stored in v2, with every field as it is$/);
    const [note] = await noteOf((crd) => {
      (crd.spec as Raw).conversion = { strategy: 'Webhook', webhook: {} };
    });
    expect(note!.en).toMatch(/stored in v2, as the conversion webhook of the CRD returns them$/);
  });
});
