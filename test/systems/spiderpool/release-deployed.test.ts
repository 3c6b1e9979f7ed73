import { grid } from '../../grid.ts';

const NEWEST = 'Secret/kube-system/sh.helm.release.v1.spiderpool.v2';

grid('spiderpool/release-deployed', [
  { fixture: 'found', expect: `blocker ${NEWEST}` },
  {
    fixture: 'in-configmap',
    expect: 'blocker ConfigMap/kube-system/sh.helm.release.v1.spiderpool.v2',
    steps: [
      'helm history spiderpool -n kube-system',
      'helm rollback spiderpool 1 -n kube-system',
      'kubectl delete configmap sh.helm.release.v1.spiderpool.v2 -n kube-system',
    ],
  },
  { fixture: 'uninstalled', expect: `blocker ${NEWEST}` },
  { fixture: 'failed', expect: `warning ${NEWEST}` },
  { fixture: 'odd-exponent', expect: 'unknown' },
  { fixture: 'odd-word', expect: 'unknown' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'found', forbidden: ['secrets'], expect: 'unknown' },
]);
