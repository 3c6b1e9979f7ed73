import { grid } from '../../grid.ts';

const CRD = 'CustomResourceDefinition/network-attachment-definitions.k8s.cni.cncf.io';
const command = (version: string) =>
  `helm upgrade spiderpool spiderpool --repo=https://spidernet-io.github.io/spiderpool --version=${version} -n kube-system --reset-then-reuse-values --set multus.multusCNI.install=false`;
const adopted = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: 'network-attachment-definitions.k8s.cni.cncf.io',
    annotations: { 'meta.helm.sh/release-name': 'spiderpool', 'meta.helm.sh/release-namespace': 'kube-system' },
  },
};

grid('spiderpool/other-multus', [
  { fixture: 'found', to: 'spiderpool=0.6.1', expect: `blocker ${CRD}`, steps: [command('0.6.1')] },
  // Adopted by the release, as helm asks for in its error: the other Multus is still there.
  {
    fixture: 'found',
    objects: [adopted],
    to: 'spiderpool=0.6.1',
    expect: `warning ${CRD}`,
  },
  { fixture: 'found', to: 'spiderpool=1.2.2', expect: `warning ${CRD}`, steps: [command('1.2.2')] },
  { fixture: 'healthy', to: 'spiderpool=0.6.1', expect: 'passed' },
  { fixture: 'found', to: 'spiderpool=0.6.1', intent: { given: { multus: { multusCNI: { install: false } } } }, expect: 'passed' },
  { fixture: 'found', to: 'spiderpool=0.5.2', expect: 'not-applicable' },
  { to: 'spiderpool=1.2.2', expect: 'not-applicable' },
  { fixture: 'found', to: 'spiderpool=0.6.1', forbidden: ['secrets'], expect: 'unknown' },
]);
