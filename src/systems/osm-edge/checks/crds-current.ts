// CRDs of osm-edge are not in its chart: the image of osm-bootstrap holds them and applies them when it starts. So the installed version's must be there; those of the target come with it.
// Source: cmd/osm-bootstrap/crds at every tag (knowledge/crds.json); cmd/osm-bootstrap/osm-bootstrap.go: any failure ends it.
import { CRDS, crdRef, crdsByTable, DEFINITION, fieldOf, lacking, versionsOf, type WantedCrd } from '../../../chart/crds.ts';
import type { Check, Condition, Finding, Raw } from '../../../engine/contracts.ts';
import { each } from '../../../engine/each.ts';
import { isGap } from '../../../engine/gaps.ts';
import { compare } from '../../../versions/chart.ts';
import { crdFields, crds } from '../knowledge/tables.ts';
import { ROLLOUT_READS, ROLLOUT_RIGHTS, restart } from '../rollout.ts';

interface Args {
  crd: string;
  installed: string;
  namespace: string;
  /** API versions, fields, defaults and choices that it does not have; none of them: it is missing. */
  lacks: string[];
  /** Of how many. */
  count: number;
}
/** More names tell a person nothing. */
const SHOWN = 3;

const check: Check<Record<string, never>, Args> = {
  id: 'osm-edge/crds-current',
  title: { en: 'CRDs match the installed version', zh: 'CRD 与当前版本一致' },
  headline: { en: 'osm-bootstrap has not applied its CRDs', zh: 'osm-bootstrap 未应用其 CRD' },
  page: {
    impact: {
      en: 'The CRDs are not part of the chart: osm-bootstrap creates and updates them from its own image when it starts, and exits on any failure. If a CRD is missing or outdated, osm-controller and osm-injector do not become ready, or policies are ignored.',
      zh: 'CRD 不在 chart 中：osm-bootstrap 启动时从自身镜像创建并更新 CRD，任何失败都会使其退出。CRD 缺失或过旧时，osm-controller 和 osm-injector 无法就绪，或策略被忽略。',
    },
    detection: {
      en: 'Compares API versions, stored version, fields, defaults and choices of the live CRDs with the CRDs of the installed version, by a table made from every release. The CRDs of the target version need no step before the upgrade: they come with its osm-bootstrap.',
      zh: '按由各版本 CRD 生成的数据表，将现有 CRD 提供和存储的 API 版本、字段、默认值和可选值与当前版本比较。目标版本的 CRD 在升级前无需处理：由其 osm-bootstrap 应用。',
    },
    fix: {
      en: 'restarts osm-bootstrap, which applies its CRDs when it starts, and waits until they are there. If they are still not right then, its log says why: kubectl logs deployment/osm-bootstrap.',
      zh: '重启 osm-bootstrap（它启动时会应用其 CRD）并等待 CRD 就位。如果之后仍不正确，其日志会说明原因：“kubectl logs deployment/osm-bootstrap”。',
    },
  },
  sources: [
    {
      en: 'flomesh-io/osm-edge: cmd/osm-bootstrap/crds, cmd/osm-bootstrap/osm-bootstrap.go at every tag',
      zh: 'flomesh-io/osm-edge: cmd/osm-bootstrap/crds, cmd/osm-bootstrap/osm-bootstrap.go（所有 tag）',
    },
  ],
  applies: { stage: 'both' },
  reads: {},
  get pointReads() {
    return [{ resource: CRDS, names: Object.keys(crds().crds), columns: DEFINITION }];
  },
  judge: async (_rows, { path: { from, installation }, look }) => {
    if (typeof from !== 'string') return { unknown: { en: 'installed version unknown', zh: '当前版本未知' } };
    const found = await each(wanted(from), async (one) => {
      const live = await look.get(crdRef(one.name));
      if (isGap(live)) return [];
      const lacks = live ? [...lacking(live, one), ...notStored(live, one)] : [];
      const args = { crd: one.name, installed: from, namespace: installation.namespace ?? '', lacks: lacks.slice(0, SHOWN) };
      return live && !lacks.length ? [] : [finding({ ...args, count: lacks.length })];
    });
    return found.flat();
  },
  say: ({ crd, installed, lacks, count }) => ({
    en: lacks.length
      ? `${crd} differs from the CRD of ${installed}: it lacks ${listed(lacks, count, 'en')}`
      : `${crd} of ${installed} is not installed`,
    zh: lacks.length ? `CRD ${crd} 与 ${installed} 的不一致，缺少 ${listed(lacks, count, 'zh')}` : `缺少 ${installed} 的 CRD ${crd}`,
  }),
  remedy: {
    pointReads: ROLLOUT_READS,
    writes: ROLLOUT_RIGHTS,
    steps: async (found, at) =>
      found[0]
        ? restart(
            found[0].args.namespace,
            ['osm-bootstrap'],
            at,
            found.map(({ args }): Condition => ({ on: crdRef(args.crd), must: 'exist' })),
          )
        : [],
  },
};
export default check;

/** The CRDs of a version; where its fields are not known, the API versions alone. */
function wanted(version: string): (WantedCrd & { stores: string })[] {
  const fields = crdsByTable(crdFields(), version) ?? [];
  return Object.entries(crds().crds).flatMap(([name, since]) => {
    const newest = Object.keys(since)
      .filter((from) => compare(from, version) <= 0)
      .sort(compare)
      .at(-1);
    const spelled = newest ? since[newest] : null;
    if (!spelled) return [];
    const stores = spelled.find((each) => each.endsWith('*'))?.replace('*', '') ?? '';
    const versions = spelled
      .filter((each) => !each.endsWith('u'))
      .map((each) => each.replace('*', ''))
      .map(
        (api) =>
          fields.find((one) => one.name === name)?.versions.find((one) => one.name === api) ?? { name: api, markers: [], changing: [] },
      );
    return [{ name, stores, versions }];
  });
}

/** A version that is stored is written `v1alpha4 (storage)`. */
function notStored(live: Raw, { stores }: { stores: string }): string[] {
  const found = versionsOf(live).find(({ name }) => name === stores);
  return found && found.storage !== true ? [`${stores} (storage)`] : [];
}

const listed = (lacks: readonly string[], count: number, language: 'en' | 'zh'): string => {
  const names = lacks.map((each) => (each.endsWith(')') ? each : fieldOf(each, language)));
  const more = count - lacks.length;
  if (language === 'zh') return `${names.join('、')}${more > 0 ? ` 等 ${count} 项` : ''}`;
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
};

function finding(args: Args): Finding<Args> {
  const at = crdRef(args.crd);
  const { lacks, count } = args;
  const seen = lacks.length
    ? { en: `spec.versions lacks ${listed(lacks, count, 'en')}`, zh: `spec.versions 缺少${listed(lacks, count, 'zh')}` }
    : { en: 'not found', zh: '未找到' };
  // Without one of its API versions programs cannot even list the objects; without a field its value is dropped.
  const severity = !lacks.length || lacks.some((each) => /^v\d\w*$/.test(each)) ? 'blocker' : 'warning';
  return { severity, key: [args.crd], certainty: 'certain', objects: [at], args, evidence: [{ seen, at }] };
}
