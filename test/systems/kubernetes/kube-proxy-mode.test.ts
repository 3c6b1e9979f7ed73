import { grid } from '../../grid.ts';

const eks = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'kube-proxy-config', namespace: 'kube-system' },
  data: { config: 'kind: KubeProxyConfiguration\nmode: ipvs\n' },
};
const daemons = (...command: string[]) => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'kube-proxy', namespace: 'kube-system' },
  spec: { template: { spec: { containers: [{ name: 'kube-proxy', command: ['kube-proxy', ...command] }] } } },
});

grid('kubernetes/kube-proxy-mode', [
  { fixture: 'found', to: 'kubernetes=1.35', expect: 'notice ConfigMap/kube-system/kube-proxy' },
  { fixture: 'found', to: 'kubernetes=v1.34.9', expect: 'passed' },
  { fixture: 'none', to: 'kubernetes=1.37', expect: 'notice ConfigMap/kube-system/kube-proxy' },
  { fixture: 'none', server: 'v1.34.3', to: 'kubernetes=1.35', expect: 'passed' },
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
  {
    base: 'managed',
    server: 'v1.34.4',
    objects: [eks, daemons('--config=/x', '--proxy-mode=iptables')],
    to: 'kubernetes=1.35',
    expect: 'notice ConfigMap/kube-system/kube-proxy-config',
  },
  { base: 'managed', expect: 'not-applicable' },
  { forbidden: ['configmaps'], expect: 'unknown' },
]);
