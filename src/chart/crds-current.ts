// The check crds-current, for any system whose chart has its CRDs in crds/: helm never updates them, so they have to be applied before every upgrade.
// Source: helm pkg/action/install.go (installCRDs), pkg/action/upgrade.go; helm pkg/chart/chart.go (CRDObjects: its own, then those of each dependency).

import type { Check, Condition, Finding, Page, PointReader, Raw, Ref, Refusal, StepDraft, Text } from '../engine/contracts.ts';
import { each } from '../engine/each.ts';
import { isGap } from '../engine/gaps.ts';
import type { Chart } from '../helm/contracts.ts';
import { parseResourceName } from '../kube/resources.ts';
import { shellWord } from '../text/shell.ts';
import { type CrdFacts, NO_VERSION, noCrds, wantedCrds } from './crd-facts.ts';
import { CRDS, crdRef, crdsByChart, DEFINITION, fieldOf, knowsMore, lacking, storedBeyond, type WantedCrd } from './crds.ts';
import type { ChartFacts } from './facts.ts';
import { intendedOf } from './intended.ts';

/** More names of fields tell a person nothing. */
const SHOWN = 3;

interface Args {
  crd: string;
  target: string;
  state: 'missing' | 'older' | 'stored';
  /** What it lacks, at most three of them; and how many in all. Of `stored`: the versions. */
  lacks: string[];
  count: number;
  /** Judged by the chart that was given, which the fix then applies. */
  byChart: boolean;
}
type Facts = Pick<ChartFacts, 'system' | 'chart' | 'repository'> & CrdFacts;

export function crdsCurrent(facts: Facts, words: { page: Page; sources: (string | Text)[] }): Check<Record<string, never>, Args> {
  const known = () => Object.keys(facts.table.crds);
  const id = `${facts.system}/crds-current` as const;
  const withChart = (found: readonly Finding<Args>[]) => pulled(facts, id, found);
  return {
    id,
    title: { en: 'CRDs match the target version', zh: 'CRD 与目标版本一致' },
    headline: { en: 'CRDs are missing or older than the target version', zh: 'CRD 缺失或落后于目标版本' },
    ...words,
    applies: { stage: 'both' },
    reads: {},
    get pointReads() {
      return [{ resource: CRDS, names: known(), columns: DEFINITION }];
    },
    judge: async (_rows, at) => {
      const { path, look } = at;
      const { chart } = intendedOf(at);
      const target = path.to ?? path.from;
      if (typeof target !== 'string') return { unknown: NO_VERSION };
      const wanted = wantedCrds(facts, target, chart);
      if (!wanted) return { unknown: noCrds(target) };
      const looked = await each(wanted, async (one) => ({ one, live: await look.get(crdRef(one.name)) }));
      return looked.flatMap(({ one, live }) => (isGap(live) ? [] : (finding(facts, one, live, target) ?? [])));
    },
    say: (args) => MESSAGES[args.state](args),
    remedy: {
      command: withChart,
      get writes() {
        return [
          { verbs: ['get', 'create', 'patch', 'delete'], group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions' },
          // Undo deletes a CRD that it created only when there are no objects of it.
          ...known().map((name) => ({ verbs: ['list'], ...parseResourceName(name) })),
        ];
      },
      async steps(found, at) {
        const { look } = at;
        const { chart } = intendedOf(at);
        const stored = found.filter(({ args }) => args.state === 'stored');
        const open = found.filter(({ args }) => args.state !== 'stored');
        const [here, absent] = chart ? [open.filter(({ args }) => args.byChart), open.filter(({ args }) => !args.byChart)] : [[], open];
        return [
          ...stored.map(refusedForStored),
          ...(absent.length
            ? [{ refused: NEEDS(absent), command: withChart(absent), objects: absent.flatMap(({ objects }) => objects) }]
            : []),
          ...(await each(here, (one) => applied(facts, one, chart!, look))),
        ];
      },
    },
  };
}

const more = ({ lacks, count }: Args): Text =>
  count > lacks.length ? { en: ` and ${count - lacks.length} more`, zh: ` 等 ${count} 项` } : { en: '', zh: '' };

const MESSAGES: Record<Args['state'], (args: Args) => Text> = {
  missing: ({ crd, target }) => ({
    en: `${crd} is not installed, and helm upgrade to ${target} will not install it`,
    zh: `缺少 CRD ${crd}；helm upgrade 到 ${target} 不会自动安装`,
  }),
  older: (args) => ({
    en: `${args.crd} is older than in ${args.target}; missing: ${args.lacks.map((each) => fieldOf(each)).join(', ')}${more(args).en}`,
    zh: `CRD ${args.crd} 比 ${args.target} 的旧，缺少：${args.lacks.map((each) => fieldOf(each, 'zh')).join('、')}${more(args).zh}`,
  }),
  stored: ({ crd, target, lacks }) => ({
    en: `${crd} may still have objects stored as ${lacks.join(', ')}, which ${target} does not serve`,
    zh: `${crd} 可能仍有以 ${lacks.join('、')} 存储的对象，而 ${target} 不提供该版本`,
  }),
};

// ---- the finding ----------------------------------------------------------------------------------------------------

function finding({ severity }: CrdFacts, wanted: WantedCrd, live: Raw | undefined, target: string): Finding<Args> | undefined {
  const lacks = live ? lacking(live, wanted) : [];
  if (live && !lacks.length) return undefined;
  const stored = live ? storedBeyond(live, wanted) : [];
  const state = !live ? 'missing' : stored.length ? 'stored' : 'older';
  const named = state === 'stored' ? stored : lacks;
  const at = crdRef(wanted.name);
  return {
    severity: severity(wanted.name, state),
    key: [wanted.name, state],
    certainty: 'certain',
    objects: [at],
    args: { crd: wanted.name, target, state, lacks: named.slice(0, SHOWN), count: named.length, byChart: wanted.object !== undefined },
    evidence: [{ seen: EVIDENCE[state](named.slice(0, SHOWN)), at }],
  };
}

const EVIDENCE: Record<Args['state'], (names: string[]) => string | Text> = {
  missing: () => ({ en: 'not found', zh: '未找到' }),
  older: (names) => ({
    en: `spec.versions lacks ${names.map((each) => fieldOf(each)).join(', ')}`,
    zh: `spec.versions 缺少 ${names.map((each) => fieldOf(each, 'zh')).join('、')}`,
  }),
  stored: (names) => `status.storedVersions: ${names.join(', ')}`,
};

// ---- the remedy -----------------------------------------------------------------------------------------------------

const NEEDS = (found: readonly Finding<Args>[]): Text => {
  const target = found[0]?.args.target ?? '';
  return { en: `needs the ${target} chart (--chart)`, zh: `需要 ${target} 的 chart（--chart）` };
};

/** Gets the chart and fixes with it; not while objects are stored as the target does not serve them, which no CRD mends. */
function pulled({ chart, repository }: Facts, id: string, found: readonly Finding<Args>[]): string | undefined {
  const [first] = found.filter(({ args }) => !args.byChart);
  if (!first || found.some(({ args }) => args.state === 'stored')) return undefined;
  const version = shellWord(first.args.target);
  return `helm pull ${chart} --repo ${repository} --version ${version} && {tool} fix ${id}{again} --chart ${chart}-${version}.tgz`;
}

const refusedForStored = ({ args: { crd, lacks, target }, objects }: Finding<Args>): Refusal => ({
  refused: {
    en: `${crd} lists ${lacks.join(', ')} in status.storedVersions; ${target} does not serve it, and applying its CRD converts no object`,
    zh: `${crd} 的 status.storedVersions 含有 ${lacks.join('、')}；${target} 不提供该版本，应用其 CRD 也不会转换对象`,
  },
  objects,
});

async function applied(
  { isOwn }: CrdFacts,
  { args, objects }: Finding<Args>,
  chart: Chart,
  look: PointReader,
): Promise<StepDraft | Refusal> {
  const [on] = objects as [Ref];
  const wanted = crdsByChart(chart.crds).find(({ name }) => name === args.crd);
  const live = await look.get(on);
  if (!wanted?.object || isGap(live))
    return { refused: { en: `could not read ${args.crd} again`, zh: `无法再次读取 ${args.crd}` }, objects };
  if (live && !isOwn(args.crd) && knowsMore(live, wanted.object)) return { refused: FOREIGN(args.crd), objects };
  const { status: _, ...object } = wanted.object;
  return {
    do: 'apply',
    object,
    guard: [live ? unmoved(on, live) : { on, must: 'be-gone' }],
    text: {
      en: `${live ? 'update' : 'create'} CRD ${args.crd} as in chart ${chart.version}`,
      zh: `按 chart ${chart.version} ${live ? '更新' : '创建'} CRD ${args.crd}`,
    },
    undo: 'exact',
    undoNote: live
      ? {
          en: 'undo: restores the CRD; objects lose fields that exist only in the new CRD',
          zh: '撤销时：恢复该 CRD；对象中仅新 CRD 才有的字段会丢失',
        }
      : { en: 'undo: deletes the CRD, only while it has no objects', zh: '撤销时：删除该 CRD，仅限其下没有对象时' },
  };
}

/** Still that CRD, with the same stored versions. */
function unmoved(on: Ref, live: Raw): Condition {
  const { status } = live as { status?: { storedVersions?: string[] } };
  return { on, must: status?.storedVersions ? [{ path: '/status/storedVersions', is: status.storedVersions }] : 'exist' };
}

const FOREIGN = (crd: string): Text => ({
  en: `${crd} has fields that the CRD of the chart lacks and belongs to other software; applying the one of the chart would remove them. Compare manually`,
  zh: `${crd} 含有 chart 的 CRD 所没有的字段，属于其他软件；应用 chart 的 CRD 会移除这些字段。请手动比较`,
});
