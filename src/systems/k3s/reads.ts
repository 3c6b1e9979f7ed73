// What detection and checks list: Nodes, Plans of the system-upgrade-controller, and the Jobs and Pods that it makes of them.
// Of Plans and Jobs never the environments: they may hold secrets. Sources: rancher/system-upgrade-controller v0.20.1 pkg/apis, pkg/upgrade.
import type { Field, Json, Raw, Read, Ref } from '../../engine/contracts.ts';
import { type ContainerState, containerStates, type JobEnd, jobEnd } from '../../kube/jobs.ts';
import { isRaw } from '../../kube/json.ts';
import { HOSTNAME, KURED_LOCK, kuredHolders, textAt, timeAt } from '../../kube/nodes.ts';
import { DECLARER_FIELDS, type Declarer, declarerOf } from '../../kube/owners.ts';
import { pointerGet } from '../../kube/pointer.ts';
import { refOf } from '../../kube/refs.ts';

export interface NodeRow {
  ref: Ref;
  /** What status.applying of a Plan calls it. */
  hostname: string;
  labels: Record<string, string>;
  cordoned: boolean;
  kubeletVersion: string;
}

export const nodes = {
  resource: 'nodes',
  fields: ['metadata.labels', 'spec.unschedulable', 'status.nodeInfo.kubeletVersion'],
  keep: (object: Raw): NodeRow => {
    const labels = labelsOf(object);
    return {
      ref: refOf(object),
      hostname: labels[HOSTNAME] ?? refOf(object).name,
      labels,
      cordoned: pointerGet(object, '/spec/unschedulable') === true,
      kubeletVersion: textAt(object, '/status/nodeInfo/kubeletVersion') ?? '',
    };
  },
} satisfies Read<NodeRow>;

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
  serviceAccount: string;
  /** latestHash is more than version and service account. */
  hashOfMore: boolean;
  image: string;
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
export const PLAN_FIELDS: readonly Field[] = [
  ...DECLARER_FIELDS,
  `metadata.annotations['${DIGEST}']`,
  'metadata.creationTimestamp',
  'metadata.labels',
  'spec.channel',
  'spec.concurrency',
  'spec.cordon',
  'spec.drain',
  'spec.jobActiveDeadlineSecs',
  'spec.nodeSelector',
  'spec.prepare.args',
  'spec.secrets.name',
  'spec.serviceAccountName',
  'spec.upgrade.image',
  'spec.version',
  'status',
];
export const PLANS = 'plans.upgrade.cattle.io';
export const plans = { resource: PLANS, fields: PLAN_FIELDS, keep: planRow } satisfies Read<PlanRow>;

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
    labels: labelsOf(object),
    declarer: declarerOf(object),
    created: timeAt(object, '/metadata/creationTimestamp'),
    selector: pointerGet(object, '/spec/nodeSelector') ?? null,
    concurrency: number('/spec/concurrency') ?? 0,
    version: textAt(object, '/spec/version'),
    channel: textAt(object, '/spec/channel'),
    cordons: drains || pointerGet(object, '/spec/cordon') === true,
    drains,
    serviceAccount: textAt(object, '/spec/serviceAccountName') ?? '',
    hashOfMore:
      (isRaw(annotations) && annotations[DIGEST] !== undefined) ||
      (Array.isArray(secrets) && secrets.some((secret) => textAt(secret as Raw, '/name'))),
    image: textAt(object, '/spec/upgrade/image') ?? '',
    prepareArgs: texts(pointerGet(object, '/spec/prepare/args')),
    deadline: deadline !== undefined && deadline >= 0 ? deadline : undefined,
    latestVersion: textAt(object, '/status/latestVersion'),
    latestHash: textAt(object, '/status/latestHash'),
    applying: texts(pointerGet(object, '/status/applying')),
    complete: completeOf(pointerGet(object, '/status/conditions')),
  };
}

function completeOf(conditions: Json | undefined): PlanRow['complete'] {
  const complete = (Array.isArray(conditions) ? conditions : []).filter(isRaw).find(({ type }) => type === 'Complete');
  if (!complete) return undefined;
  return {
    status: textAt(complete, '/status') ?? '',
    reason: textAt(complete, '/reason') ?? '',
    message: textAt(complete, '/message') ?? '',
    at: timeAt(complete, '/lastUpdateTime'),
  };
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
export const jobs = {
  resource: 'jobs.batch',
  labels: PLAN_LABEL,
  fields: [
    'metadata.labels',
    'spec.template.spec.initContainers.image',
    'spec.template.spec.initContainers.name',
    'status.conditions',
    'status.startTime',
  ],
  keep: (object: Raw): JobRow => {
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
} satisfies Read<JobRow>;

export interface UpgradePod extends Labelled {
  phase: string;
  /** The init container that cordons or drains. */
  cordon?: ContainerState;
  /** The container that upgrades. */
  upgrade?: ContainerState;
}
export const pods = {
  resource: 'pods',
  labels: PLAN_LABEL,
  fields: ['metadata.labels', 'status.containerStatuses', 'status.initContainerStatuses', 'status.phase'],
  keep: (object: Raw): UpgradePod => ({
    ...labelled(object),
    phase: textAt(object, '/status/phase') ?? '',
    cordon: containerStates(object, 'initContainerStatuses').find(({ name }) => CORDONING.has(name)),
    upgrade: containerStates(object, 'containerStatuses').find(({ name }) => name === 'upgrade'),
  }),
} satisfies Read<UpgradePod>;

/** Names of the Nodes that kured is rebooting. */
export const kuredLocks = {
  resource: 'daemonsets.apps',
  fields: [`metadata.annotations['${KURED_LOCK}']`],
  keep: (object: Raw): string[] | undefined => {
    const holders = kuredHolders(object);
    return holders.length ? holders : undefined;
  },
} satisfies Read<string[]>;

function labelled(object: Raw): Labelled {
  const labels = labelsOf(object);
  return { ref: refOf(object), plan: labels[PLAN_LABEL] ?? '', node: labels[NODE_LABEL] ?? '' };
}

function labelsOf(object: Raw): Record<string, string> {
  const labels = pointerGet(object, '/metadata/labels');
  return Object.fromEntries(
    Object.entries(isRaw(labels) ? labels : {}).filter((label): label is [string, string] => typeof label[1] === 'string'),
  );
}

const texts = (value: Json | undefined): string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
