import type { Raw } from '../../../src/engine/contracts.ts';
import { grid } from '../../grid.ts';

/** A gate that 1.36 locks, given to the scheduler. */
const unlocked = (more = ''): Raw => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kubeadm-config', namespace: 'kube-system' } },
  data: {
    ClusterConfiguration: `apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
scheduler:
  extraArgs:
  - {name: feature-gates, value: ImageVolume=false}
${more}`,
  },
});

/** With a flag of etcd, in the form of a map. */
const clusterConfiguration = (line: string): Raw => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'kubeadm-config', namespace: 'kube-system', annotations: { 'test/case': line.trim() } },
  data: {
    ClusterConfiguration: [
      'apiVersion: kubeadm.k8s.io/v1beta4',
      'kind: ClusterConfiguration',
      'etcd:',
      '  local:',
      line,
      '    extraArgs: {enable-v2: "true"}',
      '',
    ].join('\n'),
  },
});
const BLOCKED = 'blocker ConfigMap/kube-system/kubeadm-config';

grid('kubernetes/kubeadm-config', [
  { fixture: 'found', expect: ['blocker ConfigMap/kube-system/kubeadm-config', 'blocker ConfigMap/kube-system/kubeadm-config'] },
  { fixture: 'found', to: 'kubernetes=v1.30.9', expect: 'passed' },
  { fixture: 'old-version', to: 'kubernetes=1.37', expect: 'blocker ConfigMap/kube-system/kubeadm-config' },
  // kubeadm 1.36 writes the ConfigMap back in a version that 1.37 has.
  { fixture: 'old-version', server: 'v1.35.2', to: 'kubernetes=1.37', expect: 'passed' },
  { fixture: 'healthy', expect: 'passed' },
  // A gate that goes at a later hop.
  { fixture: 'healthy', to: 'kubernetes=1.33', expect: 'blocker ConfigMap/kube-system/kubeadm-config' },
  // A version that the next kubeadm does not have yet; what is gone already, or goes with it.
  { fixture: 'gone', to: 'kubernetes=1.25', expect: Array(4).fill(BLOCKED) },
  { fixture: 'gone-map', to: 'kubernetes=1.25', expect: Array(3).fill(BLOCKED) },
  { objects: [unlocked()], server: 'v1.35.4', to: 'kubernetes=1.37', expect: BLOCKED },
  {
    objects: [unlocked('  - {name: emulated-version, value: "1.35"}')],
    server: 'v1.35.4',
    to: 'kubernetes=1.37',
    expect: BLOCKED.replace('blocker', 'warning'),
  },
  // What the etcd of a later hop no longer has, whatever is installed.
  { fixture: 'found-etcd', expect: BLOCKED },
  { fixture: 'found-etcd', to: 'kubernetes=1.37', expect: [BLOCKED, BLOCKED] },
  { fixture: 'found-etcd', server: 'v1.34.2', to: 'kubernetes=1.35', expect: BLOCKED },
  { fixture: 'found-etcd', server: 'v1.32.9', to: 'kubernetes=1.33', expect: 'passed' },
  { objects: [clusterConfiguration('    imageTag: 3.5.24-0')], server: 'v1.33.5', to: 'kubernetes=1.37', expect: 'passed' },
  { objects: [clusterConfiguration('    dataDir: /var/lib/etcd')], server: 'v1.33.5', to: 'kubernetes=1.37', expect: BLOCKED },
  { fixture: 'odd', expect: 'unknown' },
  { expect: 'not-applicable' },
  { fixture: 'healthy', forbidden: ['configmaps'], expect: 'unknown' },
]);
