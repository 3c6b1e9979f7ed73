// Helm never updates what lies in crds/: the definitions of the target have to be applied by hand at every upgrade.
// Sources: the crds/ folders of the charts; §"Upgrade" of docs/usage/upgrade.md; issues 3917, 3994 (no controller does it either, up to 1.2.2).
import type { Chart, Check, Condition, Finding, PointReader, Raw, Ref, Refusal, StepDraft, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { parseResourceName } from '../../../kube/resources.ts';
import { shellWord } from '../../../text/shell.ts';
import { CRD_NAMES, DEFINITION, fieldOf, knowsMore, lacking, storedBeyond, type WantedCrd, wantedByChart, wantedByTable } from '../crds.ts';
import { each } from '../ledger.ts';

const CRD = 'customresourcedefinitions.apiextensions.k8s.io';
const OURS = '.spiderpool.spidernet.io';
const NETWORKS = 'network-attachment-definitions.k8s.cni.cncf.io';
/** The agent reads its fields without asking whether they are there (cmd/spiderpool-agent/cmd/coordinator.go). */
const READ_BLINDLY = 'spidercoordinators.spiderpool.spidernet.io';
/** Of the charts (README of the project). */
const REPOSITORY = 'https://spidernet-io.github.io/spiderpool';
/** More names of fields tell a person nothing. */
const SHOWN = 3;

interface Args {
  crd: string;
  target: string;
  state: 'missing' | 'older' | 'stored';
  /** What it lacks, at most three of them; and how many in all. Of `stored`: the versions. */
  lacks: string[];
  count: number;
  /** Judged by the chart that was given, which the remedy then applies. */
  byChart: boolean;
}

const check: Check<Record<string, never>, Args> = {
  id: 'spiderpool/crds-current',
  title: { en: 'CRDs match the target version', zh: 'CRD 与目标版本一致' },
  headline: { en: 'CRDs are missing or older than the target version', zh: 'CRD 缺失或落后于目标版本' },
  page: {
    impact: {
      en: 'helm upgrade neither installs nor updates CRDs, and up to 1.2.2 no Spiderpool controller does. If a CRD is missing, the new controller does not become ready. If a CRD is outdated, the API server drops fields that the new version writes, and some agents crash on fields without a default (0.9.0).',
      zh: 'helm upgrade 既不安装也不更新 CRD，到 1.2.2 为止 Spiderpool 的控制器也不会。缺少 CRD 时新控制器无法就绪；CRD 过旧时，API 服务器会丢弃新版本写入的字段，个别版本的 agent 还会因字段没有默认值而崩溃（0.9.0）。',
    },
    detection: {
      en: 'Compares the live CRDs with the chart passed with --chart and the charts that it contains, or with tables built from all released charts. Descriptions, and extra fields in the live CRD, are ignored. A CRD that the chart lacks is compared with the tables.',
      zh: '与 --chart 指定的 chart 及其包含的子 chart 比较；未指定时与根据所有已发布 chart 生成的表比较。忽略描述文字，以及现有 CRD 多出的字段。chart 中没有的 CRD 与表比较。',
    },
    fix: {
      en: 'Applies the CRDs of the chart with forced server-side apply (after an install, spec.versions belongs to another field manager). Undo restores the old CRD as long as it still serves every stored version; fields that exist only in the new CRD are then pruned.',
      zh: '以强制的服务器端应用写入 chart 中的 CRD（安装后 spec.versions 属于另一个字段管理器）。只要旧 CRD 仍提供所有已存储的版本就可以撤销，届时仅新 CRD 才有的字段会被清除。',
    },
    limits: {
      en: 'If objects are still stored in a version that the target does not have (0.3.7 and older), the API server rejects the new CRD: export, convert and re-create those objects. CRDs of other software (sriovnetwork.openshift.io) that are newer than the ones of the chart are not touched.',
      zh: '如果仍有对象以目标版本没有的版本存储（0.3.7 及更早），API 服务器会拒绝新 CRD，需导出、转换后重新创建这些对象。属于其他软件（sriovnetwork.openshift.io）且比 chart 新的 CRD 不会改动。',
    },
  },
  sources: [
    'spidernet-io/spiderpool: charts/spiderpool/crds at every tag',
    'spidernet-io/spiderpool: issues 2355, 3119, 3917, 3994; cmd/spiderpool-agent/cmd/coordinator.go@v0.9.0',
    'helm/helm: pkg/action/install.go (installCRDs), pkg/action/upgrade.go',
  ],
  applies: { stage: 'both' },
  needs: ['version'],
  reads: {},
  pointReads: [{ resource: CRD, names: [...CRD_NAMES], columns: DEFINITION }],
  async judge(_rows, { path, chart, look }) {
    const target = path.to ?? path.from;
    if (typeof target !== 'string') return { unknown: NO_VERSION };
    const wanted = chart ? wantedByChart(chart.crds) : wantedByTable(target);
    if (!wanted) return { unknown: NO_TABLE(target) };
    const looked = await each(wanted, async (one) => ({ one, live: await look.get(definition(one.name)) }));
    return looked.flatMap(({ one, live }) => (isGap(live) ? [] : (finding(one, live, target) ?? [])));
  },
  say: ({ crd, target, state, lacks, count }) => ({
    en: {
      missing: `${crd} is missing; ${target} brings it`,
      older: `${crd} is older than that of ${target}; it lacks ${lacks.join(', ')}${count > lacks.length ? ` and ${count - lacks.length} more` : ''}`,
      stored: `objects of ${crd} may be stored as ${lacks.join(', ')}, which ${target} does not have`,
    }[state],
    zh: {
      missing: `缺少 ${crd}，该定义由 ${target} 提供`,
      older: `${crd} 比 ${target} 的旧，缺少 ${lacks.join('、')}${count > lacks.length ? ` 等 ${count} 项` : ''}`,
      stored: `${crd} 的对象可能以 ${lacks.join('、')} 存储，而 ${target} 没有该版本`,
    }[state],
  }),
  remedy: {
    command: withChart,
    writes: [
      { verbs: ['get', 'create', 'patch', 'delete'], group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions' },
      // Undo deletes a definition that it made only when there are no objects of it.
      ...CRD_NAMES.map((name) => ({ verbs: ['list'], ...parseResourceName(name) })),
    ],
    async steps(found, { chart, look }) {
      const stored = found.filter(({ args }) => args.state === 'stored');
      const open = found.filter(({ args }) => args.state !== 'stored');
      if (!chart)
        return [
          ...stored.map(refusedForStored),
          ...(open.length ? [{ refused: give(open), command: withChart(open), objects: open.flatMap(({ objects }) => objects) }] : []),
        ];
      return [...stored.map(refusedForStored), ...(await each(open, (one) => applied(one, chart, look)))];
    },
  },
};
export default check;

const NO_VERSION: Text = { en: 'neither the installed version nor a target is known', zh: '既不知道已安装的版本，也不知道目标版本' };
const NO_TABLE = (target: string): Text => ({
  en: `${target} is no release that this build knows the definitions of; give its chart with --chart`,
  zh: `本工具不了解 ${target} 的定义；请用 --chart 提供其 chart`,
});

const definition = (name: string): Ref => ({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name });

// ---- the finding ----------------------------------------------------------------------------------------------------

function finding(wanted: WantedCrd, live: Raw | undefined, target: string): Finding<Args> | undefined {
  const lacks = live ? lacking(live, wanted).map(fieldOf) : [];
  if (live && !lacks.length) return undefined;
  const stored = live ? storedBeyond(live, wanted) : [];
  const state = !live ? 'missing' : stored.length ? 'stored' : 'older';
  const named = state === 'stored' ? stored : lacks;
  const at = definition(wanted.name);
  return {
    severity: severityOf(wanted.name, state),
    key: [wanted.name, state],
    certainty: 'certain',
    objects: [at],
    args: { crd: wanted.name, target, state, lacks: named.slice(0, SHOWN), count: named.length, byChart: wanted.object !== undefined },
    evidence: [{ seen: EVIDENCE[state](named.slice(0, SHOWN).join(', ')), at }],
  };
}

const EVIDENCE: Record<Args['state'], (names: string) => string | Text> = {
  missing: () => ({ en: 'not found', zh: '未找到' }),
  older: (names) => ({ en: `spec.versions lacks ${names}`, zh: `spec.versions 缺少 ${names}` }),
  stored: (names) => `status.storedVersions: ${names}`,
};

/** What keeps the new version from starting, or makes it fail; what loses settings; what only a part that may not be in use needs. */
function severityOf(crd: string, state: Args['state']): Finding['severity'] {
  if (crd.endsWith(OURS)) return state === 'older' && crd !== READ_BLINDLY ? 'warning' : 'blocker';
  return crd === NETWORKS && state !== 'older' ? 'warning' : 'notice';
}

// ---- the remedy -----------------------------------------------------------------------------------------------------

const give = (found: readonly Finding<Args>[]): Text => {
  const target = found[0]?.args.target ?? '';
  return { en: `give the chart of ${target}`, zh: `请提供 ${target} 的 chart` };
};

/** Gets the chart and repairs with it. */
function withChart(found: readonly Finding<Args>[]): string | undefined {
  const [first] = found.filter(({ args }) => !args.byChart);
  if (!first) return undefined;
  const version = shellWord(first.args.target);
  return `helm pull spiderpool --repo ${REPOSITORY} --version ${version} && {tool} fix ${check.id}{again} --chart spiderpool-${version}.tgz`;
}

const refusedForStored = ({ args, objects }: Finding<Args>): Refusal => ({
  refused: {
    en: `status.storedVersions of ${args.crd} names ${args.lacks.join(', ')}, which ${args.target} does not have, and there is no conversion: stop Spiderpool, export its objects, convert them, and make them anew under the new definition`,
    zh: `${args.crd} 的 status.storedVersions 含有 ${args.lacks.join('、')}，而 ${args.target} 没有该版本，也没有转换方式：请停止 Spiderpool，导出并转换其对象，再在新的定义下重建`,
  },
  objects,
});

async function applied({ args, objects }: Finding<Args>, chart: Chart, look: PointReader): Promise<StepDraft | Refusal> {
  const [on] = objects as [Ref];
  const wanted = wantedByChart(chart.crds).find(({ name }) => name === args.crd);
  const live = await look.get(on);
  if (!wanted?.object || isGap(live))
    return { refused: { en: `${args.crd} could not be read again`, zh: `无法再次读取 ${args.crd}` }, objects };
  if (live && !args.crd.endsWith(OURS) && knowsMore(live, wanted.object)) return { refused: FOREIGN(args.crd), objects };
  const { status: _, ...object } = wanted.object;
  return {
    do: 'apply',
    object,
    guard: [live ? unmoved(on, live) : { on, must: 'be-gone' }],
    text: {
      en: `${live ? 'update' : 'create'} CustomResourceDefinition ${args.crd} as in chart ${chart.version}`,
      zh: `按 chart ${chart.version} ${live ? '更新' : '创建'} CustomResourceDefinition ${args.crd}`,
    },
    undo: 'exact',
    undoNote: live
      ? { en: 'fields that only the new definition knows are pruned then', zh: '撤销后，只有新定义才有的字段会被清除' }
      : { en: 'only as long as it has no objects', zh: '仅限其下没有对象时' },
  };
}

/** Still that definition, with the same stored versions. */
function unmoved(on: Ref, live: Raw): Condition {
  const { status } = live as { status?: { storedVersions?: string[] } };
  return { on, must: status?.storedVersions ? [{ path: '/status/storedVersions', is: status.storedVersions }] : 'exist' };
}

const FOREIGN = (crd: string): Text => ({
  en: `${crd} knows more than the chart does: another software owns it, and the chart's would take fields away; compare by hand`,
  zh: `${crd} 比 chart 中的定义更完整：它属于其他软件，应用 chart 的定义会去掉字段；请手动比较`,
});
