// Objects that are declared in a version of their API that a minor on the way does not serve: the next apply fails. Judged by what was applied (managedFields, kubectl's
// last-applied annotation, Helm's records, files), not by the version in which the API server returns them: it converts. Sources: knowledge/apis.json.
import type { Check, Finding, Gap, Manifest, Raw, Reads, Ref, Rows, Text, UpgradePath } from '../../../engine/contracts.ts';
import { inOurWords, isGap } from '../../../engine/gaps.ts';
import { declaredRef, manifests } from '../../../engine/read/index.ts';
import { type DeclaredIn, declaredIn } from '../../../helm/manifest.ts';
import { type ReleaseRow, releases } from '../../../helm/releases.ts';
import { wasEmpty } from '../../../kube/budgets.ts';
import { clientOf } from '../../../kube/owners.ts';
import { minorOf } from '../../../versions/kubernetes.ts';
import { type Bites, bitesInFile, goingText, goneBefore, insteadOf, namesDeprecated } from '../apis.ts';
import { type Ahead, aheadOf, hopOf, servedFrom } from '../behind.ts';
import { type Evidence, evidenceOf } from '../evidence.ts';
import { later } from '../reads.ts';
import { inReleases, type RecordOf } from '../release-manifests.ts';
import { decisionOf, rewritten } from '../rewrites.ts';
import { evidentIn, type Written, writtenObjects } from '../written.ts';

const reads = later(
  (): Reads => ({
    ...writtenObjects(),
    files: manifests(declared, { parts: true }),
    releases: releases({ bodies: true, optional: true }),
  }),
);

interface Args {
  apiVersion: string;
  kind: string;
  by: Evidence['by'];
  manager: string;
  /** The first minor that does not serve it; undefined: deprecated, without a date. */
  minor?: string;
  removed: boolean;
  /** By the installed version already; the API servers serve it all the same. */
  still?: true;
  /** Before the installed version, or it is not known which one is installed. */
  past?: true;
  replacement?: string;
  /** More than apiVersion has to change: what a person decides. */
  decide?: Text;
  /** Of a release: the record that was read, and the number of the revision that comes next. */
  record?: RecordOf;
}

const check: Check<Reads, Args> = {
  inFiles: (found, declared) =>
    found
      .filter(({ args }) => args.by === 'file')
      .flatMap(({ objects, args }) => objects.flatMap((on) => rewritten(on, declared(on), args.replacement) ?? [])),
  id: 'kubernetes/removed-api',
  title: { en: 'objects are declared in API versions that the target version serves', zh: '对象均以目标版本提供的 API 版本声明' },
  headline: { en: 'objects are declared in removed or deprecated API versions', zh: '对象以已移除或已弃用的 API 版本声明' },
  page: {
    impact: {
      en: 'After the upgrade, the next kubectl apply, Helm upgrade or sync that uses the old version fails with "no matches for kind". The object itself stays readable in the new version, except for kinds without a successor.',
      zh: '升级后，下一次使用旧版本的 kubectl apply、Helm 升级或同步会失败，报错“no matches for kind”。对象本身仍可用新版本读取，没有后继版本的类型除外。',
    },
    detection: {
      en: 'Reads metadata of the kinds with an API version that the path removes or deprecates: server-side applies in managedFields, and the last-applied annotation (in files only if the object was exported from a cluster: it has uid, resourceVersion or managedFields). Also the deployed revision of each Helm release, manifests (-f), and every object of a kind without a successor. Ignores entries of the control plane and of status, Events, ResourceSlices, and the EndpointSlices and CSIStorageCapacities that controllers create. If the API servers still serve an API that their own version has removed (emulated version, or kept for one more release), it counts as removed by the first upgrade.',
      zh: '只检查升级路径上有 API 版本被移除或弃用的类型，且只读取对象的元数据：managedFields 中的服务器端应用和 last-applied 注解（对于文件，仅限从集群导出的对象）。还读取每个 Helm release 已部署的修订版本和清单（-f）。没有后继版本的类型，只要存在对象就会报告。控制平面写入的条目和 status 的条目不计入；Event、ResourceSlice 以及由控制器创建的 EndpointSlice 和 CSIStorageCapacity 也不计入。如果 API 服务器仍提供自身版本已移除的 API（设置了 --emulated-version，或多保留一个次要版本），则视为在第一次升级时移除。',
    },
    fix: {
      en: 'For a Helm release: records a new revision with the API versions rewritten in its stored manifest, then supersedes the old one; undo deletes the new record. In files, fix -f changes apiVersion where nothing else has to change. Everything else is manual: change it in the manifest, chart or repository that the named manager applies, and apply it before the upgrade.',
      zh: '对于 Helm release：先写入一个新的修订版本，其所存清单中的 API 版本已改写，再将旧修订版本设为 superseded；撤销时删除新记录。对于文件，如果不需要其他改动，fix -f 会直接修改 apiVersion。其他情况需手动：在所列字段管理器所应用的清单、chart 或仓库中修改，并在升级前应用。',
    },
    limits: {
      en: 'An object that was last written before 1.18 without kubectl apply shows no version. Releases that Helm keeps outside the cluster (HELM_DRIVER=sql) are not visible: pipe helm get manifest into check -f -. Clients that update objects are reported by api-writers, requests that store nothing by requested-deprecated-apis. A Helm release is skipped, with the reason, if its newest revision is pending, no revision is deployed, or its record would exceed 1 MiB; uninstalled releases are not read.',
      zh: '1.18 之前写入且未使用 kubectl apply 的对象不显示版本。Helm 保存在集群之外的 release（HELM_DRIVER=sql）不可见：请将“helm get manifest”的输出通过管道交给“check -f -”。更新对象的客户端见 api-writers，不存储对象的请求见 requested-deprecated-apis。如果 Helm release 的最新修订版本处于 pending 状态、没有 deployed 的修订版本，或其记录会超过 1 MiB，则跳过并说明原因；已卸载的 release 不读取。',
    },
  },
  sources: [
    {
      en: 'kubernetes/api v0.19.0 to v0.38.0-beta.0: zz_generated.prerelease-lifecycle.go',
      zh: 'kubernetes/api v0.19.0 至 v0.38.0-beta.0：zz_generated.prerelease-lifecycle.go',
    },
    'kubernetes/apimachinery: pkg/util/managedfields/internal',
    'kubernetes/apiserver v0.36.3: pkg/server/deleted_kinds.go; KEP-4330',
  ],
  applies: { stage: 'before' },
  needs: ['target'],
  get reads() {
    return reads();
  },
  judge: async (all: Rows<Reads>, { path, cluster }) => {
    const { from, to = '' } = path;
    const [ahead, served] = [await aheadOf({ path, cluster }), servedFrom(path)];
    const {
      files,
      releases: helm,
      ...listed
    } = all as { files: Declared[]; releases: ReleaseRow[] | Gap } & Record<string, Written[] | Gap>;
    const live = Object.values(listed as Record<string, Written[] | Gap>).flatMap((rows) => (isGap(rows) ? [] : rows));
    // What is uninstalled has no objects, and helm upgrade refuses it whatever its record says.
    const charts = isGap(helm) ? [] : helm.filter(({ status }) => status !== 'uninstalled');
    // One after the other: of each only what is deprecated stays.
    const contents = charts.map(contentsOf);
    // What went before an installed version that is not known counts too.
    const inRelease = ({ apiVersion, kind }: Ref) =>
      isGap(from) ? bitesInFile(apiVersion, kind, to) : (ahead(apiVersion, kind) ?? goneBefore(apiVersion, kind, from));
    // What a file declares is told of the file; what stands inside another object may be meant for another cluster.
    const inFile = new Set(files.filter(({ ref }) => ref.inside === undefined).map(({ ref }) => nameOf(ref)));
    const exists = (row: Written) => (inFile.has(nameOf(row.ref)) ? undefined : withoutSuccessor(row, ahead, to));
    const found = [
      ...live.flatMap((row) => worstOf(row, ahead) ?? exists(row) ?? []),
      ...files.flatMap(({ ref, object }) => inText(ref, 'file', '', bitesInFile(ref.apiVersion, ref.kind, to), object)),
      ...contents.flatMap(({ release, declared }) =>
        declared
          .flatMap(({ ref, object }) => inText(ref, 'release', `${release.namespace}/${release.name}`, inRelease(ref), object))
          .map((each) => ({ ...each, record: recordOf(release) })),
      ),
    ];
    const instead = ({ ref, evidence, bites: { api }, object }: Found): Instead => {
      const replacement = insteadOf(api, { from: isGap(served) ? undefined : served, to });
      // Of an object in the cluster the kind says what to decide, and of a budget its selector.
      const said: Raw = object ?? { apiVersion: evidence.apiVersion, kind: ref.kind, metadata: { name: ref.name } };
      return { replacement, decide: decisionOf(said, replacement) };
    };
    const same = Map.groupBy(found, (each) => `${keyOf(each)} ${JSON.stringify(instead(each))}`);
    const findings = [...same.values()].map((all) => finding(all, instead(all[0]!), path));
    const records = cluster.helmDriver === 'elsewhere' && !isGap(cluster.serverVersion) ? [outside(to)] : [];
    return { findings: findings.map((each) => apart(each, findings)), gaps: [...contents.flatMap(({ gaps }) => gaps), ...records] };
  },
  say: ({ apiVersion, kind, by, manager, minor, removed, still, past, replacement, decide }, { length }) => {
    const what = WRITTEN_BY[by](length, kind, apiVersion, manager);
    const when = goingText({ minor, removed, still, past });
    const instead = replacement
      ? { en: `; use ${replacement}`, zh: `；请改用 ${replacement}` }
      : { en: '; there is no successor', zh: '；没有后继版本' };
    const more = !decide
      ? { en: '', zh: '' }
      : replacement
        ? { en: `, and ${decide.en}`, zh: `，并${decide.zh}` }
        : { en: `: ${decide.en}`, zh: `，请${decide.zh}` };
    return { en: `${what.en}: ${when.en}${instead.en}${more.en}`, zh: `${what.zh}：${when.zh}${instead.zh}${more.zh}` };
  },
  remedy: inReleases,
};
export default check;

const counted = (count: number, kind: string): string => `${count} ${kind}${count === 1 ? '' : ' objects'}`;
const WRITTEN_BY: Record<Evidence['by'], (count: number, kind: string, apiVersion: string, manager: string) => Text> = {
  apply: (count, kind, apiVersion, manager) => ({
    en: `${counted(count, kind)} applied as ${apiVersion} by ${clientOf(manager).en}`,
    zh: `${count} 个 ${kind} 由 ${clientOf(manager).zh} 以 ${apiVersion} 应用`,
  }),
  'last-applied': (count, kind, apiVersion) => ({
    en: `${counted(count, kind)} applied as ${apiVersion} by kubectl apply`,
    zh: `${count} 个 ${kind} 由 kubectl apply 以 ${apiVersion} 应用`,
  }),
  update: (count, kind, apiVersion, manager) => ({
    en: `${counted(count, kind)} updated as ${apiVersion} by ${clientOf(manager).en}`,
    zh: `${count} 个 ${kind} 由 ${clientOf(manager).zh} 以 ${apiVersion} 更新`,
  }),
  exists: (count, kind, apiVersion) => ({
    en: `${counted(count, kind)} ${count === 1 ? 'exists' : 'exist'} (${apiVersion})`,
    zh: `集群中有 ${count} 个 ${kind}（${apiVersion}）`,
  }),
  file: (count, kind, apiVersion) => ({
    en: `${counted(count, kind)} declared as ${apiVersion}`,
    zh: `清单中有 ${count} 个 ${kind} 使用 ${apiVersion}`,
  }),
  release: (count, kind, apiVersion, release) => ({
    en: `Helm release ${release} has ${counted(count, kind)} as ${apiVersion} in its manifest: helm upgrade fails once it is gone`,
    zh: `Helm release ${release} 的清单中有 ${count} 个 ${kind} 使用 ${apiVersion}，移除后 helm upgrade 会失败`,
  }),
};

// ---- what is written down elsewhere ---------------------------------------------------------------------------------

interface Declared {
  ref: Ref;
  object: Raw;
}
interface Instead {
  /** Of the same kind the version says it all. */
  replacement?: string;
  decide?: Text;
}

/** undefined: it does not say what it is. */
function declared(manifest: Manifest): Declared | undefined {
  try {
    return { ref: declaredRef(manifest), object: manifest.object };
  } catch {
    return undefined;
  }
}

function contentsOf(release: ReleaseRow): { release: ReleaseRow; declared: DeclaredIn[]; gaps: Gap[] } {
  const { ref, body } = release;
  if (!body || isGap(body)) return { release, declared: [], gaps: [] };
  if ('why' in body) return { release, declared: [], gaps: [unreadable(ref)] };
  const hooks = body.hooks.map(({ manifest }) => (typeof manifest === 'string' ? manifest : ''));
  return { release, declared: [body.manifest, ...hooks].flatMap((text) => declaredIn(text, release, namesDeprecated)), gaps: [] };
}

/** Helm counts on from the newest revision, whatever became of it. */
const recordOf = ({ ref, revision, status, history }: ReleaseRow): RecordOf => {
  const [newest] = history;
  return {
    ...{ kind: ref.kind === 'Secret' ? 'Secret' : 'ConfigMap', name: ref.name, revision },
    next: Math.max(...history.map((each) => each.revision)) + 1,
    ...(newest?.status.startsWith('pending-')
      ? { pending: { name: newest.object, revision: newest.revision, status: newest.status } }
      : {}),
    ...(status === 'deployed' ? {} : { undeployed: status }),
  };
};

/** Of HELM_DRIVER sql or memory: no object of the cluster holds these records. */
const outside = (to: string): Gap => ({
  ...{ why: 'not-collected', verb: 'get', resource: 'secrets' },
  ...inOurWords({
    en: 'HELM_DRIVER names a store outside the cluster (sql, memory): the manifests of releases in it were not read',
    zh: 'HELM_DRIVER 指向集群之外的存储（sql、memory）：未读取其中各 release 的清单',
  }),
  settle: {
    en: `for each release: helm get manifest RELEASE -n NAMESPACE | {tool} check kubernetes/removed-api -f - --offline --to kubernetes=${to}`,
    zh: `对每个 release 执行：helm get manifest RELEASE -n NAMESPACE | {tool} check kubernetes/removed-api -f - --offline --to kubernetes=${to}`,
  },
});

/** A record that cannot be read may name anything. */
const unreadable = ({ kind, namespace, name }: Ref): Gap => ({
  ...{ why: 'failed', verb: 'decode', resource: `${kind.toLowerCase()}s` },
  ...{ namespace, name },
});

const inText = (ref: Ref, by: Evidence['by'], manager: string, found: Bites | undefined, object?: Raw): Found[] =>
  found
    ? [{ ref, evidence: { apiVersion: ref.apiVersion, by, manager, certainty: 'certain', overtaken: false }, bites: found, object }]
    : [];

interface Found {
  record?: RecordOf;
  ref: Ref;
  evidence: Evidence;
  bites: Bites;
  /** As a file or a release declares it; of a budget in the cluster, its selector as it was written. */
  object?: Raw;
}

/** One object gives one finding: what the path removes before what is only deprecated, the stronger evidence first. What only its writer meets is of api-writers. */
function worstOf(row: Written, ahead: Ahead): Found | undefined {
  const { ref, selector } = row;
  const evidence = evidenceOf(evidentIn(row), ref.kind, (apiVersion) => ahead(apiVersion, ref.kind) !== undefined);
  const written = ({ apiVersion }: Evidence): Raw | undefined =>
    wasEmpty(selector) ? { apiVersion, kind: ref.kind, metadata: { name: ref.name }, spec: { selector: {} } } : undefined;
  const found = evidence
    .filter(({ by, overtaken }) => by !== 'update' && !overtaken)
    .map((each) => ({ ref, evidence: each, bites: ahead(each.apiVersion, ref.kind)!, object: written(each) }));
  return found.find(({ bites }) => bites.severity === 'blocker') ?? found[0];
}

/** Nothing will serve it, in whatever version it was written: it goes with its kind. */
function withoutSuccessor({ ref }: Written, ahead: Ahead, to: string): Found | undefined {
  const { apiVersion, kind } = ref;
  const found = ahead(apiVersion, kind);
  if (found?.severity !== 'blocker' || insteadOf(found.api, { to }) !== undefined) return undefined;
  const evidence: Evidence = { apiVersion, by: 'exists', certainty: 'certain', overtaken: false };
  return { ref, evidence, bites: found };
}

const nameOf = ({ apiVersion, kind, namespace, name }: Ref): string => [apiVersion.split('/')[0], kind, namespace, name].join(' ');

const keyOf = ({ evidence: { apiVersion, by, manager }, ref, bites }: Found): string =>
  [bites.severity, apiVersion, ref.kind, by, manager].join(' ');

function finding(same: Found[], { replacement, decide }: Instead, path: UpgradePath): Finding<Args> {
  const { ref, evidence, bites, record } = same[0]!;
  const { apiVersion, by, manager = '', certainty } = evidence;
  const removed = bites.severity === 'blocker';
  const isPast = removed && (isGap(path.from) || minorOf(bites.minor!) <= minorOf(path.from));
  return {
    severity: bites.already ? 'warning' : bites.severity,
    key: [apiVersion, ref.kind, by, manager],
    certainty,
    objects: same.map(({ ref }) => ref),
    args: {
      apiVersion,
      kind: ref.kind,
      by,
      manager,
      minor: bites.minor,
      removed,
      ...(bites.still ? { still: true as const } : {}),
      ...(isPast ? { past: true as const } : {}),
      replacement,
      ...(decide ? { decide } : {}),
      ...(record ? { record } : {}),
    },
    evidence: same.slice(0, 3).map(({ evidence: { apiVersion, by, manager = '', time }, ref, record }) => ({
      seen: seenAs(apiVersion, by, manager, time),
      // What is in a release stands in its record, in a file too.
      at: record ? { apiVersion: 'v1', kind: record.kind, namespace: manager.split('/')[0]!, name: record.name } : ref,
    })),
    // What is gone already, no step of the path removes.
    hop: removed && (bites.still || path.hops.includes(bites.minor!)) ? hopOf(path, bites.minor!) : undefined,
  };
}

/** Of one kind, what a person decides is a finding of its own beside what is not for a person. */
function apart(one: Finding<Args>, all: readonly Finding<Args>[]): Finding<Args> {
  const isShared = one.args.decide && all.some((other) => other !== one && other.key.join() === one.key.join());
  return isShared ? { ...one, key: [...one.key, 'decide'] } : one;
}

const seenAs = (apiVersion: string, by: Evidence['by'], manager: string, time: number | undefined): string => {
  const at = time === undefined ? '' : ` ${new Date(time).toISOString().slice(0, 10)}`;
  if (by === 'file' || by === 'release' || by === 'exists') return `apiVersion: ${apiVersion}`;
  return by === 'last-applied'
    ? `metadata.annotations.last-applied-configuration=${apiVersion}${at}`
    : `metadata.managedFields=${manager}/${by}/${apiVersion}${at}`;
};
