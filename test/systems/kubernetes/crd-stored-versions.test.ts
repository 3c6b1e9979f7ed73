import { grid } from '../../grid.ts';

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
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { forbidden: ['customresourcedefinitions.apiextensions.k8s.io'], expect: 'unknown' },
]);
