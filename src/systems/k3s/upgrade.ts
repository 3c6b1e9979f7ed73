// The upgrade of K3s as stages: for every minor version a snapshot of the datastore, then a Plan for each role (servers that run etcd alone, servers, agents), each watched until its Nodes run the version.
// The system-upgrade-controller carries Plans out the moment they exist; a Job that fails for good ends the wait. Our Plans are removed at the end of each hop, those of the user are left:
// ours take over their settings. Sources: rancher/system-upgrade-controller v0.20.1 pkg/apis, pkg/upgrade, issue 256 (postCompleteDelay); docs.k3s.io/upgrades/automated; facts as recorded.
import type {
  Condition,
  JudgedFinding,
  Raw,
  Ref,
  Reminder,
  Rule,
  Selection,
  StageDraft,
  StepDraft,
  Text,
  Upgrading,
} from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { oneLine } from '../../text/sanitise.ts';
import { shellWord } from '../../text/shell.ts';
import { UserError } from '../../text/user-error.ts';
import { compare, minorOf, munged, parse } from '../../versions/k3s.ts';
import type { Controller } from './controller.ts';
import { etcdSteps, releases } from './knowledge/tables.ts';
import type { NodeRow } from './reads.ts';
import { type Here, hereOf, mayUpgrade, type Role, roleOf } from './upgrade-cluster.ts';
import { CONTROLLER_WRITES, controllerStage, givenController } from './upgrade-controller.ts';
import {
  CONCURRENCY,
  jobsOf,
  LEFT_CORDONED,
  type Place,
  planFor,
  refTo,
  SELECTED,
  undoWait,
  unlabelled,
  wayBack,
} from './upgrade-plans.ts';

/** Seconds for all Nodes of one role: some minutes for each, one after the other. */
const WITHIN = 7200;
/** A window may open only once a week. */
const WINDOW = 7 * 24 * 3600;
/** Seconds for which a snapshot is fresh. */
const FRESH = 3600;

export const WRITES: Rule[] = [
  { verbs: ['get', 'create', 'patch', 'delete'], group: 'upgrade.cattle.io', resource: 'plans' },
  { verbs: ['get', 'list', 'patch'], group: '', resource: 'nodes' },
  { verbs: ['list'], group: 'batch', resource: 'jobs' },
  { verbs: ['list'], group: 'k3s.cattle.io', resource: 'etcdsnapshotfiles' },
  ...CONTROLLER_WRITES,
];

/**
 * Minor by minor, none may be skipped: the newest known release of each on the way, the target last. Where the next minor brings an etcd that the present patch cannot become,
 * the newest patch of the present minor comes first.
 */
export function hops(from: string, to: string): string[] {
  if (compare(from, to) >= 0) return [];
  const newest = (minor: number) =>
    releases()
      .releases.filter((release) => minorOf(release) === minor)
      .toSorted(compare)
      .at(-1);
  const between = Array.from({ length: Math.max(0, minorOf(to) - minorOf(from) - 1) }, (_, i) => minorOf(from) + 1 + i);
  const ownFirst = minorOf(to) > minorOf(from) && isTooOld(from, minorOf(from) + 1) ? newest(minorOf(from)) : undefined;
  return [...(ownFirst ? [ownFirst] : []), ...between.flatMap((minor) => newest(minor) ?? []), to];
}

/** Its etcd cannot become that of the next minor. */
function isTooOld(version: string, next: number): boolean {
  const least = etcdSteps()
    .steps.find(({ into }) => minorOf(into) === next)
    ?.least.find((each) => minorOf(each) === minorOf(version));
  return least !== undefined && compare(version, least) < 0;
}

export async function stages(at: Upgrading): Promise<StageDraft[]> {
  const { path, within = WITHIN } = at;
  const found = await hereOf(at);
  const given = at.controller && givenController(at.controller);
  if (given && found.controller) throw isInstalled(found.controller);
  const here = given ? { ...found, namespace: given.namespace, manifest: given } : found;
  for (const version of path.hops) {
    const ahead = here.nodes.find(({ kubeletVersion }) => compare(parse(kubeletVersion) ?? version, version) > 0);
    if (ahead) throw isNewer(ahead, version, path.to!);
  }
  const behind = keptBehind(here, path.to!);
  if (behind) throw staysBehind(behind, path.to!);
  const first = path.hops[0];
  const drafts = path.hops.flatMap((version, i) => hop(version, { here, within, later: i > 0, before: i ? path.hops[i - 1]! : path.from }));
  const cordoned = cordonedBefore(here, at);
  // One that is installed on the way brings its own.
  if (first !== undefined && here.controller) await mayUpgrade(plansIn(drafts), at.source);
  return [
    ...(first !== undefined && !here.controller ? [await controllerStage(first, here.namespace, at, given)] : []),
    ...(at.cordonAgain ? drafts : reminding(drafts, cordoned)),
    ...(at.cordonAgain && first !== undefined ? cordonStage(path.hops.at(-1)!, cordoned) : []),
  ];
}

const plansIn = (drafts: readonly StageDraft[]): Raw[] =>
  drafts.flatMap(({ steps }) => steps.flatMap((step) => (step.do === 'create' ? [step.object] : [])));

const isInstalled = ({ ref, version, image }: Controller): UserError =>
  new UserError(
    {
      en: `upgrading k3s: Deployment ${ref.namespace}/${ref.name} is installed already (${version ?? oneLine(image, 200)})`,
      zh: `升级 k3s：已安装 Deployment ${ref.namespace}/${ref.name}（${version ?? oneLine(image, 200)}）`,
    },
    { en: 'without: {retry:controller}', zh: '去掉后执行：{retry:controller}' },
  );

/** The target, or a version on the way to it: a Plan selects all Nodes of a role. */
function isNewer({ ref, kubeletVersion }: NodeRow, version: string, to: string): UserError {
  const running = parse(kubeletVersion)!;
  return new UserError(
    {
      en: `upgrading k3s: Node ${ref.name} runs ${running}, which is newer than ${version}: K3s cannot be downgraded`,
      zh: `升级 k3s：Node ${ref.name} 运行的 ${running} 比 ${version} 新，而 K3s 不能降级`,
    },
    version === to
      ? undefined
      : {
          en: `upgrade all Nodes to ${running} first: {tool} upgrade k3s --to ${running}{reach}`,
          zh: `先将所有节点升级到 ${running}：{tool} upgrade k3s --to ${running}{reach}`,
        },
  );
}

/** A server that a label keeps out of our Plans: agents must not become newer than it, and minors are counted from it. */
function keptBehind({ nodes, excluded }: Here, to: string): { node: NodeRow; label: string } | undefined {
  const isOlder = ({ kubeletVersion }: NodeRow) => compare(parse(kubeletVersion) ?? to, to) < 0;
  const labelOf = ({ labels }: NodeRow) => excluded.find((key) => labels[key] === 'disabled');
  const agents = nodes.some((node) => roleOf(node) === 'agent' && isOlder(node) && !labelOf(node));
  const node = nodes.find(
    (each) =>
      roleOf(each) === 'server' &&
      isOlder(each) &&
      labelOf(each) !== undefined &&
      (agents || minorOf(to) - minorOf(parse(each.kubeletVersion) ?? to) > 1),
  );
  return node && { node, label: labelOf(node)! };
}

const staysBehind = ({ node: { ref, kubeletVersion }, label }: { node: NodeRow; label: string }, to: string): UserError =>
  new UserError(
    {
      en: `upgrading k3s: label ${label}=disabled keeps server ${ref.name} at ${kubeletVersion}: the other Nodes cannot be upgraded to ${to} beside it`,
      zh: `升级 k3s：标签 ${label}=disabled 使 server ${ref.name} 保持 ${kubeletVersion}，其他节点无法升级到 ${to}`,
    },
    {
      en: `once the server may be upgraded: kubectl label node ${shellWord(ref.name)} ${label}-`,
      zh: `允许升级该 server 时执行：kubectl label node ${shellWord(ref.name)} ${label}-`,
    },
  );

interface Hop {
  here: Place;
  within: number;
  /** Not the first: a snapshot from before the hop before must not do. */
  later: boolean;
  before: Upgrading['path']['from'];
}

function hop(version: string, { here, within, later, before }: Hop): StageDraft[] {
  // Who has it already needs no Plan.
  const roles = here.roles.filter((role) =>
    here.nodes.some((node) => roleOf(node) === role && compare(parse(node.kubeletVersion) ?? version, version) < 0),
  );
  const snapshot = snapshotStep(version, here, { later, before: isGap(before) ? '' : before });
  let last: StepDraft = snapshot;
  const made = roles.map((role) => {
    const plan = planFor(role, version, here);
    const trapped = unlabelled(plan, here);
    const created = create(plan, version, here, [last, ...trapped]);
    const upgraded = wait(role, plan, version, here, { within, created });
    last = upgraded;
    return { role, plan, steps: [...trapped, created, ...wayBack(plan, here, created), upgraded] };
  });
  if (!made.length) return [];
  const { namespace } = here;
  return [
    { hop: version, title: { en: `Before ${version}`, zh: `升级到 ${version} 之前` }, steps: [snapshot] },
    ...made.map(({ role, steps }) => ({
      ...{ hop: version, steps },
      title: { en: `${ROLE[role].en} to ${version}`, zh: `${ROLE[role].zh}升级到 ${version}` },
    })),
    {
      hop: version,
      title: { en: `Remove the Plans of ${version}`, zh: `删除 ${version} 的 Plan` },
      steps: made.map(({ plan }) => remove(refTo(plan, namespace), last, { version, before: isGap(before) ? '' : before })),
    },
  ];
}

const ROLE: Record<Role, Text> = {
  etcd: { en: 'Servers with etcd alone', zh: '仅运行 etcd 的 server 节点' },
  server: { en: 'Servers', zh: 'server 节点' },
  agent: { en: 'Agents', zh: 'agent 节点' },
};

// ---- steps ----------------------------------------------------------------------------------------------------------

/** An older binary reads a newer datastore no more: the snapshot is the only way back. */
function snapshotStep(version: string, here: Here, { later, before }: { later: boolean; before: string }): StepDraft {
  const etcd = here.datastore === 'etcd';
  const how: Text = etcd
    ? {
        en: 'on one server, and copy it and /var/lib/rancher/k3s/server/token off the Node',
        zh: '在一个 server 上执行，并将备份和 /var/lib/rancher/k3s/server/token 复制到节点之外',
      }
    : {
        en: 'on the server, with K3s stopped, or an external datastore by its own backup',
        zh: '停止 K3s 后在 server 上执行；外部数据存储使用其自身的备份方法',
      };
  // Of each hop another one: steps that do the same are one step.
  const name = `before-${munged(version).replace(/^v/, '')}`;
  const seen: Condition = {
    of: { apiVersion: 'k3s.cattle.io/v1', kind: 'ETCDSnapshotFile' },
    which: 'some',
    must: [
      { path: '/status/readyToUse', is: true },
      { path: '/status/creationTime', newerThan: FRESH },
      // However soon it comes behind the hop before: only its name says that it was taken in between.
      ...(later ? [{ path: '/spec/snapshotName', startsWith: name }] : []),
    ],
  };
  return {
    ...{ do: 'manual', guard: [], undo: 'none', changesNothing: true },
    commands: etcd ? [`k3s etcd-snapshot save --name ${name}`] : [`cp -a /var/lib/rancher/k3s/server /root/k3s-${name}`],
    ...(etcd && here.recordsSnapshots ? { seen: [seen] } : {}),
    text: {
      en: `save the datastore before ${version} ${how.en}: restoring it with ${before} is the only way back, and loses what was written since`,
      zh: `升级到 ${version} 之前备份数据存储（${how.zh}）：用 ${before} 恢复该备份是唯一的回退方法，此后的写入会丢失`,
    },
    undoNote: { en: 'undo: the snapshot stays', zh: '撤销时：快照会保留' },
  };
}

function create(plan: Raw, version: string, here: Here, after: StepDraft[]): StepDraft {
  const { namespace } = here;
  const on = refTo(plan, namespace);
  const { seconds, endless } = undoWait(plan, here);
  const minutes = Math.ceil(seconds / 60);
  const most: Text = endless
    ? { en: `which has no deadline: at most ${minutes} minutes`, zh: `该 Job 没有时限：最多等待 ${minutes} 分钟` }
    : { en: `at most ${minutes} minutes`, zh: `最多 ${minutes} 分钟` };
  const spec = plan.spec as { concurrency: number };
  return {
    ...{ do: 'create', object: plan, unheld: [CONCURRENCY], guard: [{ on, must: 'be-gone' }], undo: 'compensates', after },
    text: {
      en: `create Plan ${namespace}/${on.name}: its Nodes are upgraded to ${version}, ${spec.concurrency} at a time`,
      zh: `创建 Plan ${namespace}/${on.name}：将其节点升级到 ${version}，同时 ${spec.concurrency} 个`,
    },
    undoNote: {
      en: `undo: starts no further Node, waits for the running Job (${most.en}), then deletes the Plan; upgraded Nodes stay upgraded (way back: restore the datastore with the older binary)`,
      zh: `撤销时：不再升级其他节点，等待正在运行的 Job 结束（${most.zh}），再删除该 Plan；已升级的节点保持不变（回退方法：用旧版本恢复数据存储）`,
    },
  };
}

function wait(role: Role, plan: Raw, version: string, here: Here, { within, created }: { within: number; created: StepDraft }): StepDraft {
  const on = refTo(plan, here.namespace);
  const failed: Condition = {
    of: jobsOf(on),
    which: 'some',
    must: [{ path: '/status/conditions[type=Failed]/status', is: 'True' }],
  };
  const nodes: Selection = { apiVersion: 'v1', kind: 'Node', labels: labelsOf(role, here) };
  const run: Condition = {
    of: nodes,
    which: 'every',
    must: [
      { path: '/status/nodeInfo/kubeletVersion', is: version },
      { path: '/status/conditions[type=Ready]/status', is: 'True' },
    ],
  };
  // The last Node is uncordoned and labelled only when the controller has seen its Job.
  const through: Condition = { on, must: [{ path: '/status/applying' }] };
  const windowed = (plan.spec as Raw).window !== undefined;
  return {
    ...{
      do: 'wait',
      guard: [],
      undo: 'none',
      until: [run, through],
      within: within + (windowed ? WINDOW : 0),
      lasting: 10,
      fails: [failed, { on, must: 'be-gone' }],
      retry: retryOf(on),
      repairs: [LEFT_CORDONED],
      goesOn: {
        en: `Plan ${on.namespace}/${on.name} remains: system-upgrade-controller continues to upgrade its Nodes`,
        zh: `Plan ${on.namespace}/${on.name} 仍然存在：system-upgrade-controller 会继续升级其节点`,
      },
      assume: [],
    },
    after: [created],
    text: {
      en: `wait until every ${ONE[role].en} runs ${version}`,
      zh: `等待${ONE[role].zh}运行 ${version}`,
    },
  };
}

/** The controller makes a failed Job again once it is gone and its Plan has changed; before v0.15.0, once it is gone. Annotations of this domain are not copied to Jobs. */
function retryOf({ namespace, name }: Ref): string[] {
  const jobs = `-n ${namespace} -l upgrade.cattle.io/plan=${name}`;
  return [
    `kubectl logs ${jobs} --all-containers --prefix`,
    `kubectl delete jobs ${jobs}`,
    `kubectl annotate plans.upgrade.cattle.io ${name} -n ${namespace} upgrade.cattle.io/retry="$(date +%s)" --overwrite`,
  ];
}

const ONE: Record<Role, Text> = {
  etcd: { en: 'etcd server', zh: '所有仅运行 etcd 的 server 节点' },
  server: { en: 'server', zh: '所有 server 节点' },
  agent: { en: 'agent', zh: '所有 agent 节点' },
};

function labelsOf(role: Role, { excluded }: Here): string {
  const terms = SELECTED[role].map(({ key, operator }) => (operator === 'Exists' ? String(key) : `!${key}`));
  return [...terms, ...excluded.map((key) => `${key} notin (disabled)`)].join(',');
}

function remove(on: Ref, after: StepDraft, { version, before }: { version: string; before: string }): StepDraft {
  return {
    ...{ do: 'delete', on, guard: [{ on, must: 'exist' }], undo: 'none', optional: true, after: [after] },
    text: { en: `delete Plan ${on.namespace}/${on.name}`, zh: `删除 Plan ${on.namespace}/${on.name}` },
    undoNote: {
      en: `undo: none, the Nodes stay at ${version}; way back: restore the snapshot from before it with ${before}`,
      zh: `撤销时：不恢复，节点保持 ${version}；回退方法：用 ${before} 恢复升级之前的快照`,
    },
  };
}

/** The controller uncordons every Node that its Job succeeds on, no matter who cordoned it. Those that a failed Plan left are given back by their repair. */
function cordonedBefore({ nodes }: Here, { found = [], confirmed = [] }: Upgrading): Ref[] {
  const left = found.flatMap(({ check, findings }) => (check === LEFT_CORDONED ? findings : []));
  // A doubtful one stays cordoned, unless it is confirmed.
  const isRepaired = ({ certainty, objects }: JudgedFinding) =>
    certainty === 'certain' || certainty === 'high' || objects.some(({ name }) => confirmed.includes(`Node/${name}`));
  const repaired = new Set(left.filter(isRepaired).flatMap(({ objects }) => objects.map(({ name }) => name)));
  return nodes.filter(({ cordoned, ref }) => cordoned && !repaired.has(ref.name)).map(({ ref: { uid: _, ...on } }) => on);
}

/** With the last step that reminds of them, once the run has gone through. */
function reminding(drafts: StageDraft[], cordoned: readonly Ref[]): StageDraft[] {
  const last = drafts.at(-1)?.steps.at(-1);
  if (last && cordoned.length) last.reminds = cordoned.map(uncordoned);
  return drafts;
}

const uncordoned = (on: Ref): Reminder => ({
  when: { on, must: [{ path: '/spec/unschedulable' }] },
  text: {
    en: `Node ${on.name} was cordoned before the upgrade, and the controller has uncordoned it. To cordon it again:`,
    zh: `Node ${on.name} 在升级之前处于封锁状态，控制器已取消其封锁。重新封锁：`,
  },
  commands: [`kubectl cordon ${shellWord(on.name)}`],
});

function cordonStage(version: string, cordoned: readonly Ref[]): StageDraft[] {
  const steps = cordoned.map(
    (on): StepDraft => ({
      ...{
        do: 'patch',
        on,
        changes: [{ path: '/spec/unschedulable', after: true }],
        guard: [{ on, must: 'exist' }],
        undo: 'exact',
        optional: true,
      },
      text: {
        en: `cordon Node ${on.name} again: it was cordoned before the upgrade`,
        zh: `重新封锁 Node ${on.name}：升级之前它处于封锁状态`,
      },
    }),
  );
  return steps.length ? [{ hop: version, title: { en: 'Cordon Nodes again', zh: '重新封锁节点' }, steps }] : [];
}
