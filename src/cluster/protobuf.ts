// Reads lists in Kubernetes' protobuf form, skipping what nobody asked for: a sixth of the time that JSON.parse takes.
// The bytes are untrusted: every length is checked against what is there.
import type { Field, Json, Raw, ResourceName } from '../engine/contracts.ts';
import { metadataOnly, partsOf } from './fields.ts';
import { type FieldOf, METADATA_ONLY, type Message, SCHEMAS, STATUS } from './protobuf-schema.ts';

/** What to read of each message, by field number. */
export type Reader = (ReaderField | undefined)[];
interface ReaderField extends Omit<FieldOf, 'type'> {
  type: Exclude<FieldOf['type'], Message> | Reader;
}

const ALWAYS: readonly Field[] = ['metadata.name', 'metadata.namespace', 'metadata.uid'];

/** A reader of exactly these fields (and name, namespace, uid); undefined when one of them is not in the schema, so that JSON has to be asked for. */
export function readerFor(resource: ResourceName, fields: readonly Field[] | 'whole'): Reader | undefined {
  const schema = metadataOnly(fields) ? METADATA_ONLY : SCHEMAS[resource];
  if (!schema || fields === 'whole') return undefined;
  const wanted = [...ALWAYS, ...fields].map(partsOf).filter(([first]) => first !== 'apiVersion' && first !== 'kind');
  return pruned(schema, wanted);
}

/** undefined: a path leads out of the schema, or ends at a message of which we know only a part. */
function pruned(schema: Message, paths: string[][]): Reader | undefined {
  const reader: Reader = [];
  const known = new Set<string>();
  for (const [number, field] of Object.entries(schema.fields)) {
    const below = paths.filter(([first]) => first === field.name).map((path) => path.slice(1));
    if (!below.length) continue;
    known.add(field.name);
    const narrowed = narrow(field, below);
    if (!narrowed) return undefined;
    reader[Number(number)] = narrowed;
  }
  return paths.every(([first]) => known.has(first!)) ? reader : undefined;
}

function narrow({ name, type, many, keys }: FieldOf, below: string[][]): ReaderField | undefined {
  const whole = below.some((path) => path.length === 0);
  if (type === 'map') {
    if (below.some((path) => path.length > 1)) return undefined;
    return { name, type, many, keys: whole ? keys : new Set(below.map(([key]) => key!)) };
  }
  if (typeof type === 'string') return below.every((path) => path.length === 0) ? { name, type, many } : undefined;
  if (whole && !type.complete) return undefined;
  const reader = whole ? everything(type) : pruned(type, below);
  return reader && { name, type: reader, many };
}

function everything(schema: Message): Reader {
  const reader: Reader = [];
  for (const [number, { name, type, many }] of Object.entries(schema.fields)) {
    reader[Number(number)] = { name, many, type: typeof type === 'string' ? type : everything(type) };
  }
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

/** A Status as JSON would have it; a body that is none throws an Error. */
export function readStatus(bytes: Buffer): Raw {
  const { kind, raw } = openEnvelope(bytes);
  return { kind, ...readMessage(raw, everything(STATUS)) };
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
const MAP_KEY = 0x0a;
const MAP_VALUE = 0x12;
const TIME_SECONDS = 0x08;
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
  while (cursor.at < cursor.end) {
    const tag = varint(cursor);
    const field = reader[tag >>> 3];
    if (!field) skip(cursor, tag & 7);
    else readField(cursor, tag & 7, field, object);
  }
  return object;
}

function readField(cursor: Cursor, wire: number, field: ReaderField, object: Raw): void {
  if (field.type === 'map') {
    const entry = mapEntry(enter(cursor), field.keys);
    if (!entry) return;
    const map = (object[field.name] as Raw | undefined) ?? {};
    object[field.name] = map;
    own(map, entry[0], entry[1]);
    return;
  }
  const value = readValue(cursor, wire, field.type);
  if (value === undefined) return;
  if (!field.many) {
    object[field.name] = value;
    return;
  }
  const all = object[field.name] as Json[] | undefined;
  if (all) all.push(value);
  else object[field.name] = [value];
}

function readValue(cursor: Cursor, wire: number, type: Exclude<ReaderField['type'], 'map'>): Json | undefined {
  if (typeof type === 'object') return readMessage(enter(cursor), type);
  if (wire !== (type.startsWith('string') || type === 'time' ? 2 : 0)) throw new Error('a protobuf field of another type than expected');
  switch (type) {
    case 'string!':
      return string(cursor);
    case 'string':
      return string(cursor) || undefined;
    case 'int!':
      return varint(cursor);
    case 'int':
      return varint(cursor) || undefined;
    case 'bool!':
      return varint(cursor) !== 0;
    case 'bool':
      return varint(cursor) !== 0 || undefined;
    case 'time':
      return time(enter(cursor));
  }
}

/** Labels and annotations are chosen by users: `__proto__` is a key like any other. */
function own(map: Raw, key: string, value: string): void {
  if (key === '__proto__') Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
  else map[key] = value;
}

function mapEntry(cursor: Cursor, keys: ReadonlySet<string> | undefined): [string, string] | undefined {
  let key = '';
  let value = '';
  while (cursor.at < cursor.end) {
    const tag = varint(cursor);
    if (tag === MAP_KEY) {
      key = string(cursor);
      // The key comes first, so that an unwanted value (a last-applied configuration) is never decoded.
      if (keys && !keys.has(key)) return undefined;
    } else if (tag === MAP_VALUE) value = string(cursor);
    else skip(cursor, tag & 7);
  }
  return keys && !keys.has(key) ? undefined : [key, value];
}

/** metav1.Time: whole seconds in JSON; without any bytes it is the zero time, which JSON shows as null. */
function time(cursor: Cursor): string | undefined {
  if (cursor.at === cursor.end) return undefined;
  let seconds = 0;
  while (cursor.at < cursor.end) {
    const tag = varint(cursor);
    if (tag === TIME_SECONDS) seconds = varint(cursor);
    else skip(cursor, tag & 7);
  }
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) throw new Error('a protobuf time out of range');
  return date.toISOString().replace('.000Z', 'Z');
}

function string(cursor: Cursor): string {
  const end = lengthEnd(cursor);
  const text = cursor.bytes.toString('utf8', cursor.at, end);
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
