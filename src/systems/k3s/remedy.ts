// How a node that a Plan left cordoned is uncordoned. Five ways, chosen per Plan and explained:
// - the Plan has succeeded since (the retarget trap: its node is labelled as done, so nothing runs there again): uncordon;
// - R1: point the Plan at the version that its nodes run. Its Jobs find nothing to do, end well, and the controller uncordons;
// - R4: where the nodes run what the Plan names already: delete the failed Jobs and touch the Plan. The new Jobs find nothing to do, as with R1;
// - R3: where the Plan succeeded on other nodes and still has some to do, the fault is this node's: exclude it from the Plan by its label, delete its Job, then uncordon. The others go on;
// - R2: delete the Plan, then its Jobs, wait until their Pods are gone, then uncordon. In this order, since a controller creates deleted Jobs again
//   while the Plan is there, and a Pod that still lives cordons again.
// Source: docs.k3s.io/upgrades/automated (recovery); rancher/system-upgrade-controller v0.20.1 pkg/upgrade/handle_batch.go.
import type { Condition, Ref, Refusal, StepDraft, Text } from '../../engine/contracts.ts';
import { shellWord } from '../../text/shell.ts';
import { munged } from '../../versions/k3s.ts';
import { oldFields, oldPlan } from './old-plan.ts';
import { planLabel } from './plans.ts';
import { type Left, planName, type Repair, type Retarget, refusalOf, wayOf } from './recovery.ts';

/** The steps for the chosen nodes, Plan by Plan. */
export function repairSteps(chosen: readonly Left[]): (StepDraft | Refusal)[] {
  const refused = chosen.flatMap((left): Refusal[] => {
    const because = refusalOf(left);
    return because ? [{ refused: because, objects: [left.node] }] : [];
  });
  const open = chosen.filter((left) => !refusalOf(left));
  const byPlan = Map.groupBy(open, ({ repair }) => planName(repair));
  return [...refused, ...[...byPlan.values()].flatMap(stepsOfPlan)];
}

function stepsOfPlan(nodes: Left[]): StepDraft[] {
  const { repair } = nodes[0]!;
  const names = nodes.map(({ node }) => node.name);
  switch (wayOf(repair, names)) {
    case 'uncordon':
      return nodes.map((left) => uncordon(left, []));
    case 'R1':
      return retarget(repair, repair.retarget as Retarget, nodes);
    case 'R3':
      return nodes.flatMap(exclude);
    case 'R4':
      return retry(repair, repair.retarget as Retarget, nodes);
    case 'R2':
      return takeDown(repair, nodes);
  }
}

// ---- R1 -------------------------------------------------------------------------------------------------------------

/** Seconds until a controller that lives has taken up a changed Plan: it is told at once, and resolves within its threads. */
const TAKEN_UP = 60;
/** Seconds for pulling an image and scheduling a Pod, beside the Job's own deadline. */
const PULLED = 300;
/** Seconds, where a Job has no deadline of its own. */
const NO_DEADLINE = 3600;

function retarget(repair: Repair, to: Retarget, nodes: Left[]): StepDraft[] {
  const { plan } = repair;
  const on = plan.ref!;
  const trapped = nodes.filter(({ label }) => label === to.hash).map((left) => unlabel(left, repair, to));
  const changes = [{ path: '/spec/version', before: plan.version, after: to.version }];
  const change: StepDraft = {
    do: 'patch',
    on,
    changes,
    guard: [{ on, must: [{ path: '/spec/version', is: plan.version }] }],
    text: {
      en: `set Plan ${planName(repair)} to ${to.version}, which its nodes already run: the Jobs succeed without changes and the controller uncordons the nodes`,
      zh: `将 Plan ${planName(repair)} 的版本改为其节点正在运行的 ${to.version}：Job 不做更改即成功，随后控制器会取消封锁`,
    },
    undo: 'none',
    undoNote: KEPT,
    restore: oldFields(on, changes),
    after: trapped,
  };
  const taken: StepDraft = {
    do: 'wait',
    until: [{ on, must: [{ path: '/status/latestHash', is: to.hash }] }],
    within: TAKEN_UP,
    assume: [
      {
        on,
        changes: [
          { path: '/status/latestVersion', after: munged(to.version) },
          { path: '/status/latestHash', before: plan.latestHash, after: to.hash },
          { path: '/status/applying', after: [] },
          { path: '/status/conditions', after: [{ type: 'Complete', status: 'True', reason: 'Complete' }] },
        ],
      },
    ],
    guard: [{ on, must: [{ path: '/spec/version', is: to.version }] }],
    text: {
      en: `wait for the controller to process Plan ${planName(repair)}. If it does not, it is not running: check kubectl -n ${shellWord(on.namespace ?? '')} get pods; or undo, delete the Plan manually, then uncordon the nodes`,
      zh: `等待控制器处理 Plan ${planName(repair)}。若未处理，说明控制器没有运行：请查看 kubectl -n ${shellWord(on.namespace ?? '')} get pods；或撤销后手动删除该 Plan，再取消节点的封锁`,
    },
    undo: 'exact',
    after: [change],
  };
  const guard: Condition[] = [{ on, must: [{ path: '/spec/version', is: to.version }] }];
  return [...trapped, change, taken, givenBack(repair, to, nodes, { on, guard, after: [taken] })];
}

/** The controller uncordons once a Job has found nothing to do. */
function givenBack(
  { plan, jobs }: Repair,
  to: Retarget,
  nodes: Left[],
  { on, guard, after }: { on: Ref; guard: Condition[]; after: StepDraft[] },
): StepDraft {
  const rounds = Math.ceil(nodes.length / Math.max(1, to.concurrency));
  const names = nodes.map(({ node }) => node.name).join(', ');
  return {
    do: 'wait',
    until: nodes.map(({ node }) => ({ on: node, must: [{ path: '/spec/unschedulable' }] })),
    within: ((to.deadline || NO_DEADLINE) + PULLED) * rounds,
    assume: nodes.flatMap(({ node, label }) => [
      {
        on: node,
        changes: [
          { path: '/spec/unschedulable', before: true },
          { path: `/metadata/labels/${pointed(planLabel(plan.name))}`, before: label, after: to.hash },
        ],
      },
      ...jobs.map((gone) => ({ gone })),
    ]),
    guard,
    text: {
      en: `wait for the controller to uncordon ${names}. If it does not, see kubectl -n ${shellWord(on.namespace ?? '')} get jobs,pods, then check again: the Plan can still be deleted`,
      zh: `等待控制器取消封锁 ${nodes.map(({ node }) => node.name).join('、')}。若未取消，请查看 kubectl -n ${shellWord(on.namespace ?? '')} get jobs,pods，然后重新检查：仍可改为删除该 Plan`,
    },
    undo: 'exact',
    after,
  };
}

// ---- R4 -------------------------------------------------------------------------------------------------------------

/** A controller of v0.15.0 or newer makes a failed Job again only after its Plan has changed. */
function retry(repair: Repair, to: Retarget, nodes: Left[]): StepDraft[] {
  const on = repair.plan.ref!;
  const still: Condition[] = [{ on, must: [{ path: '/status/latestHash', is: to.hash }] }];
  const jobs = repair.jobs.map((ref) =>
    deletion(ref, still, [], RETRIED, {
      en: `delete failed Job ${ref.namespace}/${ref.name}: its Node runs ${to.version} already`,
      zh: `删除失败的 Job ${ref.namespace}/${ref.name}：其节点已运行 ${to.version}`,
    }),
  );
  // One annotation for each failed Job; of this domain none is copied to the Jobs.
  const key = `upgrade.cattle.io/retried-${(repair.jobs[0]?.uid ?? repair.plan.latestHash ?? to.hash).slice(0, 8)}`;
  const touch: StepDraft = {
    do: 'patch',
    on,
    changes: [{ path: `/metadata/annotations/${pointed(key)}`, after: to.version }],
    guard: still,
    text: {
      en: `touch Plan ${planName(repair)}: its new Jobs find ${to.version} there, succeed without changes, and the controller uncordons the nodes`,
      zh: `更新 Plan ${planName(repair)} 的注解：新的 Job 发现节点已是 ${to.version}，不做更改即成功，随后控制器会取消封锁`,
    },
    undo: 'exact',
    after: jobs,
  };
  return [...jobs, touch, givenBack(repair, to, nodes, { on, guard: still, after: [touch] })];
}

const RETRIED: Text = { en: 'undo: none, the controller re-creates it', zh: '无法撤销：控制器会重新创建它' };

/** The retarget trap: a node that carries the hash of the version counts as done, and no Job would run there. */
function unlabel({ node, label }: Left, repair: Repair, { version }: Retarget): StepDraft {
  const key = planLabel(repair.plan.name);
  return {
    do: 'patch',
    on: node,
    changes: [{ path: `/metadata/labels/${pointed(key)}`, before: label }],
    guard: [{ on: node, must: [{ path: '/spec/unschedulable', is: true }] }],
    text: {
      en: `remove label ${key} from Node ${node.name}: it marks ${version} as already applied, so no Job would run`,
      zh: `移除 Node ${node.name} 的标签 ${key}：它表示 ${version} 已在该节点完成，因此不会再运行 Job`,
    },
    undo: 'exact',
  };
}

const KEPT: Text = {
  en: 'undo: prints the command to restore the saved Plan (not run automatically, it would restart that upgrade)',
  zh: '撤销时：只给出恢复已备份 Plan 的命令，不自动执行（重新应用会再次触发升级）',
};
const pointed = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');

// ---- R3 -------------------------------------------------------------------------------------------------------------

/** The value of a Plan's label that keeps the Plan from the node (rancher/system-upgrade-controller v0.20.1 pkg/upgrade/plan/plan.go, SelectConcurrentNodes). */
const DISABLED = 'disabled';

function exclude(left: Left): StepDraft[] {
  const { node, label, jobs, repair } = left;
  const on = repair.plan.ref!;
  const key = planLabel(repair.plan.name);
  const path = `/metadata/labels/${pointed(key)}`;
  const excluded: Condition[] = [{ on: node, must: [{ path, is: DISABLED }] }];
  const before = label === undefined ? {} : { before: label };
  const change: StepDraft = {
    do: 'patch',
    on: node,
    changes: [{ path, ...before, after: DISABLED }],
    guard: [unchanged(on, repair), { on: node, must: [{ path: '/spec/unschedulable', is: true }] }],
    text: {
      en: `exclude Node ${node.name} from Plan ${planName(repair)} (label ${key}=${DISABLED}): the Plan succeeded on Node ${repair.worked} and continues with the other nodes`,
      zh: `将 Node ${node.name} 排除在 Plan ${planName(repair)} 之外（标签 ${key}=${DISABLED}）：该 Plan 已在 Node ${repair.worked} 上成功，会继续处理其他节点`,
    },
    undo: 'none',
    undoNote: {
      en: 'undo: prints the command to include the node again (not run automatically, it would restart the upgrade there)',
      zh: '撤销时：只给出重新纳入该节点的命令，不自动执行（会在该节点上再次触发升级）',
    },
    restore: {
      text: {
        en: `manual: include Node ${node.name} in Plan ${planName(repair)} again, once the cause is removed`,
        zh: `手动：排除原因后，将 Node ${node.name} 重新纳入 Plan ${planName(repair)}`,
      },
      commands: [
        `kubectl label node ${shellWord(node.name)} ${label === undefined ? `${key}-` : `${key}=${shellWord(label)} --overwrite`}`,
      ],
    },
  };
  const deleted = jobs.map((ref) =>
    deletion(ref, excluded, [change], LEFT_OUT, {
      en: `delete Job ${ref.namespace}/${ref.name} with its Pods`,
      zh: `删除 Job ${ref.namespace}/${ref.name} 及其 Pod`,
    }),
  );
  const gone = goneWith(jobs, deleted);
  const still: Condition[] = [...excluded, ...jobs.map((ref): Condition => ({ on: ref, must: 'be-gone' }))];
  return [change, ...deleted, ...gone, uncordonedBy(left, still, gone.length ? gone : [change])];
}

const LEFT_OUT: Text = { en: 'undo: none, the Plan no longer has this node', zh: '无法撤销：该节点已不在 Plan 之内' };

// ---- R2 -------------------------------------------------------------------------------------------------------------

/** Seconds for Pods to end: their grace period is 30. */
const ENDED = 180;

function takeDown(repair: Repair, nodes: Left[]): StepDraft[] {
  const { plan } = repair;
  const why = 'version' in repair.retarget ? ONLY_SOME : repair.retarget;
  const dependants = repair.dependants.map(({ ref }) =>
    deletion(ref, [{ on: ref, must: 'exist' }], [], KEPT, {
      en: `delete Plan ${ref.namespace}/${ref.name}: its prepare step waits for ${planName(repair)}, and would wait for ever once that is deleted`,
      zh: `删除 Plan ${ref.namespace}/${ref.name}：它的 prepare 步骤在等待 ${planName(repair)} 完成，后者删除后会一直等待`,
    }),
  );
  const plans = plan.ref
    ? [
        deletion(plan.ref, [unchanged(plan.ref, repair)], dependants, KEPT, {
          en: `delete Plan ${planName(repair)} so that it cannot cordon nodes again (not set to another version: ${why.en})`,
          zh: `删除 Plan ${planName(repair)}，以免再次封锁节点（未改为其他版本：${why.zh}）`,
        }),
      ]
    : [];
  const doomed = [...repair.jobs, ...repair.dependants.flatMap(({ jobs }) => jobs)];
  const gone: Condition[] = [...(plan.ref ? [plan.ref] : []), ...repair.dependants.map(({ ref }) => ref)].map(planGone);
  const jobs = doomed.map((ref) =>
    deletion(ref, gone, [...dependants, ...plans], ONE_OFF, {
      en: `delete Job ${ref.namespace}/${ref.name} with its Pods`,
      zh: `删除 Job ${ref.namespace}/${ref.name} 及其 Pod`,
    }),
  );
  const wait = goneWith(doomed, jobs);
  const before = wait.length ? wait : [...dependants, ...plans];
  return [...dependants, ...plans, ...jobs, ...wait, ...nodes.map((left) => uncordon(left, before))];
}

/** A Pod that still lives would cordon again. */
function goneWith(doomed: readonly Ref[], after: StepDraft[]): StepDraft[] {
  if (!doomed.length) return [];
  return [
    {
      do: 'wait',
      until: doomed.map((on) => ({ on, must: 'be-gone' })),
      within: ENDED,
      assume: doomed.map((ref) => ({ gone: ref })),
      guard: [],
      text: {
        en: 'wait for these Jobs and their Pods to be deleted (a running one would cordon again). If stuck, check their finalizers and the kubelet of the node',
        zh: '等待这些 Job 及其 Pod 删除完成（仍在运行的 Pod 会再次封锁节点）。若一直存在，请检查其 finalizer 以及所在节点的 kubelet',
      },
      undo: 'exact',
      after,
    },
  ];
}

const ONLY_SOME: Text = {
  en: 'that would also uncordon nodes that were not selected',
  zh: '那样未选择的节点也会被取消封锁',
};
const ONE_OFF: Text = { en: 'undo: none, a Job without its Plan is not restored', zh: '无法撤销：Plan 已删除，其 Job 不再恢复' };

/** By name: a Plan that was created again is not gone. */
const planGone = ({ uid: _, ...on }: Ref): Condition => ({ on, must: 'be-gone' });
/** What it is about to do is still what was looked at. */
const unchanged = (on: Ref, { plan: { latestHash } }: Repair): Condition =>
  latestHash === undefined ? { on, must: 'exist' } : { on, must: [{ path: '/status/latestHash', is: latestHash }] };

function deletion(on: Ref, guard: Condition[], after: StepDraft[], undoNote: Text, text: Text): StepDraft {
  const propagation = on.kind === 'Job' ? ({ propagation: 'Foreground' } as const) : {};
  return {
    do: 'delete',
    on,
    ...propagation,
    guard,
    text,
    undo: 'none',
    undoNote,
    after,
    ...(on.kind === 'Plan' ? { restore: oldPlan(on) } : {}),
  };
}

/** With a Plan that is done, as long as it is; else once Plan and Jobs are gone. */
function uncordon(left: Left, after: StepDraft[]): StepDraft {
  const { label, repair } = left;
  const { plan, settled, jobs } = repair;
  const still: Condition[] = settled
    ? [{ on: plan.ref!, must: [{ path: '/status/latestHash', is: label }] }]
    : [...(plan.ref ? [planGone(plan.ref)] : []), ...jobs.map((on): Condition => ({ on, must: 'be-gone' }))];
  return uncordonedBy(left, still, after);
}

function uncordonedBy({ node, repair }: Left, still: Condition[], after: StepDraft[]): StepDraft {
  return {
    do: 'patch',
    on: node,
    changes: [{ path: '/spec/unschedulable', before: true }],
    guard: [{ on: node, must: [{ path: '/spec/unschedulable', is: true }] }, ...still],
    text: repair.settled
      ? {
          en: `uncordon Node ${node.name} (the controller will not: Plan ${planName(repair)} counts it as done)`,
          zh: `取消封锁 Node ${node.name}（控制器不会处理：Plan ${planName(repair)} 认为它已完成）`,
        }
      : { en: `uncordon Node ${node.name}`, zh: `取消封锁 Node ${node.name}` },
    undo: 'exact',
    undoNote: CORDON_AGAIN,
    after,
  };
}

const CORDON_AGAIN: Text = { en: 'undo: cordons the node again', zh: '撤销时：重新封锁该节点' };
