import { grid } from '../../grid.ts';

grid('osm-edge/cron-jobs', [
  { fixture: 'found', expect: ['notice CronJob/shop/report'] },
  { fixture: 'healthy', expect: 'passed' },
  // Of another mesh.
  {
    fixture: 'found',
    objects: [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels: { 'openservicemesh.io/monitored-by': 'other' } } }],
    expect: 'passed',
  },
  { expect: 'passed' },
  { fixture: 'found', forbidden: ['cronjobs.batch'], expect: 'unknown' },
]);
