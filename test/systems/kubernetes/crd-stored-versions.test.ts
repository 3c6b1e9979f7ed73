import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
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
  { fixture: 'migratable', expect: WIDGETS, steps: [] },
  // A StorageVersionMigration is not taken for proof, whatever it says.
  { fixture: 'migratable', objects: [migration('Succeeded')], expect: WIDGETS },
  { fixture: 'migratable', objects: [migration('Failed')], expect: WIDGETS },
  // One that failed has trimmed the list all the same; with a single version there is nothing else that objects could be stored in.
  {
    fixture: 'found-trimmed',
    expect: 'warning CustomResourceDefinition/parts.example.com',
    steps: ['kubectl get storageversionmigrations.storagemigration.k8s.io -o yaml', expect.stringContaining('"resource": "parts"')],
  },
  { objects: [setBy('migration-runner-controller')], expect: 'warning CustomResourceDefinition/parts.example.com' },
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
