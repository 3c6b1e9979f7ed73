// Most manifests are written in little of YAML: block maps and lists, plain or simply quoted values on one line, comments of their own line. This reads just that, twenty times as fast as a whole parser.
// Whatever is not certainly of that kind is not read here: undefined, and the parser of yaml.ts reads it instead. test/files/plain-yaml.test.ts holds the two to the same values.
import type { Json, Raw } from '../engine/contracts.ts';
import type { DocumentValue } from './documents.ts';
import { plainValue } from './scalar.ts';

interface Line {
  indent: number;
  content: string;
  number: number;
}

/** What it is not: the whole parser decides. */
const OTHER = Symbol('more of YAML than is read here');
type Value = Json | typeof OTHER;

/** Deeper ones are the parser's to refuse. */
const MAX_DEPTH = 100;
/** ASCII and line feeds: tabs, carriage returns and other alphabets have rules of their own. */
const ONLY_PLAIN = /^[\n\x20-\x7e]*$/;
/** With which a plain scalar may begin: not with what opens anything else in YAML. */
const BEGINS = /^(?:[\w./+~$(<=^;]|-(?! |$))/;
const MERGE = '<<';
/** A longer key needs the form with a question mark. */
const LONGEST_KEY = 1000;

/** One document, without its `---`. */
export function readPlain(text: string): DocumentValue | undefined {
  if (!ONLY_PLAIN.test(text)) return undefined;
  const lines = linesOf(text);
  if (!lines.length) return undefined;
  let at = 0;
  let items: number[] = [];

  function block(depth: number): Value {
    const line = lines[at]!;
    if (depth > MAX_DEPTH) return OTHER;
    return isItem(line.content) ? list(line.indent, depth, undefined) : map(line.indent, depth);
  }

  function map(indent: number, depth: number): Value {
    const into: Raw = {};
    for (let line = lines[at]; line && line.indent === indent && !isItem(line.content); line = lines[at]) {
      const colon = colonIn(line.content);
      const key = colon < 0 || colon > LONGEST_KEY ? undefined : keyOf(line.content.slice(0, colon));
      // Where two of one name stand, the parser says.
      if (key === undefined || Object.hasOwn(into, key)) return OTHER;
      const rest = line.content.slice(colon + 1).trimStart();
      at++;
      const value = rest === '' ? below(indent, depth, key) : alone(scalar(rest), indent);
      if (value === OTHER) return OTHER;
      into[key] = value;
    }
    return into;
  }

  /** What a key without a value on its line has. */
  function below(indent: number, depth: number, key: string): Value {
    const next = lines[at];
    if (next && next.indent > indent) {
      return isItem(next.content) ? list(next.indent, depth + 1, depth === 0 ? key : undefined) : block(depth + 1);
    }
    return next?.indent === indent && isItem(next.content) ? list(indent, depth + 1, depth === 0 ? key : undefined) : null;
  }

  function list(indent: number, depth: number, of: string | undefined): Value {
    const into: Json[] = [];
    const numbers: number[] = [];
    for (let line = lines[at]; line && line.indent === indent && isItem(line.content); line = lines[at]) {
      const rest = line.content.slice(1).trimStart();
      let value: Value;
      if (rest === '') {
        at++;
        const next = lines[at];
        const isNested = next !== undefined && next.indent > indent;
        numbers.push(isNested ? next.number : line.number);
        value = isNested ? block(depth + 1) : null;
      } else if (isItem(rest) || colonIn(rest) >= 0) {
        // As if it stood on a line of its own.
        numbers.push(line.number);
        lines[at] = { indent: indent + line.content.length - rest.length, content: rest, number: line.number };
        value = block(depth + 1);
      } else {
        at++;
        numbers.push(line.number);
        value = alone(scalar(rest), indent);
      }
      if (value === OTHER) return OTHER;
      into.push(value);
    }
    if (of === 'items') items = numbers;
    return into;
  }

  /** A value that continues on the next line is left to the whole parser. */
  const alone = (value: Value, indent: number): Value => (lines[at] && lines[at]!.indent > indent ? OTHER : value);

  const line = lines[0]!.number;
  const value = block(0);
  return value === OTHER || at < lines.length ? undefined : { value, line, lines: items };
}

/** All lines except empty ones and comments. */
function linesOf(text: string): Line[] {
  const lines: Line[] = [];
  let number = 0;
  for (const each of text.split('\n')) {
    number++;
    const content = each.trim();
    if (content === '' || content.startsWith('#')) continue;
    lines.push({ indent: each.length - each.trimStart().length, content, number });
  }
  return lines;
}

const isItem = (content: string): boolean => content === '-' || content.startsWith('- ');

/** Where the key ends, outside of quotes; -1: there is none. */
function colonIn(content: string): number {
  const quoted = content[0] === '"' || content[0] === "'" ? content.indexOf(content[0], 1) + 1 : 0;
  for (let at = content.indexOf(':', quoted); at >= 0; at = content.indexOf(':', at + 1))
    if (at === content.length - 1 || content[at + 1] === ' ') return at;
  return -1;
}

function keyOf(text: string): string | undefined {
  if (text.endsWith(' ') || text === MERGE) return undefined;
  const value = scalar(text);
  return value === OTHER || typeof value === 'object' || value === '__proto__' ? undefined : String(value);
}

function scalar(text: string): Value {
  switch (text[0]) {
    case '"':
      return /^"[^"\\]*"$/.test(text) ? text.slice(1, -1) : OTHER;
    case "'":
      return /^'[^']*'$/.test(text) ? text.slice(1, -1) : OTHER;
    case '{':
      return text === '{}' ? {} : OTHER;
    case '[':
      return text === '[]' ? [] : OTHER;
  }
  if (!BEGINS.test(text) || text.endsWith(':') || text.includes(': ') || text.includes(' #')) return OTHER;
  const value = plainValue(text);
  return value === undefined ? OTHER : value;
}
