import { grid } from '../../grid.ts';

grid('kubernetes/stale-managed-fields', [
  {
    fixture: 'found',
    expect: 'warning Issuer/shop/old',
    steps: ['Issuer/shop/old /metadata/managedFields/0/apiVersion: cert-manager.io/v1alpha2 → cert-manager.io/v1'],
  },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'healthy', forbidden: ['issuers.cert-manager.io'], expect: 'unknown' },
  { forbidden: ['customresourcedefinitions.apiextensions.k8s.io'], expect: 'unknown' },
]);
