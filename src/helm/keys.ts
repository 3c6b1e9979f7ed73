// The keys of a chart's values: flattened, written as `helm --set` takes them, and which of them the chart's templates read. Pure.
import type { Json, Raw } from '../engine/contracts.ts';
import { isRaw } from '../kube/json.ts';

/** One value and where it stands. A list is one value, and so is an empty map: helm replaces lists, and nothing lies below an empty map. */
export interface Leaf {
  path: string[];
  value: Json;
}

export function leavesOf(values: Raw, above: readonly string[] = []): Leaf[] {
  return Object.entries(values).flatMap(([key, value]) => {
    const path = [...above, key];
    return isRaw(value) && Object.keys(value).length ? leavesOf(value, path) : [{ path, value }];
  });
}

/** Every map in it, the outer before the inner. */
export function mapsOf(values: Raw, above: readonly string[] = []): string[][] {
  return Object.entries(values).flatMap(([key, value]) => {
    const path = [...above, key];
    return isRaw(value) ? [path, ...mapsOf(value, path)] : [];
  });
}

/** As `--set` takes it: what separates names there is escaped (pkg/strvals/parser.go, key). */
export const written = (path: readonly string[]): string => path.map((name) => name.replace(/[\\.,=[]/g, '\\$&')).join('.');

/** The way back from `written`. */
export function pathOf(text: string): string[] {
  return (text.match(/(?:[^\\.]|\\[\s\S])+/g) ?? []).map((name) => name.replace(/\\([\s\S])/g, '$1'));
}

/** undefined: there is no such key, or something on the way is not a map. */
export function valueAt(values: Raw, path: readonly string[]): Json | undefined {
  let at: Json = values;
  for (const name of path) {
    if (!isRaw(at) || !Object.hasOwn(at, name)) return undefined;
    at = at[name]!;
  }
  return at;
}

const BY_NAME = /\.Values\b((?:\.[A-Za-z_]\w*)*)/g;
/** `index .Values.a "b" "c.d"`. */
const BY_INDEX = /\bindex\s+\(?\$?\w*\.Values\b((?:\.[A-Za-z_]\w*)*)\)?((?:\s+"[^"\n]*")+)/g;

/** More keys than any chart that we know has by an order of magnitude; what has more was not made by people, and looking through it would take for ever. */
export const MOST_KEYS = 5000;

/** Has it more than `MOST_KEYS` keys? Found out without making a list of them. */
export function isVast(values: Json): boolean {
  let left = MOST_KEYS;
  const within = (value: Json): boolean =>
    typeof value !== 'object' || value === null || Object.values(value).every((inner) => --left >= 0 && within(inner));
  return !within(values);
}

/** The paths below .Values that these templates name, each as `written`; '' when one takes .Values as a whole. A path stands for all that lies below it.
 * Ends behind `MOST_KEYS` of them. */
export function readBy(templates: readonly string[]): string[] {
  const paths = new Set<string>();
  for (const text of templates) {
    const rest = withoutComments(text).replace(BY_INDEX, (_, dotted: string, words: string) => {
      const names = [...words.matchAll(/"([^"]*)"/g)].map(([, name = '']) => name);
      paths.add(written([...dotted.split('.').slice(1), ...names]));
      return '';
    });
    for (const [, dotted = ''] of rest.matchAll(BY_NAME)) {
      paths.add(dotted.slice(1));
      if (paths.size > MOST_KEYS) return [...paths].sort();
    }
  }
  return [...paths].sort();
}

/** Found by searching, not by a pattern: in a hostile text without an end of its comments a pattern would start again at each. */
function withoutComments(text: string): string {
  const kept: string[] = [];
  let from = 0;
  for (const { index } of text.matchAll(/\{\{-?\s?\/\*/g)) {
    if (index < from) continue;
    const end = text.indexOf('*/', index + 4);
    if (end < 0) break;
    kept.push(text.slice(from, index));
    from = end + 2;
  }
  return kept.join('') + text.slice(from);
}

/** Does what lies at `path` reach a template: named itself, or above or below what is named? */
export function isRead(path: readonly string[], read: readonly (readonly string[])[]): boolean {
  return read.some((named) => named.every((name, at) => at >= path.length || name === path[at]));
}
