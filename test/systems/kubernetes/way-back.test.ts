// The way back: what stands against a return from a newer minor; before an upgrade the same is foretold, and stops nothing.
import type { Raw } from '../../../src/engine/contracts.ts';
import { fields } from '../../../src/systems/kubernetes/knowledge/tables.ts';
import { grid } from '../../grid.ts';

const policy = (kind: string, group: string, name = 'one'): Raw => ({ apiVersion: `${group}/v1`, kind, metadata: { name }, spec: {} });
const [serviceCidr, vap] = [
  policy('ServiceCIDR', 'networking.k8s.io'),
  policy('ValidatingAdmissionPolicy', 'admissionregistration.k8s.io'),
];

grid('kubernetes/way-back-apis', [
  { fixture: 'found', backTo: 'kubernetes=1.29', expect: 'warning ValidatingAdmissionPolicy/no-latest' },
  { fixture: 'healthy', backTo: 'kubernetes=1.29', expect: 'passed' },
  { fixture: 'found-written', backTo: 'kubernetes=1.28', expect: 'warning FlowSchema/shop' },
  { fixture: 'found-written', server: 'v1.30.4', backTo: 'kubernetes=1.29', expect: 'passed' },
  { fixture: 'found', backTo: 'kubernetes=v1.30.1', expect: 'passed' },
  // 1.30 has it already.
  { fixture: 'found', server: 'v1.31.4', backTo: 'kubernetes=1.30', expect: 'passed' },
  { objects: [serviceCidr], server: 'v1.33.4', backTo: 'kubernetes=1.32', expect: 'warning ServiceCIDR/one' },
  // Every API server makes this one.
  { objects: [policy('ServiceCIDR', 'networking.k8s.io', 'kubernetes')], server: 'v1.33.4', backTo: 'kubernetes=1.32', expect: 'passed' },
  // 1.31 wrote flowcontrol v1, and 1.28 reads v1beta3 at most.
  {
    objects: [policy('FlowSchema', 'flowcontrol.apiserver.k8s.io')],
    server: 'v1.31.4',
    backTo: 'kubernetes=1.28',
    expect: ['blocker ', 'blocker FlowSchema/one'],
  },
  { objects: [vap], server: 'v1.30.4', to: 'kubernetes=1.31', expect: 'not-applicable' },
  { forbidden: ['validatingadmissionpolicies.admissionregistration.k8s.io'], backTo: 'kubernetes=1.29', expect: 'unknown' },
]);

const nodeOf = (kubeletVersion: string, labels = {}): Raw => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'w2', labels },
  status: { nodeInfo: { kubeletVersion } },
});
const proxyOf = (tag: string): Raw => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'kube-proxy', namespace: 'kube-system' },
  spec: { template: { spec: { containers: [{ name: 'kube-proxy', image: `registry.example.com/kube-proxy:${tag}` }] } } },
});

/** An object in which every field of the table is set; what is a list in it is a map here, which is read alike. */
function whole(apiVersion: string, kind: string, of = kind, below: string[] = []): Raw {
  const object: Raw = { apiVersion, kind, metadata: { name: 'whole', namespace: 'default' } };
  for (const { field } of fields().fields.filter((row) => row.kind === of)) {
    let at: Raw = object;
    const path = [...below, ...field.split('.')];
    for (const key of path) {
      at[key] ??= {};
      at = at[key] as Raw;
    }
    at.set = 'yes';
  }
  return object;
}
const WHOLE = [
  whole('apps/v1', 'Deployment', 'Pod', ['spec', 'template']),
  { ...whole('apps/v1', 'StatefulSet'), metadata: { name: 'whole', namespace: 'default' } },
  whole('batch/v1', 'CronJob', 'Pod', ['spec', 'jobTemplate', 'spec', 'template']),
  { ...whole('batch/v1', 'CronJob'), metadata: { name: 'own', namespace: 'default' } },
  whole('v1', 'PersistentVolumeClaim'),
  whole('v1', 'PersistentVolume'),
  whole('v1', 'Service'),
  whole('autoscaling/v2', 'HorizontalPodAutoscaler'),
  whole('policy/v1', 'PodDisruptionBudget'),
  whole('storage.k8s.io/v1', 'CSIDriver'),
  whole('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration'),
  whole('admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration'),
];

grid('kubernetes/way-back-fields', [
  { objects: WHOLE, backTo: 'kubernetes=v1.30.1', expect: 'passed' },
  {
    fixture: 'found',
    backTo: 'kubernetes=1.29',
    expect: [
      'warning Deployment/default/shop',
      'warning Deployment/default/shop',
      'warning Service/default/shop',
      'warning CronJob/default/report',
    ],
  },
  { fixture: 'healthy', backTo: 'kubernetes=1.29', expect: 'passed' },
  { fixture: 'healthy', server: 'v1.29.4', backTo: 'kubernetes=1.28', expect: 'warning Deployment/default/shop' },
  { fixture: 'found', to: 'kubernetes=1.31', expect: 'not-applicable' },
  { backTo: 'kubernetes=1.29', forbidden: ['services'], expect: 'unknown' },
]);

grid('kubernetes/way-back-etcd', [
  {
    fixture: 'found',
    backTo: 'kubernetes=1.33',
    expect: 'blocker Pod/kube-system/etcd-cp1',
    says: ['does not start on the data of etcd', 'the way back is to restore the backup'],
  },
  { fixture: 'healthy', backTo: 'kubernetes=1.33', expect: 'passed' },
  // Foretold: it stops no upgrade.
  {
    fixture: 'healthy',
    server: 'v1.33.4',
    to: 'kubernetes=1.34',
    expect: 'warning Pod/kube-system/etcd-cp1',
    says: ['the upgrade installs etcd 3.6'],
  },
  // On a longer way the minor that brings the newer etcd, not the first.
  {
    fixture: 'healthy',
    server: 'v1.31.4',
    to: 'kubernetes=1.36',
    expect: 'warning Pod/kube-system/etcd-cp1',
    says: ['the upgrade installs etcd 3.6', 'at 1.34'],
  },
  { fixture: 'found', server: 'v1.35.1', backTo: 'kubernetes=1.34', expect: 'passed' },
  { server: 'v1.34.4', backTo: 'kubernetes=1.33', expect: 'unknown' },
  { fixture: 'mixed', backTo: 'kubernetes=1.33', expect: 'passed' },
  { base: 'managed', fixture: 'aks', server: 'v1.34.4', backTo: 'kubernetes=1.33', expect: 'not-applicable' },
  { base: 'managed', server: 'v1.34.4-eks-a737599', backTo: 'kubernetes=1.33', expect: 'not-applicable' },
]);

grid('kubernetes/way-back-kubelets', [
  // Of a pre-release nothing is passed.
  { server: 'v1.38.0', backTo: 'kubernetes=1.37', expect: 'unknown' },
  { fixture: 'found', backTo: 'kubernetes=1.30', expect: 'blocker Node/w1' },
  { fixture: 'healthy', backTo: 'kubernetes=1.30', expect: 'passed' },
  // A Node that says no version.
  { fixture: 'healthy', objects: [nodeOf('')], backTo: 'kubernetes=1.30', expect: 'unknown' },
  { to: 'kubernetes=1.31', expect: 'not-applicable' },
]);

grid('kubernetes/way-back-components', [
  {
    fixture: 'found',
    backTo: 'kubernetes=1.30',
    expect: ['warning Pod/kube-system/kube-scheduler-cp1', 'blocker DaemonSet/kube-system/kube-proxy'],
  },
  { fixture: 'healthy', backTo: 'kubernetes=1.30', expect: 'passed' },
  { fixture: 'found-two-servers', backTo: 'kubernetes=1.30', expect: 'blocker Pod/kube-system/kube-apiserver-cp2' },
  { fixture: 'healthy', to: 'kubernetes=1.32', expect: 'not-applicable' },
  // Of what the provider runs nothing is seen; kube-proxy is.
  { base: 'managed', server: 'v1.31.4-eks-a737599', backTo: 'kubernetes=1.30', expect: 'not-applicable' },
  {
    base: 'managed',
    objects: [nodeOf('v1.30.4', { 'kubernetes.azure.com/cluster': 'x' })],
    server: 'v1.31.4',
    backTo: 'kubernetes=1.30',
    expect: 'not-applicable',
  },
  {
    base: 'managed',
    objects: [proxyOf('v1.31.2-eksbuild.2')],
    server: 'v1.31.4-eks-a737599',
    backTo: 'kubernetes=1.30',
    expect: 'warning DaemonSet/kube-system/kube-proxy',
  },
  { base: 'managed', server: 'v1.31.4', backTo: 'kubernetes=1.30', expect: 'unknown' },
  { fixture: 'healthy', objects: [proxyOf('sha-only')], backTo: 'kubernetes=1.30', expect: 'unknown' },
  { fixture: 'healthy', forbidden: ['daemonsets.apps'], backTo: 'kubernetes=1.30', expect: 'unknown' },
]);

const plugins = (...names: string[]): Raw => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: { name: 'kube-apiserver-cp1', namespace: 'kube-system', labels: { component: 'kube-apiserver', tier: 'control-plane' } },
  spec: {
    nodeName: 'cp1',
    containers: [{ name: 'kube-apiserver', image: 'i:v1.33.4', command: ['kube-apiserver', `--enable-admission-plugins=${names}`] }],
  },
  status: { phase: 'Running' },
});

grid('kubernetes/way-back-flags', [
  {
    objects: [plugins('NodeRestriction', 'PodTopologyLabels')],
    server: 'v1.33.4',
    backTo: 'kubernetes=1.32',
    expect: 'blocker Pod/kube-system/kube-apiserver-cp1',
    says: ['has admission plugin PodTopologyLabels, new in 1.33', 'admission-plugins: PodTopologyLabels'],
  },
  { objects: [plugins('NodeRestriction')], server: 'v1.33.4', backTo: 'kubernetes=1.32', expect: 'passed' },
  {
    fixture: 'found',
    backTo: 'kubernetes=1.30',
    expect: [
      'blocker Pod/kube-system/kube-apiserver-cp1',
      'blocker Pod/kube-system/kube-apiserver-cp1',
      'blocker ConfigMap/kube-system/kubelet-config',
    ],
  },
  { fixture: 'healthy', backTo: 'kubernetes=1.30', expect: 'passed' },
  { fixture: 'healthy', to: 'kubernetes=1.32', expect: 'not-applicable' },
  { base: 'managed', fixture: 'aks', server: 'v1.31.4', backTo: 'kubernetes=1.30', expect: 'not-applicable' },
  { base: 'managed', server: 'v1.31.4', backTo: 'kubernetes=1.30', expect: 'unknown', says: ['-f /etc/kubernetes/manifests{again}'] },
]);
