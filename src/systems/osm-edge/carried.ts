// The user's values that an upgrade carries over, as helm lays them: from the release record, --values, --set and the reuse flags. They are compared, and shown only where they cannot be secret.
import { intendedOf } from '../../chart/intended.ts';
import { currentRelease, type ReleaseRows } from '../../chart/release.ts';
import type { Gap, Json, Raw, Ref, Situation, Text } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { isVast, pathOf, valueAt } from '../../helm/keys.ts';
import type { Release } from '../../helm/release.ts';
import { coalesce, rulesOf, upgraded } from '../../helm/values.ts';
import { redactMarked } from '../../text/redact.ts';
import { CHART } from './chart.ts';

/** Where no helm is at hand; the newest rules that we know. */
const ANY_HELM = '4.2.0';

export interface Carried {
  /** What the release will hold as the user's values. */
  config: Raw;
  /** Of it, what was given with the upgrade. */
  given: Raw;
  /** What the templates see today. */
  today: Raw;
  release: Release;
  /** Its record. */
  record: Ref;
}

/** A Gap: there is a record that cannot be seen. */
export async function carriedValues(
  rows: ReleaseRows,
  at: Situation,
): Promise<Carried | Gap | { unknown: Text } | { notApplicable: Text }> {
  if (!at.path.installation.byHelm) return { notApplicable: { en: 'not installed by Helm', zh: '不是由 Helm 安装的' } };
  const current = await currentRelease(rows, at);
  if (isGap(current) || 'unknown' in current) return current;
  const { chart, config } = current.release;
  if (isVast(config) || isVast(chart.values)) return { unknown: VAST };
  const { intent, helm } = intendedOf(at);
  const rules = rulesOf(helm?.version ?? ANY_HELM);
  const before = { defaults: chart.values, config };
  const carried = upgraded({}, intent ?? { given: {} }, before, rules).config;
  return {
    config: carried,
    given: intent?.given ?? {},
    today: coalesce(chart.values, config, rules),
    release: current.release,
    record: current.at,
  };
}

const VAST: Text = { en: 'the release record has too many values to check', zh: 'release 记录中的值过多，无法逐一检查' };

/** A value that is the same live and in a snapshot: a text of the release stays there only where its chart has a text or a number. undefined: nothing, or no one can tell. */
export function knownAt({ config, release, given }: Carried, key: string): Json | undefined {
  const value = at(config, key);
  if (typeof value !== 'string' || at(given, key) !== undefined) return value;
  const ofChart = at(release.chart.values, key);
  return typeof ofChart === 'string' || typeof ofChart === 'number' ? value : undefined;
}

/** `osm.image.tag`. */
export const at = (values: Raw, key: string): Json | undefined => valueAt(values, pathOf(key));
export const textAt = (values: Raw, key: string): string | undefined => {
  const value = at(values, key);
  return typeof value === 'string' ? value : undefined;
};

/** The release is of the system's own chart; another that wraps it has its values elsewhere. */
export const isOwnChart = ({ release }: Carried): boolean => release.chart.name === CHART.chart;

export const shownValue = (value: Json | undefined): string => {
  const text = value === undefined ? '' : redactMarked(typeof value === 'string' && value !== '' ? value : JSON.stringify(value));
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
};
