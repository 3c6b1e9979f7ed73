import { grid } from '../../grid.ts';

const CONFIG = 'ConfigMap/kube-system/spiderpool-multus';

grid('spiderpool/multus-default-network', [
  { fixture: 'found', to: 'spiderpool=0.9.4', expect: `blocker ${CONFIG}` },
  { fixture: 'set', to: 'spiderpool=0.9.13', expect: `notice ${CONFIG}` },
  { fixture: 'set', to: 'spiderpool=0.9.6', expect: 'passed' },
  { fixture: 'healthy', to: 'spiderpool=0.9.4', expect: 'passed' },
  { to: 'spiderpool=0.9.13', expect: 'passed' },
  { fixture: 'set', to: 'spiderpool=0.9.13', forbidden: ['configmaps'], expect: 'unknown' },
]);
