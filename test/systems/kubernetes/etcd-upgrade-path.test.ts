import { grid } from '../../grid.ts';

const kept = (...command: string[]) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'etcd-cp1', namespace: 'kube-system', labels: { component: 'etcd', tier: 'control-plane' } },
  spec: { nodeName: 'cp1', containers: [{ name: 'etcd', image: 'registry.k8s.io/etcd:3.6.11-0', command: ['etcd'], args: command }] },
});

grid('kubernetes/etcd-upgrade-path', [
  { fixture: 'found', expect: 'blocker Pod/kube-system/etcd-cp1, Pod/kube-system/etcd-cp2' },
  { fixture: 'found', to: 'kubernetes=v1.33.9', expect: 'passed' },
  { fixture: 'advised', expect: 'warning Pod/kube-system/etcd-cp1' },
  { fixture: 'skips', expect: 'blocker Pod/kube-system/etcd-cp1' },
  { fixture: 'healthy', expect: 'passed' },
  // What 1.36 brings is below the floor of what 1.37 brings.
  { fixture: 'healthy', to: 'kubernetes=1.37', expect: 'blocker Pod/kube-system/etcd-cp1' },
  // A manifest that someone keeps; kubeadm writes its own flags again.
  {
    objects: [kept('--experimental-max-learners=2')],
    server: 'v1.36.4',
    to: 'kubernetes=1.37',
    expect: 'blocker Pod/kube-system/etcd-cp1',
  },
  { objects: [kept('--experimental-watch-progress-notify-interval=5s')], server: 'v1.36.4', to: 'kubernetes=1.37', expect: 'passed' },
  // No etcd is seen: that matters only where its minor changes.
  { base: 'managed', fixture: 'aks', expect: 'not-applicable' },
  { expect: 'passed' },
  { server: 'v1.33.5', expect: 'unknown' },
  { server: 'v1.33.5-gke.1104000', expect: 'not-applicable' },
  { forbidden: ['pods'], expect: 'unknown' },
]);
