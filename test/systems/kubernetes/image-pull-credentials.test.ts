import { grid } from '../../grid.ts';

const config = (policy: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'kubelet-config', namespace: 'kube-system' },
  data: { kubelet: `kind: KubeletConfiguration\nimagePullCredentialsVerificationPolicy: ${policy}\n` },
});

grid('kubernetes/image-pull-credentials', [
  { fixture: 'found', to: 'kubernetes=1.35', expect: 'warning Pod/test/copy-1, Pod/test/job-1' },
  { fixture: 'found', to: 'kubernetes=1.35', objects: [config('AlwaysVerify')], expect: 'warning Pod/test/copy-1, Pod/test/job-1' },
  { fixture: 'found', to: 'kubernetes=1.35', objects: [config('NeverVerify')], expect: 'passed' },
  { fixture: 'found', to: 'kubernetes=v1.34.9', expect: 'passed' },
  { fixture: 'healthy', to: 'kubernetes=1.35', expect: 'passed' },
  { fixture: 'healthy', to: 'kubernetes=1.35', forbidden: ['configmaps'], expect: 'unknown' },
]);
