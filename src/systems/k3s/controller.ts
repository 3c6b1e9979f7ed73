// The system-upgrade-controller of a namespace: which version, whether it runs, and its settings for Jobs. Asked for, never listed.
// Sources: rancher/system-upgrade-controller v0.20.1 manifests/, pkg/upgrade/job/job.go (defaults).
import semver from 'semver';
import type { PointRead, PointReader, Raw, Ref } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { asIs, each, list, time, word, writers } from '../../engine/read/index.ts';
import { isRaw } from '../../kube/json.ts';
import { textAt } from '../../kube/nodes.ts';
import { pointerGet } from '../../kube/pointer.ts';

export const CONTROLLER = 'system-upgrade-controller';
/** Agent of a Rancher that manages this cluster. */
export const RANCHER_AGENT: Ref = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'cattle-system', name: 'cattle-cluster-agent' };
/** Of the upstream manifest, and of Rancher's chart. */
const SETTINGS = ['default-controller-env', 'system-upgrade-controller-config'];
const CONTAINER = 'spec.template.spec.containers';
const SETTINGS_WRITTEN = writers('data');
export const DEPLOYMENTS: PointRead = {
  resource: 'deployments.apps',
  names: [CONTROLLER, RANCHER_AGENT.name],
  columns: [
    asIs(
      `${CONTAINER}.name`,
      `${CONTAINER}.image`,
      `${CONTAINER}.envFrom.configMapRef.name`,
      'spec.template.spec.serviceAccountName',
      'status.readyReplicas',
    ),
  ],
};
export const CONFIG_MAPS: PointRead = {
  resource: 'configmaps',
  names: SETTINGS,
  columns: [
    word('data.SYSTEM_UPGRADE_CONTROLLER_LEADER_ELECT'),
    word('data.SYSTEM_UPGRADE_JOB_ACTIVE_DEADLINE_SECONDS'),
    word('data.SYSTEM_UPGRADE_JOB_KUBECTL_IMAGE'),
    SETTINGS_WRITTEN,
  ],
};
const RENEWED = time('spec.renewTime');
/** With leader election the controller that holds it carries out Plans, and no other. */
export const LEASES: PointRead = { resource: 'leases.coordination.k8s.io', names: [CONTROLLER], columns: [RENEWED] };
/** Pods of controllers, whatever their Deployment is called; those of Jobs bear this label too. */
const CONDITIONS = each('status.conditions', { type: word('type'), status: word('status') });
const OF_CONTROLLERS = { labels: 'upgrade.cattle.io/controller,!upgrade.cattle.io/plan' };
export const controllerPods = list('pods', { startTime: time('status.startTime'), conditions: CONDITIONS }, OF_CONTROLLERS);
/** The same, for an upgrade: what its Plans have to follow. */
export const carrierPods = list(
  'pods',
  {
    conditions: CONDITIONS,
    serviceAccount: word('spec.serviceAccountName'),
    images: each('spec.containers', { name: word('name', ''), image: word('image', '') }),
  },
  OF_CONTROLLERS,
);

export interface Controller {
  ref: Ref;
  ready: boolean;
  image: string;
  /** semver, of the image's tag; undefined where that is none. */
  version?: string;
  /** The ConfigMap with its settings, where it is one that we may read. */
  settings?: string;
  serviceAccount?: string;
}

/** undefined: not there, or not to be seen (then the gap is the asker's). */
export async function controllerIn(namespace: string, look: Pick<PointReader, 'get'>): Promise<Controller | undefined> {
  const ref: Ref = { apiVersion: 'apps/v1', kind: 'Deployment', namespace, name: CONTROLLER };
  const deployment = await look.get(ref);
  return deployment && !isGap(deployment) ? controllerOf(ref, deployment) : undefined;
}

/** One whose Deployment has another name, by its Pod. */
export type CarrierPod = NonNullable<ReturnType<typeof carrierPods.keep>>;
export function controllerOfPod({ ref, conditions, serviceAccount, images }: CarrierPod): Controller {
  const image = (images.find(({ name }) => name === CONTROLLER) ?? images[0])?.image ?? '';
  return { ref, ready: isReady({ conditions }), image, version: versionIn(image), serviceAccount };
}
export const isReady = ({ conditions }: Pick<CarrierPod, 'conditions'>): boolean =>
  conditions.some(({ type, status }) => type === 'Ready' && status === 'True');

const versionIn = (image: string): string | undefined => semver.valid(/:([^:@/]+)(?:@|$)/.exec(image)?.[1] ?? '') ?? undefined;

/** As a Deployment says it, installed or about to be. */
export function controllerOf(ref: Ref, deployment: Raw): Controller {
  const listed = pointerGet(deployment, '/spec/template/spec/containers');
  const containers = (Array.isArray(listed) ? listed : []).filter(isRaw);
  const container = containers.find(({ name }) => name === CONTROLLER) ?? containers[0] ?? {};
  const image = textAt(container, '/image') ?? '';
  const sources = Array.isArray(container.envFrom) ? container.envFrom.filter(isRaw) : [];
  const available = pointerGet(deployment, '/status/readyReplicas');
  return {
    ref,
    ready: typeof available === 'number' && available > 0,
    image,
    version: versionIn(image),
    serviceAccount: textAt(deployment, '/spec/template/spec/serviceAccountName'),
    settings: sources.map((source) => textAt(source, '/configMapRef/name')).find((name) => name !== undefined && SETTINGS.includes(name)),
  };
}

/** Whether the controller is at least this version; an unknown one is not. */
export const atLeast = (controller: Controller | undefined, version: string): boolean =>
  controller?.version !== undefined && semver.gte(controller.version, version);

export interface JobSettings {
  /** s; 0: none. */
  deadline: number;
  /** What runs kubectl; undefined: the controller's own default. */
  kubectlImage?: string;
}

/** Of the upstream manifest; what the ConfigMap says counts more. */
const MANIFEST: JobSettings = { deadline: 900 };

export async function jobSettings(controller: Controller | undefined, look: Pick<PointReader, 'get'>): Promise<JobSettings> {
  if (!controller?.settings) return MANIFEST;
  const map = await look.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: controller.ref.namespace, name: controller.settings });
  if (!map || isGap(map)) return MANIFEST;
  const deadline = Number(textAt(map, '/data/SYSTEM_UPGRADE_JOB_ACTIVE_DEADLINE_SECONDS') ?? Number.NaN);
  return {
    deadline: Number.isSafeInteger(deadline) && deadline >= 0 ? deadline : MANIFEST.deadline,
    kubectlImage: textAt(map, '/data/SYSTEM_UPGRADE_JOB_KUBECTL_IMAGE') || undefined,
  };
}

/** ms, when a controller last held the Lease; `never`: there is none; undefined: no leader election, or not to be seen. */
export async function lastLed({ ref, settings }: Controller, look: PointReader): Promise<number | 'never' | undefined> {
  if (!settings) return undefined;
  const { namespace } = ref;
  const map = await look.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name: settings });
  if (!map || isGap(map) || textAt(map, '/data/SYSTEM_UPGRADE_CONTROLLER_LEADER_ELECT') !== 'true') return undefined;
  const lease = await look.get({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace, name: CONTROLLER });
  if (isGap(lease)) return undefined;
  return lease === undefined ? 'never' : RENEWED.read(lease);
}

/** When the settings were last written, ms; undefined: managedFields do not say. */
export async function settingsWritten({ ref, settings }: Controller, look: PointReader): Promise<number | undefined> {
  if (!settings) return undefined;
  const map = await look.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: ref.namespace, name: settings });
  if (!map || isGap(map)) return undefined;
  const times = SETTINGS_WRITTEN.read(map).flatMap(({ owns, time: at }) => (owns.length && at !== undefined ? [at] : []));
  return times.length ? Math.max(...times) : undefined;
}

/** Its kubectl writes as manager `kubectl`. A mirror of the image keeps its name; another image may hold another program. */
export const isStockKubectl = (image: string | undefined): boolean =>
  image === undefined || /(?:^|\/)rancher\/kubectl(?::|@|$)/.test(image);
