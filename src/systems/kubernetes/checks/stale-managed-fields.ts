// Custom resources whose managedFields still name a version that their CRD no longer has: every server-side apply of such an object fails, whoever sends it ("request to
// convert CR to an invalid group/version", kubernetes 111937). Kinds of Kubernetes itself are not concerned: there the API server drops such an entry.
// Source: apiextensions-apiserver pkg/apiserver/conversion; apimachinery pkg/util/managedfields; cluster-api controllers/crdmigrator (which removes such entries).
import { finding } from '../../../engine/builders.ts';
import type { Check, Gap, ListRead, Ref, RowOf, Rows } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { each, list, word, writers } from '../../../engine/read/index.ts';
import { groupOf, keyOf } from '../../../kube/refs.ts';
import { splitApiVersion } from '../../../kube/resources.ts';
import { renamed, type Stale } from '../stale-writers.ts';

/** Custom resources that are in wide use and have had several versions; which versions there are now says the CRD. */
const RESOURCES = Object.entries({
  'cert-manager.io': 'certificates certificaterequests issuers clusterissuers',
  'snapshot.storage.k8s.io': 'volumesnapshots volumesnapshotclasses volumesnapshotcontents',
  'gateway.networking.k8s.io': 'gatewayclasses gateways httproutes grpcroutes tlsroutes referencegrants',
  'kustomize.toolkit.fluxcd.io': 'kustomizations',
  'source.toolkit.fluxcd.io': 'gitrepositories helmrepositories helmcharts buckets ocirepositories',
  'helm.toolkit.fluxcd.io': 'helmreleases',
  'cluster.x-k8s.io': 'clusters machines machinesets machinedeployments',
  'autoscaling.k8s.io': 'verticalpodautoscalers',
  'external-secrets.io': 'externalsecrets secretstores clustersecretstores',
  'karpenter.sh': 'nodepools nodeclaims',
  'metallb.io': 'ipaddresspools bgppeers',
  'tekton.dev': 'tasks pipelines pipelineruns taskruns',
  'longhorn.io': 'volumes engines replicas',
}).flatMap(([group, names]) => names.split(' ').map((name) => `${name}.${group}`));

const WRITTEN = { writers: writers() };
type Row = RowOf<typeof WRITTEN>;
/** Written in another version than the one that is read: the others cannot be stale. */
const isOther = ({ ref, writers }: Row): boolean => writers.some(({ apiVersion }) => apiVersion !== ref.apiVersion);
const lists: Record<string, ListRead<Row> & { optional: true }> = Object.fromEntries(
  RESOURCES.map((name) => {
    const read = list(name, WRITTEN, { optional: true, only: isOther });
    return [name, read];
  }),
);
const reads = {
  ...lists,
  crds: list(
    'customresourcedefinitions.apiextensions.k8s.io',
    { versions: each('spec.versions', { name: word('name', '') }) },
    { only: ({ ref }) => RESOURCES.includes(ref.name) },
  ),
};
interface Args extends Stale {
  resource: string;
  managers: string[];
}

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/stale-managed-fields',
  title: { en: 'managedFields name only versions that the CRD has', zh: 'managedFields 只包含 CRD 现有的版本' },
  headline: { en: 'managedFields name versions the CRD no longer has', zh: 'managedFields 含有 CRD 已没有的版本' },
  page: {
    impact: {
      en: 'Every server-side apply of the object fails with "request to convert CR to an invalid group/version": Argo CD, Flux and Helm 4 cannot change it. Other updates work.',
      zh: '对该对象的服务器端应用都会失败（“request to convert CR to an invalid group/version”）：Argo CD、Flux 和 Helm 4 无法修改它。其他更新方式不受影响。',
    },
    detection: {
      en: 'Compares the versions in managedFields of widely used custom resources with spec.versions of their CRD. Reads metadata only.',
      zh: '将常用自定义资源的 managedFields 中的版本与其 CRD 的 spec.versions 比较。只读取元数据。',
    },
    fix: {
      en: 'Sets the version of each such entry to the version that the object is read in. Its manager keeps its fields, and no value of the object changes. It is not undone: an API server does not take an entry of a version that the CRD does not have.',
      zh: '将这些记录的版本改为读取该对象所用的版本。管理器仍拥有其字段，对象的值不变。此修改不会撤销：API 服务器不接受 CRD 没有的版本的记录。',
    },
    limits: {
      en: 'Only the custom resources that are named under Permissions are read.',
      zh: '只读取“所需读权限”中列出的自定义资源。',
    },
  },
  sources: ['kubernetes/kubernetes: issue 111937', 'kubernetes-sigs/cluster-api: controllers/crdmigrator/crd_migrator.go'],
  applies: { stage: 'both' },
  reads,
  judge: ({ crds, ...rows }: Rows<typeof reads>) => {
    const versions = new Map(crds.map(({ ref, versions }) => [ref.name, versions.map(({ name }) => name)]));
    return Object.entries(rows as Record<string, Row[] | Gap>).flatMap(([resource, all]) => {
      const known = versions.get(resource);
      if (isGap(all) || !known?.length) return [];
      const stale = all.flatMap(({ ref, writers }) =>
        writers
          .map((writer, at) => ({ ref, at, ...writer }))
          .filter(({ apiVersion }) => isOf(ref, apiVersion) && !known.includes(splitApiVersion(apiVersion)[1])),
      );
      return [...Map.groupBy(stale, ({ apiVersion }) => apiVersion)].map(([apiVersion, same]) => {
        const objects = [...new Map(same.map(({ ref }) => [keyOf(ref), ref])).values()];
        const entries = Object.fromEntries(
          [...Map.groupBy(same, ({ ref }) => keyOf(ref))].map(([key, all]) => [key, all.map(({ at }) => at)]),
        );
        const managers = [...new Set(same.map(({ manager }) => manager))].sort();
        return finding({
          severity: 'warning',
          key: [resource, apiVersion],
          objects,
          args: { resource, apiVersion, managers, entries },
          evidence: same.slice(0, 3).map(({ ref, manager }) => ({ seen: `metadata.managedFields=${manager}/${apiVersion}`, at: ref })),
        });
      });
    });
  },
  say: ({ apiVersion, managers }, objects) => {
    const { length } = objects;
    const kind = objects[0]?.kind ?? '';
    return {
      en: `${length} ${kind}${length === 1 ? ' has' : ' objects have'} managedFields of ${apiVersion} (${managers.join(', ')}), which the CRD does not have: server-side apply fails`,
      zh: `${length} 个 ${kind} 的 managedFields 含有 ${apiVersion}（${managers.join('、')}），而 CRD 没有该版本：服务器端应用会失败`,
    };
  },
  remedy: renamed(RESOURCES),
};
export default check;

const isOf = (ref: Ref, apiVersion: string): boolean => groupOf(ref.apiVersion) === groupOf(apiVersion);
