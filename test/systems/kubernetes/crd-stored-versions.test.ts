import { grid } from '../../grid.ts';

grid('kubernetes/crd-stored-versions', [
  {
    fixture: 'found',
    expect: [
      'warning CustomResourceDefinition/gadgets.example.com',
      'notice CustomResourceDefinition/widgets.example.com, CustomResourceDefinition/tools.example.com',
    ],
  },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { forbidden: ['customresourcedefinitions.apiextensions.k8s.io'], expect: 'unknown' },
]);
