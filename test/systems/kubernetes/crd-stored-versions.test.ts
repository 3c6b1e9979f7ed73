import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { parse } from 'yaml';
import type { Raw } from '../../../src/engine/contracts.ts';
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
