// Which nodes are reported as left cordoned by a Plan, with what certainty: the lists make them suspicious, point reads in the safe order confirm it, the table in cordons.ts judges.
import type { Certainty, Evidence, Finding, Gap, Judgement, PointReader, Rows, Severity, Text } from '../../engine/contracts.ts';
import { inOurWords } from '../../engine/gaps.ts';
import { type Cordon, cordonOf, KURED_LOCK, othersAtWork } from '../../kube/nodes.ts';
import { pointerGet } from '../../kube/pointer.ts';
import { textOf } from '../../text/language.ts';
import { oneLine } from '../../text/sanitise.ts';
import { atLeast, isStockKubectl } from './controller.ts';
import { type Look, onceEach } from './cordon-looks.ts';
import {
  CERTAINTY,
  type Course,
  cordonSeen,
  courseOf,
  type Facts,
  inLog,
  type Row,
  refusalIn,
  strongest,
  type Trail,
  trailsOf,
  type Verdict,
  verdictOf,
} from './cordons.ts';
import { rancherAgent, rancherOf } from './ownership.ts';
import { planLabel } from './plans.ts';
import { jobs, kuredLocks, type NodeRow, nodes, plans, pods } from './reads.ts';
import { type Left, planName, type RepairMethod, refusalOf, wayOf } from './recovery.ts';
import { type Cluster, repairOf, unfinished } from './repair.ts';

export const CORDON_READS = { nodes, plans, jobs, pods, kuredLocks };
export type CordonReads = typeof CORDON_READS;

export interface Args {
  node: string;
  /** NAMESPACE/NAME, or the name alone where the Plan is gone. */
  plan: string;
  row: Row;
  /** How it is repaired when all nodes of this Plan are. */
  way: RepairMethod;
  left: Left;
}

const SEVERITIES: Record<Certainty, Severity> = { certain: 'blocker', high: 'blocker', medium: 'warning', low: 'notice' };

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

export async function findings(rows: Rows<CordonReads>, ask: PointReader): Promise<Judgement<Args>> {
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
  ...inOurWords({
    en: 'no metadata.managedFields; kubectl get nodes -o yaml --show-managed-fields has them',
    zh: '没有 metadata.managedFields；可用 kubectl get nodes -o yaml --show-managed-fields 获取',
  }),
};

/** Lists are not one moment: Plans are read again, then the node; what has moved on in between is not a finding. */
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
  // Row N3: short of proof, another actor at work there counts as the one who did it.
  if (shared.length && SEVERITIES[CERTAINTY[best.verdict.row]!] !== 'blocker') return undefined;
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
    const lefts = group.map(({ node, trail: { jobs: own }, verdict, shared }): Left => {
      const low = CERTAINTY[verdict.row] === 'low';
      return { node: node.ref, label: node.labels[planLabel(trail.name)], jobs: unfinished(own), repair, shared, low };
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
  const certainty = CERTAINTY[verdict.row]!;
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
