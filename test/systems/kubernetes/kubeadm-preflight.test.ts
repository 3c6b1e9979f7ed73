import type { Raw } from '../../../src/engine/contracts.ts';
import { grid } from '../../grid.ts';

const node = (name: string, spec: Raw, ready = 'True'): Raw => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, annotations: { 'test/case': JSON.stringify([name, spec, ready]) } },
  spec,
  status: { conditions: [{ type: 'Ready', status: ready }] },
});
const CORDONED = { unschedulable: true, taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] };
const BOTH = 'warning Node/cp1, Node/w1';

grid('kubernetes/kubeadm-preflight', [
  { fixture: 'found', expect: BOTH },
  // Within the minor too; kubeadm before 1.30 does not stop.
  { fixture: 'found', to: 'kubernetes=v1.30.9', expect: BOTH },
  { fixture: 'found', server: 'v1.28.4', to: 'kubernetes=1.29', expect: 'passed' },
  { fixture: 'found', server: 'v1.28.4', to: 'kubernetes=1.30', expect: BOTH },
  { fixture: 'found', server: 'v1.35.2', to: 'kubernetes=1.36', expect: BOTH },
  // One that is cordoned helps only when it is uncordoned.
  { fixture: 'found', objects: [node('cp1', CORDONED)], expect: 'warning Node/w1' },
  { fixture: 'found', objects: [node('w1', {}, 'Unknown')], expect: BOTH },
  { fixture: 'found', objects: [node('w1', {})], expect: 'passed' },
  { fixture: 'found', objects: [node('w1', { taints: [{ key: 'busy', effect: 'PreferNoSchedule' }] })], expect: 'passed' },
  // Where all are, kubeadm leaves the test out; 1.30.0 does not.
  { fixture: 'found-cordoned', expect: 'passed' },
  { fixture: 'found-cordoned', server: 'v1.29.4', to: 'kubernetes=v1.30.0', expect: BOTH },
  { fixture: 'found-cordoned', server: 'v1.29.4', to: 'kubernetes=v1.30.1', expect: 'passed' },
  { fixture: 'healthy', expect: 'passed' },
  // Not by kubeadm.
  { expect: 'not-applicable' },
  { base: 'managed', server: 'v1.30.4-eks-a737599', expect: 'not-applicable' },
  {
    base: 'managed',
    objects: [{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'aks-1', labels: { 'kubernetes.azure.com/cluster': 'MC_prod' } } }],
    expect: 'not-applicable',
  },
  { fixture: 'found', forbidden: ['configmaps'], expect: 'unknown' },
]);
