import { grid } from '../../grid.ts';

const CONFIG = 'ConfigMap/kube-system/spiderpool-multus';
const OF_07 = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'multus-cni-config', namespace: 'kube-system' },
  data: { 'cni-conf.json': '{"clusterNetwork": "k8s-pod-network"}' },
};

grid('spiderpool/multus-default-network', [
  // No ConfigMap has a name: for a person.
  {
    fixture: 'found',
    to: 'spiderpool=0.9.4',
    expect: `blocker ${CONFIG}`,
    steps: [
      'kubectl edit configmap spiderpool-multus -n kube-system',
      'kubectl rollout restart daemonset -l app.kubernetes.io/name=spiderpool -n kube-system',
    ],
  },
  // The one of 0.7 still has it.
  {
    fixture: 'found',
    objects: [OF_07],
    to: 'spiderpool=0.9.4',
    expect: `blocker ${CONFIG}`,
    steps: [
      `${CONFIG} /data/cni-conf.json:  → k8s-pod-network`,
      'DaemonSet/kube-system/spiderpool-agent /spec/template/metadata/annotations/upgrade-guard~1clusterNetwork: ∅ → k8s-pod-network',
    ],
  },
  {
    fixture: 'set',
    to: 'spiderpool=0.9.13',
    expect: `notice ${CONFIG}`,
    steps: [
      'helm upgrade spiderpool spiderpool --repo=https://spidernet-io.github.io/spiderpool --version=0.9.13 -n kube-system --reset-then-reuse-values --set-string multus.multusCNI.defaultCniCRName=calico',
    ],
  },
  // Manifests of a chart whose spiderpool-init is a Pod, which fills it in.
  {
    objects: [
      { ...OF_07, metadata: { ...OF_07.metadata, name: 'spiderpool-multus' }, data: { 'cni-conf.json': '{"clusterNetwork": ""}' } },
    ],
    to: 'spiderpool=0.9.4',
    expect: 'passed',
  },
  { fixture: 'set', to: 'spiderpool=0.9.6', expect: 'passed' },
  { fixture: 'healthy', to: 'spiderpool=0.9.4', expect: 'passed' },
  { to: 'spiderpool=0.9.13', expect: 'passed' },
  { fixture: 'set', to: 'spiderpool=0.9.13', forbidden: ['configmaps'], expect: 'unknown' },
]);
