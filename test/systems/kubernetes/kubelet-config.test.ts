import { grid } from '../../grid.ts';

/** As kubeadm 1.23 wrote it; the gate is gone in 1.24. */
const of123 = (gate: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'kubelet-config-1.23', namespace: 'kube-system' },
  data: { kubelet: `apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nfeatureGates: {${gate}: true}\n` },
});

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
  {
    server: 'v1.23.17',
    to: 'kubernetes=1.24',
    objects: [of123('ImmutableEphemeralVolumes')],
    expect: 'blocker ConfigMap/kube-system/kubelet-config-1.23',
  },
  { server: 'v1.24.17', to: 'kubernetes=1.25', objects: [of123('ImmutableEphemeralVolumes')], expect: 'not-applicable' },
  { fixture: 'odd', expect: 'unknown' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'not-applicable' },
  { fixture: 'healthy', forbidden: ['configmaps'], expect: 'unknown' },
]);
