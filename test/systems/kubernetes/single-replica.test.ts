import { grid } from '../../grid.ts';

grid('kubernetes/single-replica', [
  { fixture: 'found', expect: ['notice Deployment/team-shop/api, StatefulSet/team-shop/db', 'notice Deployment/team-post/mailer'] },
  { fixture: 'found', nodes: 'in-place', expect: 'not-applicable' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'healthy', forbidden: ['statefulsets.apps'], expect: 'unknown' },
]);
