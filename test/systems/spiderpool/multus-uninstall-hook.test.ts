import { grid } from '../../grid.ts';

grid('spiderpool/multus-uninstall-hook', [
  { fixture: 'found', to: 'spiderpool=0.9.13', expect: 'blocker DaemonSet/kube-system/spiderpool-multus' },
  { fixture: 'found', to: 'spiderpool=0.7.3', expect: 'not-applicable' },
  { fixture: 'healthy', to: 'spiderpool=0.9.13', expect: 'passed' },
  { to: 'spiderpool=0.9.13', expect: 'not-applicable' },
  { fixture: 'healthy', to: 'spiderpool=0.9.13', forbidden: ['daemonsets.apps'], expect: 'unknown' },
]);
