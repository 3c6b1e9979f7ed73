// Objects of kinds that the older version does not serve: after a return they are in etcd and no one sees or heeds them. And, over several minors, objects that may be stored in a
// version which the older API server cannot read. Sources: knowledge/apis.json (life-cycle markers); way-back.ts.
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, ListRead, Ref, RowOf, Text } from '../../../engine/contracts.ts';
import { list } from '../../../engine/read/index.ts';
import { minorOf } from '../../../versions/kubernetes.ts';
import { apiVersionOf, pluralOf } from '../apis.ts';
import { type Api, apis } from '../knowledge/tables.ts';
import { later } from '../reads.ts';
import { minorsLeft, servesKind, unreadable } from '../way-back.ts';

/** Requests, and what the system makes itself. */
const NOT_THE_USERS =
  /Review$|^(?:APIGroupDiscovery|Eviction|LeaseCandidate|IPAddress|ResourceSlice|CSIStorageCapacity|PodCertificateRequest|ResourcePoolStatusRequest)$/;
/** Made by every API server that knows them. */
const BUILT_IN = new Set(['ServiceCIDR kubernetes']);

const kinds = later(() => Map.groupBy(apis().apis, ({ group, kind }) => `${pluralOf(kind)}${group ? `.${group}` : ''}`));
type Row = RowOf<Record<never, never>>;
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
        .map(([resource]) => [resource, list(resource, {})]),
    ),
);
type Is = 'not-served' | 'stored' | 'skips';
interface Args {
  is: Is;
  resource: string;
  version: string;
  older: string;
}

const check: Check<Record<string, ListRead<Row>>, Args> = {
  id: 'kubernetes/way-back-apis',
  title: { en: 'the older version serves all kinds in use', zh: '旧版本提供所有在用的资源类型' },
  headline: { en: 'the older version cannot serve objects in use', zh: '旧版本无法提供在用的对象' },
  page: {
    impact: {
      en: 'After a return, objects of a kind that the older version does not serve stay in etcd without effect: an admission policy no longer denies anything. Objects stored in a version that it cannot read make every list of that resource fail.',
      zh: '回退后，旧版本不提供的资源类型的对象留在 etcd 中但不再生效，例如准入策略不再拒绝任何请求。如果对象以旧版本无法读取的版本存储，列出该资源的请求会全部失败。',
    },
    detection: {
      en: 'Counts the objects of kinds that came with the minors in between. Beta versions of kinds that are new since 1.24 count as not served, since they are off by default.',
      zh: '统计其间各次要版本新增的资源类型的对象。1.24 之后新增类型的 beta 版本默认关闭，视为不提供。',
    },
    fix: {
      en: 'manual: save these objects and delete them before the return, or switch their API on with --runtime-config. Return one minor at a time.',
      zh: '手动：回退前保存并删除这些对象，或用 --runtime-config 启用其 API。每次只回退一个次要版本。',
    },
    limits: {
      en: 'The version in which an object is stored is not visible: it is taken from the releases.',
      zh: '对象的存储版本不可见，按各版本的规则推断。',
    },
  },
  sources: ['kubernetes/api: prerelease-lifecycle of 0.24 to 0.37', 'kubernetes/website: reference/using-api/deprecation-policy.md'],
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
      return stored ? [told('stored', resource, apiVersionOf(stored), older, own)] : [];
    });
    return left.length > 1 ? [told('skips', '', back!.from, older, []), ...found] : found;
  },
  say: ({ is, resource, version, older }, { length }) => SAYS[is](resource, version, older, length),
};
export default check;

const newestOf = (rows: readonly Api[]): string =>
  apiVersionOf(rows.toSorted((a, b) => minorOf(a.introduced) - minorOf(b.introduced)).at(-1)!);

const told = (is: Is, resource: string, version: string, older: string, objects: Ref[]): Finding<Args> =>
  finding({
    severity: is === 'not-served' ? 'warning' : 'blocker',
    key: [is, resource],
    certainty: is === 'stored' ? 'medium' : 'certain',
    objects,
    args: { is, resource, version, older },
    evidence: [{ seen: version }],
  });

const SAYS: Record<Is, (resource: string, version: string, older: string, count: number) => Text> = {
  'not-served': (resource, version, older, count) => ({
    en: `${count} ${resource} (${version}): ${older} does not serve them, they have no effect there`,
    zh: `${count} 个 ${resource}（${version}）：${older} 不提供该资源，回退后不再生效`,
  }),
  stored: (resource, version, older, count) => ({
    en: `${count} ${resource} may be stored as ${version}: ${older} cannot read them`,
    zh: `${count} 个 ${resource} 可能以 ${version} 存储：${older} 无法读取`,
  }),
  skips: (_, version, older) => ({
    en: `${version} → ${older} skips minor versions: return one at a time`,
    zh: `${version} → ${older} 跳过了次要版本：请逐个回退`,
  }),
};
