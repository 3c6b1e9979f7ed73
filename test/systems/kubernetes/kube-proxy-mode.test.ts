import { grid } from '../../grid.ts';

const eks = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'kube-proxy-config', namespace: 'kube-system' },
  data: { config: 'kind: KubeProxyConfiguration\nmode: ipvs\n' },
};
const kubeadm = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'kubeadm-config', namespace: 'kube-system' },
  data: { ClusterConfiguration: 'apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n' },
};
const daemons = (...command: string[]) => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'kube-proxy', namespace: 'kube-system' },
  spec: { template: { spec: { containers: [{ name: 'kube-proxy', command: ['kube-proxy', ...command] }] } } },
});

const k3s = (...words: string[]) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 's1', annotations: { 'k3s.io/node-args': JSON.stringify(words) } },
  status: { nodeInfo: { kubeletVersion: 'v1.34.4+k3s1' } },
});

grid('kubernetes/kube-proxy-mode', [
  { fixture: 'found', to: 'kubernetes=1.35', expect: 'notice ConfigMap/kube-system/kube-proxy' },
  { fixture: 'found', to: 'kubernetes=v1.34.9', expect: 'passed' },
  // Deprecated already: nothing changes on the way.
  { fixture: 'found', server: 'v1.35.2', to: 'kubernetes=1.36', expect: 'passed' },
  { fixture: 'found-none', to: 'kubernetes=1.37', expect: 'notice ConfigMap/kube-system/kube-proxy', says: ['kube-proxy has no mode'] },
  // kubeadm 1.37 sets it.
  { fixture: 'found-none', to: 'kubernetes=1.37', objects: [kubeadm], expect: 'passed' },
  { fixture: 'found', to: 'kubernetes=1.35', objects: [kubeadm], expect: 'notice ConfigMap/kube-system/kube-proxy' },
  { fixture: 'found-none', server: 'v1.34.3', to: 'kubernetes=1.35', expect: 'passed' },
  { fixture: 'found-userspace', to: 'kubernetes=1.26', expect: 'blocker ConfigMap/kube-system/kube-proxy' },
  { fixture: 'found-userspace', server: 'v1.24.17', to: 'kubernetes=1.37', expect: 'blocker ConfigMap/kube-system/kube-proxy' },
  // A kube-proxy that was left at 1.25.
  { fixture: 'found-userspace', server: 'v1.27.3', to: 'kubernetes=1.28', expect: 'blocker ConfigMap/kube-system/kube-proxy' },
  { fixture: 'found-userspace', server: 'v1.24.17', to: 'kubernetes=1.25', expect: 'passed' },
  { fixture: 'odd', expect: 'unknown' },
  { fixture: 'healthy', expect: 'passed' },
  {
    base: 'managed',
    server: 'v1.34.4-eks-a737599',
    objects: [eks],
    to: 'kubernetes=1.35',
    expect: 'notice ConfigMap/kube-system/kube-proxy-config',
  },
  {
    base: 'managed',
    server: 'v1.34.4',
    objects: [daemons('--proxy-mode=ipvs')],
    to: 'kubernetes=1.35',
    expect: 'notice DaemonSet/kube-system/kube-proxy',
  },
  // Without --config no file of configuration is read.
  { fixture: 'found', to: 'kubernetes=1.35', objects: [daemons('--proxy-mode=iptables')], expect: 'passed' },
  {
    base: 'managed',
    server: 'v1.34.4',
    objects: [eks, daemons('--config=/x', '--proxy-mode=iptables')],
    to: 'kubernetes=1.35',
    expect: 'notice ConfigMap/kube-system/kube-proxy-config',
  },
  { base: 'managed', expect: 'not-applicable' },
  // K3s hands its mode over in its own process, iptables by default, and notes its arguments on each Node.
  {
    base: 'managed',
    server: 'v1.34.4+k3s1',
    objects: [k3s('server', '--kube-proxy-arg=proxy-mode=ipvs')],
    to: 'kubernetes=1.35',
    expect: 'notice Node/s1',
  },
  { base: 'managed', server: 'v1.34.4+k3s1', objects: [k3s('server')], to: 'kubernetes=1.35', expect: 'passed' },
  { base: 'managed', server: 'v1.34.4+k3s1', to: 'kubernetes=1.35', expect: 'unknown' },
  { forbidden: ['configmaps'], expect: 'unknown' },
]);
