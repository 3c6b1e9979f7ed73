import type { Raw } from '../../../src/engine/contracts.ts';
import { grid } from '../../grid.ts';

/** The scheduler of installed.yaml, started by a script. */
const scripted = (...command: string[]): Raw => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: { name: 'kube-scheduler-cp1', namespace: 'kube-system', labels: { component: 'kube-scheduler', tier: 'control-plane' } },
  spec: { nodeName: 'cp1', containers: [{ name: 'kube-scheduler', image: 'registry.k8s.io/kube-scheduler:v1.30.4', command }] },
  status: { phase: 'Running' },
});

/** A flag that 1.37 does not have, of the second container; only kube-proxy's counts. */
const proxies = (first: string, second: string): Raw => ({
  ...{ apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'kube-proxy', namespace: 'kube-system' } },
  spec: {
    template: {
      spec: { containers: [{ name: first }, { name: second, command: ['/bin/it', '--boot-id-file=/proc/sys/kernel/random/boot_id'] }] },
    },
  },
});
const WITHOUT_PROXY = 'blocker Pod/kube-system/kube-apiserver-cp1';

grid('kubernetes/component-flags', [
  {
    objects: [scripted('/bin/sh', '-c', 'exec kube-scheduler --feature-gates=Gone=true >> /var/log/kube-scheduler.log')],
    expect: 'unknown',
  },
  { objects: [scripted('/go-runner', '--log-file=/var/log/kube-scheduler.log', 'kube-scheduler', '--v=2')], expect: 'passed' },
  // Locked in 1.36: it stops the upgrade, or, while the version before it is emulated, a later one. On the way within the minor too.
  ...(
    [
      [[], 'v1.35.4', 'blocker', 'at 1.36'],
      [['--emulated-version=1.35'], 'v1.35.4', 'warning', 'at no hop'],
      [['--emulated-version=1.35'], 'v1.37.2', 'warning', 'at no hop'],
    ] as const
  ).map(([more, server, severity, hop]) => ({
    objects: [scripted('kube-scheduler', '--feature-gates=ImageVolume=false', ...more)],
    base: 'managed',
    server,
    to: 'kubernetes=1.37',
    expect: [`${severity} Pod/kube-system/kube-scheduler-cp1`],
    says: [hop, 'no static Pod of kube-apiserver is visible', 'no static Pod of kube-controller-manager is visible'],
  })),
  {
    fixture: 'found',
    expect: [
      'blocker Pod/kube-system/kube-apiserver-cp1',
      'blocker Pod/kube-system/kube-apiserver-cp1, Pod/kube-system/kube-apiserver-cp2',
      'blocker Pod/kube-system/kube-scheduler-cp1',
    ],
  },
  { fixture: 'found', to: 'kubernetes=v1.30.9', expect: 'passed' },
  { fixture: 'kube-proxy', expect: 'blocker ConfigMap/kube-system/kube-proxy' },
  {
    fixture: 'kube-proxy',
    server: 'v1.36.4',
    to: 'kubernetes=1.37',
    expect: ['blocker Pod/kube-system/kube-apiserver-cp1', 'blocker DaemonSet/kube-system/kube-proxy'],
  },
  // What runs beside kube-proxy in its Pods has flags of its own.
  { objects: [proxies('kube-proxy', 'metrics')], server: 'v1.36.4', to: 'kubernetes=1.37', expect: WITHOUT_PROXY },
  {
    objects: [proxies('metrics', 'kube-proxy')],
    server: 'v1.36.4',
    to: 'kubernetes=1.37',
    expect: [WITHOUT_PROXY, 'blocker DaemonSet/kube-system/kube-proxy'],
  },
  // What the Nodes would say of a managed cluster is not needed where the static Pods are seen.
  { fixture: 'kops', forbidden: ['nodes'], expect: 'blocker Pod/kube-system/kube-scheduler-k1' },
  // What a jump meets is the sum of its hops.
  { to: 'kubernetes=1.35', expect: 'passed' },
  { to: 'kubernetes=1.37', expect: 'blocker Pod/kube-system/kube-apiserver-cp1' },
  { fixture: 'kops', expect: 'blocker Pod/kube-system/kube-scheduler-k1' },
  // Managed clusters have no static Pods; one that has none and does not say why is not cleared.
  { base: 'managed', server: 'v1.30.4-eks-a737599', expect: 'not-applicable' },
  { base: 'managed', server: 'v1.30.7-gke.1104000', expect: 'not-applicable' },
  { base: 'managed', fixture: 'aks', expect: 'not-applicable' },
  { base: 'managed', expect: 'unknown', says: ['{tool} check kubernetes -f /etc/kubernetes/manifests --offline --to kubernetes=1.31'] },
  {
    base: 'managed',
    server: 'v1.30.4+rke2r1',
    expect: 'unknown',
    says: ['{tool} check kubernetes -f /var/lib/rancher/rke2/agent/pod-manifests --offline --to kubernetes=1.31'],
  },
  { base: 'managed', fixture: 'kops', server: 'v1.30.4+rke2r1', expect: 'blocker Pod/kube-system/kube-scheduler-k1' },
  // K3s has no static Pods: it notes on each Node what it hands to the components.
  { base: 'managed', fixture: 'k3s', server: 'v1.30.4+k3s1', expect: 'blocker Node/s1' },
  { base: 'managed', fixture: 'k3s', server: 'v1.30.4+k3s1', to: 'kubernetes=v1.30.9', expect: 'passed' },
  { base: 'managed', server: 'v1.30.4+k3s1', expect: 'unknown' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'found', forbidden: ['pods'], expect: 'unknown' },
]);
