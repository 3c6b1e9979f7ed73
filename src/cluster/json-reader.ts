// Reads lists in JSON from the bytes of an answer, making only what is declared to be read: what JSON.parse makes of a whole page is mostly
// metadata.managedFields, and becomes garbage of a few times its length.
// The bytes are untrusted: what is read has to be JSON; of what is passed over only strings and brackets are looked at.
import { isAscii } from 'node:buffer';
import type { Field, Json, Raw } from '../engine/contracts.ts';
import { ALWAYS, parseField } from '../kube/fields.ts';

/** What to make of a value: all of it, or these keys of an object (of each object, where it is an array). */
export type Wanted = 'whole' | readonly Key[];
interface Key {
  name: string;
  /** The name as it is written, without its quotes. */
  bytes: Buffer;
  below: Wanted;
}

/** What `picker` of kube/fields.ts keeps of an object. */
export function wantedOf(fields: readonly Field[] | 'whole'): Wanted {
  return fields === 'whole' ? 'whole' : below([...ALWAYS, ...fields].map(parseField));
}

/** Those keys of an object and nothing else, each whole. */
export const wantedKeys = (names: readonly string[]): Wanted => below(names.map((name) => [name]));

function below(paths: readonly (readonly string[])[]): Wanted {
  if (paths.some((path) => path.length === 0)) return 'whole';
  const byName = Map.groupBy(paths, ([name]) => name!);
  return [...byName].map(([name, of]) => ({ name, bytes: Buffer.from(name), below: below(of.map((path) => path.slice(1))) }));
}

/**
 * Calls `each` with every item of the array that the answer has under `items`, and with the members of the answer that came before it.
 * @returns all members of the answer, the array emptied. Throws an Error for bytes that are not a JSON object, and when `items` is neither an array nor null.
 */
export function readItems(bytes: Buffer, items: string, wanted: Wanted, each: (item: Json, before: Raw) => void): Raw {
  const cursor: Cursor = { bytes, at: 0, plain: true };
  const answer: Raw = {};
  if (next(cursor) !== OPEN_OBJECT) throw new Error('the answer is not a JSON object');
  eachMember(cursor, () => {
    const name = keyAt(cursor);
    if (name !== items || next(cursor) !== OPEN_ARRAY) answer[name] = readWhole(cursor);
    else {
      answer[name] = [];
      eachMember(cursor, () => each(readValue(cursor, wanted), answer));
    }
  });
  if (next(cursor) !== undefined) throw unreadable(cursor);
  return answer;
}

interface Cursor {
  bytes: Buffer;
  at: number;
  /** The last string that was walked over holds its characters as they are: ASCII, nothing escaped. */
  plain: boolean;
}

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [0x7b, 0x7d, 0x5b, 0x5d];
/** This bit makes a brace of a bracket, so that one comparison finds both. */
const BRACE_BIT = 0x20;
const SPACE = 0x20;

const unreadable = ({ at }: Cursor): Error => new Error(`no JSON at byte ${at}`);

/** The byte behind any white space; undefined at the end. */
function next(cursor: Cursor): number | undefined {
  const { bytes } = cursor;
  let byte = bytes[cursor.at];
  while (byte === SPACE || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = bytes[++cursor.at];
  return byte;
}

/** From the bracket that opens to behind the one that closes, `member` reading each key with its value, or each item. */
function eachMember(cursor: Cursor, member: () => void): void {
  const close = cursor.bytes[cursor.at++] === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_ARRAY;
  if (next(cursor) === close) {
    cursor.at++;
    return;
  }
  for (;;) {
    next(cursor);
    member();
    const byte = next(cursor);
    if (byte !== COMMA && byte !== close) throw unreadable(cursor);
    cursor.at++;
    if (byte === close) return;
  }
}

function readValue(cursor: Cursor, wanted: Wanted): Json {
  if (wanted === 'whole') return readWhole(cursor);
  switch (next(cursor)) {
    case OPEN_OBJECT:
      return readObject(cursor, wanted);
    case OPEN_ARRAY: {
      const items: Json[] = [];
      eachMember(cursor, () => items.push(readValue(cursor, wanted)));
      return items;
    }
    // A value where an object was expected stays.
    default:
      return readWhole(cursor);
  }
}

/** The loop of `eachMember` once more: a function for each object is what most of the time would go into. */
function readObject(cursor: Cursor, keys: readonly Key[]): Raw {
  const object: Raw = {};
  cursor.at++;
  if (next(cursor) === CLOSE_OBJECT) {
    cursor.at++;
    return object;
  }
  for (;;) {
    const key = wantedAt(cursor, keys);
    if (key === undefined) skip(cursor);
    else object[key.name] = readValue(cursor, key.below);
    const byte = next(cursor);
    if (byte !== COMMA && byte !== CLOSE_OBJECT) throw unreadable(cursor);
    cursor.at++;
    if (byte === CLOSE_OBJECT) return object;
  }
}

/** Which of these keys stands here, without making a string of it; the cursor moves behind its colon. */
function wantedAt(cursor: Cursor, keys: readonly Key[]): Key | undefined {
  if (next(cursor) !== QUOTE) throw unreadable(cursor);
  const from = cursor.at + 1;
  const end = skipString(cursor);
  // Hardly ever written so, but "nam\u0065" is the key name.
  const name = cursor.plain ? undefined : JSON.parse(cursor.bytes.toString('utf8', from - 1, end + 1));
  behindColon(cursor);
  for (const key of keys) if (name === undefined ? isAt(cursor.bytes, from, end, key.bytes) : name === key.name) return key;
  return undefined;
}

function isAt(bytes: Buffer, from: number, end: number, wanted: Buffer): boolean {
  if (wanted.length !== end - from) return false;
  for (let at = 0; at < wanted.length; at++) if (bytes[from + at] !== wanted[at]) return false;
  return true;
}

function keyAt(cursor: Cursor): string {
  if (cursor.bytes[cursor.at] !== QUOTE) throw unreadable(cursor);
  const key = readWhole(cursor) as string;
  behindColon(cursor);
  return key;
}

function behindColon(cursor: Cursor): void {
  if (next(cursor) !== COLON) throw unreadable(cursor);
  cursor.at++;
}

function readWhole(cursor: Cursor): Json {
  const first = next(cursor);
  const { bytes, at: from } = cursor;
  if (first === QUOTE) {
    const end = skipString(cursor);
    return cursor.plain ? bytes.toString('latin1', from + 1, end) : JSON.parse(bytes.toString('utf8', from, end + 1));
  }
  skip(cursor);
  const part = bytes.subarray(from, cursor.at);
  // What is ASCII, as most is, takes half the time and memory so.
  return JSON.parse(part.toString(isAscii(part) ? 'latin1' : 'utf8'));
}

/** Moves behind the value that begins here. */
function skip(cursor: Cursor): void {
  const byte = next(cursor);
  if (byte === QUOTE) skipString(cursor);
  else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) skipNested(cursor);
  else skipWord(cursor);
}

function skipNested(cursor: Cursor): void {
  const { bytes } = cursor;
  const { length } = bytes;
  let depth = 0;
  for (let at = cursor.at; at < length; at++) {
    const byte = bytes[at]!;
    if (byte === QUOTE) {
      for (at++; at < length; at++) {
        const inner = bytes[at]!;
        if (inner === QUOTE) break;
        if (inner === BACKSLASH) at++;
      }
    } else if ((byte | BRACE_BIT) === OPEN_OBJECT) depth++;
    else if ((byte | BRACE_BIT) === CLOSE_OBJECT && --depth === 0) {
      cursor.at = at + 1;
      return;
    }
  }
  throw unreadable(cursor);
}

/** A number, true, false or null. */
function skipWord(cursor: Cursor): void {
  const from = cursor.at;
  for (let byte = cursor.bytes[from]; byte !== undefined && byte > SPACE && byte !== COMMA; byte = cursor.bytes[++cursor.at])
    if ((byte | BRACE_BIT) === CLOSE_OBJECT) break;
  if (cursor.at === from) throw unreadable(cursor);
}

/** Moves behind the string that begins here; answers where the quote stands that ends it. */
function skipString(cursor: Cursor): number {
  const { bytes } = cursor;
  const { length } = bytes;
  let plain = true;
  for (let end = cursor.at + 1; end < length; end++) {
    const byte = bytes[end]!;
    if (byte === QUOTE) {
      cursor.at = end + 1;
      cursor.plain = plain;
      return end;
    }
    if (byte === BACKSLASH) end++;
    if (byte === BACKSLASH || byte >= 0x80) plain = false;
  }
  throw unreadable(cursor);
}
