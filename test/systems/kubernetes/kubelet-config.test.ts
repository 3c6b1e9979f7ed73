import { grid } from '../../grid.ts';

grid('kubernetes/kubelet-config', [
  { fixture: 'found', expect: ['blocker ConfigMap/kube-system/kubelet-config', 'blocker ConfigMap/kube-system/kubelet-config'] },
  { fixture: 'found', to: 'kubernetes=v1.30.9', expect: 'passed' },
  { fixture: 'values', to: 'kubernetes=1.30', expect: 'blocker ConfigMap/kube-system/kubelet-config' },
  {
    fixture: 'values',
    server: 'v1.35.1',
    to: 'kubernetes=1.37',
    expect: ['blocker ConfigMap/kube-system/kubelet-config', 'notice ConfigMap/kube-system/kubelet-config'],
  },
  { fixture: 'values', server: 'v1.31.4', to: 'kubernetes=1.32', expect: 'blocker ConfigMap/kube-system/kubelet-config' },
  { fixture: 'odd', expect: 'unknown' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'not-applicable' },
  { fixture: 'healthy', forbidden: ['configmaps'], expect: 'unknown' },
]);
