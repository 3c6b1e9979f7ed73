import { grid } from '../../grid.ts';

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
  { fixture: 'migratable', expect: 'notice CustomResourceDefinition/widgets.example.com', steps: [] },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { forbidden: ['customresourcedefinitions.apiextensions.k8s.io'], expect: 'unknown' },
]);
