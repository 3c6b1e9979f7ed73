import { grid } from '../../grid.ts';

grid('spiderpool/leftovers', [
  {
    fixture: 'found',
    expect: [
      'warning DaemonSet/kube-system/spiderpool-multus',
      'notice ConfigMap/kube-system/multus-cni-config',
      'notice CustomResourceDefinition/spiderclaimparameters.spiderpool.spidernet.io',
    ],
  },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'healthy', forbidden: ['configmaps'], expect: 'unknown' },
]);
