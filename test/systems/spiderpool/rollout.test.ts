import { grid } from '../../grid.ts';

grid('spiderpool/rollout', [
  { fixture: 'found', expect: ['blocker Deployment/kube-system/spiderpool-controller', 'warning DaemonSet/kube-system/spiderpool-agent'] },
  { fixture: 'unobserved', expect: 'warning Deployment/kube-system/spiderpool-controller' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'healthy', forbidden: ['daemonsets.apps'], expect: 'unknown' },
]);
