import type { Raw } from '../../../src/engine/contracts.ts';
import { grid } from '../../grid.ts';

type Mount = [host: string, at: string, subPath?: string];
/** A container with these mounts, in the first word's part of the Pod. */
const spec = (container: Raw, mounts: Mount[], at: 'containers' | 'initContainers' = 'containers'): Raw => ({
  ...(at === 'containers' ? {} : { containers: [{ name: 'main', image: 'i:1' }] }),
  [at]: [
    {
      ...{ name: 'a', image: 'i:1' },
      volumeMounts: mounts.map(([, mountPath, subPath], i) => ({ name: `v${i}`, mountPath, ...(subPath ? { subPath } : {}) })),
      ...container,
    },
  ],
  volumes: mounts.map(([path], i) => ({ name: `v${i}`, hostPath: { path } })),
});
const daemons = (...given: Parameters<typeof spec>): Raw => ({
  ...{ apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'cni-node', namespace: 'kube-system' } },
  spec: { template: { spec: spec(...given) } },
});
const pod = (name: string, owner: string, ...given: Parameters<typeof spec>): Raw => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: {
    name,
    namespace: 'kube-system',
    ...(owner ? { ownerReferences: [{ kind: owner, name: 'o', uid: 'o', controller: true }] } : {}),
  },
  spec: { nodeName: 'w1', ...spec(...given) },
});
const ALL = { command: ['init', '--kubeconfig-file', '/k/kubelet.conf'], args: ['-v'], env: [{ name: 'KUBECONFIG', value: '/x' }] };
const cron = (at: 'containers' | 'initContainers'): Raw => ({
  ...{ apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: at.toLowerCase(), namespace: 'kube-system' } },
  spec: { jobTemplate: { spec: { template: { spec: spec(ALL, [['/etc', '/k', 'kubernetes']], at) } } } },
});
const gate = (on: boolean): Raw => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: { name: 'kube-apiserver-cp1', namespace: 'kube-system', labels: { component: 'kube-apiserver', tier: 'control-plane' } },
  spec: {
    nodeName: 'cp1',
    containers: [{ name: 'kube-apiserver', image: 'i:1', command: ['kube-apiserver', `--feature-gates=AuthorizeNodeWithSelectors=${on}`] }],
  },
});
const k3s: Raw = {
  ...{ apiVersion: 'v1', kind: 'Node' },
  metadata: {
    name: 's1',
    labels: { 'node-role.kubernetes.io/control-plane': 'true' },
    annotations: { 'k3s.io/node-args': '["server","--kube-apiserver-arg","feature-gates=AuthorizeNodeWithSelectors=false"]' },
  },
};
const [to, server] = ['kubernetes=1.32', 'v1.31.14'];
const CONF = '/etc/kubernetes/kubelet.conf';
const FOUND = 'warning DaemonSet/kube-system/cni-node';
const at = { to, server };
const PLAIN = daemons({ args: [`--kubeconfig=${CONF}`] }, [['/etc/kubernetes', '/etc/kubernetes']]);

grid('kubernetes/kubelet-credentials', [
  { fixture: 'found', to: 'kubernetes=v1.31.15', server, expect: 'passed' },
  { fixture: 'found', to: 'kubernetes=1.33', server: 'v1.32.13', expect: 'passed' },
  { fixture: 'healthy', ...at, expect: 'passed' },
  // Of two Pods of one manifest one finding, and the Node is not part of its key.
  {
    fixture: 'found',
    ...at,
    expect: ['warning DaemonSet/kube-system/overlay-net', 'warning Pod/kube-system/host-agent-cp1, Pod/kube-system/host-agent-w1'],
    says: ['medium', 'Pod kube-system/host-agent uses'],
  },
  // Named in a script, in the environment whatever its name, of an init container; below another root.
  { objects: [daemons({ command: ['sh', '-c', `run --as ${CONF}`] }, [['/', '/host']])], ...at, expect: FOUND },
  { objects: [daemons({ command: ['cni', '--kubeconfig', CONF] }, [['/etc', '/etc/']])], ...at, expect: FOUND },
  { objects: [daemons({ env: [{ name: 'KUBECTL_CONFIG', value: CONF }] }, [[CONF, CONF]])], ...at, expect: FOUND },
  {
    objects: [daemons({ args: [`--as=/host${CONF}`] }, [['/etc/kubernetes/', '/host/etc/kubernetes']], 'initContainers')],
    ...at,
    expect: FOUND,
  },
  // An init container has all that a container has; a CronJob makes Pods too.
  { objects: [daemons(ALL, [['/etc', '/k', 'kubernetes']], 'initContainers')], ...at, expect: FOUND },
  {
    objects: [cron('containers'), cron('initContainers')],
    ...at,
    expect: ['warning CronJob/kube-system/containers', 'warning CronJob/kube-system/initcontainers'],
  },
  // The certificate, of which a file alone may be mounted; of K3s and RKE2 too.
  {
    objects: [daemons({ args: ['--cert=/var/lib/kubelet/pki/kubelet-client-current.pem'] }, [['/var/lib/kubelet', '/var/lib/kubelet']])],
    ...at,
    says: ['low', 'uses the credentials of the kubelet (/var/lib/kubelet/pki)'],
    expect: FOUND,
  },
  {
    objects: [
      daemons({ args: ['--cert=/var/lib/kubelet/pki/kubelet-client-current.pem'] }, [
        ['/var/lib/kubelet/pki/kubelet-client-current.pem', '/var/lib/kubelet/pki/kubelet-client-current.pem'],
      ]),
    ],
    ...at,
    expect: FOUND,
  },
  {
    objects: [daemons({ args: ['--c=/var/lib/rancher/k3s/agent/kubelet.kubeconfig'] }, [['/var/lib/rancher', '/var/lib/rancher']])],
    ...at,
    expect: FOUND,
  },
  // Under another name: by what is mounted there, with subPath.
  { objects: [daemons({ args: ['--kubeconfig=/k/config'] }, [[CONF, '/k/config']])], ...at, expect: FOUND },
  { objects: [daemons({ command: ['cni', '--kubeconfig-file=/k/kubelet.conf'] }, [['/etc', '/k', 'kubernetes']])], ...at, expect: FOUND },
  { objects: [daemons({ args: ['--kubeconfig=/k/other.conf'] }, [['/etc/kubernetes', '/k']])], ...at, expect: 'passed' },
  { objects: [daemons({ args: ['--kubeconfig=/x/kubelet.conf'] }, [['/etc/kubernetes', '/k']])], ...at, expect: 'passed' },
  // The mount and the name, both.
  { objects: [daemons({ args: ['--v=2'] }, [[CONF, CONF]])], ...at, expect: 'passed' },
  { objects: [daemons({ args: [`--kubeconfig=${CONF}`] }, [['/var/log', '/var/log']])], ...at, expect: 'passed' },
  { objects: [daemons({ args: [`--kubeconfig=${CONF}`], volumeMounts: [] }, [['/etc', '/etc']])], ...at, expect: 'passed' },
  // The kubelet itself, in a container.
  { objects: [daemons({ name: 'kubelet', args: [`--kubeconfig=${CONF}`] }, [['/', '/']])], ...at, expect: 'passed' },
  // Pods of their own; of controllers, their templates speak.
  { objects: [pod('debug-agent', '', ALL, [['/etc', '/k', 'kubernetes']])], ...at, expect: 'warning Pod/kube-system/debug-agent' },
  {
    objects: [pod('debug-agent', 'Node', ALL, [['/etc', '/k', 'kubernetes']], 'initContainers')],
    ...at,
    expect: 'warning Pod/kube-system/debug-agent',
  },
  { objects: [pod('debug-agent', 'Node', { args: [CONF] }, [['/', '/']])], ...at, expect: 'warning Pod/kube-system/debug-agent' },
  { objects: [pod('debug-agent', 'ReplicaSet', { args: [CONF] }, [['/', '/']])], ...at, expect: 'passed' },
  // Switched off, until it is locked.
  { objects: [PLAIN, gate(false)], ...at, expect: 'passed' },
  { objects: [PLAIN, gate(true)], ...at, expect: FOUND },
  { objects: [PLAIN, gate(false)], to: 'kubernetes=1.34', server: 'v1.33.13', expect: FOUND },
  { objects: [PLAIN], to: 'kubernetes=1.34', server: 'v1.33.13', expect: 'passed' },
  { objects: [PLAIN, k3s], base: 'managed', to, server: 'v1.31.14+k3s1', expect: 'passed' },
  { forbidden: ['daemonsets.apps'], ...at, expect: 'unknown' },
]);
