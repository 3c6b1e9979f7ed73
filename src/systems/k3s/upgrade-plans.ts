// The Plans of an upgrade of K3s: what is written into them, and how an undo brings one to rest before it deletes it.
// Sources: rancher/system-upgrade-controller v0.20.1 pkg/apis, pkg/upgrade, issue 256 (postCompleteDelay); docs.k3s.io/upgrades/automated; facts as recorded.
import type { Command, Expectation, Json, Raw, Ref, Selection, StepDraft } from '../../engine/contracts.ts';
import { isRaw } from '../../kube/json.ts';
import { formatPointer } from '../../kube/pointer.ts';
import { commented } from '../../text/shell.ts';
import { atLeast } from './controller.ts';
import { ETCD, OWN_PLANS, planLabel } from './plans.ts';
import { CONTROL_PLANE, type Here, type Role } from './upgrade-cluster.ts';
import type { Given } from './upgrade-controller.ts';

const API = 'upgrade.cattle.io/v1';
/** Seconds between a server that is through and the next one, so that its etcd is back by then. */
const DELAY = '30s';
/** Finds the Nodes that a failed Job left cordoned, by its Job and log. */
export const LEFT_CORDONED = 'k3s/nodes-cordoned-by-plan';

/** `manifest`: of the controller that is about to be installed. */
export type Place = Here & { manifest?: Given };

const nameOf = (role: Role, version: string): string => `${OWN_PLANS}${role}-${version.replace(/^v/, '').replace('+', '-')}`;

/** As the documentation of K3s writes them, with the settings of the user's own: cordoned meanwhile, agents wait for the servers' Plan. */
export function planFor(role: Role, version: string, here: Place): Raw {
  const { image = 'rancher/k3s-upgrade', drain, ...taken } = here.like[role] ?? ({} as Partial<Raw>);
  const controller = here.controller ?? here.manifest?.controller;
  const { serviceAccount = 'system-upgrade' } = controller ?? {};
  const waits = role === 'agent' && here.roles.includes('server');
  // v0.15.0 and newer know it; so does the one that is installed here.
  const delays = role !== 'agent' && here.datastore === 'etcd' && (!controller || atLeast(controller, '0.15.0'));
  return {
    ...{ apiVersion: API, kind: 'Plan', metadata: { name: nameOf(role, version), namespace: here.namespace } },
    spec: {
      ...(isRaw(drain) ? { drain: withUnit(drain) } : { cordon: true }),
      ...{ serviceAccountName: serviceAccount, tolerations: [{ operator: 'Exists' }] },
      ...(delays ? { postCompleteDelay: DELAY } : {}),
      ...taken,
      concurrency: concurrencyOf(role, here, taken.concurrency),
      nodeSelector: {
        matchExpressions: [...SELECTED[role], ...here.excluded.map((key) => ({ key, operator: 'NotIn', values: ['disabled'] }))],
      },
      ...(waits ? { prepare: { image, args: ['prepare', nameOf('server', version)] } } : {}),
      ...{ upgrade: { image }, version },
    },
  };
}

const is = (key: string, operator: 'Exists' | 'DoesNotExist'): Raw => ({ key, operator });
export const SELECTED: Record<Role, Raw[]> = {
  etcd: [is(ETCD, 'Exists'), is(CONTROL_PLANE, 'DoesNotExist')],
  server: [is(CONTROL_PLANE, 'Exists')],
  agent: [is(CONTROL_PLANE, 'DoesNotExist'), is(ETCD, 'DoesNotExist')],
};

/** A number counts nanoseconds, and blinds newer controllers to all Plans. */
const withUnit = (drain: Raw): Raw => (typeof drain.timeout === 'number' ? { ...drain, timeout: `${drain.timeout}ns` } : drain);

/** No more servers at a time than etcd can lose. */
function concurrencyOf(role: Role, here: Here, wanted: Json | undefined): number {
  const many = typeof wanted === 'number' && wanted > 0 ? wanted : 1;
  if (role === 'agent') return many;
  const members = here.nodes.filter(({ labels }) => labels[ETCD] !== undefined).length;
  return Math.max(1, Math.min(many, members ? Math.floor((members - 1) / 2) : many));
}

export const refTo = (plan: Raw, namespace: string): Ref => ({
  apiVersion: API,
  kind: 'Plan',
  namespace,
  name: String((plan.metadata as Raw).name),
});

/** A Node that bears the label of an earlier Plan of this name counts as done, and no Job would run there. */
export function unlabelled(plan: Raw, { nodes }: Here): StepDraft[] {
  const key = planLabel(String((plan.metadata as Raw).name));
  const path = formatPointer(['metadata', 'labels', key]);
  return nodes
    .filter(({ labels }) => labels[key] !== undefined)
    .map(({ ref: on, labels }): StepDraft => {
      const { uid: _, ...node } = on;
      return {
        ...{ do: 'patch', on: node, changes: [{ path, before: labels[key]! }], guard: [{ on: node, must: [{ path, is: labels[key]! }] }] },
        ...{ undo: 'exact', optional: true },
        text: {
          en: `remove label ${key} from Node ${on.name}: an earlier upgrade left it, and no Job would run`,
          zh: `移除 Node ${on.name} 的标签 ${key}：由之前的升级留下，有它则不会运行 Job`,
        },
      };
    });
}

export const CONCURRENCY = '/spec/concurrency';
/** Seconds beside the deadline of a Job, for its image and for the Pod to be scheduled. */
const PULLED = 300;
/** Seconds, where a Job has no deadline. */
const NO_DEADLINE = 3600;

/**
 * Before an undo deletes the Plan: with concurrency 0 the controller begins no other Node and lets those it is at end. A Job that is deleted while it drains a Node or replaces the binary leaves
 * the Node cordoned or K3s on it broken; one that has failed shows who cordoned, so that its repair comes first.
 */
export function wayBack(plan: Raw, here: Here, created: StepDraft): StepDraft[] {
  const { namespace } = here;
  const on = refTo(plan, namespace);
  const { concurrency } = plan.spec as { concurrency: number };
  const { endless, seconds } = undoWait(plan, here);
  const idle: StepDraft = {
    ...{ do: 'wait', guard: [], undo: 'none', within: seconds, lasting: 10, assume: [], onUndo: true, after: [created] },
    retry: stuckJob(on, endless),
    until: [{ of: jobsOf(on), which: 'none', must: UNFINISHED }],
    repairs: [LEFT_CORDONED],
    text: {
      en: `wait until no Job of Plan ${namespace}/${on.name} runs: deleted midway, it could leave its Node cordoned or without a working K3s`,
      zh: `等待 Plan ${namespace}/${on.name} 的 Job 结束：中途删除可能使节点停留在封锁状态，或使其 K3s 无法运行`,
    },
  };
  const pause: StepDraft = {
    ...{ do: 'patch', on, changes: [{ path: CONCURRENCY, before: concurrency, after: 0 }], guard: [], undo: 'exact', onUndo: true },
    after: [created, idle],
    text: {
      en: `pause Plan ${namespace}/${on.name}: no further Node is upgraded`,
      zh: `暂停 Plan ${namespace}/${on.name}：不再升级其他节点`,
    },
  };
  return [idle, pause];
}

/** How long an undo waits for a Job that runs; `endless`: it may run for ever. */
export function undoWait(plan: Raw, { deadline }: Pick<Here, 'deadline'>): { seconds: number; endless: boolean } {
  const { jobActiveDeadlineSecs: own } = plan.spec as { jobActiveDeadlineSecs?: number };
  const seconds = own === undefined || own < 0 ? deadline : own;
  return { seconds: (seconds || NO_DEADLINE) + PULLED, endless: seconds === 0 };
}

/** What shows why a Job does not end; and what makes one without a deadline fail, so that its repair finds the Node: deleting it would take away what shows who cordoned. */
function stuckJob({ namespace, name }: Ref, endless: boolean): Command[] {
  const of = `-n ${namespace} -l upgrade.cattle.io/plan=${name}`;
  const patch = `kubectl patch -n ${namespace} "$job" --type merge -p '{"spec":{"activeDeadlineSeconds":1}}'`;
  return [
    commented(`kubectl get pods ${of} -o wide`, { en: 'its Node, and how far it is', zh: '所在节点和进度' }),
    ...(endless
      ? [
          commented(`for job in $(kubectl get jobs ${of} -o name); do ${patch}; done`, {
            en: 'ends it as failed; only while its container upgrade has not started',
            zh: '使其以失败结束；仅在容器 upgrade 尚未启动时执行',
          }),
        ]
      : []),
  ];
}

export const jobsOf = ({ namespace, name }: Ref): Selection => ({
  ...{ apiVersion: 'batch/v1', kind: 'Job', namespace },
  labels: `upgrade.cattle.io/plan=${name}`,
});
/** The controller makes a Job with parallelism 0, and lets it run when its Node is the next. */
const UNFINISHED: Expectation[] = [
  { path: '/status/conditions[type=Complete]/status' },
  { path: '/status/conditions[type=Failed]/status' },
  { path: '/spec/parallelism', isNot: 0 },
];
