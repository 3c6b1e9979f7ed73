import { grid } from '../../grid.ts';

const velero = (completionTimestamp: string, phase = 'Completed') => ({
  apiVersion: 'velero.io/v1',
  kind: 'Backup',
  metadata: { name: 'daily-1', namespace: 'velero' },
  status: { phase, completionTimestamp },
});
const etcd = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'etcd-cp1', namespace: 'kube-system', labels: { component: 'etcd', tier: 'control-plane' } },
  spec: { nodeName: 'cp1', containers: [{ name: 'etcd', image: 'registry.k8s.io/etcd:3.5.24-0' }] },
};

grid('kubernetes/etcd-backup', [
  { fixture: 'found', expect: 'warning CronJob/kube-system/etcd-backup', says: ['newest backup by CronJob is'] },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'found-velero', expect: 'warning Backup/velero/daily-20260105020000' },
  { fixture: 'healthy-velero', expect: 'passed' },
  { fixture: 'found-snapshot', expect: 'warning ETCDSnapshotFile/local-etcd-snapshot-cp1-4070908800-5d8a6f' },
  { fixture: 'healthy-snapshot', expect: 'passed' },
  { fixture: 'found', objects: [velero('2099-01-01T00:00:00Z')], expect: 'passed' },
  {
    objects: [velero('2026-01-01T00:00:00Z', 'InProgress')],
    expect: 'warning Backup/velero/daily-1',
    says: ['no backup by Velero has succeeded'],
  },
  { expect: 'unknown', says: ['if it is not: etcdctl snapshot save backup.db'] },
  {
    objects: [etcd],
    expect: 'unknown',
    says: ['if it is not: kubectl exec -n kube-system etcd-cp1 -- etcdctl --cacert=', 'save /var/lib/etcd/backup.db'],
  },
  { base: 'managed', fixture: 'aks', expect: 'not-applicable' },
  { base: 'managed', server: 'v1.30.4-gke.1104000', expect: 'not-applicable' },
  { fixture: 'healthy', forbidden: ['cronjobs.batch'], expect: 'unknown' },
]);
