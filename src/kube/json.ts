// JSON that others wrote: parsing it within bounds, comparing it, and telling its shapes apart.
import type { Json, Raw } from '../engine/contracts.ts';

/** No Kubernetes object is nearly as deep (CRD schemas reach about 60); deeper text only serves to exhaust a stack. */
const MAX_DEPTH = 200;

export function isRaw(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Throws SyntaxError, also for text that is nested too deeply. */
export function parseJson(text: string): Json {
  const at = tooDeepAt(text);
  if (at !== undefined) throw new SyntaxError(`nested deeper than ${MAX_DEPTH} levels in JSON at position ${at}`);
  return JSON.parse(text) as Json;
}

/** How many members the object has that this JSON is, those of one name counted as often as they stand there: JSON.parse keeps the last. */
export function countMembers(text: string): number {
  let [depth, commas, isEmpty] = [0, 0, true];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) {
      at = stringEnd(text, at);
      isEmpty = false;
    } else if (code === 0x7b || code === 0x5b) depth++;
    else if (code === 0x7d || code === 0x5d) depth--;
    else if (code === 0x2c && depth === 1) commas++;
  }
  return isEmpty ? 0 : commas + 1;
}

function tooDeepAt(text: string): number | undefined {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) {
      at = stringEnd(text, at);
    } else if (code === 0x7b || code === 0x5b) {
      depth++;
      if (depth > MAX_DEPTH) return at;
    } else if (code === 0x7d || code === 0x5d) {
      depth--;
    }
  }
  return undefined;
}

/** Where the string that begins at `at` ends. */
function stringEnd(text: string, at: number): number {
  let end = text.indexOf('"', at + 1);
  while (end !== -1 && escaped(text, end)) end = text.indexOf('"', end + 1);
  return end === -1 ? text.length : end;
}

function escaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(at - 1 - backslashes) === 0x5c) backslashes++;
  return backslashes % 2 === 1;
}

/** Is a value from another parser (YAML) within the depth that `parseJson` allows? */
export function withinDepth(value: unknown, levels = MAX_DEPTH): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => withinDepth(inner, levels - 1));
}

/** Equal as JSON values: the order of keys does not matter, that of arrays does. */
export function deepEqual(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, at) => deepEqual(item, b[at]));
  if (!isRaw(a) || !isRaw(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && deepEqual(a[key], b[key]));
}
