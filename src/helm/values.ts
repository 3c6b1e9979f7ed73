// What values helm gives to a chart: its rules of merging, and what each way of upgrading makes of the old release's values. Pure.
// Sources: helm/helm pkg/chart/common/util/coalesce.go (helm 3: pkg/chartutil), pkg/action/upgrade.go (reuseValues), pkg/cli/values/options.go (MergeValues).
// Subcharts are not looked into: what a chart's dependencies bring is helm's business.
import type { Json, Raw, ValueSetting } from '../engine/contracts.ts';
import { isRaw } from '../kube/json.ts';
import { satisfies } from '../versions/chart.ts';
import { valueAt } from './keys.ts';

/** Where helms differ. */
export interface Rules {
  /**
   * Which nulls of the user go away together with their key, below the top level of the values. `known`: those over a key of the chart.
   * `every`: all. `filled`: those over a key of the chart that has a value; the others stay null. On the top level it is `known` with every helm.
   */
  nulls: 'known' | 'every' | 'filled';
  /** Whether a null in the chart's own values counts as a value. */
  chartNulls: boolean;
  /** Which documents of a file count: helm 3 reads the first and stops, helm 4 lays them over one another (pkg/chart/v2/loader/load.go, LoadValues). */
  documents: 'first' | 'all';
}

/** By the version of helm; coalesce.go at the tags that end each range. */
export function rulesOf(version: string): Rules {
  const isIn = (range: string) => satisfies(version, range);
  return {
    nulls: isIn('<3.20.0-0') ? 'known' : isIn('3.20.0 || >=4.0.0-0 <4.1.3') ? 'every' : 'filled',
    chartNulls: isIn('<4.2.0-0'),
    documents: isIn('<4.0.0-0') ? 'first' : 'all',
  };
}

/** The later of two files of values lies over the earlier one: maps merge, everything else is replaced, null included. */
export function mergeMaps(below: Raw, above: Raw): Raw {
  const merged = Object.entries(above).map(([key, value]): [string, Json] => {
    const under = own(below, key);
    return [key, isRaw(value) && isRaw(under) ? mergeMaps(under, value) : value];
  });
  return { ...below, ...Object.fromEntries(merged) };
}

/** What a chart with these default values is rendered with: null takes a default away, a list replaces, maps merge. */
export function coalesce(defaults: Raw, given: Raw, rules: Rules): Raw {
  const chart = rules.chartNulls ? defaults : withoutNulls(defaults);
  const kept = Object.entries(given).flatMap(([key, value]): [string, Json][] => {
    if (value === null && Object.hasOwn(defaults, key)) return [];
    const under = own(chart, key);
    return [[key, isRaw(value) && isRaw(under) ? overlaid(under, value, rules) : value]];
  });
  return fromEntries([...Object.entries(chart).filter(([key]) => !Object.hasOwn(given, key)), ...kept]);
}

/** One map of values over another: below the top level, and where old user values lie under new ones. */
function overlaid(below: Raw, above: Raw, rules: Rules): Raw {
  const kept = Object.entries(above).flatMap(([key, value]): [string, Json][] => {
    const under = own(below, key);
    if (value === null && goes(under, rules)) return [];
    return [[key, isRaw(value) && isRaw(under) ? overlaid(under, value, rules) : value]];
  });
  return fromEntries([...Object.entries(below).filter(([key]) => !Object.hasOwn(above, key)), ...kept]);
}

function goes(under: Json | undefined, { nulls }: Rules): boolean {
  return nulls === 'every' || (nulls === 'known' ? under !== undefined : under !== undefined && under !== null);
}

function withoutNulls(values: Raw): Raw {
  return fromEntries(
    Object.entries(values)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [key, isRaw(value) ? withoutNulls(value) : value]),
  );
}

/** Own keys only, also for a key called __proto__. */
const fromEntries = (entries: readonly (readonly [string, Json])[]): Raw => Object.fromEntries(entries);
const own = (map: Raw, key: string): Json | undefined => (Object.hasOwn(map, key) ? map[key] : undefined);

/** One value laid into a map of values; null takes the key away. */
export function withValue(values: Raw, [name = '', ...below]: readonly string[], value: Json): Raw {
  const under = own(values, name);
  const rest = Object.entries(values).filter(([key]) => key !== name);
  if (!below.length) return fromEntries(value === null ? rest : [...rest, [name, value]]);
  if (value === null && !isRaw(under)) return values;
  return fromEntries([...rest, [name, withValue(isRaw(under) ? under : {}, below, value)]]);
}

/** The settings in their order; what is moved is laid over what stands under the new name. */
export const withSettings = (values: Raw, settings: readonly ValueSetting[]): Raw =>
  settings.reduce((below, setting) => {
    if ('value' in setting) return withValue(below, setting.path, setting.value);
    const value = valueAt(below, setting.movedFrom);
    const left = withValue(below, setting.movedFrom, null);
    const to = [setting.path, ...(setting.also ?? [])];
    return value === undefined ? left : to.reduce((moved, path) => withValue(moved, path, value), left);
  }, values);

// ---- upgrading ------------------------------------------------------------------------------------------------------

export interface Upgraded {
  /** What the release will hold as the user's values. */
  config: Raw;
  /** What takes the place of the chart's own default values. */
  defaults: Raw;
  /** What the templates see as .Values. */
  all: Raw;
}

/**
 * What `helm upgrade` makes of the target's defaults, the values given with it, and the release's own. `reuse`: the old defaults take the place of the
 * new ones. `reset-then-reuse`: the new defaults, the old user's values, then what is given. `reset`: nothing old. None of them: the old user's values
 * where none at all are given, otherwise nothing old.
 */
export function upgraded(
  target: Raw,
  { given, reuse }: { given: Raw; reuse?: 'reuse' | 'reset' | 'reset-then-reuse' },
  old: { defaults: Raw; config: Raw } | undefined,
  rules: Rules,
): Upgraded {
  const defaults = old && reuse === 'reuse' ? coalesce(old.defaults, old.config, rules) : target;
  const config =
    old && (reuse === 'reuse' || reuse === 'reset-then-reuse')
      ? overlaid(old.config, given, rules)
      : old && reuse === undefined && !Object.keys(given).length
        ? old.config
        : given;
  return { config, defaults, all: coalesce(defaults, config, rules) };
}

/**
 * Values as text for `helm --values -`. It ends in a newline: Helm 4 loses a last line without one whose length is a multiple of 4096 bytes
 * (seen with 4.1.4 and 4.2.3), which here is all of the values, and goes on with the defaults of the chart.
 */
export const valuesInput = (values: Json): string => `${JSON.stringify(values)}\n`;

/** Values to give to a chart with these defaults so that its templates see exactly `all`: what is too much is taken away with null. */
export function insteadOf(defaults: Raw, all: Raw): Raw {
  const gone = Object.keys(defaults).filter((key) => !Object.hasOwn(all, key));
  const kept = Object.entries(all).map(([key, value]): [string, Json] => {
    const under = own(defaults, key);
    return [key, isRaw(value) && isRaw(under) ? insteadOf(under, value) : value];
  });
  return fromEntries([...gone.map((key) => [key, null] as const), ...kept]);
}
