import { grid } from '../../grid.ts';

grid('spiderpool/crd-storage-version', [
  {
    fixture: 'found',
    to: 'spiderpool=0.4.1',
    expect:
      'blocker CustomResourceDefinition/spiderendpoints.spiderpool.spidernet.io, CustomResourceDefinition/spiderippools.spiderpool.spidernet.io',
  },
  { fixture: 'found', to: 'spiderpool=0.3.7', expect: 'not-applicable' },
  { fixture: 'healthy', to: 'spiderpool=0.9.13', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'found', to: 'spiderpool=0.4.1', forbidden: ['customresourcedefinitions.apiextensions.k8s.io'], expect: 'unknown' },
]);
