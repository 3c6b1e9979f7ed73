// The Job that the system-upgrade-controller makes of a Plan for a Node: its name, labels and Pod (pkg/upgrade/job and wrangler's pkg/name, v0.20.1).
import { createHash } from 'node:crypto';
import type { Body } from '../client.ts';

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

export function jobOf(plan: Body, node: Body, parallelism: number, settings: JobSettings): Body {
  const { name, namespace } = plan.metadata;
  const { latestVersion, latestHash } = plan.status;
  const labels = {
    'upgrade.cattle.io/controller': CONTROLLER,
    'upgrade.cattle.io/exclusive': 'false',
    'upgrade.cattle.io/node': node.metadata.name,
    'upgrade.cattle.io/plan': name,
    'upgrade.cattle.io/version': latestVersion,
    [planLabel(name)]: latestHash,
  };
  const spec = { ...settings, completions: 1, template: { metadata: { labels }, spec: podOf(plan, node) } };
  const digest = createHash('sha1').update(JSON.stringify(spec)).digest('hex');
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: jobName(name, node.metadata.name, latestHash),
      namespace,
      labels: { ...labels, [SPEC_DIGEST]: digest },
      annotations: {
        'upgrade.cattle.io/ttl-seconds-after-finished': `${settings.ttlSecondsAfterFinished}`,
        'objectset.rio.cattle.io/id': CONTROLLER,
        'objectset.rio.cattle.io/owner-gvk': 'upgrade.cattle.io/v1, Kind=Plan',
        'objectset.rio.cattle.io/owner-name': name,
        'objectset.rio.cattle.io/owner-namespace': namespace,
      },
    },
    spec: { ...spec, parallelism },
  };
}
/** A label of the Job; another value: the Job must be made anew. */
export const SPEC_DIGEST = 'objectset.rio.cattle.io/hash';

function podOf({ metadata, spec, status }: Body, node: Body): object {
  const env = [
    { name: 'SYSTEM_UPGRADE_NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
    { name: 'SYSTEM_UPGRADE_PLAN_NAME', value: metadata.name },
    { name: 'SYSTEM_UPGRADE_PLAN_LATEST_HASH', value: status.latestHash },
    { name: 'SYSTEM_UPGRADE_PLAN_LATEST_VERSION', value: status.latestVersion },
  ];
  // An image with a tag of its own keeps it.
  const tagged = (image: string) => (/:[^/]+$/.test(image) ? image : `${image}:${status.latestVersion}`);
  const step = (name: string, { image, command, args, envs = [] }: Body) => ({
    name,
    image: tagged(image),
    command,
    args,
    env: [...env, ...envs],
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
  };
}
/** SYSTEM_UPGRADE_JOB_KUBECTL_IMAGE of the manifest. */
const KUBECTL = 'rancher/kubectl:v1.30.3';

function drainArgs(drain: Body, node: string): string[] {
  const { timeout, gracePeriod, force, disableEviction, ignoreDaemonSets = true } = drain;
  const deleteEmptydirData = drain.deleteEmptydirData ?? drain.deleteLocalData ?? true;
  return [
    ...['drain', node, '--pod-selector', '!upgrade.cattle.io/controller'],
    ...(ignoreDaemonSets ? ['--ignore-daemonsets'] : []),
    ...(deleteEmptydirData ? ['--delete-emptydir-data'] : []),
    // An integer counts nanoseconds.
    ...(timeout === undefined ? [] : ['--timeout', typeof timeout === 'number' ? `${timeout}ns` : timeout]),
    ...(gracePeriod === undefined ? [] : ['--grace-period', `${gracePeriod}`]),
    ...(force ? ['--force'] : []),
    ...(disableEviction ? ['--disable-eviction=true'] : []),
  ];
}
