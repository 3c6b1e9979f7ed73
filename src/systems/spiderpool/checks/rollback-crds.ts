// What a rollback of this upgrade would lose: helm brings no CustomResourceDefinition back, and where the old ones do come back, fields that only the new ones know go.
// Sources: helm/helm pkg/action/rollback.go (crds/ is not part of a release); charts/spiderpool/crds at every tag; cmd/spiderpool-agent/cmd/coordinator.go.
import type { Check, Finding, Ref, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { compare } from '../../../versions/chart.ts';
import { CRD_NAMES, DEFINITION, fieldsBetween, wantedByChart, wantedByTable } from '../crds.ts';
import versions from '../knowledge/versions.json' with { type: 'json' };
import { each } from '../ledger.ts';
import { readBlindlyBy } from '../repairs.ts';

const CRD = 'customresourcedefinitions.apiextensions.k8s.io';
const OURS = CRD_NAMES.filter((name) => name.endsWith('.spiderpool.spidernet.io'));
const COORDINATORS = 'spidercoordinators.spiderpool.spidernet.io';
/** More names of fields tell a person nothing. */
const SHOWN = 3;

interface Args {
  /** `agents`: the old agents fail over what the new definitions drop. `fields`: what the new ones bring. */
  what: 'agents' | 'fields';
  from: string;
  target: string;
  fields: string[];
  count: number;
}

const check: Check<Record<string, never>, Args> = {
  id: 'spiderpool/rollback-crds',
  title: { en: 'a rollback would lose nothing', zh: '回滚不会丢失任何内容' },
  headline: { en: 'a rollback would not bring everything back', zh: '回滚无法恢复全部内容' },
  page: {
    impact: {
      en: 'helm rollback puts back what the chart rendered, and no CustomResourceDefinition. Under the definitions of 1.0.0 and later, SpiderCoordinators lose detectIPConflict, detectGateway and hostRPFilter, and agents up to 0.8.9 and of 0.9.0 – 0.9.8 panic without them: after a rollback to such a version the old definitions must be applied again and the fields set again. The undo of this tool brings the definitions back as well; then fields that only the new ones know, and that were written meanwhile, are dropped. Compared are the live definitions with those of the target, from its chart or from tables.',
      zh: 'helm rollback 会恢复 chart 渲染的内容，但不会恢复任何 CustomResourceDefinition。在 1.0.0 及之后的定义下，SpiderCoordinator 会失去 detectIPConflict、detectGateway 和 hostRPFilter，而 0.8.9 及更早版本以及 0.9.0 – 0.9.8 的 spiderpool-agent 缺少这些字段会崩溃：回滚到这些版本后，必须重新应用旧的定义并重新设置这些字段。本工具的撤销会同时恢复定义；此时，只有新定义才有且其间已写入的字段会被丢弃。本检查将现有的定义与目标版本的定义（来自其 chart 或表）进行比较。',
    },
  },
  sources: [
    'helm/helm: pkg/action/rollback.go, pkg/action/install.go (installCRDs)',
    'spidernet-io/spiderpool: charts/spiderpool/crds at every tag',
    `spidernet-io/spiderpool: ${versions.readBlindly.source}`,
  ],
  applies: { from: `>=${versions.storedAnew.since}`, stage: 'before' },
  needs: ['target'],
  reads: {},
  pointReads: [{ resource: CRD, names: [...OURS], columns: DEFINITION }],
  async judge(_rows, { path: { from, to: target = '' }, chart, look }) {
    if (typeof from !== 'string') return { unknown: NO_VERSION };
    if (compare(from, target) === 0) return { notApplicable: THERE };
    const wanted = (chart ? wantedByChart(chart.crds) : wantedByTable(target))?.filter(({ name }) => OURS.includes(name));
    if (!wanted) return { unknown: NO_TABLE(target) };
    const looked = await each(wanted, async (one) => {
      const live = await look.get(definition(one.name));
      return live && !isGap(live) ? { name: one.name, ...fieldsBetween(live, one) } : { name: one.name, brings: [], drops: [] };
    });
    const missed = readBlindlyBy(from).filter((field) =>
      looked.some(({ name, drops }) => name === COORDINATORS && drops.includes(`spec.${field}`)),
    );
    const bringing = looked.filter(({ brings }) => brings.length);
    const common = { from, target };
    return [
      ...(missed.length ? [finding('warning', [COORDINATORS], { ...common, what: 'agents', fields: missed, count: missed.length })] : []),
      ...(bringing.length
        ? [
            finding(
              'notice',
              bringing.map(({ name }) => name),
              { ...common, what: 'fields', ...some(bringing.flatMap(({ brings }) => brings)) },
            ),
          ]
        : []),
    ];
  },
  say: ({ what, from, target, fields, count }) => ({
    en:
      what === 'agents'
        ? `after a helm rollback agents of ${from} fail: the definitions of ${target} drop ${fields.join(', ')} and stay; apply those of ${from} again, and set the fields`
        : `${target} brings ${fields.join(', ')}${more(fields.length, count).en}; what is written there meanwhile is lost with the definitions of ${from}`,
    zh:
      what === 'agents'
        ? `helm rollback 之后 ${from} 的 spiderpool-agent 会出错：${target} 的定义丢弃了 ${fields.join('、')} 且不会恢复；需重新应用 ${from} 的定义并设置这些字段`
        : `${target} 带来了 ${fields.join('、')}${more(fields.length, count).zh}；恢复 ${from} 的定义后，其间写入的内容会丢失`,
  }),
};
export default check;

const THERE: Text = { en: 'that is what is installed', zh: '目标就是已安装的版本' };
const NO_VERSION: Text = { en: 'the installed version is not known', zh: '已安装的版本未知' };
const NO_TABLE = (target: string): Text => ({
  en: `${target} is no release that this build knows the definitions of; give its chart with --chart`,
  zh: `本工具不了解 ${target} 的定义；请用 --chart 提供其 chart`,
});
const more = (named: number, count: number): Text =>
  count > named ? { en: ` and ${count - named} more`, zh: ` 等 ${count} 个` } : { en: '', zh: '' };
const some = (all: readonly string[]): { fields: string[]; count: number } => ({ fields: all.slice(0, SHOWN), count: all.length });

const definition = (name: string): Ref => ({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name });

function finding(severity: 'warning' | 'notice', crds: readonly string[], args: Args): Finding<Args> {
  return {
    severity,
    key: [args.what],
    certainty: 'certain',
    objects: crds.map(definition),
    args,
    evidence: [{ seen: `${args.target}: ${args.fields.join(', ')}`, at: definition(crds[0]!) }],
  };
}
