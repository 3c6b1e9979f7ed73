import type { Raw } from '../../../src/engine/contracts.ts';
import { grid } from '../../grid.ts';

interface Etcd {
  image?: string;
  byKubeadm?: true;
}
const etcd = (command: string[], { image = '3.6.11-0', byKubeadm }: Etcd = {}): Raw => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'etcd-cp1',
    namespace: 'kube-system',
    labels: { component: 'etcd', tier: 'control-plane' },
    ...(byKubeadm ? { annotations: { 'kubeadm.kubernetes.io/etcd.advertise-client-urls': 'https://10.0.0.11:2379' } } : {}),
  },
  spec: { nodeName: 'cp1', containers: [{ name: 'etcd', image: `registry.k8s.io/etcd:${image}`, command: ['etcd'], args: command }] },
});
const config: Raw = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'kubeadm-config', namespace: 'kube-system' },
  data: { ClusterConfiguration: 'apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n' },
};
const TO_37 = { server: 'v1.36.4', to: 'kubernetes=1.37' };
const WARNED = 'warning Pod/kube-system/etcd-cp1';

grid('kubernetes/etcd-upgrade-path', [
  { fixture: 'found', expect: 'blocker Pod/kube-system/etcd-cp1, Pod/kube-system/etcd-cp2' },
  { fixture: 'found', to: 'kubernetes=v1.33.9', expect: 'passed' },
  { fixture: 'advised', expect: 'warning Pod/kube-system/etcd-cp1' },
  { fixture: 'skips', expect: 'blocker Pod/kube-system/etcd-cp1' },
  { fixture: 'healthy', expect: 'passed' },
  // What 1.36 brings is below the floor of what 1.37 brings.
  {
    fixture: 'healthy',
    to: 'kubernetes=1.37',
    expect: ['blocker Pod/kube-system/etcd-cp1, Pod/kube-system/etcd-cp2, Pod/kube-system/etcd-cp3', 'warning Pod/kube-system/etcd-cp3'],
  },
  { fixture: 'found-flags', expect: 'warning Pod/kube-system/etcd-kept-cp1' },
  { fixture: 'found-flags', to: 'kubernetes=v1.33.9', expect: 'passed' },
  // The flag that etcd 3.6 still has is gone in 3.7, which comes with 1.37.
  {
    fixture: 'found-flags',
    to: 'kubernetes=1.37',
    expect: ['warning Pod/kube-system/etcd-kept-cp1', 'blocker Pod/kube-system/etcd-kept-cp1', 'warning Pod/kube-system/etcd-kept-cp1'],
  },
  { fixture: 'found-image', expect: 'blocker Pod/kube-system/etcd-next-cp1' },
  { fixture: 'unknown-script', expect: 'unknown' },
  { fixture: 'unknown-script', to: 'kubernetes=v1.33.9', expect: 'passed' },
  { objects: [etcd(['--experimental-memory-mlock'])], ...TO_37, expect: WARNED },
  { objects: [etcd(['--experimental-watch-progress-notify-interval=5s'])], ...TO_37, expect: WARNED },
  { objects: [etcd(['--watch-progress-notify-interval=5s', '--discovery-srv=example.com'])], ...TO_37, expect: 'passed' },
  // kubeadm writes its manifest again; without its configuration only what it does not write itself counts.
  { objects: [etcd(['--experimental-memory-mlock'], { byKubeadm: true }), config], ...TO_37, expect: 'passed' },
  { objects: [etcd(['--experimental-memory-mlock'], { byKubeadm: true })], ...TO_37, expect: WARNED },
  { objects: [etcd(['--experimental-initial-corrupt-check=true'], { byKubeadm: true })], ...TO_37, expect: 'passed' },
  // No etcd is seen: that matters only where its minor changes.
  { base: 'managed', fixture: 'aks', expect: 'not-applicable' },
  { expect: 'passed' },
  { server: 'v1.33.5', expect: 'unknown' },
  { server: 'v1.33.5-gke.1104000', expect: 'not-applicable' },
  { forbidden: ['pods'], expect: 'unknown' },
]);
