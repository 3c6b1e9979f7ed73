// The Job that the system-upgrade-controller makes of a Plan for a Node, as the real one was recorded to make it (recorded.test.ts); names and hashes by pkg/upgrade/job and wrangler's pkg/name and pkg/apply, v0.20.1.
import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Body } from '../client.ts';

/** `v0.13`: up to v0.13.2, `v0.20`: v0.20.1. */
export type Generation = 'v0.13' | 'v0.20';
export interface JobSettings {
  backoffLimit: number;
  activeDeadlineSeconds: number;
  ttlSecondsAfterFinished: number;
}
const CONTROLLER = 'system-upgrade-controller';
export const planLabel = (plan: string) => `plan.upgrade.cattle.io/${plan}`;
export const munged = (version: string) => version.replaceAll('+', '-');
export const hostnameOf = ({ metadata }: Body): string => metadata.labels?.['kubernetes.io/hostname'] ?? metadata.name;

/** status.latestHash of a Plan without secrets and without the annotation upgrade.cattle.io/digest. */
export const hashOf = (latestVersion: string, serviceAccountName = '') =>
  createHash('sha224').update(latestVersion).update(serviceAccountName).digest('hex');

/** 63 characters at most; what is longer is cut and ends in a digest. */
export function jobName(plan: string, node: string, hash: string): string {
  const name = ['apply', plan, 'on', node.split('.')[0], 'with', hash].join('-');
  if (name.length < 64) return name;
  const digest = createHash('sha256').update(name).digest('hex');
  return /[a-z0-9]/.test(name[56] ?? '') ? `${name.slice(0, 57)}-${digest.slice(0, 5)}` : `${name.slice(0, 56)}-${digest.slice(0, 6)}`;
}

export function jobOf(generation: Generation, plan: Body, node: Body, settings: JobSettings): Body {
  const { name, namespace, uid } = plan.metadata;
  const { latestVersion, latestHash } = plan.status;
  const isNew = generation === 'v0.20';
  const copied = isNew ? ownWords(plan.metadata.annotations) : {};
  const labels = {
    ...(isNew ? ownWords(plan.metadata.labels) : {}),
    'upgrade.cattle.io/controller': CONTROLLER,
    ...(isNew ? { 'upgrade.cattle.io/exclusive': 'false' } : {}),
    'upgrade.cattle.io/node': node.metadata.name,
    'upgrade.cattle.io/plan': name,
    'upgrade.cattle.io/version': latestVersion,
    [planLabel(name)]: latestHash,
  };
  const maker = {
    'objectset.rio.cattle.io/id': CONTROLLER,
    'objectset.rio.cattle.io/owner-gvk': 'upgrade.cattle.io/v1, Kind=Plan',
    'objectset.rio.cattle.io/owner-name': name,
    'objectset.rio.cattle.io/owner-namespace': namespace,
  };
  const template = { metadata: { ...(Object.keys(copied).length ? { annotations: copied } : {}), labels }, spec: podOf(plan, node) };
  const job = {
    metadata: {
      name: jobName(name, node.metadata.name, latestHash),
      namespace,
      labels: { ...labels, 'objectset.rio.cattle.io/hash': createHash('sha1').update(Object.values(maker).join('')).digest('hex') },
      annotations: { ...copied, 'upgrade.cattle.io/ttl-seconds-after-finished': `${settings.ttlSecondsAfterFinished}`, ...maker },
      ownerReferences: [{ apiVersion: 'upgrade.cattle.io/v1', kind: 'Plan', name, uid, controller: true, blockOwnerDeletion: false }],
    },
    spec: { ...settings, completions: 1, parallelism: 1, ...(isNew ? { podReplacementPolicy: 'TerminatingOrFailed' } : {}), template },
    status: {},
  };
  const annotations = { ...job.metadata.annotations, [APPLIED]: packed(job) };
  return { apiVersion: 'batch/v1', kind: 'Job', ...job, metadata: { ...job.metadata, annotations } };
}

/** Of the Plan's labels and annotations those that a user has put there. */
function ownWords(of: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(of).filter(([key]) => !/cattle\.io\/|kubectl\.kubernetes\.io\//.test(key)));
}

/** An annotation with the whole Job as it was last written, values of `envs` included: by it the controller sees whether it wants another one. */
export const APPLIED = 'objectset.rio.cattle.io/applied';
const packed = (job: object) => gzipSync(JSON.stringify(job)).toString('base64').replace(/=+$/, '');
export const appliedTo = ({ metadata }: Body): Body =>
  JSON.parse(gunzipSync(Buffer.from(metadata.annotations[APPLIED], 'base64')).toString());

function podOf({ metadata, spec, status }: Body, node: Body): object {
  const field = (fieldPath: string) => ({ valueFrom: { fieldRef: { fieldPath } } });
  const env = [
    { name: 'SYSTEM_UPGRADE_NODE_NAME', ...field('spec.nodeName') },
    { name: 'SYSTEM_UPGRADE_POD_NAME', ...field('metadata.name') },
    { name: 'SYSTEM_UPGRADE_POD_UID', ...field('metadata.uid') },
    { name: 'SYSTEM_UPGRADE_PLAN_NAME', value: metadata.name },
    { name: 'SYSTEM_UPGRADE_PLAN_LATEST_HASH', value: status.latestHash },
    { name: 'SYSTEM_UPGRADE_PLAN_LATEST_VERSION', value: status.latestVersion },
  ];
  // An image with a tag of its own keeps it.
  const tagged = (image: string) => (/:[^/]+$/.test(image) ? image : `${image}:${status.latestVersion}`);
  const step = (name: string, { image, command, args, envs = [] }: Body) => ({
    name,
    image: tagged(image),
    // SYSTEM_UPGRADE_JOB_IMAGE_PULL_POLICY of the manifest.
    imagePullPolicy: 'Always',
    ...(command ? { command } : {}),
    ...(args ? { args } : {}),
    env: [...env, ...envs],
    resources: {},
    volumeMounts: [
      { name: 'host-root', mountPath: '/host' },
      { name: 'pod-info', mountPath: '/run/system-upgrade/pod', readOnly: true },
    ],
  });
  const only = (values: string[], key = 'kubernetes.io/hostname') => ({ matchExpressions: [{ key, operator: 'In', values }] });
  return {
    hostIPC: true,
    hostPID: true,
    hostNetwork: true,
    dnsPolicy: 'ClusterFirstWithHostNet',
    restartPolicy: 'Never',
    serviceAccountName: spec.serviceAccountName,
    tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' }, ...(spec.tolerations ?? [])],
    affinity: {
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [only([hostnameOf(node)])] } },
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { labelSelector: only([metadata.name], 'upgrade.cattle.io/plan'), topologyKey: 'kubernetes.io/hostname' },
        ],
      },
    },
    initContainers: [
      ...(spec.prepare ? [step('prepare', spec.prepare)] : []),
      ...(spec.drain
        ? [step('drain', { image: KUBECTL, args: drainArgs(spec.drain, node.metadata.name) })]
        : spec.cordon
          ? [step('cordon', { image: KUBECTL, args: ['cordon', node.metadata.name] })]
          : []),
    ],
    containers: [{ ...step('upgrade', spec.upgrade), securityContext: { privileged: true, capabilities: { add: ['CAP_SYS_BOOT'] } } }],
    volumes: [
      { name: 'host-root', hostPath: { path: '/', type: 'Directory' } },
      { name: 'pod-info', downwardAPI: { defaultMode: 420, items: ['labels', 'annotations'].map(shown) } },
    ],
  };
}
const shown = (path: string) => ({ path, fieldRef: { apiVersion: 'v1', fieldPath: `metadata.${path}` } });
/** SYSTEM_UPGRADE_JOB_KUBECTL_IMAGE of the manifest. */
const KUBECTL = 'rancher/kubectl:v1.30.3';

function drainArgs(drain: Body, node: string): string[] {
  const { timeout, gracePeriod, force, disableEviction, ignoreDaemonSets = true } = drain;
  const deleteEmptydirData = drain.deleteEmptydirData ?? drain.deleteLocalData ?? true;
  return [
    ...['drain', node, '--pod-selector', '!upgrade.cattle.io/controller'],
    ...(ignoreDaemonSets ? ['--ignore-daemonsets'] : []),
    ...(deleteEmptydirData ? ['--delete-emptydir-data'] : []),
    ...(force ? ['--force'] : []),
    // An integer counts nanoseconds.
    ...(timeout === undefined ? [] : ['--timeout', typeof timeout === 'number' ? `${timeout}ns` : timeout]),
    ...(gracePeriod === undefined ? [] : ['--grace-period', `${gracePeriod}`]),
    ...(disableEviction ? ['--disable-eviction=true'] : []),
  ];
}
