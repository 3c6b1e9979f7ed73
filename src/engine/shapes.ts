// Shapes of data that comes from outside (a file of knowledge): what is not of the shape is named by its place, as `gates[3].removedIn`, and why.
// A shape allows nothing that it does not name, and everything in it has a bound.
import { isRaw } from '../kube/json.ts';
import { oneLine } from '../text/sanitise.ts';
import type { Text } from './contracts.ts';

export interface Wrong {
  /** '' is the value itself. */
  at: string;
  why: Text;
}
/** `of` is for the type alone. */
export interface Shape<T> {
  (value: unknown, at: string): Wrong | undefined;
  of?: T;
}
export type Of<S> = S extends Shape<infer T> ? T : never;
type Shapes = Record<string, Shape<unknown>>;
type Row<R extends Shapes, O extends Shapes> = { [K in keyof R]: Of<R[K]> } & { [K in keyof O]?: Of<O[K]> };

const MAX_TEXT = 2_000;
const MAX_LIST = 50_000;
const MAX_KEY = 2_000;
/** The longest part of a wrong value that is repeated. */
const SHOWN = 60;

/** What is nested is named by its kind: it may be too deep to be written out. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return value.length ? '[…]' : '[]';
  return isRaw(value) ? '{…}' : oneLine(JSON.stringify(value) ?? String(value), SHOWN);
}
const isNot = (at: string, value: unknown, what: Text): Wrong => ({
  at,
  why: { en: `${shown(value)} is not ${what.en}`, zh: `${shown(value)} 不是${what.zh}` },
});

/** A text of a line or of several; no longer than 2,000 characters. */
export const text: Shape<string> = (value, at) =>
  typeof value === 'string' && value.length <= MAX_TEXT
    ? undefined
    : isNot(at, value, { en: `a text of at most ${MAX_TEXT} characters`, zh: `不超过 ${MAX_TEXT} 个字符的字符串` });

export const like =
  (pattern: RegExp, what: Text): Shape<string> =>
  (value, at) =>
    typeof value === 'string' && value.length <= MAX_TEXT && pattern.test(value) ? undefined : isNot(at, value, what);

export const flag: Shape<boolean> = (value, at) =>
  typeof value === 'boolean' ? undefined : isNot(at, value, { en: 'true or false', zh: ' true 或 false' });

export const number: Shape<number> = (value, at) =>
  typeof value === 'number' && Number.isFinite(value) ? undefined : isNot(at, value, { en: 'a number', zh: '数字' });

export function oneOf<const T extends readonly (string | number | boolean | null)[]>(...values: T): Shape<T[number]> {
  return (value, at) =>
    (values as readonly unknown[]).includes(value)
      ? undefined
      : isNot(at, value, { en: `one of ${values.join(', ')}`, zh: `以下值之一：${values.join('、')}` });
}

export function list<T>(of: Shape<T>): Shape<T[]> {
  return (value, at) => {
    if (!Array.isArray(value) || value.length > MAX_LIST) return isNot(at, value, { en: 'a list', zh: '列表' });
    return firstOf(value.entries(), (item, i) => of(item, `${at}[${i}]`));
  };
}

/** A list of exactly these. */
export function tuple<const T extends readonly Shape<unknown>[]>(...of: T): Shape<{ -readonly [K in keyof T]: Of<T[K]> }> {
  return (value, at) => {
    if (!Array.isArray(value) || value.length !== of.length)
      return isNot(at, value, { en: `a list of ${of.length}`, zh: `含 ${of.length} 项的列表` });
    return firstOf(value.entries(), (item, i) => of[i]!(item, `${at}[${i}]`));
  };
}

/** A map whose keys are data. */
export function map<T>(of: Shape<T>): Shape<Record<string, T>> {
  return (value, at) => {
    if (!isRaw(value)) return isNot(at, value, { en: 'a map', zh: '映射（map）' });
    return firstOf(Object.entries(value), (item, key) => unusableKey(key, at) ?? of(item, below(at, key)));
  };
}

/** These fields, perhaps those, and no others. */
export function row<R extends Shapes, O extends Shapes = Record<never, never>>(required: R, optional?: O): Shape<Row<R, O>> {
  const all: Shapes = { ...optional, ...required };
  return (value, at) => {
    if (!isRaw(value)) return isNot(at, value, { en: 'a map', zh: '映射（map）' });
    const missing = Object.keys(required).find((name) => !Object.hasOwn(value, name));
    if (missing !== undefined) return { at: below(at, missing), why: { en: 'is missing', zh: '缺少该字段' } };
    return firstOf(Object.entries(value), (item, name) =>
      Object.hasOwn(all, name) ? all[name]!(item, below(at, name)) : { at: below(at, oneLine(name, SHOWN)), why: UNKNOWN_FIELD },
    );
  };
}

/** Either shape; what is wrong is said by the last. */
export const either =
  <A, B>(one: Shape<A>, other: Shape<B>): Shape<A | B> =>
  (value, at) =>
    one(value, at) && other(value, at);

const UNKNOWN_FIELD: Text = {
  en: 'is not a field of this version of upgrade-guard',
  zh: '是当前版本的 upgrade-guard 不认识的字段',
};
const below = (at: string, name: string): string => (at ? `${at}.${name}` : name);

function unusableKey(key: string, at: string): Wrong | undefined {
  if (key.length <= MAX_KEY && key !== '__proto__') return undefined;
  return { at, why: { en: `has the unusable key ${shown(key)}`, zh: `含有不可用的键 ${shown(key)}` } };
}

function firstOf<K>(entries: Iterable<[K, unknown]>, wrong: (value: unknown, key: K) => Wrong | undefined): Wrong | undefined {
  for (const [key, value] of entries) {
    const found = wrong(value, key);
    if (found) return found;
  }
  return undefined;
}
