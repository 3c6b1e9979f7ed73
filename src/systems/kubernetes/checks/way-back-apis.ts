// Objects of kinds that the older version does not serve: after a return they are in etcd and nothing reads or enforces them; clients that write other kinds in a version that it does not
// serve; and, over several minors, objects that may be stored in a version which the older API server cannot read. Sources: knowledge/apis.json (life-cycle markers); way-back.ts.
import { finding } from '../../../engine/builders.ts';
import type { Certainty, Check, Finding, ListRead, Ref, RowOf, Text } from '../../../engine/contracts.ts';
import { list, writers } from '../../../engine/read/index.ts';
import { clientOf } from '../../../kube/owners.ts';
import { minorOf } from '../../../versions/kubernetes.ts';
import { apiOf, apiVersionOf, pluralOf } from '../apis.ts';
import { evidenceOf, type Writer } from '../evidence.ts';
import { type Api, apis } from '../knowledge/tables.ts';
import { later } from '../reads.ts';
import { betasAreOn, minorsLeft, servesKind, unreadable } from '../way-back.ts';

/** Requests, and what the system makes itself. */
const NOT_THE_USERS =
  /Review$|^(?:APIGroupDiscovery|Eviction|LeaseCandidate|IPAddress|ResourceSlice|CSIStorageCapacity|PodCertificateRequest|ResourcePoolStatusRequest)$/;
/** Made by every API server that knows them. */
const BUILT_IN = new Set(['ServiceCIDR kubernetes']);

const kinds = later(() => Map.groupBy(apis().apis, ({ group, kind }) => `${pluralOf(kind)}${group ? `.${group}` : ''}`));
/** Only of kinds of which the older version may serve another version it matters who writes them. */
type Row = RowOf<Record<never, never>> & { writers?: Writer[] };
/** Kinds of which some version came within the knowledge. */
const reads = later(
  (): Record<string, ListRead<Row>> =>
    Object.fromEntries(
      [...kinds()]
        .filter(
          ([, rows]) =>
            !NOT_THE_USERS.test(rows[0]!.kind) &&
            rows.some(({ version, introduced }) => /^v\d+$/.test(version) && minorOf(introduced) > minorOf(apis().knownFrom)),
        )
        .map(([resource, rows]) => [resource, betasAreOn(rows) ? list(resource, { writers: writers() }) : list(resource, {})]),
    ),
);
type Is = 'not-served' | 'written' | 'stored' | 'skips';
interface Args {
  is: Is;
  resource: string;
  version: string;
  older: string;
  manager?: string;
}

const check: Check<Record<string, ListRead<Row>>, Args> = {
  id: 'kubernetes/way-back-apis',
  title: { en: 'the older version serves all kinds in use', zh: '旧版本提供所有在用的资源类型' },
  headline: { en: 'the older version cannot serve objects in use', zh: '旧版本无法提供在用的对象' },
  page: {
    impact: {
      en: 'After a return, objects of a kind that the older version does not serve stay in etcd without effect; an admission policy, for example, no longer denies anything. Objects stored in a version that it cannot read make every list request for that resource fail. A client that writes in a version that it does not serve gets 404.',
      zh: '回退后，旧版本不提供的资源类型的对象留在 etcd 中但不再生效，例如准入策略不再拒绝任何请求。如果对象以旧版本无法读取的版本存储，列出该资源的请求会全部失败。以旧版本不提供的 API 版本写入的客户端会收到 404。',
    },
    detection: {
      en: 'Counts the objects of kinds that came with the minors in between, and reads from managedFields who writes in a version that came with them. Beta versions of kinds that are new since 1.24 count as not served, since they are off by default.',
      zh: '统计两个版本之间新增的资源类型的对象，并从 managedFields 找出以两个版本之间新增的 API 版本写入的客户端。1.24 之后新增类型的 beta 版本默认关闭，视为不提供。',
    },
    fix: {
      en: 'manual: save these objects and delete them before the return, or enable their API on the older kube-apiserver with --runtime-config. Return one minor at a time.',
      zh: '手动：回退前保存并删除这些对象，或在旧版本的 kube-apiserver 上用 --runtime-config 启用其 API。每次只回退一个次要版本。',
    },
    limits: {
      en: 'The version in which an object is stored is not visible: it is inferred from what each release stores.',
      zh: '对象的存储版本不可见，按各版本的规则推断。',
    },
  },
  sources: [
    { en: 'kubernetes/api: prerelease-lifecycle of 0.24 to 0.37', zh: 'kubernetes/api：0.24 至 0.37 的 prerelease-lifecycle' },
    'kubernetes/website: reference/using-api/deprecation-policy.md',
  ],
  applies: { stage: 'back' },
  needs: ['upgraded'],
  get reads() {
    return reads();
  },
  judge: (rows, { back }) => {
    const left = minorsLeft(back!);
    const older = back!.to;
    const found = Object.entries(rows).flatMap(([resource, objects]): Finding<Args>[] => {
      const own = objects.map(({ ref }) => ref).filter(({ kind, name }) => !BUILT_IN.has(`${kind} ${name}`));
      const about = kinds().get(resource) ?? [];
      if (!left.length || !own.length) return [];
      if (!servesKind(about, minorOf(older))) return [told('not-served', resource, newestOf(about), older, own)];
      const stored = unreadable(about, minorOf(older), minorOf(back!.from));
      return [...writtenIn(objects, resource, older), ...(stored ? [told('stored', resource, apiVersionOf(stored), older, own)] : [])];
    });
    return left.length > 1 ? [told('skips', '', back!.from, older, []), ...found] : found;
  },
  say: (args, { length }) => SAYS[args.is](args, length),
};
export default check;

const newestOf = (rows: readonly Api[]): string =>
  apiVersionOf(rows.toSorted((a, b) => minorOf(a.introduced) - minorOf(b.introduced)).at(-1)!);

const told = (
  is: Is,
  resource: string,
  version: string,
  older: string,
  objects: Ref[],
  { manager, certainty = is === 'stored' ? 'medium' : 'certain' }: { manager?: string; certainty?: Certainty } = {},
): Finding<Args> =>
  finding({
    severity: is === 'not-served' || is === 'written' ? 'warning' : 'blocker',
    key: [is, resource, ...(manager === undefined ? [] : [manager, version])],
    certainty,
    objects,
    args: { is, resource, version, older, ...(manager === undefined ? {} : { manager }) },
    evidence: [{ seen: version }],
  });

/** Clients that write in a version that came later than the older one. */
function writtenIn(objects: readonly Row[], resource: string, older: string): Finding<Args>[] {
  const isNewer = (kind: string) => (apiVersion: string) => {
    const { introduced } = apiOf(apiVersion, kind) ?? {};
    return introduced !== undefined && minorOf(introduced) > minorOf(older);
  };
  const wrote = objects.flatMap(({ ref, writers = [] }) =>
    evidenceOf({ writers }, ref.kind, isNewer(ref.kind)).flatMap(({ manager, apiVersion, certainty }) =>
      manager ? [{ ref, manager, apiVersion, certainty }] : [],
    ),
  );
  return [...Map.groupBy(wrote, ({ manager, apiVersion }) => `${manager} ${apiVersion}`).values()].map((same) => {
    const { manager, apiVersion, certainty } = same[0]!;
    const refs = same.map(({ ref }) => ref);
    return told('written', resource, apiVersion, older, refs, { manager, certainty });
  });
}

const SAYS: Record<Is, (args: Args, count: number) => Text> = {
  written: ({ resource, version, older, manager }, count) => ({
    en: `${clientOf(manager).en} writes ${count} ${resource} as ${version}: ${older} does not serve it, the next write fails there`,
    zh: `${clientOf(manager).zh} 以 ${version} 写入 ${count} 个 ${resource}：${older} 不提供该版本，回退后写入会失败`,
  }),
  'not-served': ({ resource, version, older }, count) => ({
    en: `${count} ${count === 1 ? 'object' : 'objects'} of ${resource} (${version}): not served by ${older}, without effect after the return`,
    zh: `${count} 个 ${resource}（${version}）对象：${older} 不提供该资源，回退后不再生效`,
  }),
  stored: ({ resource, version, older }, count) => ({
    en: `${count} ${resource} may be stored as ${version}: ${older} cannot read them`,
    zh: `${count} 个 ${resource} 可能以 ${version} 存储：${older} 无法读取`,
  }),
  skips: ({ version, older }) => ({
    en: `${version} → ${older} skips minor versions: return one at a time`,
    zh: `${version} → ${older} 跳过了次要版本：请逐个回退`,
  }),
};
