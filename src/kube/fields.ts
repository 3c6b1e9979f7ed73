// Field paths (`spec.containers.image`, `metadata.annotations['k8s.v1.cni.cncf.io/network-status']`): what a check declares to read,
// the projection of an object onto that, and a recording of what was read, so that a test can compare the two.
import type { Field, Json, Raw } from '../engine/contracts.ts';
import { isRaw } from './json.ts';

/** Paths are declared, so there are some thousands of them; each is asked for with every list and object. */
const PARSED = new Map<Field, readonly string[]>();

/** The keys of a path. A malformed path is a bug of the check that declares it. */
export function parseField(field: Field): readonly string[] {
  const known = PARSED.get(field);
  if (known) return known;
  const keys = parsed(field);
  PARSED.set(field, keys);
  return keys;
}

function parsed(field: Field): string[] {
  const keys: string[] = [];
  const segment = /(?:^|\.)([^.[\]']+)|\['([^']+)'\]/y;
  while (!field.startsWith('.')) {
    const match = segment.exec(field);
    if (match === null) break;
    keys.push(match[1] ?? match[2] ?? '');
    if (segment.lastIndex === field.length) return keys;
  }
  throw new Error(`not a field path: ${field}`);
}

/** The path of these keys; keys with anything but letters, digits, `-`, `_`, `$` or `/` are quoted. */
export function formatField(keys: readonly string[]): Field {
  return keys.map((key, at) => (/^[\w$/-]+$/.test(key) ? (at === 0 ? key : `.${key}`) : `['${key}']`)).join('');
}

/** What always comes, besides what is declared. */
export const ALWAYS: readonly Field[] = ['apiVersion', 'kind', 'metadata.name', 'metadata.namespace', 'metadata.uid'];

/** What is kept below a key: all of it, or these keys. */
type Kept = 'whole' | Map<string, Kept>;

/**
 * The projection onto these fields, made once for many objects. It shares what it keeps with the object. Parents of declared fields stay
 * although the field is absent, and arrays keep their positions, so that a projection of a projection is the same.
 */
export function picker(fields: readonly Field[] | 'whole', always: readonly Field[] = ALWAYS): (object: Raw) => Raw {
  if (fields === 'whole') return (object) => object;
  const kept: Map<string, Kept> = new Map();
  for (const field of [...always, ...fields]) keep(kept, parseField(field));
  return (object) => project(object, kept);
}

export function pick(object: Raw, fields: readonly Field[] | 'whole'): Raw {
  return picker(fields)(object);
}

function keep(kept: Map<string, Kept>, keys: readonly string[]): void {
  const [key = '', ...rest] = keys;
  const below = kept.get(key);
  if (rest.length === 0) kept.set(key, 'whole');
  else if (below instanceof Map) keep(below, rest);
  else if (below === undefined) {
    const made: Map<string, Kept> = new Map();
    kept.set(key, made);
    keep(made, rest);
  }
}

function project(object: Raw, kept: Map<string, Kept>): Raw {
  const out: Raw = {};
  for (const [key, below] of kept) {
    if (!Object.hasOwn(object, key)) continue;
    const value = object[key] as Json;
    out[key] = below === 'whole' ? value : projectValue(value, below);
  }
  return out;
}

function projectValue(value: Json, kept: Map<string, Kept>): Json {
  if (Array.isArray(value)) return value.map((item) => projectValue(item, kept));
  // A value where an object was expected stays: it is seen as it is in the object.
  return isRaw(value) ? project(value, kept) : value;
}

/** Does every projection onto `fields` hold all that `field` names? */
export function covers(fields: readonly Field[] | 'whole', field: Field): boolean {
  if (fields === 'whole') return true;
  const keys = parseField(field);
  return [...ALWAYS, ...fields].some((declared) => isPrefix(parseField(declared), keys));
}

function isPrefix(shorter: readonly string[], longer: readonly string[]): boolean {
  return shorter.length <= longer.length && shorter.every((key, at) => key === longer[at]);
}

/** `whole`: its keys were enumerated, so everything below it counts as read. */
export interface FieldRead {
  field: Field;
  whole: boolean;
}

/** A copy of the object that notes which fields are read of it. */
export function recording(object: Raw): { object: Raw; reads(): FieldRead[] } {
  const seen = new Map<Field, FieldRead & { keys: readonly string[] }>();
  const proxies = new WeakMap<object, object>();
  const note = (keys: readonly string[], whole: boolean): void => {
    const field = formatField(keys);
    const before = seen.get(field);
    if (before === undefined) seen.set(field, { field, whole, keys });
    else before.whole ||= whole;
  };
  const watch = <T extends object>(target: T, keys: readonly string[]): T => {
    const known = proxies.get(target);
    if (known !== undefined) return known as T;
    const proxy = new Proxy(target, {
      get(inner, key, receiver) {
        const value: unknown = Reflect.get(inner, key, receiver);
        if (typeof key === 'symbol' || typeof value === 'function') return value;
        if (Array.isArray(inner) && key === 'length') return value;
        const path = Array.isArray(inner) ? keys : [...keys, key];
        note(path, false);
        return typeof value === 'object' && value !== null ? watch(value, path) : value;
      },
      has(inner, key) {
        if (typeof key === 'string' && !Array.isArray(inner)) note([...keys, key], false);
        return Reflect.has(inner, key);
      },
      ownKeys(inner) {
        note(keys, true);
        return Reflect.ownKeys(inner);
      },
    });
    proxies.set(target, proxy);
    return proxy;
  };
  const reads = (): FieldRead[] => {
    const all = [...seen.values()];
    return all
      .filter((read) => read.whole || !all.some((other) => other !== read && isPrefix(read.keys, other.keys)))
      .map(({ field, whole }) => ({ field, whole }));
  };
  return { object: watch(structuredClone(object), []), reads };
}

/** What was read although no field declares it. A parent of a declared field may be looked at, not enumerated. */
export function undeclared(reads: readonly FieldRead[], fields: readonly Field[] | 'whole'): Field[] {
  if (fields === 'whole') return [];
  const declared = [...ALWAYS, ...fields].map(parseField);
  return reads
    .filter(({ field, whole }) => {
      const keys = field === '' ? [] : parseField(field);
      return !declared.some((path) => isPrefix(path, keys) || (!whole && isPrefix(keys, path)));
    })
    .map((read) => read.field);
}
