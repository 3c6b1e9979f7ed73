// Where no system-upgrade-controller is installed, a stage installs the newest known release: our own manifest, written from what that release reads, does and needs; the one in upstream's tree
// names the image of another release. It makes its CRD by itself.
// Sources: rancher/system-upgrade-controller v0.20.1 main.go, pkg/crds, pkg/upgrade/job/job.go; facts of K3s section 11 (what it reads and writes).
import type { Raw, Ref, Rule, StageDraft, StepDraft, Text, Upgrading } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { foundBy } from '../../engine/on-the-way.ts';
import { describe, refOf } from '../../kube/refs.ts';
import { oneLine } from '../../text/sanitise.ts';
import { UserError } from '../../text/user-error.ts';
import { CONTROLLER, type Controller, controllerOf } from './controller.ts';

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

/** What the user has in place of our manifest. */
export interface Given {
  objects: readonly Raw[];
  namespace: string;
  controller: Controller;
}

/** In the order in which they are created; nothing else is, for its undo would have to be known. A Plan would begin at once, and a Secret has values. */
const KINDS = [
  'Namespace',
  'CustomResourceDefinition',
  'ServiceAccount',
  'ClusterRole',
  'Role',
  'ClusterRoleBinding',
  'RoleBinding',
  'ConfigMap',
  'Deployment',
];
const CLUSTER_WIDE = new Set(['Namespace', 'CustomResourceDefinition', 'ClusterRole', 'ClusterRoleBinding']);

/** Throws UserError where this is not a system-upgrade-controller, or holds more than one. */
export function givenController(objects: readonly Raw[]): Given {
  for (const ref of objects.map(refOf)) {
    const what = `${ref.kind} ${ref.name}`;
    if (!KINDS.includes(ref.kind))
      throw unusable({ en: `${what} is not part of a controller; apply it separately`, zh: `${what} 不属于控制器的安装清单；请单独应用` });
    if (!CLUSTER_WIDE.has(ref.kind) && !ref.namespace)
      throw unusable({ en: `${what} has no metadata.namespace`, zh: `${what} 没有 metadata.namespace` });
  }
  const deployments = objects.filter((object) => refOf(object).kind === 'Deployment');
  const [deployment] = deployments;
  const ref = deployment && refOf(deployment);
  const controller = ref && controllerOf(ref, deployment);
  if (!controller || deployments.length > 1 || ref.name !== CONTROLLER || !IMAGE.test(controller.image))
    throw unusable({
      en: `needs exactly one Deployment, ${CONTROLLER}, with an image of that name`,
      zh: `需要且只能有一个 Deployment，名称及其镜像名均为 ${CONTROLLER}`,
    });
  const ordered = objects.toSorted((a, b) => KINDS.indexOf(refOf(a).kind) - KINDS.indexOf(refOf(b).kind));
  return { objects: ordered, namespace: ref.namespace!, controller };
}
const IMAGE = new RegExp(`(?:^|/)${CONTROLLER}(?:[:@]|$)`);

const unusable = (why: Text): UserError =>
  new UserError(
    { en: `upgrading k3s: --controller: ${why.en}`, zh: `升级 k3s：--controller：${why.zh}` },
    { en: 'without it a built-in manifest is used: {retry:controller}', zh: '不指定时使用内置清单：{retry:controller}' },
  );

/** A namespace that is there already stays as it is. */
export async function controllerStage(
  hop: string,
  namespace: string,
  at: Pick<Upgrading, 'found' | 'source'>,
  given?: Given,
): Promise<StageDraft> {
  const objects: Raw[] = [];
  for (const object of given?.objects ?? objectsIn(namespace)) {
    const ref = refOf(object);
    const now = ref.kind === 'Namespace' ? await at.source.get(ref) : undefined;
    if (!now || isGap(now)) objects.push(object);
  }
  const made: StepDraft[] = [];
  for (const object of objects) made.push(create(object, made.slice(-1)));
  const running = objects.map(refOf).find(({ kind }) => kind === 'Deployment')!;
  const wait: StepDraft = {
    ...{ do: 'wait', guard: [], undo: 'none', within: WITHIN, assume: [], after: made },
    until: [
      { on: running, must: [{ path: '/status/readyReplicas', atLeast: 1 }] },
      { on: PLAN_CRD, must: [{ path: '/status/conditions[type=Established]/status', is: 'True' }] },
    ],
    fixes: foundBy<{ is: string }>(at, ['k3s/controller-ready'], ({ args }) => args.is === 'missing'),
    text: { en: `wait until ${CONTROLLER} runs and the CRD of Plans is established`, zh: `等待 ${CONTROLLER} 运行且 Plan 的 CRD 可用` },
  };
  const version = given ? (given.controller.version ?? oneLine(given.controller.image, 200)) : CONTROLLER_VERSION;
  const from: Text = given ? { en: ' (--controller)', zh: '（--controller）' } : { en: '', zh: '' };
  return {
    hop,
    title: { en: `Install ${CONTROLLER} ${version}${from.en}`, zh: `安装 ${CONTROLLER} ${version}${from.zh}` },
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
  // Where the manifest that was given has the CRD.
  { verbs: ['create', 'delete'], group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions' },
];
