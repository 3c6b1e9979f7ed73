import { grid } from '../../grid.ts';

const corefile = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'coredns', namespace: 'kube-system' } };
const found = 'ConfigMap/kube-system/coredns';

grid('kubernetes/coredns-corefile', [
  { fixture: 'found', to: 'kubernetes=1.31', expect: [`blocker ${found}`, `notice ${found}`] },
  { fixture: 'found', to: 'kubernetes=v1.30.9', expect: 'passed' },
  { fixture: 'healthy', to: 'kubernetes=1.31', expect: 'passed' },
  // Without the Deployment the version is that of kubeadm: the option is long gone there.
  {
    objects: [{ ...corefile, data: { Corefile: '. {\n  kubernetes {\n    upstream\n  }\n  bind lo\n}' } }],
    to: 'kubernetes=1.31',
    expect: 'passed',
  },
  { fixture: 'found', server: 'v1.30.4+k3s1', to: 'kubernetes=1.31', expect: 'not-applicable' },
  { objects: [corefile], to: 'kubernetes=1.31', expect: 'not-applicable' },
  { to: 'kubernetes=1.31', expect: 'not-applicable' },
  { fixture: 'healthy', to: 'kubernetes=1.31', forbidden: ['configmaps'], expect: 'unknown' },
]);
