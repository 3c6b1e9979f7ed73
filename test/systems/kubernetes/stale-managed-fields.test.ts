import { grid } from '../../grid.ts';

grid('kubernetes/stale-managed-fields', [
  { fixture: 'found', expect: 'warning Issuer/shop/old' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'healthy', forbidden: ['issuers.cert-manager.io'], expect: 'unknown' },
  { forbidden: ['customresourcedefinitions.apiextensions.k8s.io'], expect: 'unknown' },
]);
