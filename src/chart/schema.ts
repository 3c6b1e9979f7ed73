// What the closed values.schema.json of a target chart refuses of the values that an upgrade will carry over: helm validates before it renders, and stops.
// Source: helm pkg/chartutil/jsonschema.go (ValidateAgainstSchema) validates what the templates would see.

import type { Situation, Text } from '../engine/contracts.ts';
import { isGap } from '../engine/gaps.ts';
import { isVast } from '../helm/keys.ts';
import { rulesOf, upgraded } from '../helm/values.ts';
import type { ChartFacts } from './facts.ts';
import { intendedOf } from './intended.ts';
import { type Current, currentRelease, type ReleaseRows } from './release.ts';

/** undefined: nothing is known of a schema; `record`: of the release. A key that is missing is the matter of --reuse-values alone: else the chart's own defaults have it. */
export async function refusedValues(
  facts: ChartFacts,
  rows: ReleaseRows,
  at: Situation,
  why: 'unknown' | 'required' = 'unknown',
): Promise<{ paths: string[][]; record: Current } | { unknown: Text } | undefined> {
  const { path } = at;
  const { intent, helm } = intendedOf(at);
  if (!facts.refused || !path.installation.byHelm || !path.to) return undefined;
  const record = await currentRelease(rows, at);
  if (isGap(record)) return undefined;
  if ('unknown' in record) return record;
  const { chart, config } = record.release;
  if (chart.name !== facts.chart || isVast(config) || isVast(chart.values)) return undefined;
  const reuses = intent?.reuse === 'reuse';
  const before = { defaults: chart.values, config };
  const { config: carried, all } = upgraded({}, intent ?? { given: {} }, before, rulesOf(helm?.version ?? '4.2.0'));
  const refused = facts.refused(path.to, reuses ? all : carried, reuses);
  return refused && { record, paths: refused.filter((each) => each.why === why).map((each) => each.path) };
}
