// Resource names (`pods`, `deployments.apps`) and kinds: taking names apart, rights in words, and what is known without asking a server.
import type { ApiResource, ResourceName, Rule } from '../engine/contracts.ts';
import { groupOf } from './refs.ts';

export function resourceName({ group, resource }: { group: string; resource: string }): ResourceName {
  return group === '' ? resource : `${resource}.${group}`;
}

export function parseResourceName(name: ResourceName): { group: string; resource: string } {
  const dot = name.indexOf('.');
  return dot === -1 ? { group: '', resource: name } : { group: name.slice(dot + 1), resource: name.slice(0, dot) };
}

/** A right as a person says it: `list secrets in kube-system`. */
export function ruleText({ verbs, group, resource, names, namespace }: Rule): string {
  const slash = resource.indexOf('/');
  const main = slash === -1 ? resource : resource.slice(0, slash);
  const subresource = slash === -1 ? '' : resource.slice(slash);
  const what = resourceName({ group, resource: main }) + subresource;
  return [verbs.join(', '), what, ...(names ?? []), ...(namespace === undefined ? [] : ['in', namespace])].join(' ');
}

// kind, plural where it is irregular, `-` for cluster-scoped, `/status` where the object has that subresource. From the discovery of Kubernetes 1.24 to 1.37.
const BUILT_IN: Record<string, string> = {
  v1: 'ConfigMap Endpoints=endpoints Event LimitRange Namespace-/status Node-/status PersistentVolume-/status PersistentVolumeClaim/status Pod/status PodTemplate ReplicationController/status ResourceQuota/status Secret Service/status ServiceAccount',
  'apps/v1': 'ControllerRevision DaemonSet/status Deployment/status ReplicaSet/status StatefulSet/status',
  'batch/v1': 'CronJob/status Job/status',
  'autoscaling/v2': 'HorizontalPodAutoscaler/status',
  'policy/v1': 'PodDisruptionBudget/status',
  'networking.k8s.io/v1': 'Ingress/status IngressClass- NetworkPolicy',
  'rbac.authorization.k8s.io/v1': 'ClusterRole- ClusterRoleBinding- Role RoleBinding',
  'storage.k8s.io/v1': 'CSIDriver- CSINode- CSIStorageCapacity StorageClass- VolumeAttachment-/status',
  'admissionregistration.k8s.io/v1':
    'MutatingWebhookConfiguration- ValidatingWebhookConfiguration- ValidatingAdmissionPolicy-/status ValidatingAdmissionPolicyBinding-',
  'apiextensions.k8s.io/v1': 'CustomResourceDefinition-/status',
  'apiregistration.k8s.io/v1': 'APIService-/status',
  'certificates.k8s.io/v1': 'CertificateSigningRequest-/status',
  'coordination.k8s.io/v1': 'Lease',
  'discovery.k8s.io/v1': 'EndpointSlice',
  'events.k8s.io/v1': 'Event',
  'flowcontrol.apiserver.k8s.io/v1': 'FlowSchema-/status PriorityLevelConfiguration-/status',
  'node.k8s.io/v1': 'RuntimeClass-',
  'scheduling.k8s.io/v1': 'PriorityClass-',
  // Not built in, but without its CRD its plural cannot be guessed.
  'k8s.cni.cncf.io/v1': 'NetworkAttachmentDefinition=network-attachment-definitions',
};

/** What every cluster serves, in the version that it prefers. */
export const BUILT_IN_RESOURCES: readonly ApiResource[] = Object.entries(BUILT_IN).flatMap(([apiVersion, kinds]) =>
  kinds.split(' ').map((written) => builtIn(apiVersion, written)),
);

function builtIn(apiVersion: string, written: string): ApiResource {
  const [, kind = '', plural, clusterScoped, status] = /^(\w+)(?:=([\w-]+?))?(-)?(\/status)?$/.exec(written) ?? [];
  const [group, version] = splitApiVersion(apiVersion);
  return {
    group,
    version,
    resource: plural ?? guessPlural(kind),
    kind,
    namespaced: clusterScoped === undefined,
    subresources: status === undefined ? [] : ['status'],
  };
}

export function splitApiVersion(apiVersion: string): [group: string, version: string] {
  const slash = apiVersion.indexOf('/');
  return slash === -1 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
}

const KNOWN = new Map(BUILT_IN_RESOURCES.map(({ group, kind, resource }) => [`${group}/${kind}`, resource]));

const COMES_WITH = new Set(BUILT_IN_RESOURCES.filter(({ group }) => group !== 'k8s.cni.cncf.io').map(resourceName));
/** Comes with Kubernetes. */
export const isBuiltIn = (name: ResourceName): boolean => COMES_WITH.has(name);

/** The resource of a kind, without asking a server. */
export function resourceOfKind({ apiVersion, kind }: { apiVersion: string; kind: string }): { group: string; resource: string } {
  const group = groupOf(apiVersion);
  return { group, resource: KNOWN.get(`${group}/${kind}`) ?? guessPlural(kind) };
}

/** The plural that almost every API chooses for a kind: lower case, English rules. */
export function guessPlural(kind: string): string {
  return severalOf(kind.toLowerCase());
}

/** A kind of which there are several, in English: `EndpointSlices`. */
export function severalOf(kind: string): string {
  if (kind === '' || kind === 'Endpoints') return kind;
  if (/(?:s|x|z|ch|sh)$/.test(kind)) return `${kind}es`;
  if (/[^aeiou]y$/.test(kind)) return `${kind.slice(0, -1)}ies`;
  return `${kind}s`;
}
