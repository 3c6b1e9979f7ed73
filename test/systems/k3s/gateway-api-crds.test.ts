import { grid } from '../../grid.ts';

const crd = (plural: string) => `CustomResourceDefinition/${plural}.gateway.networking.k8s.io`;
const to = 'k3s=v1.37.1+k3s1';

grid('k3s/gateway-api-crds', [
  {
    ...{ fixture: 'found', to },
    expect: [`warning ${crd('tcproutes')}`, `warning ${crd('gateways')}`, `notice ${crd('httproutes')}`, `warning ${crd('grpcroutes')}`],
  },
  { fixture: 'healthy', to, expect: 'passed' },
  { fixture: 'found', to: 'k3s=v1.36.3+k3s1', expect: 'passed' },
  { fixture: 'healthy', to, forbidden: ['customresourcedefinitions.apiextensions.k8s.io'], expect: 'unknown' },
]);
