import { grid } from '../../grid.ts';

const NEWEST = 'Secret/kube-system/sh.helm.release.v1.spiderpool.v2';

grid('spiderpool/release-deployed', [
  {
    fixture: 'pending-upgrade',
    expect: `blocker ${NEWEST}`,
    steps: ['- kube-system/spiderpool, revision 2 (pending ≥ 600 s)'],
  },
  { fixture: 'in-configmap', expect: 'blocker ConfigMap/kube-system/sh.helm.release.v1.spiderpool.v2' },
  { fixture: 'uninstalled', expect: `blocker ${NEWEST}` },
  { fixture: 'failed', expect: `warning ${NEWEST}` },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'pending-upgrade', forbidden: ['secrets'], expect: 'unknown' },
]);
