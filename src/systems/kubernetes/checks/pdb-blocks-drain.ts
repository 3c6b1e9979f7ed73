// PodDisruptionBudgets that let no Pod go, ever or now, and Pods that two of them select: a drain waits without end. Counted from the Pods: the numbers in the status of a
// budget may be stale (kubernetes 143111). Only that its controller cannot compute them (condition DisruptionAllowed, reason SyncFailed) is read there; of manifests (-f), from the replicas of the workloads declared beside them. Sources: kubernetes pkg/registry/core/pod/rest/eviction.go; pkg/controller/disruption (getExpectedPodCount, rounding up).
import type { Check, Finding, Json, Ref, RowOf, Rows, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { each, flag, labels, list, manifests, number, time, tree, word } from '../../../engine/read/index.ts';
import { keptOf, selectorOf, selects } from '../../../kube/budgets.ts';
import { untilDrained } from '../budget-policy.ts';
import { type DeclaredScale, podsOf, scaleIn, selectedBy } from '../declared-replicas.ts';
import { notDrained } from '../nodes-way.ts';
import { isEvicted } from '../workloads.ts';

const BUDGET = {
  selector: tree('spec.selector'),
  least: tree('spec.minAvailable'),
  most: tree('spec.maxUnavailable'),
  policy: word('spec.unhealthyPodEvictionPolicy', 'IfHealthyBudget'),
  allowed: number('status.disruptionsAllowed', 0),
  conditions: each('status.conditions', { type: word('type'), status: word('status'), reason: word('reason') }),
};
const POD = {
  labels: labels(),
  phase: word('status.phase', ''),
  node: word('spec.nodeName'),
  deleted: time('metadata.deletionTimestamp'),
  owners: each('metadata.ownerReferences', { kind: word('kind', ''), controller: flag('controller', false) }),
  conditions: each('status.conditions', { type: word('type'), status: word('status') }),
};
const reads = {
  budgets: list('poddisruptionbudgets.policy', BUDGET),
  pods: list('pods', POD, {
    optional: true,
    only: ({ phase, deleted }) => phase !== 'Succeeded' && phase !== 'Failed' && deleted === undefined,
  }),
  declared: manifests(scaleIn),
};
type Pod = RowOf<typeof POD>;
type Is = 'never' | 'now' | 'overlap' | 'whatever' | 'failed';
interface Args {
  is: Is;
  name: string;
  /** How many are ready; undefined: there are none yet, or it does not matter. */
  healthy?: number;
  wanted: number;
  /** Pods that it is about. */
  pods: number;
}

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/pdb-blocks-drain',
  title: { en: 'every PodDisruptionBudget allows an eviction', zh: '所有 PodDisruptionBudget 都允许驱逐 Pod' },
  headline: { en: 'PodDisruptionBudgets block the drain of Nodes', zh: 'PodDisruptionBudget 会阻止节点腾空' },
  page: {
    impact: {
      en: 'kubectl drain keeps retrying an eviction that a PodDisruptionBudget refuses (by default without a timeout): the Node is not upgraded. The API server refuses every eviction of a Pod that two budgets select.',
      zh: 'PodDisruptionBudget 拒绝驱逐时，kubectl drain 会一直重试（默认没有超时），节点无法升级。如果一个 Pod 被两个 PodDisruptionBudget 选中，API 服务器会拒绝驱逐它。',
    },
    detection: {
      en: 'Compares the number of ready Pods that each budget selects with the number it requires, and ignores the numbers in its status. A budget whose condition DisruptionAllowed has reason SyncFailed is reported, since no eviction is allowed. Pods of DaemonSets count, but are not evicted by a drain. For manifests (-f) the replicas of the workloads declared with them count.',
      zh: '统计每个 PodDisruptionBudget 选中的就绪 Pod 及其要求保留的数量，不依赖其 status 中的数字。状况 DisruptionAllowed 的原因为 SyncFailed 的 PodDisruptionBudget 不允许任何驱逐，同样会报告。DaemonSet 的 Pod 计入数量，但腾空节点时不会被驱逐。对于清单（-f），按同时声明的工作负载的副本数计算。',
    },
    fix: {
      en: 'upgrade lowers a budget that never allows an eviction: by one Pod, until the end of the upgrade, and only if the budget is named with --confirm. Otherwise manual: add a replica, or lower minAvailable, during the upgrade. If two budgets select one Pod, delete one of them. If no Pod is ready, fix the Pods first, or set unhealthyPodEvictionPolicy AlwaysAllow. With reason SyncFailed set minAvailable to a number instead of maxUnavailable or a percentage.',
      zh: 'upgrade 会在升级期间将始终不允许驱逐的 PodDisruptionBudget 放宽一个 Pod，结束时恢复（仅限用 --confirm 指明的对象）。其他情况需手动：升级期间增加一个副本，或调低 minAvailable。两个 PodDisruptionBudget 选中同一 Pod 时只保留一个。没有就绪的 Pod 时，先修复 Pod，或将 unhealthyPodEvictionPolicy 设为 AlwaysAllow。原因为 SyncFailed 时，改用整数的 minAvailable，不用 maxUnavailable 或百分比。',
    },
    limits: {
      en: 'Percentages are computed from the Pods that exist, not from the replicas that a controller has yet to create. In manifests a workload with a HorizontalPodAutoscaler counts with its maxReplicas.',
      zh: '百分比按现有 Pod 计算，不包括控制器尚未创建的副本。在清单中，配有 HorizontalPodAutoscaler 的工作负载按 maxReplicas 计算。',
    },
  },
  sources: [
    'kubernetes/kubernetes: pkg/registry/core/pod/rest/eviction.go',
    'kubernetes/kubernetes: pkg/controller/disruption/disruption.go, issue 143111',
  ],
  applies: { stage: 'before' },
  reads,
  judge: ({ budgets, pods, declared }: Rows<typeof reads>, at) => {
    const kept = notDrained(at);
    if (kept) return kept;
    // Among manifests alone Pods are not those that workloads will make, unless they have been dumped with their Nodes.
    const alone = isGap(at.cluster.serverVersion) && (isGap(pods) || pods.every(({ node }) => node === undefined));
    if (isGap(pods) || alone) return [...budgets.flatMap((budget) => ofDeclared(budget, declared)), ...overlapping(budgets, declared)];
    const byNamespace = Map.groupBy(pods, ({ ref }) => ref.namespace);
    const over = new Map<Pod, Ref[]>();
    const findings = budgets.flatMap((budget): Finding<Args>[] => {
      const { ref, selector, least, most, policy } = budget;
      const selected = (byNamespace.get(ref.namespace) ?? []).filter((pod) => selects(selectorOf(ref, selector), pod.labels));
      if (!selected.length) return selectedBy(budget, declared).length ? ofDeclared(budget, declared) : [];
      const movable = selected.filter(isMovable);
      for (const pod of movable) over.set(pod, [...(over.get(pod) ?? []), ref]);
      const wanted = keptOf(selected.length, least, most);
      const healthy = selected.filter(isReady).length;
      // A Pod that is not ready goes in any case, or as long as the others are enough (the default), which they never are where none is asked for.
      const free = policy === 'AlwaysAllow' || (healthy >= wanted && wanted > 0);
      if (isFailed(budget) && movable.some((pod) => isReady(pod) || policy !== 'AlwaysAllow'))
        return [finding('failed', [ref], { wanted: selected.length, pods: selected.length })];
      if (healthy > wanted || !movable.some((pod) => isReady(pod) || !free)) return [];
      return [finding(selected.length > wanted ? 'now' : 'never', [ref], { healthy, wanted, pods: selected.length })];
    });
    return [...findings, ...overlaps([...over.values()].map((budgets) => ({ budgets, pods: 1 })))];
  },
  say: (args) => SAYS[args.is](args),
  remedy: untilDrained,
};
export default check;

/** No budget counts for one that is Pending. */
const isMovable = ({ owners, node, phase }: Pod): boolean => node !== undefined && phase !== 'Pending' && isEvicted({ owners });
/** The API server then allows no eviction, whatever the spec says: the controller found no scale of the owner of a Pod (failSafe). */
const isFailed = ({ allowed, conditions }: RowOf<typeof BUDGET>): boolean =>
  allowed === 0 &&
  conditions.some(({ type, status, reason }) => type === 'DisruptionAllowed' && status === 'False' && reason === 'SyncFailed');
const isReady = ({ conditions }: Pod): boolean => conditions.some(({ type, status }) => type === 'Ready' && status === 'True');

/** Pods, or what makes them, with the budgets that select them. */
function overlaps(all: readonly { budgets: Ref[]; pods: number }[]): Finding<Args>[] {
  const several = all.filter(({ budgets }) => budgets.length > 1);
  const bySet = Map.groupBy(several, ({ budgets }) => budgets.map(({ namespace, name }) => `${namespace}/${name}`).join(' '));
  return [...bySet.values()].map((same) =>
    finding('overlap', same[0]!.budgets, { wanted: 0, pods: same.reduce((sum, { pods }) => sum + pods, 0) }),
  );
}

/** However many Pods there are: of a thousand all, and not a number of them. */
const keepsAll = (least: Json | undefined, most: Json | undefined): boolean =>
  keptOf(1000, typeof least === 'number' ? 0 : least, most) >= 1000;
const NO_PODS = { wanted: 0, pods: 0 };

// ---- manifests (-f) -------------------------------------------------------------------------------------------------

type Budget = RowOf<typeof BUDGET>;

/** By the most Pods that the workloads declared beside it will make. */
function ofDeclared({ ref, selector, least, most }: Budget, declared: readonly DeclaredScale[]): Finding<Args>[] {
  // An empty one of policy/v1beta1. Without any the manifest is not finished: what it keeps is said all the same.
  if (selector !== undefined && selectorOf(ref, selector) === null) return [];
  if (keepsAll(least, most)) return [finding('whatever', [ref], NO_PODS)];
  const pods = podsOf(selectedBy({ ref, selector }, declared), declared);
  if (!pods) return [];
  const wanted = keptOf(pods, least, most);
  return wanted < pods ? [] : [finding('never', [ref], { wanted, pods })];
}

function overlapping(budgets: readonly Budget[], declared: readonly DeclaredScale[]): Finding<Args>[] {
  const over = declared.map((each) => ({
    budgets: budgets.filter((budget) => selectedBy(budget, [each]).length).map(({ ref }) => ref),
    pods: podsOf([each], declared) ?? 0,
  }));
  return overlaps(over.filter(({ pods }) => pods > 0));
}

function finding(is: Is, budgets: Ref[], counts: Pick<Args, 'healthy' | 'wanted' | 'pods'>): Finding<Args> {
  const names = budgets.map(({ namespace, name }) => `${namespace}/${name}`);
  return {
    severity: is === 'now' ? 'warning' : 'blocker',
    key: [is, ...names],
    // A budget that allows no disruption is deliberate: it is changed only when named.
    certainty: is === 'never' || is === 'whatever' ? 'medium' : 'high',
    objects: budgets,
    args: { is, name: names.join(', '), ...counts },
    evidence: is === 'whatever' ? [] : budgets.map((at) => ({ seen: evidenceOf({ is, ...counts }), at })),
  };
}

function evidenceOf({ is, healthy, wanted, pods }: Omit<Args, 'name'>): string | Text {
  if (is === 'failed') return 'DisruptionAllowed=False SyncFailed';
  const count = { en: `${pods} ${pods === 1 ? 'Pod' : 'Pods'}`, zh: `${pods} 个 Pod` };
  if (is === 'overlap')
    return { en: `selects ${count.en} together with the others`, zh: `与其他 PodDisruptionBudget 同时选中 ${count.zh}` };
  const ready = healthy === undefined ? { en: '', zh: '' } : { en: ` ${healthy} ready,`, zh: `其中 ${healthy} 个就绪，` };
  return { en: `${count.en},${ready.en} ${wanted} to be kept`, zh: `${count.zh}，${ready.zh}需保留 ${wanted} 个` };
}

const SAYS: Record<Is, (args: Args) => Text> = {
  never: ({ name, wanted, pods }) => ({
    en: `PodDisruptionBudget ${name} keeps ${wanted} of ${pods} Pods: no eviction is ever allowed`,
    zh: `PodDisruptionBudget ${name} 要求保留 ${pods} 个 Pod 中的 ${wanted} 个：始终不允许驱逐`,
  }),
  now: ({ name, healthy, wanted, pods }) => ({
    en: `PodDisruptionBudget ${name} keeps ${wanted} of ${pods} Pods and ${healthy} ${healthy === 1 ? 'is' : 'are'} ready: no eviction is allowed now`,
    zh: `PodDisruptionBudget ${name} 要求保留 ${pods} 个 Pod 中的 ${wanted} 个，当前 ${healthy} 个就绪：目前不允许驱逐`,
  }),
  whatever: ({ name }) => ({
    en: `PodDisruptionBudget ${name} keeps all Pods that it selects: no eviction is ever allowed`,
    zh: `PodDisruptionBudget ${name} 要求保留其选中的所有 Pod：始终不允许驱逐`,
  }),
  failed: ({ name }) => ({
    en: `PodDisruptionBudget ${name} cannot be computed (condition SyncFailed): no eviction is allowed`,
    zh: `PodDisruptionBudget ${name} 无法计算（状况为 SyncFailed）：不允许任何驱逐`,
  }),
  overlap: ({ name, pods }) => ({
    en: `PodDisruptionBudgets ${name} select the same ${pods === 1 ? 'Pod' : `${pods} Pods`}: evicting ${pods === 1 ? 'it' : 'them'} is refused`,
    zh: `PodDisruptionBudget ${name.replaceAll(', ', '、')} 选中了相同的 ${pods} 个 Pod：驱逐会被拒绝`,
  }),
};
