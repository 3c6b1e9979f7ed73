// CRDs of osm-edge are not in its chart: the image of osm-bootstrap holds them and applies them when it starts. So the installed version's must be there; those of the target come with it.
// Source: cmd/osm-bootstrap/crds at every tag (knowledge/crds.json); cmd/osm-bootstrap/osm-bootstrap.go: any failure ends it.
import { CRDS, crdRef, DEFINITION, lacking } from '../../../chart/crds.ts';
import type { Check, Finding, StepDraft } from '../../../engine/contracts.ts';
import { each } from '../../../engine/each.ts';
import { isGap } from '../../../engine/gaps.ts';
import { shellWord } from '../../../text/shell.ts';
import { compare } from '../../../versions/chart.ts';
import { crds } from '../knowledge/tables.ts';

interface Args {
  crd: string;
  installed: string;
  namespace: string;
  /** API versions that it does not serve; none: it is missing. */
  lacks: string[];
}

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
      en: 'Compares the API versions that the live CRDs serve with the API versions of the installed version. The CRDs of the target version need no step before the upgrade: they come with its osm-bootstrap.',
      zh: '将现有 CRD 提供的 API 版本与当前版本的 CRD 比较。目标版本的 CRD 在升级前无需处理：由其 osm-bootstrap 应用。',
    },
    fix: {
      en: 'Manual: find out from the log of osm-bootstrap why it failed, then restart it.',
      zh: '手动：从 osm-bootstrap 的日志查明失败原因，然后重启它。',
    },
  },
  sources: ['flomesh-io/osm-edge: cmd/osm-bootstrap/crds, cmd/osm-bootstrap/osm-bootstrap.go at every tag'],
  applies: { stage: 'both' },
  reads: {},
  get pointReads() {
    return [{ resource: CRDS, names: Object.keys(crds().crds), columns: DEFINITION }];
  },
  judge: async (_rows, { path: { from, installation }, look }) => {
    if (typeof from !== 'string') return { unknown: { en: 'installed version unknown', zh: '当前版本未知' } };
    const found = await each(servedBy(from), async ({ name, versions }) => {
      const live = await look.get(crdRef(name));
      if (isGap(live)) return [];
      const lacks = live ? lacking(live, { name, versions: versions.map((each) => ({ name: each, markers: [], changing: [] })) }) : [];
      return live && !lacks.length ? [] : [finding({ crd: name, installed: from, namespace: installation.namespace ?? '', lacks })];
    });
    return found.flat();
  },
  say: ({ crd, installed, lacks }) => ({
    en: lacks.length ? `${crd} does not serve ${lacks.join(', ')}, which ${installed} uses` : `${crd} of ${installed} is not installed`,
    zh: lacks.length ? `CRD ${crd} 不提供 ${installed} 使用的 ${lacks.join('、')}` : `缺少 ${installed} 的 CRD ${crd}`,
  }),
  remedy: {
    writes: [],
    steps: async (found) => (found[0] ? [restart(found[0], found)] : []),
  },
};
export default check;

/** The CRDs of a version, each with the API versions that it serves. */
function servedBy(version: string): { name: string; versions: string[] }[] {
  return Object.entries(crds().crds).flatMap(([name, since]) => {
    const newest = Object.keys(since)
      .filter((from) => compare(from, version) <= 0)
      .sort(compare)
      .at(-1);
    const versions = newest ? since[newest] : null;
    return versions ? [{ name, versions: versions.filter((each) => !each.endsWith('u')).map((each) => each.replace('*', '')) }] : [];
  });
}

function finding(args: Args): Finding<Args> {
  const at = crdRef(args.crd);
  const seen = args.lacks.length
    ? { en: `spec.versions lacks ${args.lacks.join(', ')}`, zh: `spec.versions 缺少 ${args.lacks.join('、')}` }
    : { en: 'not found', zh: '未找到' };
  return { severity: 'blocker', key: [args.crd], certainty: 'certain', objects: [at], args, evidence: [{ seen, at }] };
}

function restart({ args: { namespace } }: Finding<Args>, found: readonly Finding<Args>[]): StepDraft {
  const at = shellWord(namespace);
  return {
    do: 'manual',
    commands: [`kubectl logs deployment/osm-bootstrap -n ${at}`, `kubectl rollout restart deployment/osm-bootstrap -n ${at}`],
    seen: found.map(({ args }) => ({ on: crdRef(args.crd), must: 'exist' as const })),
    guard: [],
    text: {
      en: `find out why osm-bootstrap in ${namespace} did not apply its CRDs, then restart it`,
      zh: `查明 ${namespace} 中 osm-bootstrap 未应用其 CRD 的原因，然后重启它`,
    },
    undo: 'none',
  };
}
