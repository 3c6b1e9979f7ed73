import { grid } from '../../grid.ts';

grid('kubernetes/kube-proxy-skew', [
  { fixture: 'newer', expect: 'blocker DaemonSet/kube-system/kube-proxy' },
  { fixture: 'found', expect: 'blocker DaemonSet/kube-system/kube-proxy' },
  { fixture: 'found', to: 'kubernetes=v1.30.9', expect: 'passed' },
  { fixture: 'odd', expect: 'unknown' },
  { fixture: 'healthy', expect: 'passed' },
  { base: 'managed', expect: 'not-applicable' },
  { expect: 'passed' },
]);
