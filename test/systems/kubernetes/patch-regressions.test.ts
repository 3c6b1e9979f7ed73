import { describe, expect, test } from 'vitest';
import type { Raw } from '../../../src/engine/contracts.ts';
import { kubeadm, patchRegressions } from '../../../src/systems/kubernetes/knowledge/tables.ts';
import { compare, minorOf } from '../../../src/versions/kubernetes.ts';
import { grid } from '../../grid.ts';

const ROLLED = 'warning StatefulSet/ledger/ledger-db, StatefulSet/ledger/ledger-queue';
const QUEUE = 'warning StatefulSet/ledger/ledger-queue';

/** As kube-controller-manager marks it. */
const suspended: Raw = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'nightly', namespace: 'ledger' },
  spec: { suspend: true },
  status: { conditions: [{ type: 'Suspended', status: 'True' }] },
};

grid('kubernetes/patch-regressions', [
  { fixture: 'found', to: 'kubernetes=v1.34.1', expect: ROLLED },
  { fixture: 'found', to: 'kubernetes=v1.34.0', expect: ROLLED },
  { fixture: 'found', to: 'kubernetes=v1.34.2', expect: 'passed' },
  { fixture: 'found', to: 'kubernetes=v1.34.1-eks-d96d92f', expect: ROLLED },
  // A minor alone is its newest patch, and the way to a later one goes over that.
  { fixture: 'found', to: 'kubernetes=1.34', expect: 'passed' },
  { fixture: 'found', to: 'kubernetes=v1.35.4', expect: 'passed' },
  // They were rolled already.
  { fixture: 'found', server: 'v1.34.0', to: 'kubernetes=v1.34.1', expect: 'passed' },
  { fixture: 'found-parallel', to: 'kubernetes=v1.35.3', expect: QUEUE },
  { fixture: 'found-parallel', server: 'v1.35.0', to: 'kubernetes=v1.35.2', expect: QUEUE },
  { fixture: 'found-parallel', to: 'kubernetes=v1.35.4', expect: 'passed' },
  { fixture: 'found-claims', to: 'kubernetes=v1.28.2', expect: QUEUE },
  { fixture: 'found-claims', to: 'kubernetes=v1.28.3', expect: 'passed' },
  { fixture: 'found-ipvs', to: 'kubernetes=v1.34.3', expect: 'notice ConfigMap/kube-system/kube-proxy' },
  { fixture: 'found-ipvs', to: 'kubernetes=v1.34.4', expect: 'passed' },
  { fixture: 'found-ipvs', server: 'v1.34.4', to: 'kubernetes=v1.35.0', expect: 'notice ConfigMap/kube-system/kube-proxy' },
  { fixture: 'found-kubelet-config', to: 'kubernetes=v1.30.0', expect: 'warning ConfigMap/kube-system/kubelet-config' },
  { fixture: 'found-kubelet-config', to: 'kubernetes=v1.30.1', expect: 'passed' },
  { fixture: 'found-kubeadm', to: 'kubernetes=v1.35.0', expect: 'notice ConfigMap/kube-system/kubeadm-config' },
  { fixture: 'found-kubeadm', to: 'kubernetes=v1.35.1', expect: 'passed' },
  { fixture: 'found-jobs', server: 'v1.35.6', to: 'kubernetes=v1.36.1', expect: 'warning Job/ledger/training' },
  { fixture: 'found-jobs', server: 'v1.35.6', to: 'kubernetes=v1.36.2', expect: 'passed' },
  { objects: [suspended], server: 'v1.35.6', to: 'kubernetes=v1.36.1', expect: 'passed' },
  { fixture: 'healthy', to: 'kubernetes=v1.34.2', expect: 'passed' },
  // Without kubeadm, and in mode iptables, neither patch concerns anyone.
  { server: 'v1.29.4', to: 'kubernetes=v1.30.0', expect: 'passed' },
  { server: 'v1.34.4', to: 'kubernetes=v1.35.0', expect: 'passed' },
  { fixture: 'found', to: 'kubernetes=v1.34.1', forbidden: ['statefulsets.apps'], expect: 'unknown' },
]);

describe('the table', () => {
  const { regressions } = patchRegressions();
  test.each(regressions)('$id: within one minor, and mended by the newest patch that is known', ({ patches }) => {
    for (const [first, fixed] of patches) {
      expect(minorOf(first)).toBe(minorOf(fixed));
      expect(compare(first, fixed)).toBe(-1);
      const known = kubeadm().images.find(({ minor }) => minorOf(minor) === minorOf(fixed))!;
      expect(compare(fixed, known.kubeadm)).not.toBe(1);
    }
  });
});
