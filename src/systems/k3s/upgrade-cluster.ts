// What an upgrade of K3s finds: its Nodes by role, how it keeps its data, who carries out Plans, and the Plans of the user, whose settings ours take over. Refuses what is not ours to change.
// Sources: facts of K3s (labels and annotations of Nodes); rancher/system-upgrade-controller v0.20.1 pkg/apis (Plan), manifests/.
import type { ListRead, Raw, Text, Upgrading } from '../../engine/contracts.ts';
import { isGap, unread } from '../../engine/gaps.ts';
import { isRaw } from '../../kube/json.ts';
import { UserError } from '../../text/user-error.ts';
import { accountOf, missingRights, ROLES } from './access.ts';
import { type CarrierPod, type Controller, carrierPods, controllerIn, controllerOfPod, isReady, jobSettings } from './controller.ts';
import { rancherOf, selectedBy } from './ownership.ts';
import { ETCD, openPlans, planName, upgradesK3s } from './plans.ts';
import { type NodeRow, nodes, type PlanRow, planRow, plans } from './reads.ts';

export const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane';
/** `etcd`: a server that runs nothing but etcd. */
export type Role = 'etcd' | 'server' | 'agent';

export interface Here {
  nodes: NodeRow[];
  /** Roles that some Node has, in the order in which they are upgraded. */
  roles: Role[];
  datastore: 'etcd' | 'other';
  /** The cluster records snapshots of etcd, so that they can be watched. */
  recordsSnapshots: boolean;
  namespace: string;
  controller?: Controller;
  /** Seconds that its Jobs have where a Plan does not say; 0: no end. */
  deadline: number;
  /** Of each role the newest Plan of the user, as far as ours takes it over. */
  like: Partial<Record<Role, Taken>>;
  /** Labels of Nodes that are excluded from a Plan of the user. */
  excluded: string[];
}
/** Fields of spec; never environments, arguments or secrets. */
export type Taken = Raw & { image: string };

const TAKEN = [
  'concurrency',
  'cordon',
  'drain',
  'exclusive',
  'imagePullSecrets',
  'jobActiveDeadlineSecs',
  'postCompleteDelay',
  'priorityClassName',
  'serviceAccountName',
  'tolerations',
  'window',
];
const NAMESPACE = 'system-upgrade';
const SNAPSHOTS = 'etcdsnapshotfiles.k3s.cattle.io';

export const roleOf = (node: NodeRow): Role =>
  node.labels[CONTROL_PLANE] !== undefined ? 'server' : node.labels[ETCD] !== undefined ? 'etcd' : 'agent';

/** Throws UserError where something cannot be read, or where Rancher or a Plan that still runs has the Nodes. */
export async function hereOf({ source }: Pick<Upgrading, 'source'>): Promise<Here> {
  const all = (await rowsOf(source, nodes)).filter(({ kubeletVersion }) => kubeletVersion.includes('+k3s'));
  const planObjects = await objectsOf(source, plans);
  const rows = planObjects.map(planRow);
  const rancher = rancherOf(all, rows);
  if (rancher) throw ofRancher(rancher.mark);
  const [open] = openPlans(rows, all);
  if (open) throw stillOpen(open.plan, open.pending.length);
  const controllers = await rowsOf(source, carrierPods);
  const own = rows.filter(upgradesK3s).toSorted((a, b) => (b.created ?? 0) - (a.created ?? 0));
  const { namespace, controller } = await carrierOf(own[0]?.ref.namespace, controllers, source);
  const snapshots = await source.list({ resource: SNAPSHOTS, fields: [] }, { object: () => undefined, restart: () => undefined });
  return {
    nodes: all,
    roles: (['etcd', 'server', 'agent'] as const).filter((role) => all.some((node) => roleOf(node) === role)),
    datastore: all.some(({ labels }) => labels[ETCD] !== undefined) ? 'etcd' : 'other',
    recordsSnapshots: !snapshots && (await isServed(source)),
    ...{ namespace, controller },
    deadline: (await jobSettings(controller, { get: (ref) => source.get(ref) })).deadline,
    like: likeOf(own, all, planObjects),
    excluded: [...new Set(own.map(({ ref }) => `plan.upgrade.cattle.io/${ref.name}`))].filter((label) =>
      all.some(({ labels }) => labels[label] === 'disabled'),
    ),
  };
}

/** Who carries out Plans, and where: in the namespace of the user's own Plans, else where one runs. Its Deployment may have any name. */
async function carrierOf(
  wanted: string | undefined,
  pods: readonly CarrierPod[],
  source: Upgrading['source'],
): Promise<Pick<Here, 'namespace' | 'controller'>> {
  const places = [...new Set([wanted, ...pods.map(({ ref }) => ref.namespace), NAMESPACE])].filter((each) => each !== undefined);
  for (const namespace of places) {
    const pod = pods.toSorted((a, b) => Number(isReady(b)) - Number(isReady(a))).find(({ ref }) => ref.namespace === namespace);
    const controller = (await controllerIn(namespace, { get: (ref) => source.get(ref) })) ?? (pod && controllerOfPod(pod));
    if (controller) return { namespace, controller };
  }
  return { namespace: wanted ?? NAMESPACE };
}

/** Refuses where the ServiceAccount of our Plans is not there, or must not do what their Jobs do; what cannot be read is left to the first Job. */
export async function mayUpgrade(planObjects: readonly Raw[], source: Upgrading['source']): Promise<void> {
  const rows = planObjects.map(planRow);
  for (const account of new Map(rows.map((plan) => [accountOf(plan).name, accountOf(plan)])).values()) {
    const object = await source.get({ apiVersion: 'v1', kind: 'ServiceAccount', ...account });
    if (!object) throw noAccount(`${account.namespace}/${account.name}`);
  }
  const [roles, bindings] = [await readable(source, ROLES.roles), await readable(source, ROLES.bindings)];
  if (!roles || !bindings) return;
  for (const plan of rows) {
    const missing = missingRights(plan, { roles, bindings });
    if (missing.length) throw noRights(`${accountOf(plan).namespace}/${accountOf(plan).name}`, missing);
  }
}

async function readable<Row>(source: Upgrading['source'], read: ListRead<Row>): Promise<Row[] | undefined> {
  try {
    return await rowsOf(source, read);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** The CRD, since an empty list says nothing of it. */
async function isServed(source: Upgrading['source']): Promise<boolean> {
  const crd = await source.get({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name: SNAPSHOTS });
  return crd !== undefined && !isGap(crd);
}

function likeOf(own: readonly PlanRow[], all: readonly NodeRow[], objects: readonly Raw[]): Here['like'] {
  const like: Here['like'] = {};
  for (const plan of own.toReversed()) {
    const object = objects.find((each) => planName(planRow(each)) === planName(plan))!;
    const spec = isRaw(object.spec) ? object.spec : {};
    const image = plan.image.replace(/(?<=k3s-upgrade)[:@].*$/, '');
    const taken = { ...Object.fromEntries(TAKEN.flatMap((field) => (spec[field] === undefined ? [] : [[field, spec[field]!]]))), image };
    for (const role of new Set(selectedBy(plan, all).map(roleOf))) like[role] = taken;
  }
  return like;
}

async function rowsOf<Row>(source: Upgrading['source'], read: ListRead<Row>): Promise<Row[]> {
  return (await objectsOf(source, read)).flatMap((object) => read.keep(object) ?? []);
}

async function objectsOf(source: Upgrading['source'], { resource, labels }: ListRead): Promise<Raw[]> {
  const objects: Raw[] = [];
  const gap = await source.list(
    { resource, labels, fields: 'whole' },
    { object: (object) => void objects.push(object), restart: () => objects.splice(0) },
  );
  if (gap) throw unread('k3s', gap);
  return objects;
}

// ---- refusals -------------------------------------------------------------------------------------------------------

const noAccount = (name: string): UserError =>
  new UserError(
    {
      en: `upgrading k3s: ServiceAccount ${name}, which the Jobs of the Plans would run with, does not exist`,
      zh: `升级 k3s：运行 Plan 的 Job 所需的 ServiceAccount ${name} 不存在`,
    },
    CREATES_ACCESS,
  );
const noRights = (name: string, missing: readonly string[]): UserError =>
  new UserError(
    {
      en: `upgrading k3s: ServiceAccount ${name} runs the Jobs of the Plans and has no permission to ${missing.join(', ')}`,
      zh: `升级 k3s：运行 Plan 的 Job 的 ServiceAccount ${name} 没有权限：${missing.join('、')}`,
    },
    CREATES_ACCESS,
  );
const CREATES_ACCESS: Text = {
  en: 'apply the whole release manifest of the controller, which has the roles; details: {tool} explain k3s/plan-access',
  zh: '请应用控制器的完整发布清单（其中包含角色）；详情：{tool} explain k3s/plan-access',
};

const ofRancher = (mark: string): UserError =>
  new UserError(
    {
      en: `upgrading k3s: Rancher manages this cluster (${mark}) and would revert the change`,
      zh: `升级 k3s：该集群由 Rancher 管理（${mark.replace(', ', '，')}），更改会被还原`,
    },
    { en: 'change the Kubernetes version of the cluster in Rancher', zh: '请在 Rancher 中修改集群的 Kubernetes 版本' },
  );

const stillOpen = (plan: PlanRow, left: number): UserError =>
  new UserError(
    {
      en: `upgrading k3s: Plan ${planName(plan)} still has ${left} Node${left === 1 ? '' : 's'} to upgrade`,
      zh: `升级 k3s：Plan ${planName(plan)} 还有 ${left} 个节点未升级`,
    },
    {
      en: `wait until it is complete; if it failed, fix that first: {tool} fix k3s/nodes-cordoned-by-plan{reach}; what it does now: {tool} check k3s/plan-stuck{place}`,
      zh: `请等待其完成；如果已失败，请先修复：{tool} fix k3s/nodes-cordoned-by-plan{reach}；查看其进度：{tool} check k3s/plan-stuck{place}`,
    },
  );
