// Restarting the workloads of the mesh, so that their Pods get the sidecar of the new version: in waves, a rollout where it stays within the PodDisruptionBudgets, else eviction Pod by Pod, which asks them.
// Sources: kubectl pkg/polymorphichelpers/objectrestarter.go (the annotation; paused Deployments are refused); k8s.io/api policy/v1 (disruptionsAllowed); facts of sidecars: an image stays as long as its Pod.
import type { Condition, Gap, ListQuery, Raw, Ref, Source, StageDraft, StepDraft, Text } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { type BudgetRow, budgetRow, budgetsOf } from '../../kube/budgets.ts';
import { controllerOf } from '../../kube/pods.ts';
import { pointerGet } from '../../kube/pointer.ts';
import { refOf } from '../../kube/refs.ts';
import { shellWord } from '../../text/shell.ts';

/** Workloads that are restarted at a time. */
const WAVE = 5;
/** Seconds for a wave to be ready, and for which an eviction waits for its budget. */
const WITHIN = 900;
const PATIENCE = 300;
const RESTARTED = '/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt';

/** How its Pods are replaced. `manual`: nothing makes them again, or not now. */
interface Meshed {
  workload: Ref;
  way: 'rollout' | 'evict' | 'manual';
  pods: Ref[];
  budgets: BudgetRow[];
  /** The annotation as it is; undefined: none. */
  restarted?: string;
}

export interface Restarts {
  stages: StageDraft[];
  /** For the way back: the old templates again, once the old version runs. Before everything else in the plan, so that an undo comes to them last. */
  back: StepDraft[];
}

/** `old`: whether a Pod has to be restarted; `namespaces`: of the mesh; `ready`: what means that the control plane injects. */
export async function restarts(
  source: Pick<Source, 'get' | 'list'>,
  { mesh, hop, old, ready, at }: { mesh: string; hop: string; old(pod: Raw): boolean; ready: Condition[]; at: string },
): Promise<Restarts> {
  const namespaces = await all(source, {
    resource: 'namespaces',
    labels: `openservicemesh.io/monitored-by=${mesh}`,
    fields: ['metadata.labels'],
  });
  const pods = await all(source, { resource: 'pods', labels: 'osm-proxy-uuid', fields: POD_FIELDS });
  const budgets = await all(source, { resource: 'poddisruptionbudgets.policy', fields: ['spec.selector', 'status.disruptionsAllowed'] });
  const within = new Set((isGap(namespaces) ? [] : namespaces).map((each) => refOf(each).name));
  const outdated = (isGap(pods) ? [] : pods).filter((pod) => isRunning(pod) && within.has(refOf(pod).namespace ?? '') && old(pod));
  const meshed = await workloadsOf(outdated, (isGap(budgets) ? [] : budgets).map(budgetRow), source);
  const waves = inWaves(meshed.filter(({ way }) => way !== 'manual'));
  const left = meshed.filter(({ way }) => way === 'manual');
  const stages: StageDraft[] = [];
  let behind: StepDraft[] = [];
  for (const [i, wave] of waves.entries()) {
    const steps = waveSteps(wave, at, behind);
    behind = steps.slice(-1);
    stages.push({ hop, title: waveTitle(i + 1, waves.length, wave), steps });
  }
  if (left.length) stages.push({ hop, title: { en: 'Pods to restart manually', zh: '需手动重启的 Pod' }, steps: [manual(left, behind)] });
  return { stages, back: backSteps(waves, at, ready) };
}

const POD_FIELDS = ['metadata.labels', 'metadata.ownerReferences', 'metadata.deletionTimestamp', 'spec.containers', 'status.phase'];
const isRunning = (pod: Raw): boolean =>
  pointerGet(pod, '/status/phase') === 'Running' && pointerGet(pod, '/metadata/deletionTimestamp') === undefined;

async function all(source: Pick<Source, 'list'>, query: ListQuery): Promise<Raw[] | Gap> {
  const found: Raw[] = [];
  const gap = await source.list(query, { object: (object) => void found.push(object), restart: () => void found.splice(0) });
  return gap ?? found;
}

/** By the workload that makes them; a ReplicaSet stands for its Deployment. */
async function workloadsOf(pods: readonly Raw[], budgets: readonly BudgetRow[], source: Pick<Source, 'get'>): Promise<Meshed[]> {
  const known = new Map<string, Meshed>();
  for (const pod of pods) {
    const { namespace } = refOf(pod);
    const owner = controllerOf(pod);
    const direct: Ref | undefined = owner && { ...owner, namespace };
    const parent = direct?.kind === 'ReplicaSet' ? await source.get(direct) : undefined;
    const above = parent && !isGap(parent) ? controllerOf(parent) : undefined;
    const ref: Ref = above?.kind === 'Deployment' ? { ...above, namespace } : (direct ?? refOf(pod));
    const key = `${ref.kind}/${namespace}/${ref.name}`;
    const own = budgetsOf(pod, budgets);
    const seen = known.get(key);
    if (seen) {
      seen.pods.push(refOf(pod));
      continue;
    }
    const live = await source.get(ref);
    known.set(key, { ...wayOf(ref, live && !isGap(live) ? live : undefined, own), pods: [refOf(pod)], budgets: own });
  }
  return [...known.values()].sort((a, b) => nameOf(a.workload).localeCompare(nameOf(b.workload)));
}

const ROLLED = new Set(['Deployment', 'StatefulSet', 'DaemonSet']);

function wayOf(ref: Ref, live: Raw | undefined, budgets: readonly BudgetRow[]): Pick<Meshed, 'workload' | 'way' | 'restarted'> {
  if (!live || ref.kind === 'Pod' || ref.kind === 'Job' || ref.kind === 'Node') return { workload: ref, way: 'manual' };
  const workload = { ...ref, uid: refOf(live).uid };
  if (pointerGet(live, '/spec/paused') === true) return { workload, way: 'manual' };
  const restarted = pointerGet(live, RESTARTED);
  const allowed = Math.min(...budgets.map(({ allows }) => allows), Number.POSITIVE_INFINITY);
  const rolls = ROLLED.has(ref.kind) && pointerGet(live, '/spec/updateStrategy/type') !== 'OnDelete' && unavailable(live) <= allowed;
  return { workload, way: rolls ? 'rollout' : 'evict', ...(typeof restarted === 'string' ? { restarted } : {}) };
}

/** Pods that its own rollout may take away at a time. */
function unavailable(live: Raw): number {
  const replicas = Number(pointerGet(live, '/spec/replicas') ?? pointerGet(live, '/status/desiredNumberScheduled') ?? 1);
  if (live.kind === 'StatefulSet') return 1;
  if (pointerGet(live, '/spec/strategy/type') === 'Recreate') return replicas;
  const said = pointerGet(
    live,
    live.kind === 'DaemonSet' ? '/spec/updateStrategy/rollingUpdate/maxUnavailable' : '/spec/strategy/rollingUpdate/maxUnavailable',
  );
  const value = said ?? (live.kind === 'DaemonSet' ? 1 : '25%');
  if (typeof value === 'number') return value;
  const share = (Number(String(value).replace('%', '')) / 100) * replicas;
  return live.kind === 'DaemonSet' ? Math.ceil(share) : Math.floor(share);
}

/** Workloads that share a budget come one after the other. */
function inWaves(all: readonly Meshed[]): Meshed[][] {
  const waves: Meshed[][] = [];
  for (const one of all) {
    const names = new Set(one.budgets.map(({ ref }) => nameOf(ref)));
    const free = waves.find((wave) => wave.length < WAVE && !wave.some(({ budgets }) => budgets.some(({ ref }) => names.has(nameOf(ref)))));
    if (free) free.push(one);
    else waves.push([one]);
  }
  return waves;
}

const nameOf = ({ namespace, name }: Ref): string => `${namespace}/${name}`;

function waveTitle(nth: number, of: number, wave: readonly Meshed[]): Text {
  const pods = wave.reduce((sum, { pods: its }) => sum + its.length, 0);
  return {
    en: `Restart the workloads of the mesh, wave ${nth} of ${of} (${pods} Pod${pods === 1 ? '' : 's'})`,
    zh: `重启网格中的工作负载，第 ${nth} 批，共 ${of} 批（${pods} 个 Pod）`,
  };
}

function waveSteps(wave: readonly Meshed[], at: string, behind: StepDraft[]): StepDraft[] {
  const started = wave.flatMap((one) => (one.way === 'rollout' ? [rollout(one, at, behind)] : evictions(one, behind)));
  const names = wave.map(({ workload }) => `${workload.kind} ${nameOf(workload)}`).join(', ');
  const until = wave.flatMap(({ workload }) => (ROLLED.has(workload.kind) ? [rolledOut(workload)] : []));
  const gone = wave.flatMap(({ pods }) => pods.map((on): Condition => ({ on, must: 'be-gone' })));
  return [
    ...started,
    {
      ...{ do: 'wait', guard: [], undo: 'none', within: WITHIN, lasting: 5, assume: [], after: started },
      until: [...until, ...gone],
      text: { en: `wait until new Pods of ${names} are ready`, zh: `等待 ${names.replaceAll(', ', '、')} 的新 Pod 就绪` },
    },
  ];
}

function rollout({ workload, restarted, pods }: Meshed, at: string, after: StepDraft[]): StepDraft {
  const name = `${workload.kind} ${nameOf(workload)}`;
  return {
    ...{ do: 'patch', on: workload, guard: [{ on: workload, must: 'exist' }], undo: 'none', after },
    changes: [{ path: RESTARTED, ...(restarted === undefined ? {} : { before: restarted }), after: at }],
    text: {
      en: `restart ${name} (${pods.length} Pod${pods.length === 1 ? '' : 's'} with an old sidecar)`,
      zh: `重启 ${name}（${pods.length} 个 Pod 的 sidecar 已过时）`,
    },
    undoNote: { en: 'undo: restores its old template once the old version runs again', zh: '撤销时：在旧版本重新运行之后恢复其原来的模板' },
  };
}

/** One by one; the API server asks the budget. */
function evictions({ workload, pods }: Meshed, behind: StepDraft[]): StepDraft[] {
  const steps: StepDraft[] = [];
  for (const on of pods)
    steps.push({
      ...{
        do: 'evict',
        on,
        within: PATIENCE,
        guard: [{ on, must: 'exist' }],
        undo: 'none',
        optional: true,
        after: steps.length ? steps.slice(-1) : behind,
      },
      text: {
        en: `evict Pod ${nameOf(on)} (${workload.kind} ${workload.name} recreates it)`,
        zh: `驱逐 Pod ${nameOf(on)}（由 ${workload.kind} ${workload.name} 重新创建）`,
      },
      undoNote: { en: 'undo: none; after the rollback, evict the new Pod', zh: '无法撤销：回滚之后请驱逐新的 Pod' },
    });
  return steps;
}

function rolledOut(on: Ref): Condition {
  const same = (path: string, other: string) => ({ path, same: other });
  const must =
    on.kind === 'DaemonSet'
      ? [
          same('/status/updatedNumberScheduled', '/status/desiredNumberScheduled'),
          same('/status/numberReady', '/status/desiredNumberScheduled'),
        ]
      : on.kind === 'StatefulSet'
        ? [same('/status/readyReplicas', '/spec/replicas')]
        : [
            same('/status/updatedReplicas', '/spec/replicas'),
            same('/status/replicas', '/spec/replicas'),
            same('/status/readyReplicas', '/spec/replicas'),
          ];
  return { on, must: [same('/status/observedGeneration', '/metadata/generation'), ...must] };
}

function manual(left: readonly Meshed[], after: StepDraft[]): StepDraft {
  const pods = left.flatMap((each) => each.pods);
  return {
    ...{ do: 'manual', guard: [], undo: 'none', after },
    commands: pods.map(({ namespace = '', name }) => `kubectl get pod ${shellWord(name)} -n ${shellWord(namespace)}`),
    seen: pods.map((on) => ({ on, must: 'be-gone' })),
    text: {
      en: `re-create ${pods.length} Pod${pods.length === 1 ? '' : 's'} that no rollout replaces (paused Deployments, Jobs, Pods without a controller)`,
      zh: `重新创建 ${pods.length} 个无法滚动更新的 Pod（已暂停的 Deployment、Job、没有控制器的 Pod）`,
    },
  };
}

/** In the order of a plan, which an undo goes through from its end: last the workloads of the last wave. */
function backSteps(waves: readonly Meshed[][], at: string, ready: Condition[]): StepDraft[] {
  const steps: StepDraft[] = [];
  let before: StepDraft[] = [];
  for (const wave of waves.toReversed()) {
    const rolled = wave.filter(({ way }) => way === 'rollout');
    if (!rolled.length) continue;
    const names = rolled.map(({ workload }) => `${workload.kind} ${nameOf(workload)}`).join(', ');
    const wait: StepDraft = {
      ...{ do: 'wait', guard: [], undo: 'none', within: WITHIN, assume: [], onUndo: true, after: before },
      until: rolled.map(({ workload }) => rolledOut(workload)),
      text: {
        en: `wait until the Pods of ${names} run the old template`,
        zh: `等待 ${names.replaceAll(', ', '、')} 的 Pod 按原来的模板运行`,
      },
    };
    const patches = rolled.map(
      ({ workload, restarted }): StepDraft => ({
        ...{ do: 'patch', on: workload, guard: [], undo: 'exact', onUndo: true, after: [wait] },
        changes: [{ path: RESTARTED, before: at, ...(restarted === undefined ? {} : { after: restarted }) }],
        text: {
          en: `restart ${workload.kind} ${nameOf(workload)} with its old template`,
          zh: `以原来的模板重启 ${workload.kind} ${nameOf(workload)}`,
        },
      }),
    );
    steps.push(wait, ...patches);
    before = patches;
  }
  if (!steps.length) return [];
  return [
    ...steps,
    {
      ...{ do: 'wait', guard: [], undo: 'none', within: WITHIN, lasting: 5, assume: [], onUndo: true, until: ready, after: before },
      text: { en: 'wait until the old control plane is ready', zh: '等待旧版本的控制平面就绪' },
    },
  ];
}

/** For the system's `writes`. */
export const RESTART_RIGHTS = [
  ...['deployments', 'statefulsets', 'daemonsets'].map((resource) => ({ verbs: ['get', 'patch'], group: 'apps', resource })),
  { verbs: ['get'], group: '', resource: 'pods' },
  { verbs: ['create'], group: '', resource: 'pods/eviction' },
];
