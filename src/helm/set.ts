// What `--set` and `--set-string` mean, as helm reads them (pkg/strvals/parser.go, helm 3.12 to 4.2): `a.b=1,c[0]=x,d={1,2}`, a backslash takes a sign's meaning away.
// Its oddities are kept, since a prediction is worth what it shares with helm: `a.`, `a[0]` and `a[0].b=` end in silence, `a={}` is a list of one empty text.
// `a[0` without its bracket is refused, as helm 3 does; helm 4 ends without a message there as well.
import type { Json, Raw } from '../engine/contracts.ts';
import { isRaw } from '../kube/json.ts';

/** Of helm. */
const LIMITS = { index: 65536, depth: 30 };

/** Lays what the text says into `values`, which it changes. Throws Error, saying why, for what helm refuses. */
export function setInto(values: Raw, text: string, as: 'typed' | 'text'): void {
  const read = reading(text, as);
  while (entry(read, values, 0) === 'more');
}

/** Whether there may be a further entry, or the text came to its end on the way. */
type Left = 'more' | 'end';

interface Reading {
  /** Up to one of these signs, which is taken too; `stop` undefined: the text ended first. */
  until(stops: string): { text: string; stop?: string };
  /** Takes the next sign if it is this one. */
  takes(sign: string): boolean;
  ended(): boolean;
  typed(text: string): Json;
}

function reading(whole: string, as: 'typed' | 'text'): Reading {
  const signs = Array.from(whole);
  let at = 0;
  const ended = () => at >= signs.length;
  return {
    ended,
    until(stops) {
      let text = '';
      while (!ended()) {
        const sign = signs[at++]!;
        if (stops.includes(sign)) return { text, stop: sign };
        if (sign !== '\\') text += sign;
        else if (!ended()) text += signs[at++]!;
      }
      return { text };
    },
    takes(sign) {
      if (signs[at] !== sign) return false;
      at++;
      return true;
    },
    typed: (text) => (as === 'text' ? text : typed(text)),
  };
}

function entry(read: Reading, into: Raw, depth: number): Left {
  const { text: name, stop } = read.until('=[,.');
  if (stop === undefined && name === '') return 'end';
  if (stop === undefined) throw new Error(`key ${JSON.stringify(name)} has no value`);
  if (stop === ',') throw new Error(`key ${JSON.stringify(name)} has no value (cannot end with ,)`);
  if (stop === '=') {
    const { value, left } = readValue(read);
    put(into, name, value);
    return left;
  }
  if (stop === '[') {
    const index = indexOf(read);
    const list = Object.hasOwn(into, name) ? listIn(into[name], name) : [];
    const left = item(read, list, index, depth);
    put(into, name, list);
    return left;
  }
  if (depth >= LIMITS.depth) throw new Error(`more than ${LIMITS.depth} names, one below the other`);
  const inner = Object.hasOwn(into, name) ? into[name]! : {};
  if (!isRaw(inner)) throw new Error(`${name} is not a map, so no key can be set below it`);
  const left = entry(read, inner, depth + 1);
  const isEmpty = Object.keys(inner).length === 0;
  if (left === 'more' && isEmpty) throw new Error(`key map ${JSON.stringify(name)} has no value`);
  if (!isEmpty) put(into, name, inner);
  return left;
}

/** What follows `]`. Changes the list. */
function item(read: Reading, list: Json[], index: number, depth: number): Left {
  if (index < 0) throw new Error(`negative index ${index}`);
  const { text, stop } = read.until('[.=');
  if (text !== '') throw new Error(`unexpected ${JSON.stringify(text)} behind an index`);
  if (stop === undefined) return 'end';
  if (stop === '=') {
    setAt(list, index, readValue(read).value);
    return 'more';
  }
  if (stop === '[') {
    const next = indexOf(read);
    const there = list[index] ?? null;
    const inner = there === null ? [] : listIn(there, `[${index}]`);
    if (item(read, inner, next, depth) === 'end') return 'end';
    setAt(list, index, inner);
    return 'more';
  }
  const there = list[index];
  const inner = isRaw(there) ? there : {};
  if (index < list.length) list[index] = inner;
  if (entry(read, inner, depth) === 'end') return 'end';
  setAt(list, index, inner);
  return 'more';
}

function indexOf(read: Reading): number {
  const { text, stop } = read.until(']');
  if (stop === undefined || !/^[+-]?\d{1,18}$/.test(text)) throw new Error(`${JSON.stringify(text)} is not an index`);
  return Number(text);
}

function listIn(value: Json | undefined, name: string): Json[] {
  if (!Array.isArray(value)) throw new Error(`${name} is not a list`);
  return value;
}

function setAt(list: Json[], index: number, value: Json): void {
  if (index > LIMITS.index) throw new Error(`index ${index} is greater than ${LIMITS.index}`);
  while (list.length < index) list.push(null);
  list[index] = value;
}

/** Also a key called __proto__ becomes the map's own. */
function put(into: Raw, name: string, value: Json): void {
  if (name !== '') Object.defineProperty(into, name, { value, configurable: true, enumerable: true, writable: true });
}

function readValue(read: Reading): { value: Json; left: Left } {
  if (read.ended()) return { value: '', left: 'end' };
  if (!read.takes('{')) return { value: read.typed(read.until(',').text), left: 'more' };
  const list: Json[] = [];
  for (;;) {
    const { text, stop } = read.until(',}');
    if (stop === undefined) throw new Error("a list must end with '}'");
    list.push(read.typed(text));
    if (stop === ',') continue;
    read.takes(',');
    return { value: list, left: 'more' };
  }
}

const INT64 = { least: -(2n ** 63n), most: 2n ** 63n - 1n };

function typed(text: string): Json {
  if (/^true$/iu.test(text)) return true;
  if (/^false$/iu.test(text)) return false;
  if (/^null$/iu.test(text)) return null;
  if (text === '0') return 0;
  if (!/^[+-]?\d+$/.test(text) || text.startsWith('0')) return text;
  const number = BigInt(text.replace(/^\+/, ''));
  if (number < INT64.least || number > INT64.most) return text;
  // Honest where this tool is narrower than helm: it would hand on another number.
  if (!Number.isSafeInteger(Number(number)))
    throw new Error(`${text} is too large a number for this tool; if it is a text, use --set-string`);
  return Number(number);
}
