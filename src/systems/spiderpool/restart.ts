// Restarting a Pod so that it gets another address: by eviction, so that PodDisruptionBudgets are respected; never where nothing would create it again.
// A Pod of a StatefulSet gets its old address back from its SpiderEndpoint, which therefore goes first (retrieveStaticIPAllocation in pkg/ipam/allocate.go@v0.9.13).
// The CNI's DEL releases only records with the Pod's own uid: the Pod that keeps the IP does not lose its record (pkg/ippoolmanager, ReleaseIP).
import type { Condition, Gap, Language, PointReader, Raw, Ref, Refusal, Rule, Situation, StepDraft, Text } from '../../engine/contracts.ts';
import { describeGap, isGap } from '../../engine/gaps.ts';
import { type BudgetRow, budgetsOf } from '../../kube/budgets.ts';
import { isRaw } from '../../kube/json.ts';
import { controllerOf, type Owner } from '../../kube/pods.ts';
import { lives } from '../../kube/refs.ts';
import { shellWord } from '../../text/shell.ts';
import { satisfies } from '../../versions/chart.ts';
import { notes } from './knowledge/tables.ts';
import { type Hold, nameOf } from './ledger.ts';
import { refOfPod } from './rows.ts';
import { podRefusal } from './webhook-refusal.ts';

const FINALIZER = 'spiderpool.spidernet.io';
/** Seconds for which an eviction waits for its budget. */
const PATIENCE = 300;

/** How a Pod can be restarted. Plain data, for a finding's arguments. */
export interface Restart {
  pod: Ref;
  node: string;
  /** `endpoint-first`: static address. `alone`: nothing creates it again. `machine`: KubeVirt's. */
  way: 'evict' | 'endpoint-first' | 'alone' | 'machine';
  /** `StatefulSet cart`; '' without one. */
  owner: string;
  endpoint: Ref | null;
  /** null: they could not be listed. */
  budgets: { ref: Ref; allows: number }[] | null;
}

export function restartOf({ pod, raw, claim }: Hold, budgets: readonly BudgetRow[] | Gap): Restart {
  const owner = controllerOf(raw);
  const node = isRaw(raw.spec) ? raw.spec.nodeName : undefined;
  return {
    pod: refOfPod(pod),
    node: typeof node === 'string' ? node : '',
    way: wayOf(pod.machine, owner, claim !== undefined),
    owner: owner ? `${owner.kind} ${owner.name}` : '',
    endpoint: claim?.endpoint ?? null,
    budgets: isGap(budgets) ? null : budgetsOf(raw, budgets).map(({ ref, allows }) => ({ ref, allows })),
  };
}

function wayOf(machine: string | undefined, owner: Owner | undefined, claimed: boolean): Restart['way'] {
  if (machine !== undefined) return 'machine';
  // A mirror Pod belongs to its node: to delete it restarts nothing.
  if (!owner || owner.kind === 'Node') return 'alone';
  // IsStaticIPPod in pkg/podmanager/utils.go: the group counts, too; another StatefulSet gets new addresses by itself.
  return isStatic(owner) && claimed ? 'endpoint-first' : 'evict';
}

/** Its Pods keep their addresses by name. */
export const isStatic = ({ kind, apiVersion }: Pick<Owner, 'kind' | 'apiVersion'>): boolean =>
  kind === 'StatefulSet' && apiVersion.startsWith('apps/');

export const isAutomatic = ({ way }: Pick<Restart, 'way'>): boolean => way === 'evict' || way === 'endpoint-first';

/** One Pod to restart, why, and what must be so and done before. */
export interface RestartRequest {
  restart: Restart;
  /** Goes on behind the Pod's name: `…, because`. */
  because: Text;
  guard: Condition[];
  after: StepDraft[];
}

/** Steps for all of them; each Pod once, however many of its addresses are wanted; Pods of one budget one after the other. */
export async function restarts(wanted: readonly RestartRequest[], at: Pick<Situation, 'look' | 'path'>): Promise<(StepDraft | Refusal)[]> {
  const out: (StepDraft | Refusal)[] = [];
  const rejected = wanted.length ? await podRefusal(at) : () => undefined;
  const when = isMendedBy(at.path) ? { when: 'after' as const } : {};
  const lastOf = new Map<string, StepDraft>();
  for (const one of mergedByPod(wanted)) {
    const refused = refusalOf(one.restart) ?? rejected(one.restart.pod.namespace ?? '');
    if (refused) {
      out.push({ refused, objects: [one.restart.pod] });
      continue;
    }
    const chained = one.restart.budgets?.flatMap(({ ref }) => lastOf.get(nameOf(ref)) ?? []) ?? [];
    const steps = await stepsOf({ ...one, after: [...one.after, ...chained] }, at.look);
    for (const step of steps) Object.assign(step, when);
    out.push(...steps);
    const last = steps.at(-1);
    if (last && 'do' in last && last.do === 'evict') for (const { ref } of one.restart.budgets ?? []) lastOf.set(nameOf(ref), last);
  }
  return out;
}

/** Garbage collection of these releases may release the new IP of a Pod of a StatefulSet again, when the one before it is evicted: that comes behind the upgrade. */
function isMendedBy({ from, to }: Situation['path']): boolean {
  const isBad = (version: unknown) => typeof version === 'string' && satisfies(version, notes().gc.from);
  return isBad(from) && to !== undefined && !isBad(to);
}

function mergedByPod(wanted: readonly RestartRequest[]): RestartRequest[] {
  const byPod = Map.groupBy(wanted, ({ restart }) => restart.pod.uid ?? nameOf(restart.pod));
  return [...byPod.values()].map((same) => ({
    ...same[0]!,
    restart: { ...same[0]!.restart, ...same.find(({ restart }) => restart.way === 'endpoint-first')?.restart },
    guard: same.length === 1 ? same[0]!.guard : same[0]!.guard.filter((condition) => same.every(({ guard }) => has(guard, condition))),
    after: same.flatMap(({ after }) => after),
  }));
}

const has = (guard: readonly Condition[], one: Condition): boolean => guard.some((other) => JSON.stringify(other) === JSON.stringify(one));

/** Why a budget forbids it now. */
function refusalOf({ way, budgets, pod }: Restart): Text | undefined {
  if (way !== 'evict' && way !== 'endpoint-first') return undefined;
  if (budgets === null) {
    // An eviction alone asks the budgets itself; what goes before it must know that it will come to pass.
    const gap: Gap = { why: 'forbidden', verb: 'list', resource: 'poddisruptionbudgets.policy' };
    return way === 'endpoint-first' ? describeGap(gap) : undefined;
  }
  if (budgets.length > 1)
    return {
      en: `several PodDisruptionBudgets select ${nameOf(pod)} (${named(budgets, 'en')}); the API server rejects such evictions`,
      zh: `多个 PodDisruptionBudget（${named(budgets, 'zh')}）同时选中 ${nameOf(pod)}，API 服务器会拒绝此类驱逐`,
    };
  if (budgets.some(({ allows }) => allows < 1))
    return {
      en: `PodDisruptionBudget ${named(budgets, 'en')} allows no disruptions now (${nameOf(pod)}); scale up or relax it, then run fix again`,
      zh: `PodDisruptionBudget ${named(budgets, 'zh')} 当前不允许驱逐 ${nameOf(pod)}；请先扩容或放宽该 PodDisruptionBudget，再运行 fix`,
    };
  return undefined;
}

const named = (budgets: NonNullable<Restart['budgets']>, language: Language): string =>
  budgets.map(({ ref }) => nameOf(ref)).join(language === 'zh' ? '、' : ', ');

async function stepsOf(one: RestartRequest, look: PointReader): Promise<StepDraft[]> {
  const { restart } = one;
  if (restart.way === 'alone') return [alone(one)];
  if (restart.way === 'machine') return [machine(one)];
  const before = restart.endpoint && restart.way === 'endpoint-first' ? await endpointGoes(one, restart.endpoint, look) : [];
  return [...before, evict({ ...one, after: before.length ? before.slice(-1) : one.after })];
}

const common = { undo: 'none' } as const;

function evict({ restart: { pod, owner }, because, guard, after }: RestartRequest): StepDraft {
  return {
    ...common,
    do: 'evict',
    on: pod,
    within: PATIENCE,
    guard: [...guard, lives(pod)],
    after,
    text: {
      en: `evict Pod ${nameOf(pod)} (${owner} recreates it), ${because.en}`,
      zh: `驱逐 Pod ${nameOf(pod)}（由 ${owner} 重新创建），${because.zh}`,
    },
    undoNote: { en: 'undo: none, an evicted Pod cannot be restored', zh: '无法撤销：被驱逐的 Pod 不能恢复' },
  };
}

/** The budget is waited for before anything goes: a Pod must not run on without its endpoint because it may not be evicted. */
async function endpointGoes(one: RestartRequest, endpoint: Ref, look: PointReader): Promise<StepDraft[]> {
  const { restart, guard } = one;
  const steps: StepDraft[] = [];
  const then = (): StepDraft[] => (steps.length ? steps.slice(-1) : one.after);
  const why: Condition[] = [...guard, lives(restart.pod)];
  for (const { ref } of restart.budgets ?? []) {
    steps.push({
      ...common,
      do: 'wait',
      until: [{ on: { ...ref, uid: undefined }, must: [{ path: '/status/disruptionsAllowed', isNot: 0 }] }],
      within: PATIENCE,
      assume: [],
      // A Pod that has gone by itself needs no restart; nor does what comes behind this step.
      optional: true,
      guard: why,
      after: then(),
      text: {
        en: `wait until PodDisruptionBudget ${nameOf(ref)} allows the eviction of Pod ${nameOf(restart.pod)}`,
        zh: `等待 PodDisruptionBudget ${nameOf(ref)} 允许驱逐 Pod ${nameOf(restart.pod)}`,
      },
    });
  }
  const now = await look.get(endpoint);
  return [
    ...steps,
    ...endpointSteps({
      endpoint,
      now: now && !isGap(now) ? now : undefined,
      guard: why,
      after: then(),
      pod: restart.pod,
      because: SAME_IP,
    }),
  ];
}

const SAME_IP: Text = { en: 'the recreated Pod would get the same IP from it', zh: '否则重新创建的 Pod 会从中取回同一 IP' };

/**
 * Takes a SpiderEndpoint away, its finalizer first. `pod`: an undo makes it again only while that one lives, since a successor has an endpoint of its own. `uid`: of the Pod
 * that it must still belong to, where that is another.
 */
export function endpointSteps({
  endpoint,
  now,
  uid,
  guard,
  after,
  pod,
  because,
}: {
  endpoint: Ref;
  /** As just read. */
  now: Raw | undefined;
  uid?: string;
  guard: Condition[];
  after: StepDraft[];
  pod: Ref;
  because: Text;
}): StepDraft[] {
  const name = nameOf(endpoint);
  const why: Condition[] = uid === undefined ? guard : [...guard, { on: endpoint, must: [{ path: '/status/current/uid', is: uid }] }];
  const finalizers = now ? finalizersOf(now) : [];
  const rest = finalizers.filter((each) => each !== FINALIZER);
  const free: StepDraft = {
    ...common,
    do: 'patch',
    on: endpoint,
    changes: [{ path: '/metadata/finalizers', before: finalizers, ...(rest.length ? { after: rest } : {}) }],
    guard: why,
    after,
    undo: 'exact',
    text: { en: `remove the finalizer from SpiderEndpoint ${name}`, zh: `移除 SpiderEndpoint ${name} 的 finalizer` },
  };
  const first = finalizers.includes(FINALIZER) ? [free] : [];
  return [
    ...first,
    {
      ...common,
      do: 'delete',
      on: endpoint,
      // A Pod that runs on, because its eviction failed, must not stay without it: its address would be given to others.
      again: { whileLives: pod, finalizers },
      guard: why,
      after: first.length ? first : after,
      undo: uid === undefined ? 'exact' : 'compensates',
      text: { en: `delete SpiderEndpoint ${name}: ${because.en}`, zh: `删除 SpiderEndpoint ${name}：${because.zh}` },
      undoNote: {
        en: `undo: only until Pod ${nameOf(pod)} has been ${uid === undefined ? 'evicted' : 'given an IP'}; after that a new SpiderEndpoint exists`,
        zh: `撤销时：仅在 Pod ${nameOf(pod)} 尚未${uid === undefined ? '被驱逐' : '分配 IP'}时恢复；此后已有新的 SpiderEndpoint`,
      },
    },
  ];
}

function finalizersOf(object: Raw): string[] {
  const finalizers = isRaw(object.metadata) ? object.metadata.finalizers : undefined;
  return Array.isArray(finalizers) ? finalizers.filter((each) => typeof each === 'string') : [];
}

function alone({ restart: { pod }, because, after }: RestartRequest): StepDraft {
  const [name, at] = [shellWord(pod.name), shellWord(pod.namespace ?? '')];
  return {
    ...common,
    do: 'manual',
    commands: [
      `kubectl get pod ${name} -n ${at} -o yaml > ${name}.yaml`,
      `kubectl delete pod ${name} -n ${at}`,
      `kubectl create -f ${name}.yaml`,
    ],
    seen: [{ on: pod, must: 'be-gone' }],
    guard: [],
    after,
    text: {
      en: `re-create Pod ${nameOf(pod)} (it has no controller), ${because.en}; remove status and metadata.uid from the file first`,
      zh: `手动重新创建 Pod ${nameOf(pod)}（它没有控制器），${because.zh}；请先从文件中删去 status 和 metadata.uid`,
    },
  };
}

function machine({ restart: { pod, owner, endpoint }, because, after }: RestartRequest): StepDraft {
  const [name, at] = [shellWord(owner.split(' ')[1] ?? ''), shellWord(pod.namespace ?? '')];
  const finalizers = `-p '{"metadata":{"finalizers":null}}'`;
  return {
    ...common,
    do: 'manual',
    commands: [
      `virtctl stop ${name} -n ${at}`,
      ...(endpoint
        ? [
            `kubectl patch spiderendpoint ${shellWord(endpoint.name)} -n ${at} --type=merge ${finalizers}`,
            `kubectl delete spiderendpoint ${shellWord(endpoint.name)} -n ${at} --ignore-not-found`,
          ]
        : []),
      `virtctl start ${name} -n ${at}`,
    ],
    seen: [{ on: pod, must: 'be-gone' }],
    guard: [],
    after,
    text: {
      en: `restart the KubeVirt VM ${pod.namespace}/${owner.split(' ')[1]} manually, ${because.en}`,
      zh: `手动重启 KubeVirt 虚拟机 ${pod.namespace}/${owner.split(' ')[1]}，${because.zh}`,
    },
  };
}

/** For the remedies that restart Pods. */
export const RESTART_RIGHTS: Rule[] = [
  { verbs: ['get'], group: '', resource: 'pods' },
  { verbs: ['create'], group: '', resource: 'pods/eviction' },
  { verbs: ['get'], group: 'policy', resource: 'poddisruptionbudgets' },
  { verbs: ['get', 'patch', 'delete', 'create'], group: 'spiderpool.spidernet.io', resource: 'spiderendpoints' },
  // Made again where its status is a subresource (up to 0.3.7).
  { verbs: ['patch'], group: 'spiderpool.spidernet.io', resource: 'spiderendpoints/status' },
];
