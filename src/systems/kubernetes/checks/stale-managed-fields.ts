// Custom resources whose managedFields still name a version that their CRD no longer has: every server-side apply of such an object fails, by any client ("request to
// convert CR to an invalid group/version", kubernetes 111937). Kinds of Kubernetes itself are not concerned: there the API server drops such an entry.
// Source: apiextensions-apiserver pkg/apiserver/conversion; apimachinery pkg/util/managedfields; cluster-api controllers/crdmigrator (which removes such entries).
import { finding } from '../../../engine/builders.ts';
import type { Check, PointReader, Raw } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { rowOf } from '../../../engine/read/index.ts';
import { clientOf } from '../../../kube/owners.ts';
import { groupOf, keyOf } from '../../../kube/refs.ts';
import { CRD, type Crd, crds, staleIn, staleObjects, type Written } from '../custom-resources.ts';
import { renamed, type Stale } from '../stale-writers.ts';

/** In wide use, and with several versions over time: `rbac` names the rights on these where no cluster is at hand. */
const KNOWN = Object.entries({
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

const reads = { crds, objects: staleObjects(KNOWN) };
interface Args extends Stale {
  resource: string;
  managers: string[];
}

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/stale-managed-fields',
  title: { en: 'managedFields name only versions that the CRD has', zh: 'managedFields 只包含 CRD 现有的版本' },
  headline: { en: 'managedFields name versions the CRD no longer has', zh: 'managedFields 含有 CRD 中已不存在的版本' },
  page: {
    impact: {
      en: 'While managedFields of an object name a version that the CRD no longer has, every server-side apply of it fails with "request to convert CR to an invalid group/version": Argo CD, Flux and Helm 4 cannot change it. Other updates work.',
      zh: '对象的 managedFields 中含有 CRD 已没有的版本时，对它的服务器端应用都会失败（“request to convert CR to an invalid group/version”）：Argo CD、Flux 和 Helm 4 无法修改它。其他更新方式不受影响。',
    },
    detection: {
      en: 'Compares the versions in managedFields of every custom resource with spec.versions of its CRD. Reads metadata only, and skips CRDs that were never changed since they were created.',
      zh: '将每个自定义资源的 managedFields 中的版本与其 CRD 的 spec.versions 比较。只读取元数据，并跳过创建后从未修改的 CRD。',
    },
    fix: {
      en: 'Sets the version of each such entry to the version of the CRD in which the object is read. The field manager keeps its fields, and no value of the object changes. This cannot be undone: an API server does not accept an entry of a version that the CRD does not have.',
      zh: '将这些条目的版本改为 CRD 现有的版本（即读取该对象时所用的版本）。字段管理器仍持有其字段，对象的值不变。此修改无法撤销：如果条目的版本在 CRD 中不存在，API 服务器会拒绝写入。',
    },
    limits: {
      en: 'Needs permission to list every custom resource. This page lists it for widely used CRDs; rbac adds the CRDs of the connected cluster. If one is missing, the result is unknown and names it.',
      zh: '需要列出所有自定义资源的权限。本页只列出常用 CRD 的权限；rbac 会加上所连接集群中的 CRD。缺少权限时，结果为“未知”，并注明所缺的权限。',
    },
  },
  sources: ['kubernetes/kubernetes: issue 111937', 'kubernetes-sigs/cluster-api: controllers/crdmigrator/crd_migrator.go'],
  applies: { stage: 'both' },
  reads,
  pointReads: [{ resource: 'customresourcedefinitions.apiextensions.k8s.io', columns: Object.values(CRD) }],
  judge: async ({ crds, objects }, { look }) => {
    const byKind = Map.groupBy(objects, ({ ref }) => `${groupOf(ref.apiVersion)}/${ref.kind}`);
    const findings = await Promise.all(
      crds.flatMap((crd) => {
        const rows = byKind.get(`${crd.group}/${crd.kind}`);
        return rows ? [staleOf(crd, rows, look)] : [];
      }),
    );
    return findings.flat();
  },
  say: ({ apiVersion, managers }, objects) => {
    const { length } = objects;
    const kind = objects[0]?.kind ?? '';
    return {
      en: `${length} ${kind}${length === 1 ? ' has' : ' objects have'} managedFields of ${apiVersion} (${managers.map((name) => clientOf(name).en).join(', ')}), which the CRD does not have: server-side apply fails`,
      zh: `${length} 个 ${kind} 的 managedFields 含有 ${apiVersion}（${managers.map((name) => clientOf(name).zh).join('、')}），而 CRD 没有该版本：服务器端应用会失败`,
    };
  },
  remedy: renamed(KNOWN),
};
export default check;

/** The CRD is read again: it may have got the version since it was listed. */
async function staleOf(listed: Crd, rows: Written[], look: PointReader) {
  const again = await look.get(listed.ref);
  if (isGap(again) || !again) return [];
  const crd = rowOf(CRD)(again as Raw);
  const stale = rows.flatMap((row) => staleIn(row, crd).map((writer) => ({ ref: row.ref, ...writer })));
  return [...Map.groupBy(stale, ({ apiVersion }) => apiVersion)].map(([apiVersion, same]) => {
    const byObject = Map.groupBy(same, ({ ref }) => keyOf(ref));
    const resource = crd.ref.name;
    return finding({
      severity: 'warning',
      key: [resource, apiVersion],
      objects: [...byObject.values()].map(([one]) => one!.ref),
      args: {
        ...{ resource, apiVersion },
        managers: [...new Set(same.map(({ manager }) => manager))].sort(),
        entries: Object.fromEntries([...byObject].map(([key, all]) => [key, all.map(({ at }) => at)])),
      },
      evidence: same.slice(0, 3).map(({ ref, manager }) => ({ seen: `metadata.managedFields=${manager}/${apiVersion}`, at: ref })),
    });
  });
}
