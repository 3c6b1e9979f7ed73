import { grid } from '../../grid.ts';

/** Its Pods delete the Multus files when they stop: left to a person. */
const HOOKED = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: {
    name: 'spiderpool-multus',
    namespace: 'kube-system',
    labels: { 'app.kubernetes.io/name': 'spiderpool', 'app.kubernetes.io/instance': 'spiderpool' },
  },
  spec: {
    template: {
      spec: {
        containers: [{ name: 'c', lifecycle: { preStop: { exec: { command: ['rm', '-f', '/host/etc/cni/net.d/00-multus.conf'] } } } }],
      },
    },
  },
};

grid('spiderpool/leftovers', [
  {
    fixture: 'found',
    expect: [
      'warning DaemonSet/kube-system/spiderpool-multus',
      'notice ClusterRoleBinding/spiderpool-multus',
      'notice ClusterRole/spiderpool-multus',
      'notice ServiceAccount/kube-system/spiderpool-multus',
      'notice ConfigMap/kube-system/multus-cni-config',
      'notice CustomResourceDefinition/spiderclaimparameters.spiderpool.spidernet.io',
    ],
    // Deletions alone: no field is changed.
    steps: [],
  },
  {
    objects: [HOOKED],
    expect: 'warning DaemonSet/kube-system/spiderpool-multus',
  },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'healthy', forbidden: ['configmaps'], expect: 'unknown' },
]);
