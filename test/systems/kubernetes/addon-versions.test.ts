import { grid } from '../../grid.ts';

const config = (lines = '') => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'kubeadm-config', namespace: 'kube-system' },
  data: { ClusterConfiguration: `kind: ClusterConfiguration\n${lines}` },
});
const coredns = (image: string) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'coredns', namespace: 'kube-system' },
  spec: { template: { spec: { containers: [{ name: 'coredns', image }] } } },
});
const to = 'kubernetes=1.31';
const dns = 'Deployment/kube-system/coredns';
const pinned = 'notice ConfigMap/kube-system/kubeadm-config';

grid('kubernetes/addon-versions', [
  { fixture: 'found', to, expect: [`warning ${dns}`, pinned] },
  { fixture: 'found', to: 'kubernetes=v1.30.9', expect: 'passed' },
  { fixture: 'healthy', to, expect: 'passed' },
  // Never in the list of the migration, below its newest.
  { objects: [config(), coredns('coredns/coredns:1.8.1')], to, expect: `warning ${dns}` },
  { objects: [config(), coredns('coredns/coredns:v1.6.2-100')], to, expect: `warning ${dns}` },
  // The first hop alone; what is newer than the table may be known to its kubeadm.
  { objects: [config(), coredns('coredns/coredns:v1.14.4')], server: 'v1.36.4', to: 'kubernetes=1.37', expect: 'passed' },
  { objects: [config(), coredns('coredns/coredns:v1.11.3@sha256:0000')], to, expect: 'passed' },
  { objects: [config('dns: {imageTag: v1.11.1}'), coredns('coredns/coredns:v1.11.1')], to, expect: pinned },
  { objects: [config('etcd: {local: {imageTag: 3.5.24-0}}')], to, expect: 'passed' },
  // kubeadm 1.31 raised the lowest external etcd, 1.32 did not.
  { objects: [config('etcd: {external: {endpoints: [https://10.0.0.9:2379]}}')], to, expect: pinned },
  {
    objects: [config('etcd: {external: {endpoints: [https://10.0.0.9:2379]}}')],
    server: 'v1.31.4',
    to: 'kubernetes=1.37',
    expect: 'passed',
  },
  { objects: [config('dns: [')], to, expect: 'unknown' },
  { objects: [coredns('coredns/coredns:v1.99.0')], to, expect: 'not-applicable' },
  { to, expect: 'not-applicable' },
  { fixture: 'healthy', to, forbidden: ['configmaps'], expect: 'unknown' },
]);
