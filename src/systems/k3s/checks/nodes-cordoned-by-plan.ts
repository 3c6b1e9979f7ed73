// Nodes that a failed Plan of the system-upgrade-controller left cordoned. Who cordoned them is judged by the table in ../cordons.ts.
import type {
  Certainty,
  Check,
  Evidence,
  Finding,
  Gap,
  Judgement,
  PointRead,
  PointReader,
  Raw,
  Ref,
  Rows,
  Severity,
  Text,
} from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { type Cordon, cordonOf, KURED_LOCK, othersAtWork } from '../../../kube/nodes.ts';
import { pointerGet } from '../../../kube/pointer.ts';
import { textOf } from '../../../text/language.ts';
import { oneLine } from '../../../text/sanitise.ts';
import {
  atLeast,
  CONFIG_MAPS,
  type Controller,
  controllerIn,
  DEPLOYMENTS,
  isStockKubectl,
  type JobSettings,
  jobSettings,
} from '../controller.ts';
import {
  type Course,
  cordonSeen,
  courseOf,
  type Facts,
  inLog,
  type Row,
  refusalIn,
  SURE,
  strongest,
  type Trail,
  trailsOf,
  type Verdict,
  verdictOf,
} from '../cordons.ts';
import { rancherAgent, rancherOf } from '../ownership.ts';
import { planLabel } from '../plans.ts';
import { jobs, kuredLocks, NODE_NOW, type NodeRow, nodes, PLANS, type PlanRow, planRow, plans, pods, type UpgradePod } from '../reads.ts';
import { type Left, planName, type RepairMethod, refusalOf, repairSteps, wayOf } from '../remedy.ts';
import { type Cluster, repairOf } from '../repair.ts';

const reads = { nodes, plans, jobs, pods, kuredLocks };

interface Args {
  node: string;
  /** NAMESPACE/NAME, or the name alone where the Plan is gone. */
  plan: string;
  row: Row;
  /** How it is repaired when all nodes of this Plan are. */
  way: RepairMethod;
  left: Left;
}

const check: Check<typeof reads, Args> = {
  id: 'k3s/nodes-cordoned-by-plan',
  title: { en: 'no node is left cordoned by a failed Plan', zh: '没有节点因 Plan 失败而处于封锁状态' },
  headline: { en: 'nodes left cordoned by a failed Plan', zh: 'Plan 失败后节点仍处于封锁状态' },
  page: {
    impact: {
      en: 'The system-upgrade-controller cordons (or drains) a node before upgrading it and uncordons it only if the upgrade Job succeeds. If the Job fails (image refuses a downgrade, image pull error, deadline), the node stays cordoned and keeps using one of the concurrency slots of the Plan.',
      zh: 'system-upgrade-controller 升级节点前会先封锁（cordon）或腾空（drain）节点，只有升级 Job 成功后才取消封锁。Job 失败时（镜像拒绝降级、镜像拉取失败、超时），节点会一直处于封锁状态，并占用 Plan 的一个并发名额。',
    },
    detection: {
      en: 'Who cordoned the node is decided from the kubectl log in the Pods of the Job, the timestamps in managedFields and the Plan status. Nodes cordoned by anyone else are ignored.',
      zh: '根据 Job Pod 中的 kubectl 日志、managedFields 的时间戳和 Plan 的 status 判断由谁封锁；由其他人封锁的节点不会处理。',
    },
    fix: {
      en: 'Uncordons the node, where the Plan has already finished with it. Otherwise sets the Plan to the version that the nodes run, after which the controller uncordons them, or deletes the Plan and its Jobs and then uncordons.',
      zh: 'Plan 已处理完该节点时直接取消封锁。否则将 Plan 的版本改为节点当前运行的版本，由控制器取消封锁；或删除 Plan 及其 Job，然后取消封锁。',
    },
    limits: {
      en: 'Clusters that Rancher manages, and Plans that Argo CD or Flux own, are changed where they are declared. A node whose cordon cannot be attributed is only named.',
      zh: '由 Rancher 管理的集群、由 Argo CD 或 Flux 管理的 Plan，需在其声明处修改。无法确定由谁封锁的节点只会列出。',
    },
  },
  sources: [
    'docs.k3s.io/upgrades/automated (downgrade prevention, recovery)',
    'rancher/system-upgrade-controller v0.20.1: pkg/upgrade/handle_batch.go, pkg/upgrade/job/job.go',
    'rancher/system-upgrade-controller: issues 71 and 341, pull request 369',
    'k3s-io/k3s-upgrade v1.36.1+k3s1: scripts/upgrade.sh',
    'k3s-io/k3s: issue 14282 (a retargeted Plan that runs nowhere)',
  ],
  applies: { stage: 'both' },
  reads,
  pointReads: [NODE_NOW, { resource: PLANS }, { resource: 'pods', verb: 'log' }, DEPLOYMENTS, CONFIG_MAPS] satisfies PointRead[],
  judge: (rows, { look }) => findings(rows, look),
  say: ({ node, plan, row }) => ({
    en: `Node ${node} ${SAID[SURE[row] ?? 'low'].en(plan)}`,
    zh: `Node ${node} ${SAID[SURE[row] ?? 'low'].zh(plan)}`,
  }),
  remedy: {
    writes: [
      { verbs: ['get', 'patch'], group: '', resource: 'nodes' },
      { verbs: ['delete', 'get', 'patch'], group: 'upgrade.cattle.io', resource: 'plans' },
      { verbs: ['delete', 'get'], group: 'batch', resource: 'jobs' },
    ],
    steps: async (found) => repairSteps(found.map(({ args }) => args.left)),
  },
};
export default check;

const PROVEN = {
  en: (plan: string) => `was left cordoned by Plan ${plan}`,
  zh: (plan: string) => `因 Plan ${plan} 失败而仍处于封锁状态`,
};
const SAID: Record<Certainty, typeof PROVEN> = {
  certain: PROVEN,
  high: PROVEN,
  medium: { en: (plan) => `is cordoned, probably by Plan ${plan}`, zh: (plan) => `处于封锁状态，很可能由 Plan ${plan} 造成` },
  low: {
    en: (plan) => `is cordoned, possibly by Plan ${plan} (not enough evidence)`,
    zh: (plan) => `处于封锁状态，可能由 Plan ${plan} 造成（证据不足）`,
  },
};
const SEVERITIES: Record<Certainty, Severity> = { certain: 'blocker', high: 'blocker', medium: 'warning', low: 'notice' };

// ---- judging --------------------------------------------------------------------------------------------------------

/** A node, who is behind it, and what says so. */
interface Judged {
  node: NodeRow;
  trail: Trail;
  verdict: Verdict;
  cordon: Cordon;
  shared: string[];
  /** It has no managedFields at all. */
  hidden: boolean;
}

async function findings(rows: Rows<typeof reads>, ask: PointReader): Promise<Judgement<Args>> {
  const look = onceEach(ask);
  const suspects = rows.nodes
    .filter(({ cordoned }) => cordoned)
    .toSorted((a, b) => a.ref.name.localeCompare(b.ref.name))
    .map((node) => ({ node, trails: trailsOf(node, rows.plans, rows.jobs, rows.pods) }))
    .filter(({ trails }) => trails.length);
  const judged: Judged[] = [];
  for (const { node, trails } of suspects) {
    const one = await judgeNode(node, trails, new Set(rows.kuredLocks.flat()), look);
    if (one) judged.push(one);
  }
  if (!judged.length) return [];
  const rancher = rancherOf(rows.nodes, rows.plans) ?? (await rancherAgent(ask));
  const found = await reported(judged, { ...rows, rancher }, look);
  return judged.some(({ verdict, hidden }) => hidden && verdict.row === 'F') ? { findings: found, gaps: [HIDDEN] } : found;
}

/** kubectl leaves managedFields out since 1.21 (staging/src/k8s.io/cli-runtime/pkg/printers/managedfields.go). */
const HIDDEN: Gap = {
  why: 'failed',
  verb: 'get',
  resource: 'nodes',
  detail: 'no metadata.managedFields; kubectl get nodes -o yaml --show-managed-fields has them',
};

/** Lists are not one moment: Plans are read again, then the node; what has moved on in between is no finding. */
async function judgeNode(node: NodeRow, trails: Trail[], locked: ReadonlySet<string>, look: Look): Promise<Judged | undefined> {
  const courses = new Map<Trail, Course>();
  const fresh: Trail[] = [];
  for (const listed of trails) {
    const trail = await look.again(listed);
    if (!trail) continue;
    fresh.push(trail);
    courses.set(trail, await courseOf(trail, look.upgradeLog));
  }
  const now = await look.node(node.ref);
  const cordon = now && cordonOf(now);
  if (!now || !cordon) return undefined;
  const verdicts = [];
  for (const trail of fresh)
    verdicts.push({ trail, verdict: await verdictOf(trail, node, await factsOf(trail, cordon, courses.get(trail)!, look)) });
  const best = strongest(verdicts);
  if (!best) return undefined;
  const shared = [...othersAtWork(now), ...(locked.has(node.ref.name) ? [KURED_LOCK] : [])];
  // Row N3: short of proof, whoever else is at work there counts as the one who did it.
  if (shared.length && SEVERITIES[SURE[best.verdict.row]!] !== 'blocker') return undefined;
  return { node, ...best, cordon, shared, hidden: pointerGet(now, '/metadata/managedFields') === undefined };
}

async function factsOf(trail: Trail, cordon: Cordon, course: Course, look: Look): Promise<Facts> {
  const { plan, jobs, pods } = trail;
  const image = jobs.find((job) => job.image)?.image ?? pods.find((pod) => pod.cordon)?.cordon?.image;
  const byStatus = plan !== undefined && !jobs.length && !pods.length;
  const { controller, settings } = byStatus
    ? await look.controller(plan.ref.namespace ?? '')
    : { controller: undefined, settings: undefined };
  return {
    cordon,
    course,
    stockKubectl: isStockKubectl(image ?? settings?.kubectlImage),
    deadline: plan?.deadline ?? settings?.deadline ?? 0,
    namesFailures: atLeast(controller, NAMES_FAILURES),
    log: (pod) => look.log(pod, pod.cordon!.name),
  };
}

/** The oldest controller that names a failed Job in the condition Complete. */
const NAMES_FAILURES = '0.15.3';

async function reported(judged: readonly Judged[], cluster: Cluster, look: Look): Promise<Finding<Args>[]> {
  const found: Finding<Args>[] = [];
  for (const group of Map.groupBy(judged, ({ trail }) => `${trail.namespace ?? ''}/${trail.name}`).values()) {
    const { trail } = group[0]!;
    const repair = repairOf(trail, cluster, {
      ...(await look.controller(trail.namespace ?? '')),
      settled: group.every(({ verdict }) => verdict.row === 'G'),
      failing: group.map(({ node }) => node.ref.name),
    });
    const lefts = group.map(({ node, verdict, shared }): Left => {
      return { node: node.ref, label: node.labels[planLabel(trail.name)], repair, shared, low: SURE[verdict.row] === 'low' };
    });
    const chosen = lefts.filter((left) => !refusalOf(left)).map(({ node }) => node.name);
    for (const [at, one] of group.entries())
      found.push(
        await finding(
          one,
          { node: one.node.ref.name, plan: planName(repair), row: one.verdict.row, way: wayOf(repair, chosen), left: lefts[at]! },
          look,
        ),
      );
  }
  return found.toSorted((a, b) => a.args.node.localeCompare(b.args.node));
}

async function finding({ node, verdict, cordon }: Judged, args: Args, look: Look): Promise<Finding<Args>> {
  const certainty = SURE[verdict.row]!;
  const pod = verdict.row === 'A' ? verdict.evidence[0]!.at : undefined;
  const refusal = pod && refusalIn(await look.logOf(pod, 'upgrade'));
  return {
    severity: SEVERITIES[certainty],
    key: [node.ref.name],
    certainty,
    objects: [node.ref],
    args,
    evidence: [
      ...verdict.evidence.map(({ seen, at }) => ({ seen: bounded(seen), at })),
      ...(refusal ? [{ seen: inLog('upgrade', oneLine(refusal, 300)), at: pod }] : []),
      { seen: cordonSeen(cordon), at: node.ref },
    ],
  };
}

function bounded(seen: Evidence['seen']): Text {
  const { en, zh } = textOf(seen);
  return { en: oneLine(en, 600), zh: oneLine(zh, 600) };
}

// ---- point reads, each once -----------------------------------------------------------------------------------------

interface Look {
  node(ref: Ref): Promise<Raw | undefined>;
  /** With its Plan as it is now, where only the Plan speaks; undefined: it has just gone, or cannot be seen. */
  again(trail: Trail): Promise<Trail | undefined>;
  controller(namespace: string): Promise<{ controller?: Controller; settings: JobSettings }>;
  log(pod: UpgradePod, container: string): Promise<string | undefined>;
  logOf(pod: Ref, container: string): Promise<string | undefined>;
  upgradeLog(pod: UpgradePod): Promise<string | undefined>;
}

/** Bytes of a log's end; kubectl drain tells a line for every Pod that it waits for, after the one that matters. */
const LOG_BYTES = 64 * 1024;

function onceEach(ask: PointReader): Look {
  const once = <Answer>(known: Map<string, Promise<Answer>>, key: string, how: () => Promise<Answer>): Promise<Answer> => {
    const before = known.get(key);
    if (before) return before;
    const asked = how();
    known.set(key, asked);
    return asked;
  };
  const seen = async (ref: Ref): Promise<Raw | undefined> => {
    const object = await ask.get(ref);
    return isGap(object) ? undefined : object;
  };
  const planReads = new Map<string, Promise<Raw | undefined>>();
  const controllers = new Map<string, ReturnType<Look['controller']>>();
  const logs = new Map<string, Promise<string | undefined>>();
  const logOf = (pod: Ref, container: string) =>
    once(logs, `${pod.namespace}/${pod.name}/${container}`, async () => {
      const text = await ask.log(pod, container, LOG_BYTES);
      return typeof text === 'string' ? text : undefined;
    });
  return {
    node: seen,
    again: async (trail) => {
      const { plan, jobs: left, pods: alive } = trail;
      if (!plan || left.length || alive.length) return trail;
      const object = await once<Raw | undefined>(planReads, `${plan.ref.namespace}/${plan.ref.name}`, () => seen(plan.ref));
      return object && { ...trail, plan: planRow(object) satisfies PlanRow };
    },
    controller: (namespace) =>
      once(controllers, namespace, async () => {
        const controller = namespace ? await controllerIn(namespace, ask) : undefined;
        return { controller, settings: await jobSettings(controller, ask) };
      }),
    logOf,
    log: (pod, container) => logOf(pod.ref, container),
    upgradeLog: (pod) => logOf(pod.ref, 'upgrade'),
  };
}
