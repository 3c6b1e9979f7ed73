// What the Jobs of a Plan need besides their image: the ServiceAccount, its rights to cordon and drain, the Secrets that are mounted or that validate the Plan, and the priority class.
// Sources: rancher/system-upgrade-controller v0.20.1 pkg/upgrade/job/job.go, pkg/upgrade/plan (Validate), manifests/clusterrole.yaml, issue 319; kubectl drain (what it reads and writes); k3s issue 11505.
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, PointRead, PointReader, Ref, Rows, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { accountOf, missingRights, ROLES } from '../access.ts';
import { openPlans, planName } from '../plans.ts';
import { nodes, type PlanRow, plans } from '../reads.ts';

const reads = {
  nodes,
  plans,
  ...ROLES,
};
type Is = 'account' | 'rights' | 'secret' | 'pull-secret' | 'priority';
interface Args {
  is: Is;
  plan: string;
  /** Of the account, the Secret or the class. */
  name: string;
  /** `VERB RESOURCE`. */
  missing: string[];
}

const check: Check<typeof reads, Args> = {
  id: 'k3s/plan-access',
  title: { en: 'Jobs of Plans have what they need', zh: 'Plan 的 Job 具备所需的权限和对象' },
  headline: { en: 'Jobs of Plans lack permissions, Secrets or accounts', zh: 'Plan 的 Job 缺少权限、Secret 或账号' },
  page: {
    impact: {
      en: 'Without its ServiceAccount or priority class no Pod of the Job is created, and without a Secret the Plan is not valid: nothing happens. Without permissions on Nodes the cordon or drain fails, and the Node is not upgraded.',
      zh: '缺少 ServiceAccount 或 PriorityClass 时，Job 的 Pod 无法创建；缺少 Secret 时 Plan 无效：不会有任何动作。没有节点的权限时，封锁或腾空会失败，节点不会升级。',
    },
    detection: {
      en: 'Reads the ServiceAccount, Secrets (their names alone) and priority class that each Plan with Nodes left names, and the ClusterRoles bound to the ServiceAccount. What is needed: get and patch of nodes; for a drain also Pods, evictions and daemonsets; for prepare, list of nodes and get of plans.',
      zh: '读取每个仍有节点未升级的 Plan 所指定的 ServiceAccount、Secret（仅名称）和 PriorityClass，以及绑定到该 ServiceAccount 的 ClusterRole。所需权限：读取和修改节点；腾空还需要 Pod、驱逐和 DaemonSet；prepare 还需要列出节点和读取 Plan。',
    },
    fix: {
      en: 'manual: apply the whole release manifest of the controller (the roles are a part of it), or create what is missing.',
      zh: '手动：应用控制器的完整发布清单（其中包含角色），或创建缺少的对象。',
    },
  },
  sources: [
    'rancher/system-upgrade-controller v0.20.1: pkg/upgrade/job/job.go, pkg/upgrade/plan/plan.go, manifests/clusterrole.yaml',
    'rancher/system-upgrade-controller: issue 319',
    'k3s-io/k3s: issue 11505',
  ],
  applies: { stage: 'both' },
  reads,
  pointReads: [
    { resource: 'serviceaccounts', columns: [] },
    { resource: 'secrets', columns: [] },
    { resource: 'priorityclasses.scheduling.k8s.io', columns: [] },
  ] satisfies PointRead[],
  judge: async (rows, { look }) => {
    const found: Finding<Args>[] = [];
    for (const { plan } of openPlans(rows.plans, rows.nodes)) found.push(...(await lacking(plan, look)), ...rightsOf(plan, rows));
    return found;
  },
  say: ({ is, plan, name, missing }) => SAID[is](plan, name, missing),
};
export default check;

async function lacking(plan: PlanRow, look: PointReader): Promise<Finding<Args>[]> {
  const { namespace, name } = accountOf(plan);
  const named: [Is, Ref][] = [
    ['account', { apiVersion: 'v1', kind: 'ServiceAccount', namespace, name }],
    ...plan.secrets.map(({ name: secret, pull }): [Is, Ref] => [
      pull ? 'pull-secret' : 'secret',
      { apiVersion: 'v1', kind: 'Secret', namespace, name: secret },
    ]),
    ...(plan.priorityClass && !plan.priorityClass.startsWith('system-')
      ? [['priority', { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', name: plan.priorityClass }] as [Is, Ref]]
      : []),
  ];
  const found: Finding<Args>[] = [];
  for (const [is, ref] of named) {
    const object = await look.get(ref);
    if (!object && !isGap(object)) found.push(told(plan, is, ref.name, []));
  }
  return found;
}

function rightsOf(plan: PlanRow, rows: Rows<typeof reads>): Finding<Args>[] {
  const missing = missingRights(plan, rows);
  return missing.length ? [told(plan, 'rights', accountOf(plan).name, missing)] : [];
}

const SEEN: Record<Is, (name: string) => string> = {
  account: (name) => `spec.serviceAccountName: ${name}`,
  rights: (name) => `spec.serviceAccountName: ${name}`,
  secret: (name) => `spec.secrets: ${name}`,
  'pull-secret': (name) => `spec.imagePullSecrets: ${name}`,
  priority: (name) => `spec.priorityClassName: ${name}`,
};

const told = (plan: PlanRow, is: Is, name: string, missing: string[]): Finding<Args> =>
  finding<Args>({
    ...{
      severity: is === 'pull-secret' ? 'warning' : 'blocker',
      key: [planName(plan), is, name],
      certainty: is === 'rights' ? 'high' : 'certain',
    },
    ...{ objects: [plan.ref], args: { is, plan: planName(plan), name, missing } },
    evidence: [{ seen: SEEN[is](name) }],
  });

const SAID: Record<Is, (plan: string, name: string, missing: string[]) => Text> = {
  account: (plan, name) => ({
    en: `Plan ${plan} names ServiceAccount ${name}, which does not exist: no Pod of its Jobs is created`,
    zh: `Plan ${plan} 指定的 ServiceAccount“${name}”不存在：其 Job 的 Pod 无法创建`,
  }),
  rights: (plan, name, missing) => ({
    en: `Plan ${plan}: ServiceAccount ${name} has no permission to ${missing.join(', ')}`,
    zh: `Plan ${plan}：ServiceAccount“${name}”没有权限：“${missing.join('、')}”`,
  }),
  secret: (plan, name) => ({
    en: `Plan ${plan} names Secret ${name}, which does not exist: the controller rejects the Plan`,
    zh: `Plan ${plan} 指定的 Secret“${name}”不存在：控制器会拒绝该 Plan`,
  }),
  'pull-secret': (plan, name) => ({
    en: `Plan ${plan} names Secret ${name} in imagePullSecrets, which does not exist: private images cannot be pulled`,
    zh: `Plan ${plan} 在 imagePullSecrets 中指定的 Secret“${name}”不存在：无法拉取私有镜像`,
  }),
  priority: (plan, name) => ({
    en: `Plan ${plan} names priority class ${name}, which does not exist: no Pod of its Jobs is created`,
    zh: `Plan ${plan} 指定的 PriorityClass ${name} 不存在：其 Job 的 Pod 无法创建`,
  }),
};
