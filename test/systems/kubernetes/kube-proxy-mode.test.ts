import { grid } from '../../grid.ts';

grid('kubernetes/kube-proxy-mode', [
  { fixture: 'found', to: 'kubernetes=1.35', expect: 'notice ConfigMap/kube-system/kube-proxy' },
  { fixture: 'found', to: 'kubernetes=v1.34.9', expect: 'passed' },
  { fixture: 'none', to: 'kubernetes=1.37', expect: 'notice ConfigMap/kube-system/kube-proxy' },
  { fixture: 'none', server: 'v1.34.3', to: 'kubernetes=1.35', expect: 'passed' },
  { fixture: 'odd', expect: 'unknown' },
  { fixture: 'healthy', expect: 'passed' },
  { base: 'managed', expect: 'not-applicable' },
  { forbidden: ['configmaps'], expect: 'unknown' },
]);
