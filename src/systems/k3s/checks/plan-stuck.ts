// Plans that do not get on although no Job has failed: a drain that a budget refuses, servers that prepare waits for, an image that cannot be pulled, a Node that is off; and failed Jobs of Plans
// that do not cordon (of those that do, nodes-cordoned-by-plan tells). Sources: rancher/system-upgrade-controller v0.20.1 pkg/upgrade, issues 78, 103, 165; k3s-upgrade scripts/upgrade.sh (prepare);
// rancher/rancher issue 26013 (a server that is off); longhorn issue 5910.
import { finding } from '../../../engine/builders.ts';
import type { Check, Evidence, Finding, PointRead, Ref, Rows, Text } from '../../../engine/contracts.ts';
import { seen } from '../../../engine/gaps.ts';
import { isStuck } from '../../../kube/jobs.ts';
import { oneLine } from '../../../text/sanitise.ts';
import { compare, parse } from '../../../versions/k3s.ts';
import { CONFIG_MAPS, controllerIn, DEPLOYMENTS, jobSettings } from '../controller.ts';
import { blockingOn } from '../drains.ts';
import { isServer, openPlans, planName, targetOf } from '../plans.ts';
import { budgets, jobs, type NodeRow, nodes, type PlanRow, plans, pods, type UpgradePod, workloads } from '../reads.ts';

const reads = { nodes, plans, jobs, pods, workloads, budgets };
type Is = 'image' | 'drain' | 'prepare' | 'off' | 'unscheduled' | 'failed';
interface Args {
  is: Is;
  plan: string;
  node: string;
  /** Of the container that waits; PodDisruptionBudgets; servers that are waited for; or why the Job failed. */
  what: string[];
  /** Seconds that the Job has; 0: no end. */
  deadline: number;
}

const check: Check<typeof reads, Args> = {
  id: 'k3s/plan-stuck',
  title: { en: 'Plans make progress', zh: 'Plan 的执行有进展' },
  headline: { en: 'Plans are stuck', zh: 'Plan 的执行停滞' },
  page: {
    impact: {
      en: "The stuck Node occupies one of the Plan's concurrency slots, so the other Nodes wait as well. If spec.jobActiveDeadlineSecs is 0 and the controller has no deadline, it waits forever and reports nothing.",
      zh: '停滞的节点会占用 Plan 的一个并发名额，其他节点的升级也会等待。如果 spec.jobActiveDeadlineSecs 为 0 且控制器没有设置时限，则会一直等待，且没有任何报告。',
    },
    detection: {
      en: `Reads the Jobs and Pods of Plans that have Nodes left: a container whose image cannot be pulled, a drain with a PodDisruptionBudget that allows no eviction, a prepare step that has waited for 15 minutes, a Pod without a Node for 5 minutes, and Nodes in status.applying that are not Ready.`,
      zh: '读取仍有节点未升级的 Plan 的 Job 和 Pod：镜像无法拉取的容器、PodDisruptionBudget 不允许驱逐的腾空、已等待 15 分钟的 prepare 步骤、5 分钟仍未分配节点的 Pod，以及 status.applying 中未就绪的节点。',
    },
    fix: {
      en: 'manual: remove the cause. The Job then continues by itself; one that has failed is retried by a controller of v0.15.0 or newer only after the Plan changes.',
      zh: '手动：消除原因，Job 会自行继续。已失败的 Job，v0.15.0 起的控制器只有在 Plan 被修改后才会重试。',
    },
  },
  sources: [
    'rancher/system-upgrade-controller v0.20.1: pkg/upgrade/job/job.go, pkg/upgrade/handle_upgrade.go',
    'rancher/system-upgrade-controller: issues 78, 103, 165, 315',
    'k3s-io/k3s-upgrade v1.36.1+k3s1: scripts/upgrade.sh (prepare)',
    'rancher/rancher: issue 26013',
  ],
  applies: { stage: 'both' },
  reads,
  pointReads: [DEPLOYMENTS, CONFIG_MAPS] satisfies PointRead[],
  judge: async (rows, { now, look }) => {
    const found: Finding<Args>[] = [];
    for (const { plan, pending } of openPlans(rows.plans, rows.nodes)) {
      const controller = await controllerIn(plan.ref.namespace ?? '', look);
      const deadline = plan.deadline ?? (await jobSettings(controller, look)).deadline;
      for (const node of pending.filter((each) => isApplying(plan, each))) {
        const why = whyStuck(plan, node, rows, now);
        if (why) found.push(told(plan, node, why, deadline));
      }
    }
    return found;
  },
  say: (args) => {
    const { en, zh } = SAID[args.is](args);
    const endless = args.deadline === 0 && args.is !== 'failed';
    return {
      en: `Plan ${args.plan} is stuck on Node ${args.node}: ${en}${endless ? '; its Job has no deadline' : ''}`,
      zh: `Plan ${args.plan} 停在 Node ${args.node}：${zh}${endless ? '；其 Job 没有时限' : ''}`,
    };
  },
};
export default check;

const isApplying = ({ applying }: PlanRow, { hostname, ref }: NodeRow): boolean =>
  applying.includes(hostname) || applying.includes(ref.name);

/** ms. */
const PREPARED = 900_000;
const DRAINED = 120_000;
const LONG_DRAIN = 900_000;
const SCHEDULED = 300_000;

interface Stuck {
  is: Is;
  what: string[];
  evidence: Evidence;
  objects?: Ref[];
}

function whyStuck(plan: PlanRow, node: NodeRow, rows: Rows<typeof reads>, now: number): Stuck | undefined {
  const ofNode = <Row extends { ref: Ref; plan: string; node: string }>(each: Row) =>
    each.plan === plan.ref.name && each.ref.namespace === plan.ref.namespace && each.node === node.ref.name;
  const own = rows.jobs.filter(ofNode);
  const failed = own.find(({ end }) => end?.how === 'failed');
  // Of one that cordons nodes-cordoned-by-plan tells, with what to do.
  if (failed)
    return plan.cordons
      ? undefined
      : { is: 'failed', what: [failed.end!.reason], evidence: { seen: 'status.conditions[type=Failed]', at: failed.ref } };
  for (const pod of rows.pods.filter((each) => ofNode(each) && (each.phase === 'Pending' || each.phase === 'Running'))) {
    const why = ofPod(pod, plan, node, rows, now);
    if (why) return why;
  }
  return node.ready ? undefined : { is: 'off', what: [], evidence: { seen: 'status.conditions[type=Ready]', at: node.ref } };
}

function ofPod(pod: UpgradePod, plan: PlanRow, node: NodeRow, rows: Rows<typeof reads>, now: number): Stuck | undefined {
  const waiting = [pod.prepare, pod.cordon, pod.upgrade].find((each) => each && isStuck(each));
  if (waiting)
    return {
      is: 'image',
      what: [waiting.name, waiting.image, waiting.waiting!],
      evidence: { seen: `state.waiting.reason: ${waiting.waiting}`, at: pod.ref },
    };
  const lasts = (since: number | undefined): number => (since === undefined ? 0 : now - since);
  if (runs(pod.prepare) && lasts(pod.prepare.startedAt) > PREPARED) {
    const behind = serversBehind(plan, rows.nodes);
    return { is: 'prepare', what: behind.map(({ ref }) => ref.name), evidence: { seen: RUNS('prepare'), at: pod.ref } };
  }
  if (runs(pod.cordon) && pod.cordon.name === 'drain') {
    const blocking = blockingOn(new Set([node.ref.name]), seen(rows.workloads), seen(rows.budgets));
    const [since, limit] = [lasts(pod.cordon.startedAt), blocking.length ? DRAINED : LONG_DRAIN];
    if (since > limit)
      return {
        ...{ is: 'drain', what: blocking.map(({ budget }) => `${budget.namespace}/${budget.name}`) },
        ...{ evidence: { seen: RUNS('drain'), at: pod.ref }, objects: [node.ref, ...blocking.map(({ budget }) => budget)] },
      };
  }
  const begun = [pod.prepare, pod.cordon, pod.upgrade].some((each) => each?.startedAt !== undefined);
  if (!begun && node.ready && lasts(pod.created) > SCHEDULED)
    return { is: 'unscheduled', what: [], evidence: { seen: 'status.phase: Pending', at: pod.ref } };
  return undefined;
}

const runs = <State extends { startedAt?: number; finishedAt?: number }>(state: State | undefined): state is State =>
  state?.startedAt !== undefined && state.finishedAt === undefined;
const RUNS = (container: string): Text => ({ en: `container ${container} is running`, zh: `容器 ${container} 正在运行` });

/** prepare goes on once every server runs the version of its own Plan. */
function serversBehind(plan: PlanRow, all: readonly NodeRow[]): NodeRow[] {
  const to = targetOf(plan);
  return all.filter((node) => isServer(node) && (to === undefined || compare(parse(node.kubeletVersion) ?? to, to) !== 0));
}

function told(plan: PlanRow, node: NodeRow, { is, what, evidence, objects = [node.ref] }: Stuck, deadline: number): Finding<Args> {
  return finding<Args>({
    ...{
      severity: 'blocker',
      key: [planName(plan), node.ref.name, is],
      certainty: is === 'drain' || is === 'unscheduled' ? 'high' : 'certain',
    },
    ...{ objects, args: { is, plan: planName(plan), node: node.ref.name, what: what.map((each) => oneLine(each, 200)), deadline } },
    evidence: [evidence],
  });
}

/** Names in a message; there may be many. */
const listed = (names: string[], comma: string): string =>
  names.slice(0, 5).join(comma) + (names.length > 5 ? ` (+${names.length - 5})` : '');
const SAID: Record<Is, (args: Args) => Text> = {
  image: ({ what: [container = '', image = '', reason = ''] }) => ({
    en: `container ${container} waits for its image ${image} (${reason})`,
    zh: `容器 ${container} 在等待镜像“${image}”（${reason}）`,
  }),
  drain: ({ what }) =>
    what.length
      ? {
          en: `its drain waits for PodDisruptionBudget ${listed(what, ', ')}, which allows no eviction`,
          zh: `腾空在等待 PodDisruptionBudget ${listed(what, '、')}，它不允许驱逐`,
        }
      : { en: 'its drain has run for more than 15 minutes', zh: '腾空已进行 15 分钟以上' },
  prepare: ({ what }) =>
    what.length
      ? {
          en: `its prepare step waits for servers of another version: ${listed(what, ', ')}`,
          zh: `prepare 步骤在等待版本不同的 server：${listed(what, '、')}`,
        }
      : { en: 'its prepare step waits for the Plan of the servers', zh: 'prepare 步骤在等待 server 的 Plan' },
  off: () => ({ en: 'the Node is not Ready, so that its Job cannot run', zh: '该节点未就绪，Job 无法运行' }),
  unscheduled: () => ({ en: 'the Pod of its Job has not started for 5 minutes', zh: '其 Job 的 Pod 5 分钟仍未启动' }),
  failed: ({ what: [reason = ''] }) => ({ en: `its Job failed (${reason})`, zh: `其 Job 已失败（${reason}）` }),
};
