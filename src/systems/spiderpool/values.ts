// What Spiderpool's charts are known to have as values: the tables of knowledge/values.json by version, and facts of renamed, ignored and vital keys.

import { type Spans, within } from '../../chart/spans.ts';
import { isAbsent, type KnownValues, type ValueFacts } from '../../chart/values.ts';
import type { Json, Raw, Text } from '../../engine/contracts.ts';
import { derived } from '../../engine/knowledge.ts';
import { leavesOf, pathOf, valueAt, written } from '../../helm/keys.ts';
import { deepEqual } from '../../kube/json.ts';
import { satisfies } from '../../versions/chart.ts';
import { renames, values } from './knowledge/tables.ts';

/** Without the map, rendering fails at the expression. */
interface Need {
  map: string[];
  at: string;
}

const defaultsByPath = derived(values, ({ defaults }) => Object.entries(defaults).map(([key, values]) => ({ path: pathOf(key), values })));

/** undefined: the table does not know that version. */
export function valuesByTable(version: string): KnownValues | undefined {
  const { versions, read, unread } = values();
  const at = versions.indexOf(version);
  if (at < 0) return undefined;
  const defaults: Raw = {};
  for (const { path, values } of defaultsByPath()) {
    const value = Object.entries(values).find(([, spans]) => within(spans, at, versions))?.[0];
    if (value !== undefined) put(defaults, path, JSON.parse(value) as Json);
  }
  const isIn = (spans: Spans | undefined) => spans !== undefined && within(spans, at, versions);
  const leaves = leavesOf(defaults).map(({ path }) => path);
  const named = Object.keys(read).filter((key) => isIn(read[key]));
  return { version, defaults, facts: FACTS, read: [...leaves.filter((path) => !isIn(unread[written(path)])), ...named.map(pathOf)] };
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
  const { versions, needs: spans } = values();
  const at = versions.indexOf(version);
  const needs = spans.find((each) => within(each.in, at, versions))!.missing.map(needOf);
  return [...new Set(needs.filter(({ map }) => isAbsent(valueAt(all, map))).map((need) => need.at))];
}

function needOf(text: string): Need {
  const [map = '', at = ''] = text.split(' ');
  return { map: pathOf(map), at };
}

const renamed = derived(renames, (table) => ({
  pairs: table.renames.flatMap(({ from, to }) => to.map((each) => ({ from: pathOf(from), to: pathOf(each) }))),
  otherForm: Object.entries(table.otherForm).map(([from, to]) => ({ from: pathOf(from), to: pathOf(to) })),
}));

export const FACTS: ValueFacts = {
  get renames() {
    return renamed().pairs;
  },
  get otherForm() {
    return renamed().otherForm;
  },
  ignored: (path, version) => {
    const { keys, from } = renames().ignored;
    const instead = keys[written(path)];
    return instead && satisfies(version, `>=${from}`) ? pathOf(instead) : undefined;
  },
  get watched() {
    return renames().watched.keys;
  },
  harms: (key, becomes) => (renames().watched.subnets.includes(key) && becomes === false ? NO_SUBNETS : undefined),
  // An old image of Multus is the matter of spiderpool/multus-image-tag.
  breaks: (key, kept) => renames().vital.keys.includes(key) && isAbsent(kept),
  missing: missingFor,
};

const NO_SUBNETS: Text = {
  en: 'Pods whose annotations name a SpiderSubnet get no IP',
  zh: '注解中指定 SpiderSubnet 的 Pod 将无法分配 IP',
};
