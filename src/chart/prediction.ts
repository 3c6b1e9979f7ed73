// What values the target will get by the upgrade that is meant, and whether it renders with them: by helm where a chart was given and helm is there, else by the table.
// Where another chart wraps that of the system, its values lie below the name or alias of the dependency (helm pkg/chartutil/dependencies.go), and are judged there.

import type { Gap, Raw, Situation, Text } from '../engine/contracts.ts';
import { isGap } from '../engine/gaps.ts';
import type { Chart, Intent, Rendering } from '../helm/contracts.ts';
import { isVast, MOST_KEYS, valueAt } from '../helm/keys.ts';
import { textsOf, withoutTexts } from '../helm/texts.ts';
import { insteadOf, mergeMaps, rulesOf, type Upgraded, upgraded } from '../helm/values.ts';
import { isRaw } from '../kube/json.ts';
import { oneLine } from '../text/sanitise.ts';
import type { ChartFacts } from './facts.ts';
import { intendedOf } from './intended.ts';
import { type Current, currentRelease, type ReleaseRows } from './release.ts';
import { type KnownValues, valuesByChart } from './values.ts';

/** Where no helm is at hand; the newest rules that we know. */
const ANY_HELM = '4.2.0';

export interface Prediction extends Current {
  target: KnownValues;
  /** The chart that the release's values were made for. */
  old: KnownValues;
  /** Below `scope`. */
  upgrade: Upgraded;
  /** The same of the whole release, as helm gets it. */
  whole: Upgraded;
  /** What the templates see today. */
  today: Raw;
  /** The user's values, and what was given with the upgrade; below `scope`. */
  config: Raw;
  given: Raw;
  /** Where the values of the system's own chart lie among those of the release. */
  scope: string[];
}

export async function predicted(
  facts: ChartFacts,
  rows: ReleaseRows,
  at: Situation,
): Promise<Prediction | Gap | { unknown: Text } | { notApplicable: Text }> {
  const { path } = at;
  const { chart, intent, helm } = intendedOf(at);
  if (!path.installation.byHelm) return { notApplicable: NO_HELM };
  const current = await currentRelease(rows, at);
  if (isGap(current) || 'unknown' in current) return current;
  const { chart: its, config } = current.release;
  if (isVast(config) || isVast(its.values) || its.read.length > MOST_KEYS) return { unknown: VAST };
  const scope = scopeOf(facts, its);
  if (!scope) return { unknown: otherChart(its.name, facts.chart) };
  const target = targetOf(facts, chart, scope, path.to ?? '');
  if (!target) return { unknown: noTable(path.to ?? '') };
  const old = scope.length ? wrapped(facts, its, scope) : valuesByChart(its, facts.facts);
  if (!old) return { unknown: noTable(dependencyOf(facts, its)?.version ?? '') };
  const rules = rulesOf(helm?.version ?? ANY_HELM);
  const asked = intent ?? { given: {} };
  const before = { defaults: old.defaults, config: below(config, scope) };
  const given = below(asked.given, scope);
  // A flag without a key of the system still makes helm drop the old values.
  const scoped: Intent = { ...asked, given, reuse: asked.reuse ?? (Object.keys(asked.given).length ? 'reset' : undefined) };
  const upgrade = upgraded(target.defaults, scoped, before, rules);
  const whole = scope.length ? upgraded(chart?.values ?? its.values, asked, { defaults: its.values, config }, rules) : upgrade;
  const today = upgraded(old.defaults, { given: before.config }, undefined, rules).all;
  return { ...current, target, old, upgrade, whole, today, config: before.config, given, scope };
}

type Its = Current['release']['chart'];
type Named = Pick<Chart, 'name' | 'dependencies'>;
const dependencyOf = ({ chart }: Pick<ChartFacts, 'chart'>, { dependencies = [] }: Named) =>
  dependencies.find(({ name }) => name === chart);

/** [] for the system's own chart; undefined: neither that nor one that depends on it. */
export function scopeOf(facts: Pick<ChartFacts, 'chart'>, its: Named): string[] | undefined {
  const dependency = dependencyOf(facts, its);
  if (dependency) return [dependency.alias ?? dependency.name];
  return its.name === facts.chart ? [] : undefined;
}

function targetOf(facts: ChartFacts, chart: Chart | undefined, scope: readonly string[], to: string): KnownValues | undefined {
  if (!chart) return facts.values?.(to);
  const part = chart.parts?.find(({ name }) => name === facts.chart);
  if (!scopeOf(facts, chart)?.length) return valuesByChart(chart, facts.facts);
  const known = part ? valuesByChart(part, facts.facts) : facts.values?.(dependencyOf(facts, chart)?.version ?? to);
  return known && { ...known, defaults: mergeMaps(known.defaults, below(chart.values, scope)) };
}

/** A record does not hold the charts that its own depends on. */
function wrapped(facts: ChartFacts, its: Its, scope: readonly string[]): KnownValues | undefined {
  const known = facts.values?.(dependencyOf(facts, its)?.version ?? '');
  return known && { ...known, defaults: mergeMaps(known.defaults, below(its.values, scope)) };
}

/** What a chart that others depend on gets: what lies below its name, and `global`. */
function below(values: Raw, scope: readonly string[]): Raw {
  if (!scope.length) return values;
  const own = valueAt(values, scope);
  const mine = isRaw(own) ? own : {};
  return isRaw(values.global) ? mergeMaps({ global: values.global }, mine) : mine;
}

/** `keys`: where it fails, the first first; empty where helm names none. undefined: it renders. */
export async function failing(
  { target, old, release, upgrade: { all }, whole, scope }: Prediction,
  at: Situation,
): Promise<{ keys: string[]; said?: string } | { unknown: Text } | undefined> {
  const { intent, helm } = intendedOf(at);
  const known = target.facts.missing(target, all);
  if (!helm) return known ? (known.length ? { keys: known } : undefined) : { unknown: NEEDS_HELM };
  const reuses = intent?.reuse === 'reuse' && !scope.length;
  const rendering: Rendering = await helm.render(reuses ? insteadOf(target.defaults, all) : whole.config);
  if (rendering.is === 'rendered') return undefined;
  if (rendering.is === 'unknown') return { unknown: rendering.why };
  const { key } = rendering;
  // Templates and schemas quote what they refuse; the charts' own words are not secret.
  const own = textsOf([target.defaults, old.defaults]);
  const theirs = [...textsOf([release.config, whole.config])].filter((text) => !own.has(text));
  const said = oneLine(withoutTexts(rendering.said, theirs), MOST_SAID);
  return { keys: [...new Set([...(key ? [key] : []), ...(known ?? [])])], said };
}

/** Characters. */
const MOST_SAID = 300;
const VAST: Text = {
  en: `the release record has more than ${MOST_KEYS} values, which is too many to check`,
  zh: `release 记录中的值超过 ${MOST_KEYS} 个，无法逐一检查`,
};
const NO_HELM: Text = { en: 'not installed by Helm', zh: '不是由 Helm 安装的' };
const NEEDS_HELM: Text = {
  en: 'unknown chart: only helm can tell whether it renders, and helm was not found on PATH or in HELM_BIN',
  zh: '未知的 chart：能否渲染只能由 helm 判断，而 PATH 和 HELM_BIN 中都没有 helm',
};
const otherChart = (name: string, chart: string): Text => ({
  en: `the release is of chart ${oneLine(name, 60)}, which is neither ${chart} nor depends on it; its values cannot be judged`,
  zh: `release 的 chart 是 ${oneLine(name, 60)}，它既不是 ${chart} 也不依赖 ${chart}，无法判断其 values`,
});
const noTable = (target: string): Text => ({
  en: `no values data for ${target} in this version of upgrade-guard; pass its chart with --chart`,
  zh: `当前版本的 upgrade-guard 没有 ${target} 的 values 数据；请用 --chart 指定该版本的 chart`,
});
