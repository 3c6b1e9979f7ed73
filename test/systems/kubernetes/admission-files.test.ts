import { grid } from '../../grid.ts';

const apiServer = 'notice Pod/kube-system/kube-apiserver-cp1';

grid('kubernetes/admission-files', [
  { fixture: 'found', to: 'kubernetes=1.31', expect: apiServer },
  // Two flags, and of the webhook's file the version that 1.36 drops and the kubeconfigs that it names.
  { fixture: 'found', to: 'kubernetes=1.36', expect: [apiServer, apiServer, apiServer, apiServer] },
  { fixture: 'found', to: 'kubernetes=v1.30.9', expect: 'passed' },
  { fixture: 'healthy', to: 'kubernetes=1.31', expect: 'passed' },
  // What 1.24 drops is read by kubectl, of which no flag of a component names the file.
  { server: 'v1.23.17', to: 'kubernetes=1.24', expect: 'passed' },
  { base: 'managed', to: 'kubernetes=1.31', expect: 'unknown' },
  { base: 'managed', fixture: 'aks', to: 'kubernetes=1.31', expect: 'not-applicable' },
  { base: 'managed', server: 'v1.30.4-eks-a737599', to: 'kubernetes=1.31', expect: 'not-applicable' },
  { forbidden: ['pods'], to: 'kubernetes=1.31', expect: 'unknown' },
]);
