// Which resource each manifest is, and whether it lies in a namespace: as discovery says where there is a cluster, else by the CustomResourceDefinitions among
// the manifests and by what is common. The version is the one that the manifest names, also one that the cluster no longer serves.
import type { ApiResource, Gap, Manifest, Raw, ResourceName, Source } from '../engine/contracts.ts';
import { isRaw } from '../kube/json.ts';
import { groupOf } from '../kube/refs.ts';
import { BUILT_IN_RESOURCES, guessPlural, resourceName, splitApiVersion } from '../kube/resources.ts';

/** `group/Kind`. */
export const kindKey = ({ apiVersion, kind }: { apiVersion?: unknown; kind?: unknown }): string =>
  `${groupOf(String(apiVersion))}/${String(kind)}`;

/** Outside namespaces, and not what every cluster serves: kinds that are gone, are never stored, or are switched on. From kubernetes/api, markers genclient:nonNamespaced. */
const CLUSTER_WIDE = new Set(
  Object.entries({
    policy: 'PodSecurityPolicy',
    extensions: 'PodSecurityPolicy',
    'auditregistration.k8s.io': 'AuditSink',
    'admission.k8s.io': 'AdmissionReview',
    'authentication.k8s.io': 'TokenReview SelfSubjectReview',
    'authorization.k8s.io': 'SubjectAccessReview SelfSubjectAccessReview SelfSubjectRulesReview',
    'admissionregistration.k8s.io': 'MutatingAdmissionPolicy MutatingAdmissionPolicyBinding',
    'networking.k8s.io': 'IPAddress ServiceCIDR',
    'storage.k8s.io': 'VolumeAttributesClass',
    'storagemigration.k8s.io': 'StorageVersionMigration',
    'internal.apiserver.k8s.io': 'StorageVersion',
    'resource.k8s.io': 'DeviceClass DeviceTaintRule ResourceSlice ResourceClass ResourcePoolStatusRequest',
  }).flatMap(([group, kinds]) => kinds.split(' ').map((kind) => `${group}/${kind}`)),
);

/** Of a kind that comes with Kubernetes, or did: it has no namespace. */
export const isClusterWide = (object: { apiVersion?: unknown; kind?: unknown }): boolean =>
  CLUSTER_WIDE.has(kindKey(object)) ||
  BUILT_IN_RESOURCES.some(({ group, kind, namespaced }) => !namespaced && `${group}/${kind}` === kindKey(object));

/** By `kindKey`. `source`: the cluster under the manifests, where there is one. */
export async function apisOf(manifests: readonly Manifest[], source?: Pick<Source, 'resource'>): Promise<Map<string, ApiResource>> {
  const apis = new Map<string, ApiResource>();
  const common = new Map(BUILT_IN_RESOURCES.map((api) => [`${api.group}/${api.kind}`, api]));
  const defined = new Map(
    manifests
      .flatMap(({ object }) => (object.kind === 'CustomResourceDefinition' ? definedBy(object) : []))
      .map((api) => [`${api.group}/${api.kind}`, api]),
  );
  for (const [key, of] of Map.groupBy(manifests, ({ object }) => kindKey(object))) {
    const [group, version] = splitApiVersion(String(of[0]!.object.apiVersion));
    const kind = String(of[0]!.object.kind);
    const known = defined.get(key) ?? common.get(key);
    const resource = known?.resource ?? guessPlural(kind);
    const served = await source?.resource(resourceName({ group, resource }));
    const api = isServed(served) && served.kind === kind ? served : known;
    const namespaced = api?.namespaced ?? (!CLUSTER_WIDE.has(key) && !kind.startsWith('Cluster'));
    apis.set(key, { group, version, resource, kind, namespaced, subresources: api?.subresources ?? [] });
  }
  return apis;
}

const isServed = (answer: ApiResource | undefined | Gap): answer is ApiResource => answer !== undefined && !('why' in answer);

function definedBy({ spec }: Raw): ApiResource[] {
  if (!isRaw(spec) || !isRaw(spec.names)) return [];
  const { group, scope, names } = spec;
  const { plural, kind } = names;
  if (typeof group !== 'string' || typeof plural !== 'string' || typeof kind !== 'string') return [];
  return [{ group, version: '', resource: plural, kind, namespaced: scope !== 'Cluster', subresources: [] }];
}

/** As kubectl puts it there: -n, the context's, or `default`. Of a kind outside namespaces, one that is written by mistake is left out. */
export function inNamespace(manifest: Manifest, apis: ReadonlyMap<string, ApiResource>, namespace: string): Manifest {
  const { object } = manifest;
  const metadata = object.metadata as Raw;
  const namespaced = apis.get(kindKey(object))?.namespaced ?? true;
  const given = typeof metadata.namespace === 'string' && metadata.namespace !== '';
  if (namespaced === given) return manifest;
  const { namespace: _, ...rest } = metadata;
  return { ...manifest, object: { ...object, metadata: namespaced ? { ...rest, namespace } : rest } };
}

export type ByResource = ReadonlyMap<ResourceName, readonly Manifest[]>;

export function byResource(manifests: readonly Manifest[], apis: ReadonlyMap<string, ApiResource>): ByResource {
  return Map.groupBy(manifests, ({ object }) => resourceName(apis.get(kindKey(object))!));
}
