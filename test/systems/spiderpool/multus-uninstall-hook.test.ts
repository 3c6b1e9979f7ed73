import { grid } from '../../grid.ts';

const SET = 'DaemonSet/kube-system/spiderpool-multus';
const labels = { 'app.kubernetes.io/name': 'spiderpool', 'app.kubernetes.io/instance': 'spiderpool', app: 'multus' };
const command = ['/bin/sh', '-c', 'rm -f /host/etc/cni/net.d/00-multus.conf'];
/** Its Pods are replaced by a person alone. */
const ON_DELETE = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'spiderpool-multus', namespace: 'kube-system', labels },
  spec: {
    updateStrategy: { type: 'OnDelete' },
    template: { spec: { containers: [{ name: 'kube-multus', lifecycle: { preStop: { exec: { command } } } }] } },
  },
};

grid('spiderpool/multus-uninstall-hook', [
  {
    fixture: 'found',
    to: 'spiderpool=0.9.13',
    expect: `blocker ${SET}`,
    steps: [`${SET} /spec/template/spec/containers/0/lifecycle/preStop: [object Object] → ∅`],
  },
  { fixture: 'found', objects: [ON_DELETE], to: 'spiderpool=0.9.13', expect: `blocker ${SET}` },
  { fixture: 'found', to: 'spiderpool=0.7.3', expect: 'not-applicable' },
  { fixture: 'healthy', to: 'spiderpool=0.9.13', expect: 'passed' },
  { to: 'spiderpool=0.9.13', expect: 'not-applicable' },
  { fixture: 'healthy', to: 'spiderpool=0.9.13', forbidden: ['daemonsets.apps'], expect: 'unknown' },
]);
