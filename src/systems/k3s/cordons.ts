// Who made a node unschedulable: the decision table over what a Plan leaves behind (its Jobs, their Pods and logs, its status, the node's label).
// Rows A to G speak for the Plan, N1 to N4 against it. Times are compared with a tolerance: the API server's clock and the kubelet's differ.
// Sources: rancher/system-upgrade-controller v0.20.1 pkg/upgrade (handle_batch.go, job/job.go); kubectl cordon and drain print `node/N cordoned` or
// `node/N already cordoned`, send no field manager, and so write as `kubectl`.
import type { Certainty, Evidence, Ref, Text } from '../../engine/contracts.ts';
import { isStuck } from '../../kube/jobs.ts';
import type { Cordon } from '../../kube/nodes.ts';
import { clientOf } from '../../kube/owners.ts';
import { textOf } from '../../text/language.ts';
import { parse } from '../../versions/k3s.ts';
import { planLabel } from './plans.ts';
import type { JobRow, NodeRow, PlanRow, UpgradePod } from './reads.ts';

export type Row = 'A' | 'B' | 'C' | 'log' | 'late' | 'D' | 'E' | 'F' | 'G' | 'N1' | 'N2' | 'N4' | 'running';
export interface Verdict {
  row: Row;
  evidence: Evidence[];
}

export const CERTAINTY: Partial<Record<Row, Certainty>> = {
  A: 'certain',
  B: 'certain',
  C: 'high',
  log: 'high',
  late: 'medium',
  D: 'medium',
  E: 'medium',
  G: 'medium',
  F: 'low',
};

/** What one Plan left behind on one node. `plan`: undefined where it is gone. */
export interface Trail {
  namespace?: string;
  name: string;
  plan?: PlanRow;
  jobs: JobRow[];
  pods: UpgradePod[];
}

/** Why the Jobs of a trail did not get on; or that one may still be at work, or that all went well and the controller will see to the node. */
export type Failure = { why: Text; at?: Ref };
export type Course = Failure | 'running' | 'went-well';

export interface Facts {
  cordon: Cordon;
  /** Its kubectl writes as `kubectl`; else the manager says nothing. */
  stockKubectl: boolean;
  /** s, of Jobs of this Plan; 0: none. */
  deadline: number;
  /** It names every failed Job in Complete (v0.15.3 and newer). */
  namesFailures: boolean;
  /** What the cordon container of a Pod wrote; undefined: not to be seen. */
  log(pod: UpgradePod): Promise<string | undefined>;
  course: Course;
}

const TOLERANCE = 5_000;
/** Between the end of a Job and its mention in the Plan's status. */
const REPORTING = 60_000;
/** Between the start of a Job and the cordon, which is the first thing its Pod does: time for the Pod to be scheduled and its image to be pulled. Ours: no source says it. */
const PROMPT = 60_000;

/** Every Plan that may have had to do with this node. */
export function trailsOf(node: NodeRow, plans: readonly PlanRow[], jobs: readonly JobRow[], pods: readonly UpgradePod[]): Trail[] {
  const mine = <Row extends JobRow | UpgradePod>(rows: readonly Row[]) => rows.filter((row) => row.node === node.ref.name);
  const trails = new Map<string, Trail>();
  const at = (namespace: string | undefined, name: string): Trail => {
    const key = `${namespace ?? ''}/${name}`;
    const known = trails.get(key);
    if (known) return known;
    const plan = plans.find(({ ref }) => ref.name === name && ref.namespace === namespace);
    const trail: Trail = { namespace, name, plan, jobs: [], pods: [] };
    trails.set(key, trail);
    return trail;
  };
  for (const job of mine(jobs)) at(job.ref.namespace, job.plan).jobs.push(job);
  for (const pod of mine(pods)) at(pod.ref.namespace, pod.plan).pods.push(pod);
  for (const plan of plans) if (isApplying(plan, node) || hasDone(plan, node)) at(plan.ref.namespace, plan.ref.name);
  // A label whose Plan is gone: its namespace is not known any more.
  for (const label of Object.keys(node.labels)) {
    const name = label.startsWith(planLabel('')) ? label.slice(planLabel('').length) : '';
    if (name && node.labels[label] !== 'disabled' && !plans.some(({ ref }) => ref.name === name)) at(undefined, name);
  }
  return [...trails.values()];
}

const isApplying = (plan: PlanRow, node: NodeRow): boolean =>
  plan.applying.includes(node.hostname) || plan.applying.includes(node.ref.name);
const hasDone = (plan: PlanRow, node: NodeRow): boolean =>
  plan.latestHash !== undefined && node.labels[planLabel(plan.ref.name)] === plan.latestHash;

/** The row of the table that holds. */
export async function verdictOf(trail: Trail, node: NodeRow, facts: Facts): Promise<Verdict> {
  const { plan, jobs, pods } = trail;
  const { cordon, stockKubectl, course } = facts;
  if (cordon.at !== undefined && stockKubectl && cordon.manager !== 'kubectl') return ruledOut('N2');
  if (jobs.length || pods.length) {
    if (course === 'running') return ruledOut('running');
    if (course === 'went-well') return ruledOut('N4');
    return cordon.at === undefined ? byLogs(trail, node, facts, course) : byTimes(trail, node, facts, course);
  }
  if (plan) return byStatus(plan, node, facts) ?? ruledOut('N4');
  const label = planLabel(trail.name);
  return cordon.at === undefined
    ? ruledOut('N4')
    : {
        row: 'F',
        evidence: [{ seen: { en: `label ${label}, of a Plan that is gone`, zh: `标签 ${label}，所属的 Plan 已不存在` }, at: node.ref }],
      };
}

const ruledOut = (row: Row): Verdict => ({ row, evidence: [] });
const said = (failure: Failure): Evidence => ({ seen: failure.why, at: failure.at });

/** When it was cordoned is written nowhere (a dump by `kubectl get` has no managedFields): what kubectl said in the Pod is proof enough; without it names are all there is. */
async function byLogs({ pods }: Trail, node: NodeRow, facts: Facts, failure: Failure): Promise<Verdict> {
  for (const pod of pods.filter(({ cordon }) => cordon?.startedAt !== undefined))
    if (cordonLine(await facts.log(pod), node.ref.name) === 'cordoned')
      return { row: 'log', evidence: [{ seen: inLog(pod.cordon!.name, `node/${node.ref.name} cordoned`), at: pod.ref }, said(failure)] };
  return { row: 'F', evidence: [said(failure)] };
}

/**
 * Older than whatever of the Jobs is left, but not than the Plan: an earlier Job, or an earlier Pod, may have done it. Controllers before v0.15 create a failed Job again, later ones after an
 * edit of the Plan, and the new one finds the Node cordoned already. Row E, if the Plan still names the Node; else N1. Both times are the API server's: no tolerance.
 */
function byEarlier({ plan, jobs, pods }: Trail, node: NodeRow, at: number, failure: Failure): Verdict {
  if (!plan?.cordons || plan.created === undefined || !isApplying(plan, node) || at < plan.created) return ruledOut('N1');
  return {
    row: 'E',
    evidence: [said(failure), { seen: NOT_THE_FIRST, at: jobs[0]?.ref ?? pods[0]!.ref }, { seen: host(node), at: plan.ref }],
  };
}

/** Rows A to C, N1 and N4: something of the Jobs is still there. */
async function byTimes(trail: Trail, node: NodeRow, facts: Facts, failure: Failure): Promise<Verdict> {
  const { jobs, pods } = trail;
  const at = facts.cordon.at!;
  const started = pods.filter(({ cordon }) => cordon?.startedAt !== undefined);
  const fitting = started.filter(
    ({ cordon }) => at >= cordon!.startedAt! - TOLERANCE && at <= (cordon!.finishedAt ?? Infinity) + TOLERANCE,
  );
  const evidence = [said(failure)];
  let unread: UpgradePod | undefined;
  for (const pod of fitting) {
    const line = cordonLine(await facts.log(pod), node.ref.name);
    const container = pod.cordon!.name;
    if (line === 'cordoned')
      return { row: 'A', evidence: [{ seen: inLog(container, `node/${node.ref.name} cordoned`), at: pod.ref }, ...evidence] };
    if (line === undefined) unread ??= pod;
  }
  if (unread) {
    const { name, startedAt, finishedAt } = unread.cordon!;
    const [from, to] = [clock(startedAt), finishedAt ? clock(finishedAt) : NOW];
    const seen = { en: `container ${name} ran from ${from.en} to ${to.en}`, zh: `容器 ${name} 的运行时间：${from.zh} 至 ${to.zh}` };
    return { row: 'B', evidence: [{ seen, at: unread.ref }, ...evidence] };
  }
  // Found cordoned already, or cordoned before the first of them began; a cordon behind all of them is another user's.
  if (started.length)
    return fitting.length || started.every(({ cordon }) => at < cordon!.startedAt!) ? byEarlier(trail, node, at, failure) : ruledOut('N1');
  const job = jobs.find(({ startTime, end, cordons }) => {
    const ended = end?.how === 'failed' ? end.at : undefined;
    return cordons && startTime !== undefined && ended !== undefined && at >= startTime - TOLERANCE && at <= ended + TOLERANCE;
  });
  if (!job && jobs.length && jobs.every(({ startTime }) => startTime && at < startTime - TOLERANCE))
    return byEarlier(trail, node, at, failure);
  if (!job || pods.length) return ruledOut('N4');
  const [from, to] = [clock(job.startTime), clock(job.end!.at)];
  const ran = {
    en: `Job ran from ${from.en} to ${to.en}; its Pods are gone`,
    zh: `Job 的运行时间：${from.zh} 至 ${to.zh}；其 Pod 已不存在`,
  };
  const after = Math.round((at - job.startTime!) / 1000);
  if (at <= job.startTime! + PROMPT) return { row: 'C', evidence: [{ seen: ran, at: job.ref }, ...evidence] };
  // Jobs last up to a quarter of an hour, in which another user can cordon the Node as well.
  const late = {
    en: `${ran.en}; the node was cordoned ${after} s after it began, which a person may have done as well`,
    zh: `${ran.zh}；节点在其开始 ${after} 秒后才被封锁，也可能是人为操作`,
  };
  return { row: 'late', evidence: [{ seen: late, at: job.ref }, ...evidence] };
}

/** What kubectl said of this node. undefined: the log does not tell. */
function cordonLine(log: string | undefined, node: string): 'cordoned' | 'already' | undefined {
  const lines = (log ?? '').split('\n').map((line) => line.trim());
  if (lines.includes(`node/${node} cordoned`)) return 'cordoned';
  return lines.includes(`node/${node} already cordoned`) ? 'already' : undefined;
}

/** Rows D, E and G: no Job is left, only the Plan's status and the node's label. */
function byStatus(plan: PlanRow, node: NodeRow, { cordon: { at }, deadline, namesFailures }: Facts): Verdict | undefined {
  const { complete, ref } = plan;
  if (!plan.cordons) return undefined;
  if (at === undefined && isApplying(plan, node)) return { row: 'F', evidence: [{ seen: host(node), at: ref }] };
  // LatestResolved would be a later bound, but its lastUpdateTime moves with every change of the status.
  if (at !== undefined && plan.created !== undefined && at < plan.created - TOLERANCE) return undefined;
  if (at !== undefined && isApplying(plan, node)) {
    const failed = complete?.reason === 'JobFailed' ? complete : undefined;
    if (!failed) return namesFailures ? undefined : { row: 'E', evidence: [{ seen: host(node), at: ref }] };
    // Written with every change of the status: the failure was then or before.
    if (failed.at !== undefined && at > failed.at + TOLERANCE) return undefined;
    const earliest = failed.at === undefined || deadline === 0 ? -Infinity : failed.at - deadline * 1000 - REPORTING;
    const named = failed.message.includes(` failed on Node ${node.ref.name}:`) && at >= earliest;
    return {
      row: named ? 'D' : 'E',
      evidence: [
        { seen: failed.message.slice(0, 500), at: ref },
        { seen: host(node), at: ref },
      ],
    };
  }
  const stands = complete?.status === 'True' && !plan.applying.length && hasDone(plan, node);
  if (!stands || parse(plan.latestVersion ?? '') !== parse(node.kubeletVersion)) return undefined;
  // lastUpdateTime moves with the condition alone: a cordon after it came when the Plan was through.
  if (at !== undefined && complete.at !== undefined && at > complete.at + TOLERANCE) return undefined;
  return {
    row: at === undefined ? 'F' : 'G',
    evidence: [
      {
        seen: {
          en: `Complete, nothing in status.applying, and the node runs and is labelled with ${plan.latestVersion}`,
          zh: `状态为 Complete，status.applying 为空，节点运行的版本和标签均为 ${plan.latestVersion}`,
        },
        at: ref,
      },
    ],
  };
}

const ORDER: Row[] = ['A', 'B', 'C', 'log', 'D', 'late', 'E', 'G', 'F'];
/** The strongest verdict that speaks for a Plan; undefined: none does. One that may still be at work settles it: there is nothing to repair yet. */
export function strongest<Of extends { verdict: Verdict }>(verdicts: readonly Of[]): Of | undefined {
  if (verdicts.some(({ verdict }) => verdict.row === 'running')) return undefined;
  // Names alone say nothing where another trail rules the Plan out.
  const against = verdicts.some(({ verdict }) => verdict.row.startsWith('N'));
  const rows = against ? ORDER.filter((row) => row !== 'F') : ORDER;
  return rows.flatMap((row) => verdicts.find(({ verdict }) => verdict.row === row) ?? [])[0];
}

/** What a container of the upgrade says where it gives up: the guard against downgrades (two forms), the build date, and its fatal errors. */
const REFUSAL =
  /^(?:Error: Current (?:version )?k3s version \S+ \(\w+\) is higher than k3s version \S+ \(\w+\)|Error: Current build date \S+ is more recent than \S+|\[(?:ERROR|FATAL)\] .*)$/m;
export const refusalIn = (log: string | undefined): string | undefined => REFUSAL.exec(log ?? '')?.[0];

/** How the Jobs of a trail fared. `log`: of the upgrade container of a Pod; asked only while a Job still tries. */
export async function courseOf({ plan, jobs, pods }: Trail, log: (pod: UpgradePod) => Promise<string | undefined>): Promise<Course> {
  const active = jobs.some(({ end }) => !end);
  const broken = jobs.find(({ end }) => end?.how === 'failed');
  if (active || !jobs.length) return courseOfPods(pods, active, log);
  if (broken) return { why: { en: `Job failed: ${broken.end!.reason}`, zh: `Job 失败：${broken.end!.reason}` }, at: broken.ref };
  // The controller uncordons after a Job that went well, as long as the Plan is there and still cordons.
  if (plan?.cordons) return 'went-well';
  const why = plan
    ? { en: 'Job succeeded, but the Plan no longer cordons', zh: 'Job 已成功，但 Plan 不再封锁节点' }
    : { en: 'Job succeeded, but the Plan is gone', zh: 'Job 已成功，但 Plan 已不存在' };
  return { why, at: jobs[0]!.ref };
}

async function courseOfPods(pods: UpgradePod[], active: boolean, log: (pod: UpgradePod) => Promise<string | undefined>): Promise<Course> {
  const stuck = pods.find(({ upgrade }) => upgrade && isStuck(upgrade));
  if (stuck) {
    const { waiting } = stuck.upgrade!;
    return { why: { en: `container upgrade waits: ${waiting}`, zh: `容器 upgrade 正在等待：${waiting}` }, at: stuck.ref };
  }
  const failed = lastOf(pods.filter(({ phase }) => phase === 'Failed'));
  if (!active) {
    const over = pods.every(({ phase }) => phase === 'Failed' || phase === 'Succeeded');
    return over && failed ? { why: { en: 'Pod failed; its Job is gone', zh: 'Pod 已失败；其 Job 已不存在' }, at: failed.ref } : 'running';
  }
  // The first Pod may well fail when K3s is restarted under it; what the next one says counts.
  const refusal = failed && refusalIn(await log(failed));
  return refusal ? { why: inLog('upgrade', refusal), at: failed.ref } : 'running';
}

/** The one that ended last. */
const lastOf = (pods: readonly UpgradePod[]): UpgradePod | undefined =>
  pods.toSorted((a, b) => (b.upgrade?.finishedAt ?? 0) - (a.upgrade?.finishedAt ?? 0))[0];

// ---- wording of the evidence ----------------------------------------------------------------------------------------

const host = ({ hostname }: NodeRow): Text => ({ en: `status.applying names ${hostname}`, zh: `status.applying 中有 ${hostname}` });
const NOT_THE_FIRST: Text = {
  en: 'the node was cordoned after the Plan was created and before this Job: an earlier one may have done it',
  zh: '节点在 Plan 创建之后、此 Job 开始之前已处于封锁状态：可能由更早的 Job 造成',
};
const NOW: Text = { en: 'now', zh: '现在' };
const clock = (ms: number | undefined): Text =>
  ms === undefined ? { en: 'an unknown time', zh: '未知时间' } : textOf(new Date(ms).toISOString().replace('.000Z', 'Z'));

/** A line of a container's log. */
export const inLog = (container: string, line: string): Text => ({
  en: `log of container ${container}: ${line}`,
  zh: `容器 ${container} 的日志：${line}`,
});

/** For the evidence of every row. */
export function cordonSeen({ manager, at }: Cordon): Text {
  if (at === undefined)
    return {
      en: 'spec.unschedulable: true; managedFields do not say by whom',
      zh: 'spec.unschedulable: true；managedFields 没有注明由谁写入',
    };
  const [who, when] = [clientOf(manager), clock(at)];
  return {
    en: `spec.unschedulable: true, written by ${who.en} at ${when.en}`,
    zh: `spec.unschedulable: true，由 ${who.zh} 于 ${when.zh} 写入`,
  };
}
