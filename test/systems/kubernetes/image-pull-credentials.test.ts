import { grid } from '../../grid.ts';

const config = (policy: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'kubelet-config', namespace: 'kube-system' },
  data: { kubelet: `kind: KubeletConfiguration\nimagePullCredentialsVerificationPolicy: ${policy}\n` },
});

/** One with the secret, and those without it. */
const using = (...policies: string[]) =>
  ['IfNotPresent', ...policies].map((imagePullPolicy, i) => ({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: `p${i}`, namespace: 'default' }, status: { phase: 'Running' } },
    spec: {
      nodeName: 'w1',
      ...(i ? {} : { imagePullSecrets: [{ name: 'registry' }] }),
      containers: [{ name: 'c', image: 'registry.example.com/private:1', imagePullPolicy }],
    },
  }));
const AT = { server: 'v1.34.4', to: 'kubernetes=1.35' };

grid('kubernetes/image-pull-credentials', [
  { fixture: 'found', to: 'kubernetes=1.35', expect: 'warning Pod/test/copy-1, Pod/test/job-1' },
  { fixture: 'found', to: 'kubernetes=1.35', objects: [config('AlwaysVerify')], expect: 'warning Pod/test/copy-1, Pod/test/job-1' },
  { fixture: 'found', to: 'kubernetes=1.35', objects: [config('NeverVerify')], expect: 'passed' },
  { fixture: 'found', to: 'kubernetes=v1.34.9', expect: 'passed' },
  { fixture: 'healthy', to: 'kubernetes=1.35', expect: 'passed' },
  { ...AT, objects: using('Never', 'Never'), expect: 'warning Pod/default/p1, Pod/default/p2', says: ['pull it with: ErrImageNeverPull'] },
  {
    ...AT,
    objects: using('Never', 'IfNotPresent'),
    expect: 'warning Pod/default/p1, Pod/default/p2',
    says: ['pull it with: ErrImagePull'],
  },
  // It is pulled each time, with whatever credentials.
  { ...AT, objects: using('Always'), expect: 'passed' },
  { fixture: 'healthy', to: 'kubernetes=1.35', forbidden: ['configmaps'], expect: 'unknown' },
]);
