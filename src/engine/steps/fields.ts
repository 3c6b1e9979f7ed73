// Where a step's values lie: a JSON Pointer into an object, and with `inString` a second one into a string that itself holds JSON.
import { deepEqual, isRaw, parseJson } from '../../kube/json.ts';
import { parsePointer, pointerGet } from '../../kube/pointer.ts';
import { textOf } from '../../text/language.ts';
import { looksSecret, REDACTED, redactMarked } from '../../text/redact.ts';
import type { Json, Raw, Text } from '../contracts.ts';

export interface Place {
  path: string;
  inString?: string;
}
export interface Reader {
  /** Whether just this value stands there; undefined: nothing. Never so in a string that cannot be read. */
  is(place: Place, value: Json | undefined): boolean;
  /** undefined: nothing stands there, or it cannot be read. */
  value(place: Place): Json | undefined;
  /** The JSON in the string at this path; an absent or empty string holds `{}`. undefined: neither object nor array, it cannot be read. Fresh: the caller may change it. */
  held(path: string): Json | undefined;
}

/** Reads one object; each string is parsed once, however many places in it are asked for. */
export function readerOf(object: Raw): Reader {
  const known = new Map<string, Json | undefined>();
  const parsed = (path: string) => {
    if (!known.has(path)) known.set(path, heldIn(pointerGet(object, path)));
    return known.get(path);
  };
  const value = ({ path, inString }: Place) => (inString === undefined ? pointerGet(object, path) : pointerGet(parsed(path), inString));
  return {
    value,
    is: (place, wanted) => (place.inString === undefined || parsed(place.path) !== undefined) && deepEqual(value(place), wanted),
    held: (path) => heldIn(pointerGet(object, path)),
  };
}

function heldIn(text: Json | undefined): Json | undefined {
  if (text === undefined || text === '') return {};
  if (typeof text !== 'string') return undefined;
  try {
    const json = parseJson(text);
    if (json === null) return {};
    return typeof json === 'object' ? json : undefined;
  } catch {
    return undefined;
  }
}

/** Sets or (undefined) removes a place in a value that is ours to change; objects above it are made. Throws where that cannot be: a bug of whoever made the step. */
export function setInPlace(root: Json, pointer: string, value: Json | undefined): void {
  const keys = parsePointer(pointer);
  const last = keys.pop();
  if (last === undefined) throw new Error('inString names a place inside the string, not all of it');
  let parent: Json | undefined = root;
  for (const key of keys) {
    const holder: Raw = holderAt(parent, pointer);
    if (!Object.hasOwn(holder, key)) holder[key] = {};
    parent = holder[key];
  }
  const holder = holderAt(parent, pointer);
  if (value !== undefined) holder[last] = value;
  else if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else delete holder[last];
}

function holderAt(value: Json | undefined, pointer: string): Raw {
  // An array's items go by their index as an object's fields go by their name.
  if (Array.isArray(value)) return value as unknown as Raw;
  if (!isRaw(value)) throw new Error(`neither object nor array above ${pointer}`);
  return value;
}

export const keysIn = (held: Json | undefined): number => (isRaw(held) ? Object.keys(held).length : 0);

/** As `show`; what is not there has a word of its own. */
export const shown = (value: Json | undefined, max?: number, path?: string): Text =>
  value === undefined ? { en: '(unset)', zh: '（无）' } : textOf(show(value, max, path));

/** A value as previews and messages show it; bounded. `path`: where it stands. */
export function show(value: Json, max = 300, path = ''): string {
  const seen = withoutSecrets(value, parsePointer(path));
  const text = typeof seen === 'string' ? seen || '""' : JSON.stringify(seen);
  return text.length > max ? `${text.slice(0, max - 1)}…` : text;
}

/** Lists of variables: of containers, and of Plans of the system-upgrade-controller. */
const ENVIRONMENTS = new Set(['env', 'envs']);

/** What no screen shows: values of environments, and what is secret by its key or by its own shape. */
function withoutSecrets(value: Json, keys: readonly string[]): Json {
  const [last = ''] = keys.slice(-1);
  if (typeof value === 'string') {
    const variable = last === 'value' && keys.some((key) => ENVIRONMENTS.has(key));
    return value && (variable || looksSecret(last)) ? REDACTED : redactMarked(value);
  }
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item, keys));
  if (!isRaw(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutSecrets(inner, [...keys, key])]));
}
