// Reads lists in Kubernetes' protobuf form, skipping what is not declared: a sixth of the time that JSON.parse takes.
// The bytes are untrusted: every length is checked against what is there.
import type { ApiResource, Field, Json, Raw } from '../engine/contracts.ts';
import { metadataOnly, partsOf } from './fields.ts';
import { type FieldOf, METADATA_ONLY, type Message, type Scalar, STATUS, schemaOf } from './protobuf-schema.ts';

/** What to read of a message, by field number. */
export interface Reader {
  fields: (ReaderField | undefined)[];
  /** All of it was asked for: a number that we do not know is something that would be missed. */
  whole: boolean;
  /** What JSON shows of fields that are not among the bytes. */
  defaults: [name: string, value: string | null][];
}
interface ReaderField {
  name: string;
  type: Scalar | Reader;
  shape: FieldOf['shape'];
  dropsZero: boolean;
  /** Of a map: only these keys. */
  keys: ReadonlySet<string> | undefined;
}

/** The server sends a field that this version of ours does not know, of a message that was asked for as a whole: it has to be asked for as JSON. */
export class Unfamiliar extends Error {
  override readonly name = 'Unfamiliar';
}

const ALWAYS: readonly Field[] = ['metadata.name', 'metadata.namespace', 'metadata.uid'];

/** A reader of exactly these fields (and name, namespace, uid); undefined when one of them is not in the schema, so that JSON has to be asked for. */
export function readerFor(
  api: Pick<ApiResource, 'group' | 'version' | 'resource'>,
  fields: readonly Field[] | 'whole',
): Reader | undefined {
  const schema = metadataOnly(fields) ? METADATA_ONLY : schemaOf(api);
  if (!schema || fields === 'whole') return undefined;
  const wanted = [...ALWAYS, ...fields].map(partsOf).filter(([first]) => first !== 'apiVersion' && first !== 'kind');
  return pruned(schema, wanted);
}

/** undefined: a path leads out of the schema. */
function pruned(schema: Message, paths: string[][]): Reader | undefined {
  const known = new Set<string>();
  const reader = narrowed(schema, paths, known);
  return reader && paths.every(([first]) => known.has(first!)) ? reader : undefined;
}

/** Adds to `known` what was found, also in messages that JSON shows as part of this one. */
function narrowed(schema: Message, paths: string[][], known: Set<string>): Reader | undefined {
  const reader: Reader = { fields: [], whole: false, defaults: [] };
  for (const field of schema.fields) {
    if (field.name === '') {
      const inner = narrowed(field.type as Message, paths, known);
      if (!inner) return undefined;
      if (inner.fields.length) put(field, inner, undefined, reader);
      continue;
    }
    const below = paths.filter(([first]) => first === field.name).map((path) => path.slice(1));
    if (!below.length) continue;
    known.add(field.name);
    const type = narrow(field, below);
    if (!type) return undefined;
    const whole = below.some((path) => path.length === 0);
    put(field, type, field.shape === 'map' && !whole ? new Set(below.map(([key]) => key!)) : undefined, reader);
  }
  return reader;
}

function narrow({ type, shape }: FieldOf, below: string[][]): Scalar | Reader | undefined {
  if (shape === 'map' && below.some((path) => path.length > 1)) return undefined;
  if (typeof type !== 'string') return shape === 'map' || below.some((path) => path.length === 0) ? everything(type) : pruned(type, below);
  // What lies below JSON is in no schema, so all of it is read.
  return shape === 'map' || type === 'json' || below.every((path) => path.length === 0) ? type : undefined;
}

/** All of one form: reading a field of many forms takes longer. */
function put(
  { number, name, shape, empty, constant }: FieldOf,
  type: Scalar | Reader,
  keys: ReadonlySet<string> | undefined,
  reader: Reader,
) {
  if (constant === undefined) reader.fields[number] = { name, type, shape, dropsZero: empty === 'absent', keys };
  if (constant !== undefined || empty === 'null') reader.defaults.push([name, constant ?? null]);
}

const ALL = new Map<Message, Reader>();

function everything(schema: Message): Reader {
  const known = ALL.get(schema);
  if (known) return known;
  const reader: Reader = { fields: [], whole: true, defaults: [] };
  ALL.set(schema, reader);
  for (const field of schema.fields) put(field, typeof field.type === 'string' ? field.type : everything(field.type), undefined, reader);
  return reader;
}

/** Calls `each` with every item of the page; answers its continue token, empty on the last page. Throws an Error for bytes that are no such list. */
export function readList(bytes: Buffer, reader: Reader, each: (object: Raw) => void): string {
  const cursor = openEnvelope(bytes).raw;
  let token = '';
  while (cursor.at < cursor.end) {
    const tag = varint(cursor);
    if (tag === LIST_META) token = continueToken(enter(cursor));
    else if (tag === LIST_ITEM) each(readMessage(enter(cursor), reader));
    else skip(cursor, tag & 7);
  }
  return token;
}

/** The continue token of a list whose objects are not read: Kubernetes writes it first. Empty on the last page, and where it stands elsewhere. */
export function tokenAhead(bytes: Buffer): string {
  const cursor = openEnvelope(bytes).raw;
  return cursor.at < cursor.end && varint(cursor) === LIST_META ? continueToken(enter(cursor)) : '';
}

/** A Status as JSON would have it; a body that is none throws an Error. */
export function readStatus(bytes: Buffer): Raw {
  const { kind, raw } = openEnvelope(bytes);
  return { kind, ...readMessage(raw, { ...everything(STATUS), whole: false }) };
}

/** One object of this resource as JSON would have it, but for apiVersion and kind. Throws an Error for bytes that are none, and Unfamiliar. */
export function readObject(bytes: Buffer, api: Pick<ApiResource, 'group' | 'version' | 'resource'>): Raw {
  const schema = schemaOf(api);
  if (!schema) throw new Error(`no schema of ${api.resource}`);
  return readMessage(openEnvelope(bytes).raw, everything(schema));
}

interface Cursor {
  bytes: Buffer;
  at: number;
  end: number;
}

// Tags: field number × 8 + wire type (2: length and bytes).
const LIST_META = 0x0a;
const LIST_ITEM = 0x12;
const LIST_META_CONTINUE = 0x1a;
const UNKNOWN_TYPE = 0x0a;
const UNKNOWN_RAW = 0x12;
const TYPE_KIND = 0x12;
const FIRST_BYTES = 0x0a;
const MAP_KEY = 0x0a;
/** Of whatever wire type. */
const MAP_VALUE = 2;
const TIME_SECONDS = 0x08;
const TIME_NANOS = 0x10;
const INT_OR_STRING_TYPE = 0x08;
const INT_OR_STRING_INT = 0x10;
const INT_OR_STRING_STRING = 0x1a;
/** `k8s\0`, then a runtime.Unknown: 1 type {1 apiVersion, 2 kind}, 2 the object's bytes. */
const MAGIC = 0x6b38_7300;

function openEnvelope(bytes: Buffer): { kind: string; raw: Cursor } {
  if (bytes.length < 4 || bytes.readUInt32BE(0) !== MAGIC) throw new Error('not a protobuf answer of Kubernetes');
  const cursor: Cursor = { bytes, at: 4, end: bytes.length };
  let kind = '';
  let raw: Cursor | undefined;
  while (cursor.at < cursor.end) {
    const tag = varint(cursor);
    if (tag === UNKNOWN_TYPE) kind = kindOf(enter(cursor));
    else if (tag === UNKNOWN_RAW) raw = enter(cursor);
    else skip(cursor, tag & 7);
  }
  if (!raw) throw new Error('a protobuf answer without an object');
  return { kind, raw };
}

function kindOf(cursor: Cursor): string {
  return stringAt(cursor, TYPE_KIND);
}

function continueToken(cursor: Cursor): string {
  return stringAt(cursor, LIST_META_CONTINUE);
}

function stringAt(cursor: Cursor, wanted: number): string {
  let found = '';
  while (cursor.at < cursor.end) {
    const tag = varint(cursor);
    if (tag === wanted) found = string(cursor);
    else skip(cursor, tag & 7);
  }
  return found;
}

function readMessage(cursor: Cursor, reader: Reader): Raw {
  const object: Raw = {};
  fill(object, cursor, reader);
  return object;
}

function fill(object: Raw, cursor: Cursor, { fields, whole, defaults }: Reader): void {
  while (cursor.at < cursor.end) {
    const tag = varint(cursor);
    const field = fields[tag >>> 3];
    if (field) readField(cursor, tag & 7, field, object);
    else if (whole) throw new Unfamiliar(`a protobuf field ${tag >>> 3} that is not known here`);
    else skip(cursor, tag & 7);
  }
  if (defaults.length) for (const [name, value] of defaults) object[name] ??= value;
}

function readField(cursor: Cursor, wire: number, field: ReaderField, object: Raw): void {
  const { name, shape, type } = field;
  if (shape === 'map') {
    assertWire(wire, BYTES);
    const map = (object[name] as Raw | undefined) ?? {};
    if (readEntry(enter(cursor), field, map)) object[name] = map;
    return;
  }
  if (name === '') {
    assertWire(wire, BYTES);
    fill(object, enter(cursor), type as Reader);
    return;
  }
  const value = readValue(cursor, wire, type);
  if (shape === 'list') {
    const all = object[name] as Json[] | undefined;
    if (all) all.push(value);
    else object[name] = [value];
  } else if (!field.dropsZero || !isZero(value)) object[name] = value;
}

/** What Go leaves out where it is told to omit what is empty. */
const isZero = (value: Json): boolean => value === '' || value === 0 || value === false || value === null;

const VARINT = 0;
const BYTES = 2;

function assertWire(wire: number, expected: number): void {
  if (wire !== expected) throw new Error('a protobuf field of another type than expected');
}

function readValue(cursor: Cursor, wire: number, type: Scalar | Reader): Json {
  assertWire(wire, type === 'int' || type === 'bool' ? VARINT : BYTES);
  if (typeof type === 'object') return readMessage(enter(cursor), type);
  switch (type) {
    case 'string':
      return string(cursor);
    case 'int':
      return varint(cursor);
    case 'bool':
      return varint(cursor) !== 0;
    case 'bytes':
      return string(cursor, 'base64');
    case 'time':
      return time(enter(cursor), false);
    case 'microTime':
      return time(enter(cursor), true);
    case 'quantity':
      return stringAt(enter(cursor), FIRST_BYTES);
    case 'intOrString':
      return intOrString(enter(cursor));
    case 'json':
      return json(enter(cursor));
  }
}

/** false: none of the keys that were asked for. Keys are chosen by users: `__proto__` is one like any other. */
function readEntry(cursor: Cursor, { type, keys }: ReaderField, map: Raw): boolean {
  let key = '';
  let value: Json | undefined;
  while (cursor.at < cursor.end) {
    const tag = varint(cursor);
    if (tag === MAP_KEY) {
      key = string(cursor);
      // The key comes first, so that an unwanted value (a last-applied configuration) is never decoded.
      if (keys && !keys.has(key)) return false;
    } else if (tag >>> 3 === MAP_VALUE) value = readValue(cursor, tag & 7, type);
    else skip(cursor, tag & 7);
  }
  if (keys && !keys.has(key)) return false;
  value ??= type === 'string' || type === 'bytes' ? '' : null;
  if (key === '__proto__') Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
  else map[key] = value;
  return true;
}

/** metav1.Time has whole seconds in JSON, MicroTime six digits more; without any bytes it is the zero time, which JSON shows as null. */
function time(cursor: Cursor, micro: boolean): string | null {
  if (cursor.at === cursor.end) return null;
  let seconds = 0;
  let nanos = 0;
  while (cursor.at < cursor.end) {
    const tag = varint(cursor);
    if (tag === TIME_SECONDS) seconds = varint(cursor);
    else if (tag === TIME_NANOS) nanos = varint(cursor);
    else skip(cursor, tag & 7);
  }
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) throw new Error('a protobuf time out of range');
  const end = micro ? `.${String(Math.trunc(nanos / 1000)).padStart(6, '0')}Z` : 'Z';
  return date.toISOString().replace('.000Z', end);
}

function intOrString(cursor: Cursor): number | string {
  let isString = false;
  let number = 0;
  let text = '';
  while (cursor.at < cursor.end) {
    const tag = varint(cursor);
    if (tag === INT_OR_STRING_TYPE) isString = varint(cursor) !== 0;
    else if (tag === INT_OR_STRING_INT) number = varint(cursor);
    else if (tag === INT_OR_STRING_STRING) text = string(cursor);
    else skip(cursor, tag & 7);
  }
  return isString ? text : number;
}

/** Of a message whose only field holds JSON. */
function json(cursor: Cursor): Json {
  const text = stringAt(cursor, FIRST_BYTES);
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('a protobuf field that should hold JSON and does not');
  }
}

function string(cursor: Cursor, encoding: 'utf8' | 'base64' = 'utf8'): string {
  const end = lengthEnd(cursor);
  const text = cursor.bytes.toString(encoding, cursor.at, end);
  cursor.at = end;
  return text;
}

/** A cursor over an embedded message; the outer one moves behind it. */
function enter(cursor: Cursor): Cursor {
  const end = lengthEnd(cursor);
  const inner = { bytes: cursor.bytes, at: cursor.at, end };
  cursor.at = end;
  return inner;
}

function lengthEnd(cursor: Cursor): number {
  const length = varint(cursor);
  const end = cursor.at + length;
  if (!(length >= 0 && end <= cursor.end)) throw new Error('a truncated protobuf answer');
  return end;
}

function skip(cursor: Cursor, wire: number): void {
  if (wire === 2) cursor.at = lengthEnd(cursor);
  else if (wire === 0) varint(cursor);
  else if (wire === 1 || wire === 5) cursor.at += wire === 1 ? 8 : 4;
  else throw new Error('a protobuf answer with an unknown wire type');
  if (cursor.at > cursor.end) throw new Error('a truncated protobuf answer');
}

/** Signed 64 bits; exact up to 2^53, which no counter of Kubernetes reaches. */
function varint(cursor: Cursor): number {
  const { bytes, end } = cursor;
  let at = cursor.at;
  let value = 0;
  let scale = 1;
  for (let taken = 0; taken < 7; taken++) {
    if (at >= end) throw new Error('a truncated protobuf answer');
    const byte = bytes[at++]!;
    value += (byte & 127) * scale;
    if (byte < 128) {
      cursor.at = at;
      return value;
    }
    scale *= 128;
  }
  return longVarint(cursor);
}

/** Of eight to ten bytes: what is negative, and what is beyond 2^49. */
function longVarint(cursor: Cursor): number {
  let value = 0n;
  for (let taken = 0n; taken < 10n; taken++) {
    if (cursor.at >= cursor.end) throw new Error('a truncated protobuf answer');
    const byte = cursor.bytes[cursor.at++]!;
    value |= BigInt(byte & 127) << (taken * 7n);
    if (byte < 128) return Number(BigInt.asIntN(64, value));
  }
  throw new Error('a protobuf number that does not end');
}
