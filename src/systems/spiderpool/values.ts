// What Spiderpool's charts are known to have as values: the tables of knowledge/values.json by version, and facts of renamed, ignored and vital keys.

import { type Spans, within } from '../../chart/spans.ts';
import { isAbsent, type KnownValues, type ValueFacts } from '../../chart/values.ts';
import type { Json, Raw } from '../../engine/contracts.ts';
import { leavesOf, pathOf, valueAt, written } from '../../helm/keys.ts';
import { deepEqual } from '../../kube/json.ts';
import { satisfies } from '../../versions/chart.ts';
import facts from './knowledge/renames.json' with { type: 'json' };
import table from './knowledge/values.json' with { type: 'json' };

/** Without the map, rendering fails at the expression. */
interface Need {
  map: string[];
  at: string;
}

const VERSIONS: readonly string[] = table.versions;
const DEFAULTS = Object.entries(table.defaults as Record<string, Record<string, Spans>>).map(([key, values]) => ({
  path: pathOf(key),
  values,
}));
const UNREAD = table.unread as Record<string, Spans>;
const READ = table.read as Record<string, Spans>;

/** undefined: the table does not know that version. */
export function valuesByTable(version: string): KnownValues | undefined {
  const at = VERSIONS.indexOf(version);
  if (at < 0) return undefined;
  const defaults: Raw = {};
  for (const { path, values } of DEFAULTS) {
    const value = Object.entries(values).find(([, spans]) => within(spans, at, VERSIONS))?.[0];
    if (value !== undefined) put(defaults, path, JSON.parse(value) as Json);
  }
  const isIn = (spans: Spans | undefined) => spans !== undefined && within(spans, at, VERSIONS);
  const leaves = leavesOf(defaults).map(({ path }) => path);
  const named = Object.keys(READ).filter((key) => isIn(READ[key]));
  return { version, defaults, facts: FACTS, read: [...leaves.filter((path) => !isIn(UNREAD[written(path)])), ...named.map(pathOf)] };
}

function put(into: Raw, [name = '', ...rest]: readonly string[], value: Json): void {
  if (!rest.length) {
    into[name] = value;
    return;
  }
  const inner = into[name] ?? {};
  into[name] = inner;
  put(inner as Raw, rest, value);
}

/**
 * The keys at which a version would stop rendering with these values, in helm's order: the maps around them are missing. Helm itself names the first alone.
 * undefined: the table does not know that chart, or this is another chart of its version.
 */
function missingFor({ version, defaults }: Pick<KnownValues, 'version' | 'defaults'>, all: Raw): string[] | undefined {
  const known = valuesByTable(version);
  if (!known || !deepEqual(known.defaults, defaults)) return undefined;
  const at = VERSIONS.indexOf(version);
  const needs = table.needs.find((each) => within(each.in, at, VERSIONS))!.missing.map(needOf);
  return [...new Set(needs.filter(({ map }) => isAbsent(valueAt(all, map))).map((need) => need.at))];
}

function needOf(text: string): Need {
  const [map = '', at = ''] = text.split(' ');
  return { map: pathOf(map), at };
}

const IGNORED = facts.ignored.keys as Record<string, string>;

export const FACTS: ValueFacts = {
  renames: facts.renames.flatMap(({ from, to }) => to.map((each) => ({ from: pathOf(from), to: pathOf(each) }))),
  otherForm: Object.entries(facts.otherForm).map(([from, to]) => ({ from: pathOf(from), to: pathOf(to) })),
  ignored: (path, version) => {
    const instead = IGNORED[written(path)];
    return instead && satisfies(version, `>=${facts.ignored.from}`) ? pathOf(instead) : undefined;
  },
  watched: facts.watched.keys,
  // An old image of Multus is the matter of spiderpool/multus-image-tag.
  breaks: (key, kept) => facts.vital.keys.includes(key) && isAbsent(kept),
  missing: missingFor,
};
