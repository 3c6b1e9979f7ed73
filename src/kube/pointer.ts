// JSON Pointer (RFC 6901) over untrusted objects, and the JSON Patch operations that we send (RFC 6902), applied as an API server applies them.
// Nothing is changed in place.
import { type Json, type PatchOp, type Raw, WorldError } from '../engine/contracts.ts';
import { deepEqual, isRaw } from './json.ts';

export function escapeSegment(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

export function formatPointer(keys: readonly string[]): string {
  return keys.map((key) => `/${escapeSegment(key)}`).join('');
}

/** Throws for what is not a pointer: that is a bug in the code that made the step. */
export function parsePointer(pointer: string): string[] {
  if (pointer === '') return [];
  if (!pointer.startsWith('/') || /~(?![01])/.test(pointer)) throw new Error(`not a JSON pointer: ${pointer}`);
  return pointer
    .slice(1)
    .split('/')
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** undefined: nothing is there. */
export function pointerGet(value: Json | undefined, pointer: string): Json | undefined {
  return parsePointer(pointer).reduce(child, value);
}

function child(value: Json | undefined, key: string): Json | undefined {
  if (Array.isArray(value)) return value[indexOf(key) ?? value.length];
  return isRaw(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function indexOf(key: string): number | undefined {
  return /^(?:0|[1-9]\d{0,8})$/.test(key) ? Number(key) : undefined;
}

/** Sets a field, making the objects above it that are missing. Throws where an array has no such place or the parent is neither object nor array. */
export function pointerSet<T extends Json>(value: T, pointer: string, to: Json): T {
  return setAt(value, parsePointer(pointer), to, pointer) as T;
}

function setAt(value: Json | undefined, keys: readonly string[], to: Json, pointer: string): Json {
  const [key, ...rest] = keys;
  if (key === undefined) return to;
  if (Array.isArray(value)) {
    const at = key === '-' ? value.length : indexOf(key);
    if (at === undefined || at > value.length) throw new Error(`no place ${key} in the array at ${pointer}`);
    return at === value.length ? [...value, setAt(undefined, rest, to, pointer)] : value.with(at, setAt(value[at], rest, to, pointer));
  }
  if (value !== undefined && !isRaw(value)) throw new Error(`neither object nor array above ${pointer}`);
  return { ...value, [key]: setAt(child(value, key), rest, to, pointer) };
}

/** Removes a field or an array's item; what is not there stays as it is. */
export function pointerRemove<T extends Json>(value: T, pointer: string): T {
  return pointerGet(value, pointer) === undefined ? value : (removeAt(value, parsePointer(pointer)) as T);
}

function removeAt(value: Json, keys: readonly string[]): Json {
  const [key = '', ...rest] = keys;
  if (Array.isArray(value)) {
    const at = Number(key);
    return rest.length === 0 ? value.toSpliced(at, 1) : value.with(at, removeAt(value[at] as Json, rest));
  }
  const object = value as Raw;
  if (rest.length > 0) return { ...object, [key]: removeAt(object[key] as Json, rest) };
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
}

/**
 * Applies the operations in order, all or none. Throws WorldError `conflict` (an API server answers 422) for a failed test or a missing path.
 * As the API server's library (evanphx/json-patch v4) does it, against the letter of RFC 6902: a test for null passes where a key is missing,
 * and a replace of a missing key sets it.
 */
export function applyPatch(object: Raw, patch: readonly PatchOp[]): Raw {
  return patch.reduce<Raw>((current, op) => applyOp(current, op), object);
}

function applyOp(object: Raw, op: PatchOp): Raw {
  const keys = parsePointer(op.path);
  const key = keys.pop();
  if (key === undefined) throw conflict(op, 'the whole object is not patched');
  const parentPath = formatPointer(keys);
  const parent = pointerGet(object, parentPath);
  if (!Array.isArray(parent) && !isRaw(parent)) throw conflict(op, 'the path is missing');
  if (op.op === 'test') {
    const now = child(parent, key);
    if (!deepEqual(now ?? null, op.value)) throw conflict(op, 'the value is another one');
    return object;
  }
  if (Array.isArray(parent)) return pointerSet(object, parentPath, editArray(parent, key, op));
  if (op.op !== 'remove') return pointerSet(object, op.path, op.value);
  if (!Object.hasOwn(parent, key)) throw conflict(op, 'the path is missing');
  return pointerRemove(object, op.path);
}

function editArray(items: Json[], key: string, op: PatchOp): Json[] {
  const at = key === '-' && op.op === 'add' ? items.length : indexOf(key);
  if (at === undefined || at > items.length || (at === items.length && op.op !== 'add')) throw conflict(op, 'the array has no such item');
  if (op.op === 'remove') return items.toSpliced(at, 1);
  return op.op === 'add' ? items.toSpliced(at, 0, op.value) : items.with(at, op.value);
}

function conflict(op: PatchOp, why: string): WorldError {
  return new WorldError('conflict', `${op.op} ${op.path}: ${why}`, 422);
}
