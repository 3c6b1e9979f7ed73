import type { Raw } from '../../../src/engine/contracts.ts';
import { grid } from '../../grid.ts';

type Granted = [resources: string[], verbs: string[], resourceNames?: string[]];
const role = (name: string, ...rules: Granted[]): Raw => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name },
  rules: rules.map(([resources, verbs, resourceNames]) => ({
    apiGroups: [''],
    resources,
    verbs,
    ...(resourceNames ? { resourceNames } : {}),
  })),
});
const GATE = 'AuthorizePodWebsocketUpgradeCreatePermission';
const [to, server] = ['kubernetes=1.35', 'v1.34.10'];
const OLD = role('pod-shell', [['pods/exec'], ['get']]);
const FOUND = 'warning ClusterRole/pod-shell';

const config = (extraArgs: string): Raw => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'kubeadm-config', namespace: 'kube-system' },
  data: { ClusterConfiguration: `apiServer:\n  extraArgs: ${extraArgs}\n` },
});
const apiServer = (name: string, gates: string): Raw => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `kube-apiserver-${name}`, namespace: 'kube-system', labels: { component: 'kube-apiserver', tier: 'control-plane' } },
  spec: {
    nodeName: name,
    containers: [{ name: 'kube-apiserver', image: 'kube-apiserver', command: ['kube-apiserver', `--feature-gates=${gates}`] }],
  },
});

const k3s = (name: string, gates?: string): Raw => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name,
    labels: gates ? { 'node-role.kubernetes.io/control-plane': 'true' } : {},
    annotations: { 'k3s.io/node-args': JSON.stringify(gates ? ['server', '--kube-apiserver-arg', `feature-gates=${gates}`] : ['agent']) },
  },
});

grid('kubernetes/exec-rights', [
  { fixture: 'found', to, server, expect: ['warning ClusterRole/pod-shell', 'warning Role/default/tunnel'] },
  { fixture: 'found', to: 'kubernetes=v1.34.11', server, expect: 'passed' },
  // Met before the installed version.
  { fixture: 'found', to: 'kubernetes=1.36', server: 'v1.35.8', expect: 'passed' },
  { fixture: 'healthy', to, server, expect: 'passed' },
  // As RBAC reads it: the subresource of any resource, and create on everything.
  { objects: [role('pod-shell', [['*/exec'], ['get']])], to, server, expect: FOUND },
  { objects: [role('pod-shell', [['pods/exec'], ['get', 'list']], [['*'], ['create']])], to, server, expect: 'passed' },
  { objects: [role('pod-shell', [['pods/exec'], ['*']])], to, server, expect: 'passed' },
  { objects: [role('pod-shell', [['pods/exec'], ['create']])], to, server, expect: 'passed' },
  // create for one Pod does not help with all of them, nor with another one.
  { objects: [role('pod-shell', [['pods/exec'], ['get']], [['pods/exec'], ['create'], ['a']])], to, server, expect: FOUND },
  { objects: [role('pod-shell', [['pods/exec'], ['get'], ['b']], [['pods/exec'], ['create'], ['a']])], to, server, expect: FOUND },
  { objects: [role('pod-shell', [['pods/exec'], ['get'], ['a']], [['pods/exec'], ['create'], ['a']])], to, server, expect: 'passed' },
  // The API server does not ask for it with proxies.
  { objects: [role('pod-shell', [['pods/proxy', 'nodes/proxy'], ['get']])], to, server, expect: 'passed' },
  // The gate that asks for it is off in what kubeadm will write, in both forms of it; another one is not it.
  { objects: [OLD, config(`{feature-gates: '${GATE}=false'}`)], to, server, expect: 'passed' },
  { objects: [OLD, config(`[{name: feature-gates, value: 'X=true,${GATE}=false'}]`)], to, server, expect: 'passed' },
  { objects: [OLD, config(`{feature-gates: 'X=false'}`)], to, server, expect: FOUND },
  // kubeadm writes the static Pods again, so that its ConfigMap counts.
  { objects: [OLD, apiServer('cp1', `${GATE}=false`), config('{}')], to, server, expect: FOUND },
  { objects: [OLD, apiServer('cp1', `${GATE}=false`)], to, server, expect: 'passed' },
  { objects: [OLD, apiServer('cp1', `${GATE}=false`), apiServer('cp2', 'X=true')], to, server, expect: FOUND },
  // Switched off until it is locked.
  { objects: [OLD, apiServer('cp1', `${GATE}=false`)], to: 'kubernetes=1.38', server: 'v1.37.2', expect: FOUND, says: ['from 1.38 on'] },
  { forbidden: ['clusterroles.rbac.authorization.k8s.io'], to, server, expect: 'unknown' },
  // What only says how the gate is set need not be visible.
  { objects: [OLD], forbidden: ['configmaps'], to, server, expect: FOUND },
  { fixture: 'healthy', forbidden: ['configmaps'], to, server, expect: 'passed' },
  // As K3s notes it on each server; an agent has none.
  { objects: [OLD, k3s('s1', `${GATE}=false`), k3s('a1')], base: 'managed', to, server: 'v1.34.10+k3s1', expect: 'passed' },
  { objects: [OLD, k3s('s1', `${GATE}=false`), k3s('s2', 'X=true')], base: 'managed', to, server: 'v1.34.10+k3s1', expect: FOUND },
]);
