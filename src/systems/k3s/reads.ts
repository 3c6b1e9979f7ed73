// What detection and checks list: Nodes, Plans of the system-upgrade-controller, and the Jobs and Pods that it makes of them.
// Of Plans and Jobs never the environments: they may hold secrets. Sources: rancher/system-upgrade-controller v0.20.1 pkg/apis, pkg/upgrade.
import type { Column, Json, PointRead, Raw, Ref } from '../../engine/contracts.ts';
import { asIs, each, hot, json, keys, label, labels, maybe, tree, where, word, writers } from '../../engine/read/index.ts';
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
  /** spec.drain.timeout as it is written: text, or a number of nanoseconds. */
  drainTimeout?: Json;
  /** Deletes Pods instead of evicting them. */
  disablesEviction: boolean;
  serviceAccount: string;
  /** latestHash is more than version and service account. */
  hashOfMore: boolean;
  image: string;
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

const DIGEST = 'upgrade.cattle.io/digest';
/** `prepare` of a Plan waits for another Plan, which is the word behind `prepare` (k3s-upgrade, scripts/upgrade.sh); other words are nobody's to keep. */
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
/** Of a failed Job the controller says there on which Node; other messages are anybody's words. */
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
    'spec.drain.disableEviction',
    'spec.drain.timeout',
    'spec.jobActiveDeadlineSecs',
    'spec.secrets.name',
    'spec.serviceAccountName',
    'spec.upgrade.image',
    'spec.version',
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
  const drain = pointerGet(object, '/spec/drain');
  const deadline = number('/spec/jobActiveDeadlineSecs');
  const annotations = pointerGet(object, '/metadata/annotations');
  const secrets = pointerGet(object, '/spec/secrets');
  const drains = isRaw(drain);
  return {
    ref: refOf(object),
    labels: LABELS.read(object),
    declarer: declarerOf(object),
    created: timeAt(object, '/metadata/creationTimestamp'),
    selector: pointerGet(object, '/spec/nodeSelector') ?? null,
    concurrency: number('/spec/concurrency') ?? 0,
    version: textAt(object, '/spec/version'),
    channel: textAt(object, '/spec/channel'),
    cordons: drains || pointerGet(object, '/spec/cordon') === true,
    drains,
    drainTimeout: pointerGet(object, '/spec/drain/timeout'),
    disablesEviction: pointerGet(object, '/spec/drain/disableEviction') === true,
    serviceAccount: textAt(object, '/spec/serviceAccountName') ?? '',
    hashOfMore:
      (isRaw(annotations) && annotations[DIGEST] !== undefined) ||
      (Array.isArray(secrets) && secrets.some((secret) => textAt(secret as Raw, '/name'))),
    image: textAt(object, '/spec/upgrade/image') ?? '',
    tolerations: TOLERATIONS.read(object),
    prepareArgs: prepareArgs.read(object),
    deadline: deadline !== undefined && deadline >= 0 ? deadline : undefined,
    latestVersion: textAt(object, '/status/latestVersion'),
    latestHash: textAt(object, '/status/latestHash'),
    applying: texts(pointerGet(object, '/status/applying')),
    complete: completeOf(object),
  };
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
  [...PLAN_LABELS, asIs('status.phase', ...STATES)],
  (object): UpgradePod => ({
    ...labelled(object),
    phase: textAt(object, '/status/phase') ?? '',
    cordon: containerStates(object, 'initContainerStatuses').find(({ name }) => CORDONING.has(name)),
    upgrade: containerStates(object, 'containerStatuses').find(({ name }) => name === 'upgrade'),
  }),
  { labels: PLAN_LABEL },
);

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
