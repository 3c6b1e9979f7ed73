import { grid } from '../../grid.ts';

grid('kubernetes/kube-proxy-skew', [
  { fixture: 'newer', expect: 'blocker DaemonSet/kube-system/kube-proxy' },
  { fixture: 'found', expect: 'blocker DaemonSet/kube-system/kube-proxy' },
  { fixture: 'found', to: 'kubernetes=v1.30.9', expect: 'notice DaemonSet/kube-system/kube-proxy' },
  {
    fixture: 'behind',
    expect: 'notice DaemonSet/kube-system/kube-proxy',
    says: ['kube-proxy 1.29 (1 instance) is older than the API servers (1.30): supported, but its upgrade is not finished'],
  },
  { fixture: 'odd', expect: 'unknown' },
  { fixture: 'healthy', expect: 'passed' },
  { base: 'managed', expect: 'not-applicable' },
  { expect: 'passed' },
]);
