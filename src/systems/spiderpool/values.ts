// The values of Spiderpool's charts: which keys a version has and reads (from the chart that was given, or from knowledge/values.json), where renamed keys went,
// and which maps must be there for it to render. Pure.
import type { Chart, Json, Raw } from '../../engine/contracts.ts';
import { isRead, leavesOf, pathOf, valueAt, written } from '../../helm/keys.ts';
import { deepEqual, isRaw } from '../../kube/json.ts';
import { nearest } from '../../text/nearest.ts';
import { satisfies } from '../../versions/chart.ts';
import facts from './knowledge/renames.json' with { type: 'json' };
import table from './knowledge/values.json' with { type: 'json' };
import { type Spans, within } from './spans.ts';

/** What is known of the values of one version. */
export interface KnownValues {
  version: string;
  /** Its values.yaml. */
  defaults: Raw;
  /** The paths that its templates name. */
  read: string[][];
}
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
  return { version, defaults, read: [...leaves.filter((path) => !isIn(UNREAD[written(path)])), ...named.map(pathOf)] };
}

export const valuesByChart = ({ version, values, read }: Pick<Chart, 'version' | 'values' | 'read'>): KnownValues => ({
  version,
  defaults: values,
  read: read.map(pathOf),
});

function put(into: Raw, [name = '', ...rest]: readonly string[], value: Json): void {
  if (!rest.length) {
    into[name] = value;
    return;
  }
  const inner = into[name] ?? {};
  into[name] = inner;
  put(inner as Raw, rest, value);
}

// ---- what must be there ---------------------------------------------------------------------------------------------

/**
 * The keys at which a version would stop rendering with these values, in helm's order: the maps around them are missing. Helm itself names the first alone.
 * undefined: the table does not know that chart, or this is another chart of its version.
 */
export function missingFor({ version, defaults }: KnownValues, all: Raw): string[] | undefined {
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

const isAbsent = (value: Json | undefined): boolean => value === undefined || value === null;

// ---- where a key went -----------------------------------------------------------------------------------------------

const RENAMES = facts.renames.flatMap(({ from, to }) => to.map((each) => ({ from: pathOf(from), to: pathOf(each) })));

/** Does the version have a place for this value: a key of its own, a map that takes any key, or a path that a template names? */
export function hasPlace(path: readonly string[], { defaults, read }: KnownValues): boolean {
  return isRead(path, read) || isDefault(path, defaults);
}

/** Also below a map that is empty by default: it takes what it gets. */
function isDefault(path: readonly string[], defaults: Raw): boolean {
  let at: Json | undefined = defaults;
  for (const name of path) {
    if (!isRaw(at)) return isAbsent(at);
    if (!Object.keys(at).length && at !== defaults) return true;
    if (!Object.hasOwn(at, name)) return false;
    at = at[name];
  }
  return true;
}

/** The keys that took a key's place in this version, newer or older than where it is from; none: it was not renamed. */
export function successors(path: readonly string[], target: KnownValues): string[][] {
  const ignored = (facts.ignored.keys as Record<string, string>)[written(path)];
  if (ignored && satisfies(target.version, `>=${facts.ignored.from}`)) return [pathOf(ignored)];
  if (hasPlace(path, target)) return [];
  const seen = new Set([written(path)]);
  let next: string[][] = [[...path]];
  while (next.length) {
    const moved = next.flatMap((each) => neighbours(each)).filter((each) => !seen.has(written(each)));
    for (const each of moved) seen.add(written(each));
    const there = moved.filter((each) => hasPlace(each, target));
    if (there.length) return there;
    next = moved;
  }
  return [];
}

function neighbours(path: readonly string[]): string[][] {
  return RENAMES.flatMap(({ from, to }) => [moved(path, from, to), moved(path, to, from)]).filter((each) => each !== undefined);
}

function moved(path: readonly string[], from: readonly string[], to: readonly string[]): string[] | undefined {
  return from.every((name, at) => path[at] === name) ? [...to, ...path.slice(from.length)] : undefined;
}

/** A key that takes the same setting in another form, so that no value can be carried over by itself. */
export function inOtherForm(path: readonly string[], target: KnownValues): string[][] {
  return Object.entries(facts.otherForm)
    .map(([from, to]) => ({ from: pathOf(from), to: pathOf(to) }))
    .filter(({ from, to }) => from.every((name, at) => path[at] === name) && hasPlace(to, target))
    .map(({ to }) => to);
}

// ---- what has become of the user's values ---------------------------------------------------------------------------

/**
 * A value of the user that the target will not use. `renamed`: `to` took its place. `removed`: its chart had it, the target has no place for it.
 * `unread`: the target still has the key, but no template reads it any more. `unknown`: no chart had it. `shape`: a value where the target wants a map, or the other way round.
 */
export interface Lost {
  path: string[];
  value: Json;
  state: 'renamed' | 'removed' | 'unread' | 'unknown' | 'shape';
  to: string[][];
}

/** `old`: the chart that the values were made for, undefined where nothing is known of it; `all`: what the target's templates will see. */
export function lostValues(user: Raw, target: KnownValues, all: Raw, old: KnownValues | undefined): Lost[] {
  // null takes a default away: where there is none, nothing is lost.
  const set = leavesOf(user).filter(({ value }) => value !== null && !isEmptyMap(value));
  return set.flatMap(({ path, value }): Lost[] => {
    const lost = (state: Lost['state'], to: string[][] = []) => [{ path, value, state, to }];
    const to = successors(path, target);
    if (to.length) return to.every((each) => deepEqual(valueAt(all, each), value)) ? [] : lost('renamed', to);
    if (hasOtherShape(path, value, target.defaults)) return lost('shape');
    // What a chart brings along by itself is no setting.
    const isOldDefault = old && deepEqual(valueAt(old.defaults, path), value);
    if (isRead(path, target.read) || isOldDefault) return [];
    if (isDefault(path, target.defaults))
      return old && isRead(path, old.read) && !deepEqual(valueAt(target.defaults, path), value) ? lost('unread') : [];
    return lost(old && hasPlace(path, old) ? 'removed' : 'unknown');
  });
}

const isEmptyMap = (value: Json): boolean => isRaw(value) && !Object.keys(value).length;

function hasOtherShape(path: readonly string[], value: Json, defaults: Raw): boolean {
  let at: Json | undefined = defaults;
  for (const name of path) {
    if (!isRaw(at)) return !isAbsent(at);
    at = at[name];
  }
  return isRaw(at) && Object.keys(at).length > 0 && !isRaw(value);
}

/** Keys whose default changes what runs on the nodes, that nobody sets, and that will have another value than now. What is new counts where it is on. */
export function changedDefaults(before: Raw, after: Raw, config: Raw): { key: string; before: Json | undefined; after: Json }[] {
  return facts.watched.keys.flatMap((key) => {
    const path = pathOf(key);
    const former = [path, ...neighbours(path)].map((each) => valueAt(before, each)).find((value) => value !== undefined);
    const becomes = valueAt(after, path);
    const isSet = [path, ...neighbours(path)].some((each) => valueAt(config, each) !== undefined);
    const moves = former === undefined ? becomes === true : becomes !== undefined && !deepEqual(former, becomes);
    return moves && !isSet ? [{ key, before: former, after: becomes! }] : [];
  });
}

/** The key that somebody may have meant: spelt in another case, a slip away among its neighbours, or of the same name elsewhere. */
export function nearestKey(path: readonly string[], { defaults }: KnownValues): string[] | undefined {
  const leaves = leavesOf(defaults).map((leaf) => leaf.path);
  const lower = written(path).toLowerCase();
  const cased = leaves.find((leaf) => written(leaf).toLowerCase() === lower);
  if (cased) return cased;
  const depth = path.findIndex((_, at) => valueAt(defaults, path.slice(0, at + 1)) === undefined);
  const around = valueAt(defaults, path.slice(0, depth));
  const near = isRaw(around) ? nearest(path[depth] ?? '', Object.keys(around)) : undefined;
  const corrected = near === undefined ? undefined : [...path.slice(0, depth), near, ...path.slice(depth + 1)];
  if (corrected && leaves.some((leaf) => written(leaf) === written(corrected))) return corrected;
  const namesakes = leaves.filter((leaf) => leaf.at(-1) === path.at(-1));
  return namesakes.length === 1 ? namesakes[0] : undefined;
}

// ---- --reuse-values -------------------------------------------------------------------------------------------------

export interface Stale {
  key: string;
  /** undefined: the target will see nothing there. */
  value: Json | undefined;
  wanted: Json;
  /** Known to keep something from starting. */
  breaks: boolean;
}

/** What the target will miss of its own defaults because the old ones took their place: keys that it reads and that nobody set. */
export function staleValues(target: KnownValues, all: Raw, config: Raw): Stale[] {
  return leavesOf(target.defaults).flatMap(({ path, value: wanted }) => {
    const key = written(path);
    const value = valueAt(all, path);
    const isSame = deepEqual(value ?? null, wanted) || (isAbsent(value) && isNothing(wanted) && !facts.vital.keys.includes(key));
    if (isSame || valueAt(config, path) !== undefined || !isRead(path, target.read)) return [];
    const breaks = (facts.vital.keys.includes(key) && isAbsent(value)) || (facts.together.keys.includes(key) && isOldMultus(value, wanted));
    return [{ key, value, wanted, breaks }];
  });
}

/** A template makes the same of it as of a key that is missing. */
const isNothing = (value: Json): boolean => value === '' || value === null || (typeof value === 'object' && !Object.keys(value).length);
const isOldMultus = (value: Json | undefined, wanted: Json): boolean => /^v3\./.test(String(value)) && /^v[4-9]/.test(String(wanted));
