// What would repair the nodes of one Plan, from what was listed: whom it belongs to, whether it can be retargeted (R1) or why not, and what would have to go (R2).
import type { Ref, Text } from '../../engine/contracts.ts';
import { oneLine } from '../../text/sanitise.ts';
import { compare, parse } from '../../versions/k3s.ts';
import { atLeast, type Controller, type JobSettings } from './controller.ts';
import type { Trail } from './cordons.ts';
import { releases } from './knowledge/tables.ts';
import { type Owner, ownerOf, selectedBy } from './ownership.ts';
import { followsVersion, latestHash, OWN_PLANS, planLabel, untolerated } from './plans.ts';
import type { JobRow, NodeRow, PlanRow, UpgradePod } from './reads.ts';
import type { Repair, Retarget } from './recovery.ts';

export interface Cluster {
  nodes: readonly NodeRow[];
  plans: readonly PlanRow[];
  jobs: readonly JobRow[];
  pods: readonly UpgradePod[];
  rancher?: Owner;
}

/** `settled`: every node found is one that the Plan has succeeded on since. `failing`: nodes whose Jobs are known to fail. */
export function repairOf(
  { namespace, name, plan }: Trail,
  cluster: Cluster,
  {
    controller,
    settings,
    settled,
    failing,
  }: { controller?: Controller; settings: JobSettings; settled: boolean; failing: readonly string[] },
): Repair {
  const waiting = plan ? dependantsOf(plan, cluster.plans) : [];
  const names = [name, ...waiting.map(({ ref }) => ref.name)];
  const mine = ({ ref, plan: of }: { ref: { namespace?: string }; plan: string }) => ref.namespace === namespace && names.includes(of);
  return {
    plan: { namespace, name, ref: plan?.ref, version: plan?.version, latestHash: plan?.latestHash },
    owner: ownerOf(plan, cluster.rancher),
    settled,
    retarget: plan ? retargetOf(plan, cluster, controller, settings) : GONE,
    ...(plan && !waiting.length && !isOurs(plan) ? workedOn(plan, cluster.nodes) : {}),
    busy: cluster.pods.filter(mine).find((pod) => isUpgrading(pod) && !failing.includes(pod.node))?.node,
    jobs: unfinished(cluster.jobs.filter((job) => job.plan === name && job.ref.namespace === namespace)),
    dependants: waiting.map((each) => ({
      ref: each.ref,
      jobs: unfinished(cluster.jobs.filter((job) => job.plan === each.ref.name && job.ref.namespace === namespace)),
      owner: ownerOf(each, cluster.rancher),
    })),
  };
}

const isUpgrading = ({ upgrade }: UpgradePod): boolean => upgrade?.startedAt !== undefined && upgrade.finishedAt === undefined;

/** Those that went well do nothing any more. */
export const unfinished = (jobs: readonly JobRow[]): Ref[] => jobs.filter(({ end }) => end?.how !== 'complete').map(({ ref }) => ref);

/** R3: a node that the Plan has done and that runs what it names. Where others are still to do, only the Node that failed should miss it. */
function workedOn(plan: PlanRow, nodes: readonly NodeRow[]): Pick<Repair, 'worked'> {
  const { latestHash: hash, latestVersion = '' } = plan;
  const done = selectedBy(plan, nodes).find(
    ({ labels, kubeletVersion }) =>
      hash !== undefined && labels[planLabel(plan.ref.name)] === hash && parse(kubeletVersion) === parse(latestVersion),
  );
  return done ? { worked: done.ref.name } : {};
}

/** Plans that are not through and whose `prepare` waits for this one. */
const dependantsOf = (plan: PlanRow, plans: readonly PlanRow[]): PlanRow[] =>
  plans.filter(
    ({ ref, prepareArgs, complete, applying }) =>
      ref.namespace === plan.ref.namespace &&
      ref.name !== plan.ref.name &&
      prepareArgs.includes(plan.ref.name) &&
      (complete?.status !== 'True' || applying.length > 0),
  );

const GONE: Text = { en: 'the Plan is gone', zh: '该 Plan 已不存在' };

/** The oldest controller that leaves a failed Job alone until its Plan changes; older ones create it again, over and over. */
const R1_SINCE = '0.15.0';

/** Of an upgrade that this tool runs: it is undone as a whole, never changed. */
const isOurs = ({ ref }: PlanRow): boolean => ref.name.startsWith(OWN_PLANS);

/** R1, or the first reason against it. */
function retargetOf(plan: PlanRow, { nodes }: Cluster, controller: Controller | undefined, settings: JobSettings): Retarget | Text {
  if (isOurs(plan)) return { en: 'it belongs to an upgrade that is to be undone', zh: '它属于一次需要撤销的升级' };
  if (!controller) return { en: 'system-upgrade-controller not found', zh: '找不到 system-upgrade-controller' };
  if (!atLeast(controller, R1_SINCE))
    return {
      en: `that needs a controller of v${R1_SINCE} or newer, and this is ${controller.version ?? oneLine(controller.image)}`,
      zh: `这需要 v${R1_SINCE} 或更新的控制器，而当前为 ${controller.version ?? oneLine(controller.image)}`,
    };
  if (!controller.ready) return { en: 'the controller is not running', zh: '控制器没有运行' };
  if (!followsVersion(plan)) return { en: 'its image is pinned, so a new version would not change it', zh: '其镜像已固定，不随版本变化' };
  if (!plan.cordons)
    return { en: 'it no longer cordons, so the controller would not uncordon', zh: '它不再封锁节点，因此控制器也不会取消封锁' };
  if (plan.drains) return { en: 'that would drain its nodes once more', zh: '会再次腾空其节点' };
  if (plan.hashOfMore) return { en: 'its hash cannot be computed in advance', zh: '无法预先计算其哈希' };
  const selected = selectedBy(plan, nodes).filter(({ labels }) => labels[planLabel(plan.ref.name)] !== 'disabled');
  const versions = [...new Set(selected.map(({ kubeletVersion }) => parse(kubeletVersion) ?? kubeletVersion))];
  if (versions.length !== 1) return { en: 'its nodes do not all run one version', zh: '其节点运行的版本不一致' };
  const version = parse(versions[0]!);
  if (!version) return noImage(oneLine(versions[0]!));
  const closed = selected.find((node) => node.cordoned && untolerated(node, plan));
  if (closed) return notThere(closed, untolerated(closed, plan)!);
  const hash = latestHash(version, plan.serviceAccount);
  const labelOf = ({ labels }: NodeRow) => labels[planLabel(plan.ref.name)];
  // An image for it exists: it was released, or this very Plan has brought a node there.
  const released = releases().releases.some((release) => compare(release, version) === 0);
  if (!released && !selected.some((node) => labelOf(node) === hash)) return noImage(version);
  return {
    // They run what it names: only its Job did not end well.
    ...(plan.latestHash === hash ? { again: true as const } : {}),
    version,
    hash,
    cordoned: selected.filter((node) => node.cordoned && labelOf(node) !== hash).map(({ ref }) => ref.name),
    deadline: plan.deadline ?? settings.deadline,
    concurrency: plan.concurrency,
  };
}

const noImage = (version: string): Text => ({ en: `no image is known for ${version}`, zh: `没有已知的 ${version} 镜像` });
const notThere = ({ ref }: NodeRow, taint: string): Text => ({
  en: `no Job can run on Node ${ref.name}, which has taint ${taint}`,
  zh: `Node ${ref.name} 有污点 ${taint}，Job 无法在其上运行`,
});
