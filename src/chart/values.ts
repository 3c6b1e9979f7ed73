// The values of a chart: which keys a version has and reads, where renamed keys went, which settings an upgrade loses. Pure; what is known of the keys comes from the system.
import type { Json, Raw, Text } from '../engine/contracts.ts';
import type { Chart } from '../helm/contracts.ts';
import { isRead, leavesOf, pathOf, valueAt, written } from '../helm/keys.ts';
import { deepEqual, isRaw } from '../kube/json.ts';
import { nearest } from '../text/nearest.ts';

/** What is known of the values of one version. */
export interface KnownValues {
  version: string;
  /** Its values.yaml. */
  defaults: Raw;
  /** The paths that its templates name. */
  read: string[][];
  facts: ValueFacts;
}

/** What a system knows of the keys of its charts. */
export interface ValueFacts {
  /** `to` took the place of `from`, in either direction of time. */
  renames: readonly { from: string[]; to: string[] }[];
  /** Keys that take the same setting in another form. */
  otherForm: readonly { from: string[]; to: string[] }[];
  /** A key that is still there and ignored, and the one that counts instead. */
  ignored(path: readonly string[], version: string): string[] | undefined;
  /** Keys whose default changes what runs on the nodes. */
  watched: readonly string[];
  /** What such a default breaks by what it becomes; undefined: it only changes something. */
  harms?(key: string, becomes: Json): Text | undefined;
  /** Does a default that is kept from an older chart keep something from starting? */
  breaks(key: string, kept: Json | undefined, wanted: Json): boolean;
  /** The keys at which a version stops rendering because the maps around them are missing, in helm's order; undefined: not known of a chart with these defaults. */
  missing(target: Pick<KnownValues, 'version' | 'defaults'>, all: Raw): string[] | undefined;
}

/** Of a system of which nothing is known but what its charts say themselves. */
export const NO_FACTS: ValueFacts = {
  renames: [],
  otherForm: [],
  ignored: () => undefined,
  watched: [],
  breaks: () => false,
  missing: () => undefined,
};

export const valuesByChart = ({ version, values, read }: Pick<Chart, 'version' | 'values' | 'read'>, facts: ValueFacts): KnownValues => ({
  version,
  defaults: values,
  read: read.map(pathOf),
  facts,
});

export const isAbsent = (value: Json | undefined): boolean => value === undefined || value === null;

// ---- where a key went -----------------------------------------------------------------------------------------------

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
  const ignored = target.facts.ignored(path, target.version);
  if (ignored) return [ignored];
  if (hasPlace(path, target)) return [];
  const seen = new Set([written(path)]);
  let next: string[][] = [[...path]];
  while (next.length) {
    const moved = next.flatMap((each) => neighbours(each, target.facts)).filter((each) => !seen.has(written(each)));
    for (const each of moved) seen.add(written(each));
    const there = moved.filter((each) => hasPlace(each, target));
    if (there.length) return there;
    next = moved;
  }
  return [];
}

/** Other names that the key has had. */
export function neighbours(path: readonly string[], { renames }: ValueFacts): string[][] {
  return renames.flatMap(({ from, to }) => [moved(path, from, to), moved(path, to, from)]).filter((each) => each !== undefined);
}

function moved(path: readonly string[], from: readonly string[], to: readonly string[]): string[] | undefined {
  return from.every((name, at) => path[at] === name) ? [...to, ...path.slice(from.length)] : undefined;
}

/** A key that takes the same setting in another form, so that no value can be carried over by itself. */
export function inOtherForm(path: readonly string[], target: KnownValues): string[][] {
  return target.facts.otherForm
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
    // What a chart brings along by itself is not a setting.
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

/** Keys whose default changes what runs on the nodes, that are not set, and that will have another value than now. What is new counts where it is on. */
export function changedDefaults(
  { facts }: KnownValues,
  before: Raw,
  after: Raw,
  config: Raw,
): { key: string; before: Json | undefined; after: Json }[] {
  return facts.watched.flatMap((key) => {
    const path = pathOf(key);
    const former = [path, ...neighbours(path, facts)].map((each) => valueAt(before, each)).find((value) => value !== undefined);
    const becomes = valueAt(after, path);
    const isSet = [path, ...neighbours(path, facts)].some((each) => valueAt(config, each) !== undefined);
    const moves = former === undefined ? becomes === true : becomes !== undefined && !deepEqual(former, becomes);
    return moves && !isSet ? [{ key, before: former, after: becomes! }] : [];
  });
}

/** The key that may have been meant: spelt in another case, a slip away among its neighbours, or of the same name elsewhere. */
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

/** What the target will miss of its own defaults because the old ones took their place: keys that it reads and that are not set. */
export function staleValues(target: KnownValues, all: Raw, config: Raw): Stale[] {
  return leavesOf(target.defaults).flatMap(({ path, value: wanted }) => {
    const key = written(path);
    const value = valueAt(all, path);
    const breaks = target.facts.breaks(key, value, wanted);
    const isSame = deepEqual(value ?? null, wanted) || (isAbsent(value) && isNothing(wanted) && !breaks);
    if (isSame || valueAt(config, path) !== undefined || !isRead(path, target.read)) return [];
    return [{ key, value, wanted, breaks }];
  });
}

/** A template makes the same of it as of a key that is missing. */
const isNothing = (value: Json): boolean => value === '' || value === null || (typeof value === 'object' && !Object.keys(value).length);
