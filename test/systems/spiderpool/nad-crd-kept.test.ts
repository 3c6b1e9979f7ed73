import { grid } from '../../grid.ts';

const CRD = 'CustomResourceDefinition/network-attachment-definitions.k8s.cni.cncf.io';

grid('spiderpool/nad-crd-kept', [
  {
    fixture: 'found',
    to: 'spiderpool=0.9.13',
    expect: `blocker ${CRD}`,
    steps: [`${CRD} /metadata/annotations/helm.sh~1resource-policy: ∅ → keep`],
  },
  { fixture: 'found', to: 'spiderpool=0.7.3', expect: 'not-applicable' },
  { fixture: 'found', to: 'spiderpool=0.9.13', forbidden: ['network-attachment-definitions.k8s.cni.cncf.io'], expect: `blocker ${CRD}` },
  { fixture: 'foreign', to: 'spiderpool=0.9.13', expect: 'passed' },
  { fixture: 'healthy', to: 'spiderpool=0.9.13', expect: 'passed' },
  { to: 'spiderpool=0.9.13', expect: 'not-applicable' },
  { fixture: 'healthy', to: 'spiderpool=0.9.13', forbidden: ['customresourcedefinitions.apiextensions.k8s.io'], expect: 'unknown' },
]);
