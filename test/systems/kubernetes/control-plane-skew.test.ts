import { grid } from '../../grid.ts';

grid('kubernetes/control-plane-skew', [
  { fixture: 'found', expect: 'blocker Pod/kube-system/kube-apiserver-cp1, Pod/kube-system/kube-apiserver-cp2' },
  { fixture: 'controllers', expect: ['blocker Pod/kube-system/kube-controller-manager-cp1', 'blocker Pod/kube-system/kube-scheduler-cp1'] },
  {
    fixture: 'behind',
    expect: ['notice Pod/kube-system/kube-controller-manager-cp1', 'notice Pod/kube-system/kube-scheduler-cp1'],
    says: ['kube-scheduler 1.29 (1 instance) is older than the API servers (1.30): supported, but its upgrade is not finished'],
  },
  { fixture: 'healthy', expect: 'passed' },
  { base: 'managed', server: 'v1.30.4-eks-a737599', expect: 'not-applicable' },
  { base: 'managed', fixture: 'aks', expect: 'not-applicable' },
  { base: 'managed', expect: 'unknown' },
  // API servers say themselves what they are; of the other components nothing is known.
  { base: 'managed', fixture: 'servers', expect: 'blocker ' },
  // What is newer than the API server beside it, too.
  { fixture: 'ahead', expect: 'blocker Pod/kube-system/kube-controller-manager-cp1' },
  { expect: 'passed' },
  { forbidden: ['pods'], expect: 'unknown' },
]);
