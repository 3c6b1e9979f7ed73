import { grid } from '../../grid.ts';

grid('spiderpool/ip-gc', [
  { fixture: 'found', expect: 'warning Deployment/kube-system/spiderpool-controller' },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'fixed', expect: 'not-applicable' },
  { fixture: 'found', forbidden: ['deployments.apps'], expect: 'unknown' },
]);
