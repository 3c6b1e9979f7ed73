// Where no system-upgrade-controller is installed, a stage installs the newest known release: our own manifest, written from what that release reads, does and needs; the one in upstream's tree
// names the image of another release. It makes its CRD by itself.
// Sources: rancher/system-upgrade-controller v0.20.1 main.go, pkg/crds, pkg/upgrade/job/job.go; facts of K3s section 11 (what it reads and writes).
import type { Raw, Ref, Rule, StageDraft, StepDraft } from '../../engine/contracts.ts';
import { describe, refOf } from '../../kube/refs.ts';
import { CONTROLLER } from './controller.ts';

export const CONTROLLER_VERSION = 'v0.20.1';
const ACCOUNT = 'system-upgrade';
const CONFIG = 'default-controller-env';
const RBAC = 'rbac.authorization.k8s.io';
const KUBECTL = 'rancher/kubectl:v1.30.3';

export const PLAN_CRD: Ref = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name: 'plans.upgrade.cattle.io' };

const rule = (group: string, resources: string[], verbs: string[], resourceNames?: string[]): Raw => ({
  apiGroups: [group],
  resources,
  ...(resourceNames ? { resourceNames } : {}),
  verbs,
});

function objectsIn(namespace: string): Raw[] {
  const subject = { kind: 'ServiceAccount', name: ACCOUNT, namespace };
  const role = (kind: string, name: string, rules: Raw[]): Raw => ({
    ...{ apiVersion: `${RBAC}/v1`, kind, rules },
    metadata: { name, ...(kind === 'Role' ? { namespace } : {}) },
  });
  const binding = (kind: string, name: string, to: string): Raw => ({
    ...{ apiVersion: `${RBAC}/v1`, kind, subjects: [subject] },
    metadata: { name, ...(kind === 'RoleBinding' ? { namespace } : {}) },
    roleRef: { apiGroup: RBAC, kind: kind.replace('Binding', ''), name: to },
  });
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: ACCOUNT, namespace } },
    role('ClusterRole', CONTROLLER, [
      rule('batch', ['jobs'], ['get', 'list', 'watch']),
      rule('apiextensions.k8s.io', ['customresourcedefinitions'], ['get', 'list', 'watch', 'create', 'patch', 'update']),
      rule('', ['namespaces', 'nodes'], ['get', 'list', 'watch']),
      rule('', ['nodes'], ['update']),
      rule('', ['events'], ['get', 'create', 'patch', 'update']),
      rule('coordination.k8s.io', ['leases'], ['create']),
      rule('coordination.k8s.io', ['leases'], ['get', 'update'], [CONTROLLER]),
      rule('upgrade.cattle.io', ['plans', 'plans/status'], ['get', 'list', 'watch', 'create', 'patch', 'update', 'delete']),
    ]),
    role('ClusterRole', `${CONTROLLER}-drainer`, [
      rule('', ['pods/eviction'], ['create']),
      rule('', ['pods'], ['get', 'list', 'delete']),
      rule('', ['nodes'], ['get', 'patch']),
      rule('apps', ['statefulsets', 'daemonsets', 'replicasets'], ['get', 'list']),
    ]),
    role('Role', CONTROLLER, [
      rule('batch', ['jobs'], ['create', 'delete', 'deletecollection', 'patch', 'update', 'get', 'list', 'watch']),
      rule('', ['secrets'], ['get', 'list', 'watch']),
    ]),
    binding('ClusterRoleBinding', ACCOUNT, CONTROLLER),
    binding('ClusterRoleBinding', `${ACCOUNT}-drainer`, `${CONTROLLER}-drainer`),
    binding('RoleBinding', ACCOUNT, CONTROLLER),
    {
      ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: CONFIG, namespace } },
      data: {
        SYSTEM_UPGRADE_CONTROLLER_LEADER_ELECT: 'true',
        SYSTEM_UPGRADE_JOB_ACTIVE_DEADLINE_SECONDS: '900',
        SYSTEM_UPGRADE_JOB_BACKOFF_LIMIT: '99',
        SYSTEM_UPGRADE_JOB_KUBECTL_IMAGE: KUBECTL,
        SYSTEM_UPGRADE_JOB_TTL_SECONDS_AFTER_FINISH: '900',
      },
    },
    deployment(namespace),
  ];
}

function deployment(namespace: string): Raw {
  const labels = { 'upgrade.cattle.io/controller': CONTROLLER };
  const fromField = (name: string, fieldPath: string): Raw => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  const dirs = ['ssl', 'pki', 'ca-certificates'];
  return {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: CONTROLLER, namespace } },
    spec: {
      replicas: 1,
      strategy: { type: 'Recreate' },
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: ACCOUNT,
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [{ matchExpressions: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists' }] }],
              },
            },
          },
          tolerations: [
            { key: 'CriticalAddonsOnly', operator: 'Exists' },
            { key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' },
            { key: 'node-role.kubernetes.io/etcd', operator: 'Exists', effect: 'NoExecute' },
          ],
          containers: [
            {
              name: CONTROLLER,
              image: `rancher/system-upgrade-controller:${CONTROLLER_VERSION}`,
              envFrom: [{ configMapRef: { name: CONFIG } }],
              env: [
                fromField('SYSTEM_UPGRADE_CONTROLLER_NAME', "metadata.labels['upgrade.cattle.io/controller']"),
                fromField('SYSTEM_UPGRADE_CONTROLLER_NAMESPACE', 'metadata.namespace'),
                fromField('SYSTEM_UPGRADE_CONTROLLER_NODE_NAME', 'spec.nodeName'),
              ],
              securityContext: { runAsNonRoot: true, runAsUser: 65534, runAsGroup: 65534, allowPrivilegeEscalation: false },
              volumeMounts: [
                ...dirs.map((dir) => ({ name: `etc-${dir}`, mountPath: `/etc/${dir}`, readOnly: true })),
                { name: 'tmp', mountPath: '/tmp' },
              ],
            },
          ],
          volumes: [
            ...dirs.map((dir) => ({ name: `etc-${dir}`, hostPath: { path: `/etc/${dir}`, type: 'DirectoryOrCreate' } })),
            { name: 'tmp', emptyDir: {} },
          ],
        },
      },
    },
  };
}

/** Seconds for the image to be pulled, and the CRD to be made. */
const WITHIN = 600;

/** `given`: what the user has in place of ours. */
export function controllerStage(hop: string, namespace: string, given?: readonly Raw[]): StageDraft {
  const objects = given ?? objectsIn(namespace);
  const made: StepDraft[] = [];
  for (const object of objects) made.push(create(object, made.slice(-1)));
  const running = objects.map(refOf).find(({ kind }) => kind === 'Deployment');
  const wait: StepDraft = {
    ...{ do: 'wait', guard: [], undo: 'none', within: WITHIN, assume: [], after: made },
    until: [
      ...(running ? [{ on: running, must: [{ path: '/status/readyReplicas', atLeast: 1 }] }] : []),
      { on: PLAN_CRD, must: [{ path: '/status/conditions[type=Established]/status', is: 'True' }] },
    ],
    fixes: ['k3s/controller-ready'],
    text: { en: `wait until ${CONTROLLER} runs and the CRD of Plans is established`, zh: `等待 ${CONTROLLER} 运行且 Plan 的 CRD 可用` },
  };
  return {
    hop,
    title: {
      en: `Install ${CONTROLLER} ${given ? '' : CONTROLLER_VERSION}`.trim(),
      zh: `安装 ${CONTROLLER} ${given ? '' : CONTROLLER_VERSION}`.trim(),
    },
    steps: [...made, wait],
  };
}

function create(object: Raw, after: StepDraft[]): StepDraft {
  const on = refOf(object);
  return {
    ...{ do: 'create', object, guard: [{ on, must: 'be-gone' }], undo: 'compensates', after },
    text: { en: `create ${describe(on)}`, zh: `创建 ${describe(on)}` },
    undoNote: { en: 'undo: deletes it again', zh: '撤销时：将其删除' },
  };
}

export const CONTROLLER_WRITES: Rule[] = [
  { verbs: ['get', 'create', 'delete'], group: '', resource: 'namespaces' },
  { verbs: ['get', 'create', 'delete'], group: '', resource: 'serviceaccounts' },
  { verbs: ['get', 'create', 'delete'], group: '', resource: 'configmaps' },
  ...['clusterroles', 'clusterrolebindings', 'roles', 'rolebindings'].map(
    (resource): Rule => ({ verbs: ['get', 'create', 'delete'], group: RBAC, resource }),
  ),
  { verbs: ['get', 'create', 'delete'], group: 'apps', resource: 'deployments' },
  {
    verbs: ['get'],
    group: 'apiextensions.k8s.io',
    resource: 'customresourcedefinitions',
    names: [PLAN_CRD.name, 'etcdsnapshotfiles.k3s.cattle.io'],
  },
];
