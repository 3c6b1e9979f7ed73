// Columns of what lies deeper: elements of lists, entries of maps, an object that may be missing, and strings that themselves hold JSON or YAML.
import { parse } from 'yaml';
import { countMembers, isRaw, parseJson, withinDepth } from '../../kube/json.ts';
import type { Column, Columns, Field, Json, Kept, TextForm, ValuesOf } from '../contracts.ts';
import { below, keptBy, laidTogether, textKept, weak } from './kept.ts';
import { keysOf, valueAt } from './values.ts';

const joined = (path: Field, inner: Field): Field =>
  path === '' ? inner : inner === '' ? path : /^[[:]/.test(inner) ? `${path}${inner}` : `${path}.${inner}`;
const inside = (path: Field, columns: readonly Column[]): Pick<Column, 'paths' | 'marks'> => ({
  paths: columns.length ? columns.flatMap(({ paths }) => paths.map((inner) => joined(path, inner))) : [path],
  marks: columns.length ? columns.flatMap(({ marks }) => marks.map((mark) => joined(path, mark))) : [path],
});

/** Makes rows of these columns. */
export function valuesOf<C extends Columns>(columns: C): (base: Json | undefined) => ValuesOf<C> {
  // Of the copies of such an object V8 keeps the values in place; those of one that grows name by name lie elsewhere, with room for more.
  let blank: object | undefined;
  return (base) => {
    blank ??= JSON.parse(JSON.stringify(columns, (key, value) => (key === '' ? value : null))) as object;
    const values: Record<string, unknown> = { ...blank };
    for (const name in columns) values[name] = columns[name]!.read(base);
    return values as ValuesOf<C>;
  };
}

/** One for all rows that have none. */
const NONE: readonly unknown[] = Object.freeze([]);

/** One row per element of the list; of what is not a list: none. */
export function each<C extends Columns>(path: Field, columns: C): Column<ValuesOf<C>[]> {
  const [keys, all, row] = [keysOf(path), Object.values(columns), valuesOf(columns)];
  return {
    ...inside(path, all),
    read: (base) => {
      const list = valueAt(base, keys);
      return Array.isArray(list) ? list.map(row) : (NONE as unknown[] as ValuesOf<C>[]);
    },
    keep: (base) => {
      const list = valueAt(base, keys);
      return Array.isArray(list)
        ? below(
            keys,
            list.map((item) => keptBy(all, item) ?? weak({})),
          )
        : undefined;
    },
  };
}

/** One row per key of the map. */
export function entries<C extends Columns>(path: Field, columns: C): Column<Record<string, ValuesOf<C>>> {
  const [keys, all, row] = [keysOf(path), Object.values(columns), valuesOf(columns)];
  return {
    // The keys are not known beforehand: the whole map is requested, and kept by its declared parts.
    paths: [path],
    marks: [`${path}:keys`, ...all.flatMap(({ marks }) => marks.map((mark) => `${path}:of ${mark}`))],
    read: (base) => {
      const map = valueAt(base, keys);
      return Object.fromEntries(Object.entries(isRaw(map) ? map : {}).map(([key, value]) => [key, row(value)]));
    },
    keep: (base) => {
      const map = valueAt(base, keys);
      if (!isRaw(map)) return undefined;
      return below(keys, Object.fromEntries(Object.entries(map).map(([key, value]) => [key, keptBy(all, value) ?? weak({})])));
    },
  };
}

/** An object that may be missing. */
export function maybe<C extends Columns>(path: Field, columns: C): Column<ValuesOf<C> | undefined> {
  const [keys, all, row] = [keysOf(path), Object.values(columns), valuesOf(columns)];
  return {
    ...inside(path, all),
    read: (base) => {
      const value = valueAt(base, keys);
      return isRaw(value) ? row(value) : undefined;
    },
    keep: (base) => {
      const value = valueAt(base, keys);
      return isRaw(value) ? below(keys, keptBy(all, value) ?? {}) : undefined;
    },
  };
}

/** A column of those elements alone in which another field is this: the message of one kind of condition. */
export function where<T>(path: Field, is: string, column: Column<T>): Column<T | undefined> {
  const keys = keysOf(path);
  const holds = (base: Json | undefined) => valueAt(base, keys) === is;
  return {
    paths: [path, ...column.paths],
    marks: [`${path}:word`, ...column.marks.map((mark) => `${mark}:where ${path}=${is}`)],
    read: (base) => (holds(base) ? column.read(base) : undefined),
    keep: (base) => (holds(base) ? laidTogether(below(keys, is), column.keep(base)) : undefined),
  };
}

/** That a string is there and cannot be understood. */
export const UNREADABLE = 'unreadable';
/** A string that neither JSON nor YAML can read. */
const NEITHER = '{';

/** A string that holds JSON; '' counts as missing. `within`: columns of what it holds, or one column of it as a whole (path ''). */
export const json = <C extends Columns>(path: Field, within: C): Column<ValuesOf<C> | typeof UNREADABLE | undefined> =>
  embedded('json', path, within);
/** The same with YAML. */
export const yaml = <C extends Columns>(path: Field, within: C): Column<ValuesOf<C> | typeof UNREADABLE | undefined> =>
  embedded('yaml', path, within);

function embedded<C extends Columns>(form: TextForm, path: Field, within: C): Column<ValuesOf<C> | typeof UNREADABLE | undefined> {
  const [keys, all, row] = [keysOf(path), Object.values(within), valuesOf(within)];
  const held = (base: Json | undefined): Json | typeof UNREADABLE | undefined => {
    const text = valueAt(base, keys);
    if (typeof text !== 'string' || text.trim() === '') return undefined;
    const value = parsed(form, text);
    return value === undefined ? UNREADABLE : { is: value };
  };
  return {
    paths: [path],
    marks: all.flatMap(({ marks }) => marks.map((mark) => `${path}:${form} ${mark}`)),
    read: (base) => {
      const value = held(base);
      return isRaw(value) ? row(value.is) : (value as typeof UNREADABLE | undefined);
    },
    keep: (base): Kept | undefined => {
      const value = held(base);
      if (value === undefined) return undefined;
      if (!isRaw(value)) return below(keys, weak(NEITHER));
      const inner = value.is;
      return below(keys, textKept(form, keptBy(all, inner) ?? weak(Array.isArray(inner) ? [] : isRaw(inner) ? {} : null)));
    },
  };
}

/** undefined: it cannot be read, or says one thing twice. */
function parsed(form: TextForm, text: string): Json | undefined {
  try {
    if (form === 'json') {
      const value = parseJson(text);
      return isRaw(value) && Object.keys(value).length !== countMembers(text) ? undefined : value;
    }
    const value = parse(text, { schema: 'core', merge: true, maxAliasCount: 100, logLevel: 'error' }) as Json;
    return withinDepth(value) ? (value ?? null) : undefined;
  } catch {
    return undefined;
  }
}
