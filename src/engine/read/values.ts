// Columns of single values: what they are, and what a snapshot keeps of them. Anything that is not of the kind reads as missing.
import { createHash } from 'node:crypto';
import { formatField, parseField, picker } from '../../kube/fields.ts';
import { isRaw } from '../../kube/json.ts';
import { redactLabel } from '../../text/redact.ts';
import type { Column, Field, Json, Kept, Raw } from '../contracts.ts';
import { below, weak } from './kept.ts';

/** The value below these keys; arrays are for `each`. */
export function valueAt(base: Json | undefined, keys: readonly string[]): Json | undefined {
  let value = base;
  for (const key of keys) {
    if (!isRaw(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

export const keysOf = (path: Field): readonly string[] => (path === '' ? [] : parseField(path));

/** `how`: '' where it is kept as it is. */
function column<T>(path: Field, how: string, read: (value: Json | undefined) => T, keep: (value: Json) => Kept | undefined): Column<T> {
  const keys = keysOf(path);
  return {
    paths: [path],
    marks: [how === '' ? path : `${path}:${how}`],
    read: (base) => read(valueAt(base, keys)),
    keep: (base) => {
      const value = valueAt(base, keys);
      return value === undefined ? undefined : below(keys, keep(value));
    },
  };
}

/** A string. With a second argument: that one where there is none. */
export function word(path: Field): Column<string | undefined>;
export function word(path: Field, missing: string): Column<string>;
export function word(path: Field, missing?: string): Column<string | undefined> {
  return column(
    path,
    'word',
    (value) => (typeof value === 'string' ? value : missing),
    (value) => (typeof value === 'string' ? value : undefined),
  );
}

export function number(path: Field): Column<number | undefined>;
export function number(path: Field, missing: number): Column<number>;
export function number(path: Field, missing?: number): Column<number | undefined> {
  return column(
    path,
    'number',
    (value) => (typeof value === 'number' ? value : missing),
    (value) => (typeof value === 'number' ? value : undefined),
  );
}

/** Scheme, host and port of a URL; its user, path and query may be secrets. '': not a URL. */
export const origin = (path: Field): Column<string | undefined> => {
  const read = (value: Json | undefined): string | undefined => (typeof value === 'string' ? originOf(value) : undefined);
  return column(path, 'origin', read, (value) => (typeof value === 'string' ? weak(originOf(value)) : undefined));
};

function originOf(url: string): string {
  const { protocol = '', host = '' } = URL.parse(url) ?? {};
  return host && `${protocol}//${host}`;
}

/** Yes or no; undefined where nothing is said, which is often a yes. */
export function flag(path: Field): Column<boolean | undefined>;
export function flag(path: Field, missing: boolean): Column<boolean>;
export function flag(path: Field, missing?: boolean): Column<boolean | undefined> {
  return column(
    path,
    'flag',
    (value) => (typeof value === 'boolean' ? value : missing),
    (value) => (typeof value === 'boolean' ? value : undefined),
  );
}

/** ms since the epoch. */
export const time = (path: Field): Column<number | undefined> =>
  column(
    path,
    'word',
    (value) => {
      const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
      return Number.isNaN(at) ? undefined : at;
    },
    (value) => (typeof value === 'string' ? value : undefined),
  );

export const label = (name: string): Column<string | undefined> => word(formatField(['metadata', 'labels', name]));
export const annotation = (name: string): Column<string | undefined> => word(formatField(['metadata', 'annotations', name]));

/** One for all rows that have none. */
const UNLABELLED: Record<string, string> = Object.freeze({});

/** All labels, for selectors. A value that looks secret reads as redacted, live too. */
export const labels = (path: Field = 'metadata.labels'): Column<Record<string, string>> => {
  const clean = (value: Json | undefined): Record<string, string> =>
    isRaw(value)
      ? Object.fromEntries(
          Object.entries(value).flatMap(([key, each]) => (typeof each === 'string' ? [[key, redactLabel(key, each)]] : [])),
        )
      : UNLABELLED;
  const kept = (all: Raw) =>
    Object.fromEntries(Object.entries(clean(all)).map(([key, value]): [string, Kept] => [key, value === all[key] ? value : weak(value)]));
  return column(path, 'labels', clean, (value) => (isRaw(value) ? kept(value) : undefined));
};

const NO_TEXTS: readonly string[] = Object.freeze([]);

/** Strings of a list; what is none reads as ''. */
export const texts = (path: Field): Column<string[]> => {
  const read = (value: Json | undefined): string[] =>
    Array.isArray(value) ? value.map((each) => (typeof each === 'string' ? each : '')) : (NO_TEXTS as string[]);
  const kept = (all: readonly Json[]): Kept => all.map((each) => (typeof each === 'string' ? each : weak('')));
  return column(path, 'texts', read, (value) => (Array.isArray(value) ? kept(value) : undefined));
};

/** Everything below, as it is: only for what holds no secrets, such as schemas and conditions. */
export const tree = (path: Field): Column<Json | undefined> =>
  column(
    path,
    '',
    (value) => value,
    (value) => value,
  );

/** The keys of a map, never its values. */
export const keys = (path: Field): Column<string[]> =>
  column(
    path,
    'keys',
    (value) => (isRaw(value) ? Object.keys(value) : []),
    (value) =>
      isRaw(value)
        ? Object.fromEntries(Object.keys(value).map((key) => [key, weak(typeof value[key] === 'string' ? '' : null)]))
        : undefined,
  );

/** Strings of a map, of those keys alone that begin so. */
export const wordsFrom = (path: Field, prefix: string): Column<Record<string, string>> => {
  const named = (value: Json | undefined) =>
    Object.fromEntries(
      Object.entries(isRaw(value) ? value : {}).flatMap(([key, each]) =>
        key.startsWith(prefix) && typeof each === 'string' ? [[key, each]] : [],
      ),
    );
  return column(path, `words from ${prefix}`, named, (value) => (isRaw(value) ? named(value) : undefined));
};

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** For equality alone. */
export const digest = (path: Field): Column<string | undefined> => {
  const read = (value: Json | undefined): string | undefined => {
    if (value === undefined) return undefined;
    return typeof value === 'string' && DIGEST.test(value) ? value : `sha256:${createHash('sha256').update(sorted(value)).digest('hex')}`;
  };
  return column(path, 'digest', read, (value) => weak(read(value)!));
};

/** The order of keys means nothing. */
function sorted(value: Json): string {
  return JSON.stringify(value, (_, inner: Json) =>
    isRaw(inner) ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}

/** These fields as they are, arrays walked through; for rows that are made in code. Only for what holds no secrets. */
export function asIs(...fields: readonly Field[]): Column<Raw> {
  const narrow = picker(fields, []);
  return {
    paths: fields,
    marks: fields,
    read: (base) => (isRaw(base) ? narrow(base) : {}),
    keep: (base) => (isRaw(base) ? narrow(base) : undefined),
  };
}
