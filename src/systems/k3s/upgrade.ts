// The upgrade of K3s as stages: for every minor version an etcd snapshot that a person takes, a Plan for the servers, then one for the agents, each watched until its Nodes run the version.
// The system-upgrade-controller carries Plans out the moment they exist; a Job that fails for good ends the wait. Our Plans are removed at the end of each hop, theirs are left.
// Sources: rancher/system-upgrade-controller v0.20.1 pkg/apis, pkg/upgrade; k3s-io/k3s docs (automated upgrades); facts of Jobs and Plans as recorded.
import type { Condition, Raw, Ref, Rule, Selection, StageDraft, StepDraft, Text, Upgrading } from '../../engine/contracts.ts';
import { compare, minorOf } from '../../versions/k3s.ts';
import { CONTROLLER } from './controller.ts';
import { etcdSteps, releases } from './knowledge/tables.ts';

const NAMESPACE = 'system-upgrade';
const API = 'upgrade.cattle.io/v1';
const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane';
/** Seconds for all Nodes of one role: some minutes for each, one after the other. */
const WITHIN = 7200;

export const WRITES: Rule[] = [{ verbs: ['get', 'create', 'delete'], group: 'upgrade.cattle.io', resource: 'plans' }];

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

export async function stages({ path, within = WITHIN }: Upgrading): Promise<StageDraft[]> {
  return path.hops.flatMap((version, at) => hop(version, at === 0, within));
}

function hop(version: string, first: boolean, within: number): StageDraft[] {
  const [servers, agents] = [planFor('server', version), planFor('agent', version)];
  const snapshot = etcdSnapshot(version);
  const created = create(servers, version, [...(first ? [controllerIsThere()] : []), snapshot]);
  const upgraded = wait('server', servers, version, within, created);
  const createdAgents = create(agents, version, [upgraded]);
  const agentsUpgraded = wait('agent', agents, version, within, createdAgents);
  const before = created.after ?? [];
  return [
    { hop: version, title: { en: `Before ${version}`, zh: `升级到 ${version} 之前` }, steps: before },
    { hop: version, title: { en: `Servers to ${version}`, zh: `server 节点升级到 ${version}` }, steps: [created, upgraded] },
    { hop: version, title: { en: `Agents to ${version}`, zh: `agent 节点升级到 ${version}` }, steps: [createdAgents, agentsUpgraded] },
    {
      hop: version,
      title: { en: `Remove the Plans of ${version}`, zh: `删除 ${version} 的 Plan` },
      steps: [remove(servers, agentsUpgraded), remove(agents, agentsUpgraded)],
    },
  ];
}

type Role = 'server' | 'agent';

const nameOf = (role: Role, version: string): string => `upgrade-guard-${role}-${version.replace(/^v/, '').replace('+', '-')}`;

/** As the documentation of K3s writes them: one Node at a time, cordoned meanwhile; agents wait for the servers' Plan. */
function planFor(role: Role, version: string): Raw {
  const isServer = role === 'server';
  return {
    apiVersion: API,
    kind: 'Plan',
    metadata: { name: nameOf(role, version), namespace: NAMESPACE },
    spec: {
      concurrency: 1,
      cordon: true,
      nodeSelector: {
        matchExpressions: [
          isServer ? { key: CONTROL_PLANE, operator: 'In', values: ['true'] } : { key: CONTROL_PLANE, operator: 'DoesNotExist' },
        ],
      },
      serviceAccountName: 'system-upgrade',
      tolerations: [{ operator: 'Exists' }],
      ...(isServer ? {} : { prepare: { image: 'rancher/k3s-upgrade', args: ['prepare', nameOf('server', version)] } }),
      upgrade: { image: 'rancher/k3s-upgrade' },
      version,
    },
  };
}

const refTo = (plan: Raw): Ref => ({ apiVersion: API, kind: 'Plan', namespace: NAMESPACE, name: String((plan.metadata as Raw).name) });

/** It is watched: where it runs already, nothing has to be done. */
function controllerIsThere(): StepDraft {
  return {
    ...{ do: 'manual', guard: [], undo: 'none' },
    commands: [`kubectl get deployment ${CONTROLLER} -n ${NAMESPACE}`, `kubectl apply -f FILE   # replace FILE: manifest of ${CONTROLLER}`],
    seen: [
      {
        on: { apiVersion: 'apps/v1', kind: 'Deployment', namespace: NAMESPACE, name: CONTROLLER },
        must: [{ path: '/status/readyReplicas', atLeast: 1 }],
      },
    ],
    text: { en: `${CONTROLLER} is installed and ready in ${NAMESPACE}`, zh: `${NAMESPACE} 中已安装 ${CONTROLLER} 且就绪` },
    undoNote: { en: 'undo: leaves it installed', zh: '撤销时：保留已安装的组件' },
  };
}

/** An older binary reads a newer datastore no more: the snapshot is the only way back. */
function etcdSnapshot(version: string): StepDraft {
  return {
    ...{ do: 'manual', guard: [], undo: 'none' },
    commands: ['k3s etcd-snapshot save   # on one server; with an external datastore: its own backup'],
    text: {
      en: `save the datastore before ${version}: restoring it with the older binary is the only way back`,
      zh: `升级到 ${version} 之前备份数据存储：用旧版本恢复该备份是唯一的回退方法`,
    },
    undoNote: { en: 'undo: the snapshot stays', zh: '撤销时：快照会保留' },
  };
}

function create(plan: Raw, version: string, after: StepDraft[]): StepDraft {
  const on = refTo(plan);
  return {
    ...{ do: 'create', object: plan, guard: [{ on, must: 'be-gone' }], undo: 'compensates', after },
    text: {
      en: `create Plan ${NAMESPACE}/${on.name}: its Nodes are upgraded to ${version} one by one`,
      zh: `创建 Plan ${NAMESPACE}/${on.name}：逐个将其节点升级到 ${version}`,
    },
    undoNote: {
      en: 'undo: deletes the Plan; Nodes that were upgraded stay so (way back: restore the datastore with the older binary)',
      zh: '撤销时：删除该 Plan；已升级的节点保持不变（回退方法：用旧版本恢复数据存储）',
    },
  };
}

function wait(role: Role, plan: Raw, version: string, within: number, created: StepDraft): StepDraft {
  const nodes: Selection = { apiVersion: 'v1', kind: 'Node', labels: role === 'server' ? `${CONTROL_PLANE}=true` : `!${CONTROL_PLANE}` };
  const { name } = refTo(plan);
  const failed: Condition = {
    of: { apiVersion: 'batch/v1', kind: 'Job', namespace: NAMESPACE, labels: `upgrade.cattle.io/plan=${name}` },
    which: 'some',
    must: [{ path: '/status/conditions[type=Failed]/status', is: 'True' }],
  };
  const run: Condition = {
    of: nodes,
    // A cluster may have no agents.
    ...(role === 'server' ? { which: 'every' } : { which: 'none' }),
    must: [
      role === 'server'
        ? { path: '/status/nodeInfo/kubeletVersion', is: version }
        : { path: '/status/nodeInfo/kubeletVersion', isNot: version },
    ],
  };
  const text: Record<Role, Text> = {
    server: { en: `wait until every server runs ${version}`, zh: `等待所有 server 节点运行 ${version}` },
    agent: { en: `wait until every agent runs ${version}`, zh: `等待所有 agent 节点运行 ${version}` },
  };
  return {
    ...{ do: 'wait', guard: [], undo: 'none', until: [run], within, lasting: 10, fails: [failed], assume: [], after: [created] },
    text: text[role],
  };
}

function remove(plan: Raw, after: StepDraft): StepDraft {
  const on = refTo(plan);
  return {
    ...{ do: 'delete', on, guard: [{ on, must: 'exist' }], undo: 'none', optional: true, after: [after] },
    text: { en: `delete Plan ${NAMESPACE}/${on.name}`, zh: `删除 Plan ${NAMESPACE}/${on.name}` },
    undoNote: { en: 'undo: none, it has been carried out', zh: '撤销时：无需恢复，它已执行完毕' },
  };
}
