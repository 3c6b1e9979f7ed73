import { grid } from '../../grid.ts';

const node = (labels: Record<string, string>, ...taints: string[]) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'cp1', labels },
  spec: { taints: taints.map((key) => ({ key, effect: 'NoSchedule' })) },
  status: { nodeInfo: { kubeletVersion: 'v1.23.17' } },
});
const [old, today] = ['node-role.kubernetes.io/master', 'node-role.kubernetes.io/control-plane'];
const both = 'Deployment/kube-system/on-master, CronJob/kube-system/nightly';

grid('kubernetes/master-label', [
  { fixture: 'found', expect: [`warning ${both}`, 'warning DaemonSet/kube-system/agent'] },
  // A cluster that does not show its servers has no such label.
  { base: 'managed', fixture: 'found', objects: [{ ...node({}), metadata: { name: 'cp1' } }], expect: `warning ${both}` },
  // K3s still sets the label, without a taint.
  { fixture: 'found', objects: [node({ [old]: 'true', [today]: 'true' })], expect: 'passed' },
  { fixture: 'found', server: 'v1.23.17', to: 'kubernetes=1.24', objects: [node({ [old]: '' }, old)], expect: `warning ${both}` },
  {
    fixture: 'found',
    server: 'v1.24.17',
    to: 'kubernetes=1.25',
    objects: [node({ [old]: '', [today]: '' }, old)],
    expect: 'warning DaemonSet/kube-system/agent',
  },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { forbidden: ['nodes'], expect: 'unknown' },
]);
