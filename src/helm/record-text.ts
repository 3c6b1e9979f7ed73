// Single values of a release's record changed in its text: parsed and written again, its numbers (values of charts, of any size) would not be the same any more.
import type { Json } from '../engine/contracts.ts';

/** Where a value stands: characters of the text. */
interface Span {
  from: number;
  to: number;
}
export interface TextChange {
  path: readonly (string | number)[];
  value: Json;
}

/** undefined: one of them does not stand there. `text`: JSON that was parsed. */
export function withValues(text: string, changes: readonly TextChange[]): string | undefined {
  const spans = changes.map(({ path, value }) => ({ span: spanOf(text, path), value }));
  let changed = text;
  for (const { span, value } of spans.toSorted((a, b) => (b.span?.from ?? 0) - (a.span?.from ?? 0))) {
    if (!span) return undefined;
    changed = changed.slice(0, span.from) + JSON.stringify(value) + changed.slice(span.to);
  }
  return changed;
}

function spanOf(text: string, path: readonly (string | number)[]): Span | undefined {
  let at = skipSpace(text, 0);
  for (const key of path) {
    const inner = typeof key === 'number' ? itemAt(text, at, key) : memberAt(text, at, key);
    if (inner === undefined) return undefined;
    at = inner;
  }
  return { from: at, to: valueEnd(text, at) };
}

/** Where the value of a member of the object at `at` begins; of two of one name the last, as JSON.parse has it. */
function memberAt(text: string, at: number, name: string): number | undefined {
  if (text[at] !== '{') return undefined;
  let found: number | undefined;
  for (let next = skipSpace(text, at + 1); text[next] === '"'; ) {
    const end = valueEnd(text, next);
    const value = skipSpace(text, skipSpace(text, end) + 1);
    if (JSON.parse(text.slice(next, end)) === name) found = value;
    next = afterComma(text, valueEnd(text, value));
  }
  return found;
}

function itemAt(text: string, at: number, index: number): number | undefined {
  if (text[at] !== '[') return undefined;
  let next = skipSpace(text, at + 1);
  for (let i = 0; next < text.length && text[next] !== ']'; i++) {
    if (i === index) return next;
    next = afterComma(text, valueEnd(text, next));
  }
  return undefined;
}

const afterComma = (text: string, at: number): number => {
  const next = skipSpace(text, at);
  return text[next] === ',' ? skipSpace(text, next + 1) : next;
};

function skipSpace(text: string, at: number): number {
  let next = at;
  while (next < text.length && ' \t\n\r'.includes(text[next]!)) next++;
  return next;
}

function valueEnd(text: string, at: number): number {
  if (text[at] === '"') return stringEnd(text, at);
  if (text[at] !== '{' && text[at] !== '[') {
    let end = at;
    while (end < text.length && !' \t\n\r,]}'.includes(text[end]!)) end++;
    return end;
  }
  let depth = 0;
  for (let next = at; next < text.length; next++) {
    const character = text[next];
    if (character === '"') next = stringEnd(text, next) - 1;
    else if (character === '{' || character === '[') depth++;
    else if ((character === '}' || character === ']') && --depth === 0) return next + 1;
  }
  return text.length;
}

/** Behind its closing quote. */
function stringEnd(text: string, at: number): number {
  let next = at + 1;
  while (next < text.length && text[next] !== '"') next += text[next] === '\\' ? 2 : 1;
  return next + 1;
}
