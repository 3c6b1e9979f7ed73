// Versions in status.storedVersions of a CustomResourceDefinition other than the storage version: a CRD that no longer has them is refused ("must appear in spec.versions"),
// and taking them out of the status without a migration loses the objects. Source: apiextensions-apiserver pkg/apis/apiextensions/validation; cluster-api crdmigrator.
import type { Check, Finding, Ref, RowOf, Text } from '../../../engine/contracts.ts';
import { each, flag, list, texts, word, writers } from '../../../engine/read/index.ts';
import { migration } from '../migration.ts';

const CRD = {
  stored: texts('status.storedVersions'),
  versions: each('spec.versions', { name: word('name', ''), served: flag('served', false), storage: flag('storage', false) }),
  conditions: each('status.conditions', { type: word('type', ''), status: word('status', ''), reason: word('reason', '') }),
  writers: writers('status.storedVersions'),
};
const reads = { crds: list('customresourcedefinitions.apiextensions.k8s.io', CRD) };
type Crd = RowOf<typeof CRD>;
interface Args {
  /** `dropped`: by a CRD of -f that would take the place of the one in the cluster; in a cluster no stored version is missing. `failed`: the list was trimmed all the same. */
  is: 'dropped' | 'unserved' | 'unmigrated' | 'failed';
  versions: string[];
}

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/crd-stored-versions',
  title: { en: 'custom resources are stored only in the storage version of their CRD', zh: '自定义资源均以其 CRD 的存储版本保存' },
  headline: { en: 'CRDs have objects stored in older API versions', zh: 'CRD 的对象仍以旧 API 版本存储' },
  page: {
    impact: {
      en: 'The API server refuses a newer CRD that drops a version still listed in status.storedVersions. If the entry is only edited out of the status and the objects are not rewritten, they become unreadable once the CRD drops the version.',
      zh: '如果新的 CRD 移除了 status.storedVersions 中仍列出的版本，API 服务器会拒绝。如果只修改 status 而不重写对象，CRD 移除该版本后将无法读取这些对象。',
    },
    detection: {
      en: 'Compares status.storedVersions of each CRD with its storage version and its served versions. A CRD in files (-f) is compared with the one in the cluster: if it drops a stored version, that is a blocker. If condition StorageMigrating of a CRD has reason MigrationFailed, its storedVersions are not trusted even if the older versions are no longer listed.',
      zh: '将每个 CRD 的 status.storedVersions 与其存储版本、已启用版本比较。文件（-f）中的 CRD 与集群中的同名 CRD 比较：如果移除了已存储的版本，则为阻断项。CRD 的 status.conditions 中 StorageMigrating 为 MigrationFailed 时，不以 storedVersions 为准，即使其中已没有旧版本。',
    },
    fix: {
      en: 'Patches every custom resource of the CRD without changing a field, 8 at a time, so that the API server stores it in the storage version. Then sets status.storedVersions to that version, unless the CRD was changed meanwhile. Run it before a CRD that drops a version is applied. undo restores status.storedVersions; the custom resources need no undo.',
      zh: '原样重写该 CRD 的每个自定义资源（同时 8 个，不改变字段），使 API 服务器以存储版本保存。随后将 status.storedVersions 设为该版本，除非其间 CRD 被修改。请在应用移除了版本的 CRD 之前执行。撤销时恢复 status.storedVersions；自定义资源无需撤销。',
    },
    limits: {
      en: 'A StorageVersionMigration object is not proof: in 1.35 to 1.37 a failed one also removes versions from status.storedVersions; repeat the migration manually. Fields that the storage version does not know are lost by any write: they must be saved first. The permissions on the custom resources are named when the fix starts.',
      zh: 'StorageVersionMigration 对象不能作为证据：在 1.35 至 1.37 中，失败的迁移也会修改 status.storedVersions；需手动重新迁移。存储版本的 schema 中没有的字段，对象一经写入就会丢失，需事先保存。修复开始时会列出对自定义资源所需的权限。',
    },
  },
  sources: [
    'kubernetes/apiextensions-apiserver: pkg/apis/apiextensions/validation/validation.go',
    'kubernetes/kubernetes: PR 135297, PR 143103; pkg/controller/storageversionmigrator/migrationrunner.go',
  ],
  applies: { stage: 'both' },
  reads,
  judge: ({ crds }) => {
    const behind = crds.flatMap(({ ref, stored, versions }) => {
      const old = stored.filter((version) => !versions.some(({ name, storage }) => storage && name === version));
      const unserved = old.filter((version) => !versions.some(({ name, served }) => served && name === version));
      const dropped = old.filter((version) => !versions.some(({ name }) => name === version));
      return old.length ? [{ ref, old, unserved, dropped }] : [];
    });
    const migrating = behind.filter(({ unserved }) => !unserved.length);
    return [
      ...crds.filter(isTrimmed).map(({ ref, versions }) =>
        finding(
          'failed',
          [ref],
          versions.filter(({ storage }) => !storage).map(({ name }) => name),
        ),
      ),
      ...behind.flatMap(({ ref, unserved, dropped }) =>
        dropped.length ? finding('dropped', [ref], dropped) : unserved.length ? finding('unserved', [ref], unserved) : [],
      ),
      ...(migrating.length
        ? [
            finding(
              'unmigrated',
              migrating.map(({ ref }) => ref),
              [...new Set(migrating.flatMap(({ old }) => old))].sort(),
            ),
          ]
        : []),
    ];
  },
  say: ({ is, versions }, objects) => SAYS[is](versions, objects),
  // What a file drops is migrated in the cluster, before the file is applied.
  remedy: {
    ...migration,
    steps: (found, at) =>
      migration.steps(
        found.filter(({ args }) => args.is !== 'dropped'),
        at,
      ),
  },
};
export default check;

/** A failed migration set the list all the same, and no other client has set it since: what it says of the other versions is not known. */
function isTrimmed({ stored, versions, conditions, writers }: Crd): boolean {
  const failed = conditions.some(
    ({ type, status, reason }) => type === 'StorageMigrating' && status === 'False' && reason === 'MigrationFailed',
  );
  const isStorageAlone = stored.length === 1 && versions.some(({ name, storage }) => storage && name === stored[0]);
  if (!failed || !isStorageAlone || versions.length === 1) return false;
  return writers.every(({ manager, owns }) => !owns.length || OF_KUBERNETES.has(manager));
}
/** Of these the first adds each storage version, and the last sets the list behind a migration. */
const OF_KUBERNETES = new Set(['kube-apiserver', 'migration-runner-controller']);

const finding = (is: Args['is'], objects: Ref[], versions: string[]): Finding<Args> => ({
  severity: SEVERITY[is],
  key: is === 'unmigrated' ? [is] : [is, objects[0]!.name],
  certainty: is === 'failed' ? 'high' : 'certain',
  objects,
  args: { is, versions },
  evidence: [
    {
      seen:
        is === 'failed'
          ? 'status.conditions[type=StorageMigrating].reason=MigrationFailed'
          : `status.storedVersions: ${versions.join(', ')}`,
      at: objects[0],
    },
  ],
});

const SEVERITY: Record<Args['is'], Finding['severity']> = {
  dropped: 'blocker',
  unserved: 'warning',
  unmigrated: 'notice',
  failed: 'warning',
};

const SAYS: Record<Args['is'], (versions: string[], objects: readonly Ref[]) => Text> = {
  dropped: (versions, [crd]) => ({
    en: `CRD ${crd?.name ?? ''} drops ${versions.join(', ')}, which is in storedVersions in the cluster: the API server refuses it; migrate the objects first`,
    zh: `CRD ${crd?.name ?? ''} 去掉了 ${versions.join('、')}，而集群中的 storedVersions 仍含该版本：API 服务器会拒绝；请先迁移对象`,
  }),
  unserved: (versions, [crd]) => ({
    en: `CRD ${crd?.name ?? ''} stores objects in ${versions.join(', ')}, which it does not serve: the API server refuses a newer CRD without that version`,
    zh: `CRD ${crd?.name ?? ''} 的对象以未启用的版本 ${versions.join('、')} 存储：移除该版本的新 CRD 会被拒绝`,
  }),
  failed: (versions, [crd]) => ({
    en: `storage migration of CRD ${crd?.name ?? ''} failed, and storedVersions was trimmed: objects may still be stored in ${versions.join(', ')}`,
    zh: `CRD ${crd?.name ?? ''} 的存储迁移失败，但 storedVersions 已被修改：对象可能仍以 ${versions.join('、')} 存储`,
  }),
  unmigrated: (versions, { length }) => ({
    en: `${length} CRD${length === 1 ? ' stores' : 's store'} objects in older versions too (${versions.join(', ')}): migrate these objects before a newer CRD drops the versions`,
    zh: `${length} 个 CRD 仍有以旧版本（${versions.join('、')}）存储的对象：CRD 移除这些版本之前需要迁移`,
  }),
};
