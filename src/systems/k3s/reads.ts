// What detection and checks list: Nodes, Plans of the system-upgrade-controller, and the Jobs and Pods that it makes of them.
// Of Plans and Jobs never the environments: they may hold secrets. Sources: rancher/system-upgrade-controller v0.20.1 pkg/apis, pkg/upgrade.
import type { Column, Json, PointRead, Raw, Ref, RowOf } from '../../engine/contracts.ts';
import { asIs, each, flag, hot, json, keys, label, labels, list, maybe, tree, where, word, writers } from '../../engine/read/index.ts';
import { valueAt } from '../../engine/read/values.ts';
import { type ContainerState, containerStates, type JobEnd, jobEnd } from '../../kube/jobs.ts';
import { isRaw } from '../../kube/json.ts';
import { HOSTNAME, KURED_LOCK, kuredHolders, textAt, timeAt } from '../../kube/nodes.ts';
import { type Declarer, declarerOf } from '../../kube/owners.ts';
import { pointerGet } from '../../kube/pointer.ts';
import { refOf } from '../../kube/refs.ts';
import type { Taint, Toleration } from '../../kube/taints.ts';

export interface NodeRow {
  ref: Ref;
  /** What status.applying of a Plan calls it. */
  hostname: string;
  labels: Record<string, string>;
  cordoned: boolean;
  kubeletVersion: string;
  taints: Taint[];
  ready: boolean;
}

const LABELS = labels();
const TAINTS = each('spec.taints', { key: word('key', ''), value: word('value', ''), effect: word('effect', '') });
const READY = each('status.conditions', { type: word('type'), status: word('status') });
const NODE = [LABELS, asIs('spec.unschedulable', 'status.nodeInfo.kubeletVersion'), TAINTS, READY];
export const nodes = hot('nodes', NODE, (object): NodeRow => {
  const own = LABELS.read(object);
  return {
    ref: refOf(object),
    hostname: own[HOSTNAME] ?? refOf(object).name,
    labels: own,
    cordoned: pointerGet(object, '/spec/unschedulable') === true,
    kubeletVersion: textAt(object, '/status/nodeInfo/kubeletVersion') ?? '',
    taints: TAINTS.read(object),
    ready: READY.read(object).some(({ type, status }) => type === 'Ready' && status === 'True'),
  };
});
/** One of them, with what tells who cordoned it. */
export const NODE_NOW: PointRead = {
  resource: 'nodes',
  columns: [...NODE, keys('metadata.annotations'), writers('spec.unschedulable')],
};

export interface PlanRow {
  ref: Ref;
  labels: Record<string, string>;
  declarer?: Declarer;
  /** ms. */
  created?: number;
  selector: Json;
  concurrency: number;
  version?: string;
  channel?: string;
  /** It cordons or drains its nodes. */
  cordons: boolean;
  drains: boolean;
  /** spec.drain, where it drains. `timeout` as it is written: text, or a number of nanoseconds. */
  drain?: Drain;
  /** A duration, such as 30s: what passes between a Job that went well and the next Node. */
  postCompleteDelay?: string;
  window?: { days: string[]; start: string; end: string; zone: string };
  serviceAccount: string;
  priorityClass?: string;
  /** That must be there, or the Plan is not valid; `pull`: of imagePullSecrets, which may be missing where the images are public. */
  secrets: { name: string; pull: boolean }[];
  /** latestHash is more than version and service account. */
  hashOfMore: boolean;
  image: string;
  prepareImage?: string;
  tolerations: Toleration[];
  /** What its `prepare` waits for. */
  prepareArgs: string[];
  /** Seconds; undefined: the controller's default. 0: none. */
  deadline?: number;
  latestVersion?: string;
  latestHash?: string;
  applying: string[];
  complete?: { status: string; reason: string; message: string; at?: number };
}

export interface Drain {
  timeout?: Json;
  force: boolean;
  /** Deletes Pods instead of evicting them. */
  disablesEviction: boolean;
  /** Both spec.drain.deleteLocalData and deleteEmptydirData. */
  conflicts: boolean;
  deletesEmptyDirs: boolean;
  /** Seconds; 0: none. */
  skipWait: number;
}

const DIGEST = 'upgrade.cattle.io/digest';
/** `prepare` of a Plan waits for another Plan, which is the word behind `prepare` (k3s-upgrade, scripts/upgrade.sh); other words are not kept. */
const prepareArgs: Column<string[]> = {
  paths: ['spec.prepare.args'],
  marks: ['spec.prepare.args:waited for'],
  read: (plan) => {
    const words = texts(valueAt(plan, ['spec', 'prepare', 'args']));
    return words.filter((each, at) => words[at - 1] === 'prepare' && PLAN_NAME.test(each));
  },
  keep: (plan) => {
    const words = valueAt(plan, ['spec', 'prepare', 'args']);
    if (!Array.isArray(words)) return undefined;
    const isKept = (each: Json, at: number) => each === 'prepare' || (words[at - 1] === 'prepare' && PLAN_NAME.test(String(each)));
    return { spec: { prepare: { args: words.map((each, at) => (isKept(each, at) ? each : '')) } } };
  },
};
const PLAN_NAME = /^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/;
/** Of a failed Job the controller says there on which Node; other messages are free text. */
const conditions = each('status.conditions', {
  type: word('type'),
  status: word('status', ''),
  reason: word('reason', ''),
  message: where('reason', 'JobFailed', word('message', '')),
  at: word('lastUpdateTime'),
});
const TOLERATIONS = each('spec.tolerations', {
  key: word('key'),
  operator: word('operator'),
  value: word('value'),
  effect: word('effect'),
});
const PLAN: readonly Column[] = [
  LABELS,
  keys('metadata.annotations'),
  asIs(
    'metadata.creationTimestamp',
    'spec.channel',
    'spec.concurrency',
    'spec.cordon',
    'spec.drain.deleteEmptydirData',
    'spec.drain.deleteLocalData',
    'spec.drain.disableEviction',
    'spec.drain.force',
    'spec.drain.skipWaitForDeleteTimeout',
    'spec.drain.timeout',
    'spec.imagePullSecrets.name',
    'spec.jobActiveDeadlineSecs',
    'spec.postCompleteDelay',
    'spec.prepare.image',
    'spec.priorityClassName',
    'spec.secrets.ignoreUpdates',
    'spec.secrets.name',
    'spec.serviceAccountName',
    'spec.upgrade.image',
    'spec.version',
    'spec.window.days',
    'spec.window.endTime',
    'spec.window.startTime',
    'spec.window.timeZone',
    'status.applying',
    'status.latestHash',
    'status.latestVersion',
  ),
  maybe('spec.drain', {}),
  tree('spec.nodeSelector'),
  TOLERATIONS,
  prepareArgs,
  conditions,
];
export const PLANS = 'plans.upgrade.cattle.io';
export const plans = hot(PLANS, PLAN, planRow);

export function planRow(object: Raw): PlanRow {
  const number = (pointer: string): number | undefined => {
    const value = pointerGet(object, pointer);
    return typeof value === 'number' ? value : undefined;
  };
  const deadline = number('/spec/jobActiveDeadlineSecs');
  const annotations = pointerGet(object, '/metadata/annotations');
  const drain = drainOf(object);
  const cordons = pointerGet(object, '/spec/cordon') === true;
  const secrets = secretsOf(object);
  return {
    ref: refOf(object),
    labels: LABELS.read(object),
    declarer: declarerOf(object),
    created: timeAt(object, '/metadata/creationTimestamp'),
    selector: pointerGet(object, '/spec/nodeSelector') ?? null,
    concurrency: number('/spec/concurrency') ?? 0,
    version: textAt(object, '/spec/version'),
    channel: textAt(object, '/spec/channel'),
    cordons: cordons || drain !== undefined,
    drains: drain !== undefined,
    drain,
    postCompleteDelay: textAt(object, '/spec/postCompleteDelay'),
    window: windowOf(object),
    serviceAccount: textAt(object, '/spec/serviceAccountName') ?? '',
    priorityClass: textAt(object, '/spec/priorityClassName'),
    secrets,
    hashOfMore: (isRaw(annotations) && annotations[DIGEST] !== undefined) || secrets.some(({ pull }) => !pull),
    image: textAt(object, '/spec/upgrade/image') ?? '',
    prepareImage: textAt(object, '/spec/prepare/image'),
    tolerations: TOLERATIONS.read(object),
    prepareArgs: prepareArgs.read(object),
    deadline: deadline !== undefined && deadline >= 0 ? deadline : undefined,
    latestVersion: textAt(object, '/status/latestVersion'),
    latestHash: textAt(object, '/status/latestHash'),
    applying: texts(pointerGet(object, '/status/applying')),
    complete: completeOf(object),
  };
}

function drainOf(plan: Raw): Drain | undefined {
  const at = (field: string): Json | undefined => pointerGet(plan, `/spec/drain/${field}`);
  const [local, emptyDir, skipWait] = [at('deleteLocalData'), at('deleteEmptydirData'), at('skipWaitForDeleteTimeout')];
  const drain: Drain = {
    timeout: at('timeout'),
    force: at('force') === true,
    disablesEviction: at('disableEviction') === true,
    conflicts: local !== undefined && emptyDir !== undefined,
    deletesEmptyDirs: local !== false && emptyDir !== false,
    skipWait: typeof skipWait === 'number' ? skipWait : 0,
  };
  return isRaw(pointerGet(plan, '/spec/drain')) ? drain : undefined;
}

function windowOf(plan: Raw): PlanRow['window'] {
  const at = (field: string): string => textAt(plan, `/spec/window/${field}`) ?? '';
  const window = { days: texts(pointerGet(plan, '/spec/window/days')), start: at('startTime'), end: at('endTime'), zone: at('timeZone') };
  return window.days.length || window.start || window.end ? window : undefined;
}

/** A Secret with ignoreUpdates may be missing: its volume is optional. */
function secretsOf(plan: Raw): PlanRow['secrets'] {
  const named = (pointer: string) => {
    const listed = pointerGet(plan, pointer);
    return (Array.isArray(listed) ? listed : []).filter(isRaw).map((each) => ({ name: textAt(each, '/name') ?? '', each }));
  };
  return [
    ...named('/spec/secrets').flatMap(({ name, each }) => (name && each.ignoreUpdates !== true ? [{ name, pull: false }] : [])),
    ...named('/spec/imagePullSecrets').flatMap(({ name }) => (name ? [{ name, pull: true }] : [])),
  ];
}

function completeOf(plan: Raw): PlanRow['complete'] {
  const complete = conditions.read(plan).find(({ type }) => type === 'Complete');
  if (!complete) return undefined;
  const { status, reason, message = '', at = '' } = complete;
  const time = Date.parse(at);
  return { status, reason, message, at: Number.isNaN(time) ? undefined : time };
}

/** Labels that the controller puts on its Jobs and on their Pods. */
const PLAN_LABEL = 'upgrade.cattle.io/plan';
const NODE_LABEL = 'upgrade.cattle.io/node';
/** Init containers that make the node unschedulable. */
const CORDONING = new Set(['cordon', 'drain']);

/** Which Plan's, on which node. */
interface Labelled {
  ref: Ref;
  plan: string;
  node: string;
}
export interface JobRow extends Labelled {
  /** ms. */
  startTime?: number;
  end?: JobEnd;
  cordons: boolean;
  /** Image of what cordons. */
  image?: string;
}
const PLAN_LABELS = [PLAN_LABEL, NODE_LABEL].map(label);
const JOB = [
  ...PLAN_LABELS,
  asIs(
    'spec.template.spec.initContainers.image',
    'spec.template.spec.initContainers.name',
    'status.conditions.lastTransitionTime',
    'status.conditions.reason',
    'status.conditions.status',
    'status.conditions.type',
    'status.startTime',
  ),
];
export const jobs = hot(
  'jobs.batch',
  JOB,
  (object): JobRow => {
    const containers = pointerGet(object, '/spec/template/spec/initContainers');
    const cordon = (Array.isArray(containers) ? containers : []).filter(isRaw).find(({ name }) => CORDONING.has(String(name)));
    return {
      ...labelled(object),
      startTime: timeAt(object, '/status/startTime'),
      end: jobEnd(object),
      cordons: cordon !== undefined,
      image: cordon && textAt(cordon, '/image'),
    };
  },
  { labels: PLAN_LABEL },
);

export interface UpgradePod extends Labelled {
  phase: string;
  /** ms. */
  created?: number;
  /** Waits for the servers. */
  prepare?: ContainerState;
  /** The init container that cordons or drains. */
  cordon?: ContainerState;
  /** The container that upgrades. */
  upgrade?: ContainerState;
}
/** What `containerStates` reads of each. */
const STATES = ['containerStatuses', 'initContainerStatuses'].flatMap((list) =>
  [
    'name',
    'image',
    'state.terminated.exitCode',
    'state.terminated.startedAt',
    'state.terminated.finishedAt',
    'state.running.startedAt',
    'state.waiting.reason',
  ].map((field) => `status.${list}.${field}`),
);
export const pods = hot(
  'pods',
  [...PLAN_LABELS, asIs('metadata.creationTimestamp', 'status.phase', ...STATES)],
  (object): UpgradePod => ({
    ...labelled(object),
    phase: textAt(object, '/status/phase') ?? '',
    created: timeAt(object, '/metadata/creationTimestamp'),
    prepare: containerStates(object, 'initContainerStatuses').find(({ name }) => name === 'prepare'),
    cordon: containerStates(object, 'initContainerStatuses').find(({ name }) => CORDONING.has(name)),
    upgrade: containerStates(object, 'containerStatuses').find(({ name }) => name === 'upgrade'),
  }),
  { labels: PLAN_LABEL },
);

/** A Pod that a drain of its Node evicts. */
export interface WorkloadRow {
  ref: Ref;
  labels: Record<string, string>;
  node: string;
  ready: boolean;
  /** Of a DaemonSet: a drain leaves it. */
  daemon: boolean;
  /** By a controller, which makes it again elsewhere. */
  controlled: boolean;
  emptyDir: boolean;
}
const OWNERS = each('metadata.ownerReferences', { kind: word('kind', ''), controller: flag('controller', false) });
const VOLUMES = each('spec.volumes', { emptyDir: maybe('emptyDir', {}) });
/** Pods that run or may still run on a Node; those of the controller and of its Jobs are left alone by its drain. */
export const workloads = hot(
  'pods',
  [LABELS, READY, OWNERS, VOLUMES, asIs('metadata.deletionTimestamp', 'spec.nodeName', 'status.phase')],
  (object): WorkloadRow | undefined => {
    const [phase, node] = [textAt(object, '/status/phase'), textAt(object, '/spec/nodeName')];
    const deleted = pointerGet(object, '/metadata/deletionTimestamp');
    const own = LABELS.read(object);
    if (phase === 'Succeeded' || phase === 'Failed' || deleted || !node || own[CONTROLLER_LABEL] !== undefined) return undefined;
    const owners = OWNERS.read(object).filter(({ controller }) => controller);
    return {
      ref: refOf(object),
      labels: own,
      node,
      ready: READY.read(object).some(({ type, status }) => type === 'Ready' && status === 'True'),
      daemon: owners.some(({ kind }) => kind === 'DaemonSet' || kind === 'Node'),
      controlled: owners.length > 0,
      emptyDir: VOLUMES.read(object).some(({ emptyDir }) => emptyDir !== undefined),
    };
  },
  { optional: true },
);
const CONTROLLER_LABEL = 'upgrade.cattle.io/controller';
const BUDGET = { selector: tree('spec.selector'), least: tree('spec.minAvailable'), most: tree('spec.maxUnavailable') };
export const budgets = list('poddisruptionbudgets.policy', BUDGET, { optional: true });
export type Budget = RowOf<typeof BUDGET>;

const LOCK = { nodeID: word('nodeID') };
/** Names of the Nodes that kured is rebooting. */
export const kuredLocks = hot(
  'daemonsets.apps',
  [json(`metadata.annotations['${KURED_LOCK}']`, { ...LOCK, locks: each('locks', LOCK) })],
  (object): string[] | undefined => {
    const holders = kuredHolders(object);
    return holders.length ? holders : undefined;
  },
);

function labelled(object: Raw): Labelled {
  const [plan = '', node = ''] = PLAN_LABELS.map((each) => each.read(object));
  return { ref: refOf(object), plan, node };
}

const texts = (value: Json | undefined): string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
