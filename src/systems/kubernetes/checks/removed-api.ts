// Objects that somebody still writes in a version of their API that a minor on the way does not serve: the next write of that tool fails. Judged by who wrote what
// (managedFields, kubectl's last-applied annotation), not by the version in which the API server returns them: it converts. Sources: knowledge/apis.json.
import type { Check, Finding, Gap, Raw, Reads, Ref, RowOf, Rows, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { json, list, manifests, word, writers } from '../../../engine/read/index.ts';
import { objectsIn } from '../../../helm/manifest.ts';
import { type ReleaseRow, releases } from '../../../helm/releases.ts';
import { refOf } from '../../../kube/refs.ts';
import { minorOf } from '../../../versions/kubernetes.ts';
import { type Bites, bites, bitesInFile, replacementOf, resourcesToRead } from '../apis.ts';
import { type Evidence, evidenceOf } from '../evidence.ts';
import { versions } from '../knowledge/tables.ts';
import { later } from '../reads.ts';
import { rewritten } from '../rewrites.ts';

const WRITTEN = {
  writers: writers(),
  applied: json("metadata.annotations['kubectl.kubernetes.io/last-applied-configuration']", {
    apiVersion: word('apiVersion'),
    kind: word('kind'),
  }),
};
type Row = RowOf<typeof WRITTEN>;
/** Of each kind that has a deprecated version its metadata: nothing of the objects themselves is asked for. */
const lists = later(() =>
  Object.fromEntries(
    resourcesToRead(minorOf(versions().knownFrom)).map((resource) => [resource, list(resource, WRITTEN, { optional: true })]),
  ),
);
const reads = later(
  (): Reads => ({ ...lists(), files: manifests(({ object }) => refIn(object)), releases: releases({ bodies: true, optional: true }) }),
);

interface Args {
  apiVersion: string;
  kind: string;
  by: Evidence['by'];
  manager: string;
  /** The first minor that does not serve it; undefined: deprecated, without a date. */
  minor?: string;
  removed: boolean;
  replacement?: string;
  overtaken: boolean;
}

const check: Check<Reads, Args> = {
  inFiles: (found, declared) =>
    found.filter(({ args }) => args.by === 'file').flatMap(({ objects }) => objects.flatMap((on) => rewritten(on, declared(on)) ?? [])),
  id: 'kubernetes/removed-api',
  title: { en: 'objects are written in API versions that the target version serves', zh: '对象均以目标版本提供的 API 版本写入' },
  headline: { en: 'objects are written in removed or deprecated API versions', zh: '对象以已移除或已弃用的 API 版本写入' },
  page: {
    impact: {
      en: 'After the upgrade the API server answers "no matches for kind" to whoever writes the object in the old version: the next kubectl apply, Helm upgrade or sync fails. The object itself stays readable in the new version, except for kinds without a successor.',
      zh: '升级后，以旧版本写入对象会收到 “no matches for kind”：下一次 kubectl apply、Helm 升级或同步会失败。对象本身仍可用新版本读取，没有后继版本的类型除外。',
    },
    detection: {
      en: 'Reads metadata only: managedFields and the last-applied annotation. Entries of the control plane, of status, and those that their manager has replaced since do not count.',
      zh: '只读取元数据：managedFields 和 last-applied 注解。控制平面写入的条目、status 的条目以及管理者后来已更新的条目不计入。',
    },
    fix: {
      en: 'manual: change apiVersion in the manifest, chart or repository that the named manager applies, and apply it before the upgrade.',
      zh: '手动：在该管理者所应用的清单、chart 或仓库中修改 apiVersion，并在升级前应用。',
    },
    limits: {
      en: 'An object that was last written before 1.18 without kubectl apply shows no version. Requests that store nothing are in requested-deprecated-apis.',
      zh: '1.18 之前写入且未使用 kubectl apply 的对象不显示版本。不存储对象的请求见 requested-deprecated-apis。',
    },
  },
  sources: [
    'kubernetes/api v0.19.0 to v0.38.0-beta.0: zz_generated.prerelease-lifecycle.go',
    'kubernetes/apimachinery: pkg/util/managedfields/internal',
  ],
  applies: { stage: 'before' },
  needs: ['target'],
  get reads() {
    return reads();
  },
  judge: (all: Rows<Reads>, { path: { hops, to = '' } }) => {
    const { files, releases: helm, ...listed } = all as { files: Ref[]; releases: ReleaseRow[] | Gap } & Record<string, Row[] | Gap>;
    const live = Object.values(listed as Record<string, Row[] | Gap>).flatMap((rows) => (isGap(rows) ? [] : rows));
    const charts = isGap(helm) ? [] : helm;
    const found = [
      ...live.flatMap((row) => worstOf(row, hops) ?? []),
      ...files.flatMap((ref) => inText(ref, 'file', '', bitesInFile(ref.apiVersion, ref.kind, to))),
      ...charts.flatMap((release) =>
        manifestOf(release).flatMap((ref) =>
          inText(ref, 'release', `${release.namespace}/${release.name}`, bites(ref.apiVersion, ref.kind, hops)),
        ),
      ),
    ];
    return { findings: [...Map.groupBy(found, keyOf).values()].map(finding), gaps: charts.flatMap(unreadable) };
  },
  say: ({ apiVersion, kind, by, manager, minor, removed, replacement, overtaken }, { length }) => {
    const what = WRITTEN_BY[by](length, kind, apiVersion, manager);
    const when = removed
      ? { en: `removed in ${minor}`, zh: `已在 ${minor} 中移除` }
      : minor
        ? { en: `deprecated, removed in ${minor}`, zh: `已弃用，将在 ${minor} 中移除` }
        : { en: 'deprecated', zh: '已弃用' };
    const instead = replacement
      ? { en: `; use ${replacement}`, zh: `；请改用 ${replacement}` }
      : { en: '; there is no successor', zh: '；没有后继版本' };
    const since = overtaken
      ? { en: ' (written by others in a newer version since)', zh: '（之后已由其他管理者以新版本写入）' }
      : { en: '', zh: '' };
    return { en: `${what.en}: ${when.en}${instead.en}${since.en}`, zh: `${what.zh}：${when.zh}${instead.zh}${since.zh}` };
  },
};
export default check;

const counted = (count: number, kind: string): string => `${count} ${kind}${count === 1 ? '' : ' objects'}`;
const WRITTEN_BY: Record<Evidence['by'], (count: number, kind: string, apiVersion: string, manager: string) => Text> = {
  apply: (count, kind, apiVersion, manager) => ({
    en: `${counted(count, kind)} applied as ${apiVersion} by ${manager}`,
    zh: `${count} 个 ${kind} 由 ${manager} 以 ${apiVersion} 应用`,
  }),
  'last-applied': (count, kind, apiVersion) => ({
    en: `${counted(count, kind)} applied as ${apiVersion} by kubectl apply`,
    zh: `${count} 个 ${kind} 由 kubectl apply 以 ${apiVersion} 应用`,
  }),
  update: (count, kind, apiVersion, manager) => ({
    en: `${counted(count, kind)} updated as ${apiVersion} by ${manager}`,
    zh: `${count} 个 ${kind} 由 ${manager} 以 ${apiVersion} 更新`,
  }),
  file: (count, kind, apiVersion) => ({
    en: `${counted(count, kind)} declared as ${apiVersion}`,
    zh: `清单中有 ${count} 个 ${kind} 使用 ${apiVersion}`,
  }),
  release: (count, kind, apiVersion, release) => ({
    en: `Helm release ${release} has ${counted(count, kind)} as ${apiVersion} in its manifest: the next helm upgrade fails once it is gone`,
    zh: `Helm release ${release} 的清单中有 ${count} 个 ${kind} 使用 ${apiVersion}，移除后下一次 helm upgrade 会失败`,
  }),
};

// ---- what is written down elsewhere ---------------------------------------------------------------------------------

/** undefined: it does not say what it is. */
function refIn(object: Raw): Ref | undefined {
  try {
    return refOf(object);
  } catch {
    return undefined;
  }
}

const bodyOf = ({ body }: ReleaseRow) => (body && !isGap(body) && !('why' in body) ? body : undefined);
function manifestOf(release: ReleaseRow): Ref[] {
  const body = bodyOf(release);
  const hooks = (body?.hooks ?? []).map(({ manifest }) => (typeof manifest === 'string' ? manifest : ''));
  return body ? [body.manifest, ...hooks].flatMap((text) => objectsIn(text, release)) : [];
}

/** A record that cannot be read may name anything. */
const unreadable = ({ ref, body }: ReleaseRow): Gap[] =>
  body && !isGap(body) && 'why' in body
    ? [{ why: 'failed', verb: 'decode', resource: `${ref.kind.toLowerCase()}s`, namespace: ref.namespace, name: ref.name }]
    : [];

const inText = (ref: Ref, by: Evidence['by'], manager: string, found: Bites | undefined): Found[] =>
  found ? [{ ref, evidence: { apiVersion: ref.apiVersion, by, manager, certainty: 'certain', overtaken: false }, bites: found }] : [];

interface Found {
  ref: Ref;
  evidence: Evidence;
  bites: Bites;
}

/** One object gives one finding: what the path removes before what is only deprecated, the stronger evidence first. */
function worstOf({ ref, writers, applied }: Row, hops: readonly string[]): Found | undefined {
  const lastApplied = typeof applied === 'object' ? applied : undefined;
  const evidence = evidenceOf({ writers, lastApplied }, ref.kind, (apiVersion) => bites(apiVersion, ref.kind, hops) !== undefined);
  const found = evidence.map((each) => ({ ref, evidence: each, bites: bites(each.apiVersion, ref.kind, hops)! }));
  return found.find(({ bites }) => bites.severity === 'blocker') ?? found[0];
}

const keyOf = ({ evidence: { apiVersion, by, manager, overtaken }, ref, bites }: Found): string =>
  [bites.severity, apiVersion, ref.kind, by, manager, overtaken].join(' ');

function finding(same: Found[]): Finding<Args> {
  const { ref, evidence, bites } = same[0]!;
  const { apiVersion, by, manager = '', overtaken, certainty } = evidence;
  const removed = bites.severity === 'blocker';
  const replacement = replacementOf(bites.api)?.split(' ');
  return {
    severity: removed && overtaken ? 'warning' : bites.severity,
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
      // Of the same kind the version says it all.
      replacement: replacement && (replacement[1] === ref.kind ? replacement[0] : replacement.join(' ')),
      overtaken,
    },
    evidence: same
      .slice(0, 3)
      .map(({ evidence: { apiVersion, by, manager = '', time }, ref }) => ({ seen: seenAs(apiVersion, by, manager, time), at: ref })),
    hop: removed ? bites.minor : undefined,
  };
}

const seenAs = (apiVersion: string, by: Evidence['by'], manager: string, time: number | undefined): string => {
  const at = time === undefined ? '' : ` ${new Date(time).toISOString().slice(0, 10)}`;
  if (by === 'file' || by === 'release') return `apiVersion: ${apiVersion}`;
  return by === 'last-applied'
    ? `metadata.annotations.last-applied-configuration=${apiVersion}${at}`
    : `metadata.managedFields=${manager}/${by}/${apiVersion}${at}`;
};
