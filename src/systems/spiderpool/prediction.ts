// What values the target will get by the upgrade that is meant, and whether it renders with them: by helm where a chart was given and helm is there, else by the table.
import type { Gap, Raw, Rendering, Situation, Text } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { isVast, MOST_KEYS } from '../../helm/keys.ts';
import { textsOf, withoutTexts } from '../../helm/texts.ts';
import { insteadOf, rulesOf, type Upgraded, upgraded } from '../../helm/values.ts';
import { oneLine } from '../../text/sanitise.ts';
import { type Current, currentRelease } from './release.ts';
import { type KnownValues, missingFor, valuesByChart, valuesByTable } from './values.ts';

/** Where no helm is at hand; the newest rules that we know. */
const ANY_HELM = '4.2.0';

export interface Prediction extends Current {
  target: KnownValues;
  /** The chart that the release's settings were made for. */
  old: KnownValues;
  upgrade: Upgraded;
  /** What the templates see today. */
  today: Raw;
}

export async function predicted(
  rows: Parameters<typeof currentRelease>[0],
  at: Situation,
): Promise<Prediction | Gap | { unknown: Text } | { notApplicable: Text }> {
  const { path, chart, intent, helm } = at;
  if (!path.installation.byHelm) return { notApplicable: NO_HELM };
  const target = chart ? valuesByChart(chart) : valuesByTable(path.to ?? '');
  if (!target) return { unknown: noTable(path.to ?? '') };
  const current = await currentRelease(rows, at);
  if (isGap(current) || 'unknown' in current) return current;
  const { chart: its, config } = current.release;
  if (isVast(config) || isVast(its.values) || its.read.length > MOST_KEYS) return { unknown: VAST };
  const old = valuesByChart(its);
  const rules = rulesOf(helm?.version ?? ANY_HELM);
  const upgrade = upgraded(target.defaults, intent ?? { given: {} }, { defaults: old.defaults, config }, rules);
  return { ...current, target, old, upgrade, today: upgraded(old.defaults, { given: config }, undefined, rules).all };
}

/** `keys`: where it fails, the first first; empty where helm names none. undefined: it renders. */
export async function failing(
  { target, old, release, upgrade: { all, config } }: Prediction,
  { intent, helm }: Situation,
): Promise<{ keys: string[]; said?: string } | { unknown: Text } | undefined> {
  const known = missingFor(target, all);
  if (!helm) return known ? (known.length ? { keys: known } : undefined) : { unknown: NEEDS_HELM };
  const rendering: Rendering = await helm.render(intent?.reuse === 'reuse' ? insteadOf(target.defaults, all) : config);
  if (rendering.is === 'rendered') return undefined;
  if (rendering.is === 'unknown') return { unknown: rendering.why };
  const { key } = rendering;
  // Templates and schemas quote what they refuse; the charts' own words are no secret.
  const own = textsOf([target.defaults, old.defaults]);
  const theirs = [...textsOf([release.config, config])].filter((text) => !own.has(text));
  const said = oneLine(withoutTexts(rendering.said, theirs), MOST_SAID);
  return { keys: [...new Set([...(key ? [key] : []), ...(known ?? [])])], said };
}

/** Characters. */
const MOST_SAID = 300;
const VAST: Text = {
  en: `the release record has more than ${MOST_KEYS} values; too many to look through`,
  zh: `release 记录中的值超过 ${MOST_KEYS} 个，无法逐一检查`,
};
const NO_HELM: Text = { en: 'not installed by Helm', zh: '不是由 Helm 安装的' };
const NEEDS_HELM: Text = {
  en: 'this chart is none of those that this build knows: whether it renders can only be said by helm, and there is none on PATH (or in HELM_BIN)',
  zh: '该 chart 不在本工具已知的范围内，能否渲染只能由 helm 判断，而 PATH（或 HELM_BIN）中没有 helm',
};
const noTable = (target: string): Text => ({
  en: `${target} is no release that this build knows the values of; give its chart with --chart`,
  zh: `本工具不了解 ${target} 的 values；请用 --chart 提供其 chart`,
});
