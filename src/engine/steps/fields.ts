// Where a step's values lie: a JSON Pointer into an object, and with `inString` a second one into a string that itself holds JSON.
import { deepEqual, isRaw, parseJson } from '../../kube/json.ts';
import { parsePointer, pointerGet } from '../../kube/pointer.ts';
import { textOf } from '../../text/language.ts';
import { looksSecret, REDACTED, redactCommand, redactMarked, redactText } from '../../text/redact.ts';
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

/** Sets or (undefined) removes a place in a value that is ours to change; objects above it are made. Throws where that cannot be: a bug in the code that made the step. */
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
  return bounded(text, max);
}

const bounded = (text: string, max = 300): string => (text.length > max ? `${text.slice(0, max - 1)}…` : text);

/** Fields of a ConfigMap or Secret whose values no screen shows. */
const HELD = new Set(['data', 'binaryData', 'stringData']);

/** A field of an object that is made, or made again, as previews show it: no check declares to read its command lines, nor what a ConfigMap holds. */
export function showMade(kind: Json | undefined, field: string, value: Json): string {
  if (HELD.has(field) && (kind === 'ConfigMap' || kind === 'Secret') && isRaw(value)) return bounded(sizes(value, kind, field));
  return show(withoutWords(value, []), undefined, `/${field}`);
}

/** Keys with the bytes behind each. */
function sizes(held: Raw, kind: Json | undefined, field: string): string {
  const coding = field === 'binaryData' || (kind === 'Secret' && field === 'data') ? 'base64' : 'utf8';
  return Object.entries(held)
    .map(([key, value]) => `${key} (${Buffer.byteLength(String(value), coding)} B)`)
    .join(', ');
}

function withoutWords(value: Json, keys: readonly string[]): Json {
  if (typeof value === 'string') return redactText(value);
  if (Array.isArray(value)) {
    const words = value.filter((item) => typeof item === 'string');
    const isCommand = keys.at(-1) === 'args' || keys.at(-1) === 'command';
    if (isCommand && words.length === value.length) return redactCommand(words, keys.at(-1) === 'command');
    return value.map((item) => withoutWords(item, keys));
  }
  if (!isRaw(value)) return value;
  // Of a Pod template it is enough what runs in it.
  if (keys.at(-1) === 'template' && isRaw(value.spec) && Array.isArray(value.spec.containers)) {
    const containers = value.spec.containers.filter(isRaw).map(({ name, image }) => ({ name: name ?? null, image: image ?? null }));
    return { spec: { containers: withoutWords(containers, keys) } };
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutWords(inner, [...keys, key])]));
}

/** Lists of variables: of containers, and of Plans of the system-upgrade-controller. */
const ENVIRONMENTS = new Set(['env', 'envs']);

/** What no screen shows: values of environments, and what is secret by its key or by its own shape. */
function withoutSecrets(value: Json, keys: readonly string[]): Json {
  const [last = ''] = keys.slice(-1);
  if (typeof value === 'string') {
    const variable = last === 'value' && keys.some((key) => ENVIRONMENTS.has(key));
    if (value && (variable || looksSecret(last))) return REDACTED;
    // What a ConfigMap holds is configuration of another program, with its credentials.
    return HELD.has(keys[0] ?? '') ? redactText(value) : redactMarked(value);
  }
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item, keys));
  if (!isRaw(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutSecrets(inner, [...keys, key])]));
}
