// One object of a YAML or JSON text brought to another value, in the text itself: only the places that differ are written, so that comments, order, anchors, quotes and
// line endings stay. What an alias or a merge key shares with other places is refused. The result is read again: it holds just what was wanted, and nothing else has changed.
import { isAlias, isMap, isScalar, isSeq, type Node, type Scalar, stringify, type YAMLMap } from 'yaml';
import type { Json, Raw, Text } from '../engine/contracts.ts';
import { deepEqual, isRaw, parseJson } from '../kube/json.ts';
import { formatPointer } from '../kube/pointer.ts';
import { jsonPieces } from './json-stream.ts';
import { plainValue } from './scalar.ts';
import { isMergeKey, isNotYaml, nameOf, pairsOf, type YamlFile, type YamlPair } from './yaml.ts';
import { readYamlAgain } from './yaml-again.ts';

/** Which object: of a file's documents, and of a list's items, from 0; `within`: the keys that lead to one inside of that. */
export interface Place {
  document: number;
  item?: number;
  within?: readonly string[];
}
/** From the root of its document. */
export const pathOf = ({ item, within = [] }: Place): string[] => [...(item === undefined ? [] : ['items', String(item)]), ...within];
/** `at`: in the text as it was. */
export interface Splice {
  at: number;
  before: string;
  after: string;
}
export type Edited = { text: string; splices: Splice[] } | { refused: Text };

/** `now`: what stands there; `next`: what shall. Both as YAML reads them. `ofList`: the apiVersion that the list of the item shall have. */
export function edited(text: string, place: Place, now: Raw, next: Raw, ofList?: string): Edited {
  const before = readYamlAgain(text);
  if (isNotYaml(before)) return { refused: before.why };
  const isJson = readsAsJson(text);
  let current = text;
  const splices: Splice[] = [];
  const list = { document: place.document };
  const inItem = changesBetween(now, next).map((change): [Place, Change] => [place, change]);
  const value = before.documents[place.document]?.value;
  const inList = ofList !== undefined && isRaw(value) && value.apiVersion !== ofList;
  for (const [at, change] of [...inItem, ...(inList ? [[list, { keys: ['apiVersion'], after: ofList }] as [Place, Change]] : [])]) {
    const splice = spliceFor(current, at, change, isJson);
    if ('refused' in splice) return splice;
    current = spliced(current, splice);
    splices.push(splice);
  }
  const trouble = differenceFrom(before, current, place, next, ofList);
  return trouble ? { refused: trouble } : { text: current, splices };
}

export const spliced = (text: string, { at, before, after }: Splice): string => text.slice(0, at) + after + text.slice(at + before.length);

/** Back from the text that these made; undefined: it is not that text. */
export function unspliced(text: string, splices: readonly Splice[]): string | undefined {
  let current = text;
  for (const { at, before, after } of splices.toReversed()) {
    if (current.slice(at, at + after.length) !== after) return undefined;
    current = spliced(current, { at, before: after, after: before });
  }
  return current;
}

function readsAsJson(text: string): boolean {
  if (jsonPieces(text)) return true;
  if (!/^\s*[{[]/.test(text)) return false;
  try {
    parseJson(text);
    return true;
  } catch {
    return false;
  }
}

/** Why the new text is not what was wanted; undefined: it is. */
function differenceFrom(before: YamlFile, text: string, place: Place, next: Raw, ofList: string | undefined): Text | undefined {
  const after = readYamlAgain(text);
  if (isNotYaml(after) || after.documents.length !== before.documents.length) return NOT_HELD;
  for (const [at, { value }] of before.documents.entries()) {
    const wanted = at === place.document ? replaced(value, pathOf(place), next, ofList) : value;
    if (!deepEqual(after.documents[at]!.value, wanted)) return at === place.document ? NOT_HELD : SHARED;
  }
  return undefined;
}

function replaced(value: Json, [key, ...rest]: string[], next: Raw, ofList: string | undefined): Json {
  if (key === undefined) return next;
  if (Array.isArray(value)) return value.with(Number(key), replaced(value[Number(key)] ?? null, rest, next, undefined));
  if (!isRaw(value)) return next;
  return { ...value, ...(ofList === undefined ? {} : { apiVersion: ofList }), [key]: replaced(value[key] ?? null, rest, next, undefined) };
}

export const NOT_HELD: Text = {
  en: 'the change cannot be made without changing other parts of the text',
  zh: '无法在文本中只做这一处更改',
};
const SHARED: Text = { en: 'the change would affect other objects of the file as well', zh: '该更改会同时影响文件中的其他对象' };

// ---- what differs ---------------------------------------------------------------------------------------------------

/** `after`: undefined: it goes. */
interface Change {
  keys: string[];
  after: Json | undefined;
}

function changesBetween(now: Json, next: Json, keys: string[] = []): Change[] {
  if (isRaw(now) && isRaw(next)) {
    const gone = Object.keys(now).filter((key) => !Object.hasOwn(next, key));
    return [
      ...Object.entries(next).flatMap(([key, value]) =>
        Object.hasOwn(now, key) ? changesBetween(now[key]!, value, [...keys, key]) : [{ keys: [...keys, key], after: value }],
      ),
      ...gone.map((key) => ({ keys: [...keys, key], after: undefined })),
    ];
  }
  if (Array.isArray(now) && Array.isArray(next) && now.length === next.length)
    return next.flatMap((value, at) => changesBetween(now[at]!, value, [...keys, String(at)]));
  return deepEqual(now, next) ? [] : [{ keys, after: next }];
}

// ---- where it stands ------------------------------------------------------------------------------------------------

type Refused = { refused: Text };

function spliceFor(text: string, place: Place, change: Change, isJson: boolean): Splice | Refused {
  const read = readYamlAgain(text);
  if (isNotYaml(read)) return { refused: NOT_HELD };
  const root = read.documents[place.document]?.root ?? null;
  const path = [...pathOf(place), ...change.keys];
  let node: Node | null = root;
  let parent: { map: YAMLMap; pair: YamlPair } | undefined;
  for (const [depth, key] of path.entries()) {
    const shared = sharedBy(node, read, text);
    if (shared) return { refused: shared };
    if (isSeq(node)) {
      parent = undefined;
      node = (node.items[Number(key)] as Node | null | undefined) ?? null;
      continue;
    }
    if (node === null || (isScalar(node) && node.source === '')) return { refused: NOT_HELD };
    if (!isMap(node)) return { refused: NOT_HELD };
    const found = pairOf(node, key, read, path.slice(0, depth + 1));
    if (found && 'refused' in found) return found;
    if (!found) {
      if (change.after === undefined) return { refused: NOT_HELD };
      const rest = path.slice(depth + 1).reduceRight<Json>((value, inner) => ({ [inner]: value }), change.after);
      return added(text, node, key, rest, isJson);
    }
    parent = { map: node, pair: found };
    node = found.value;
  }
  const shared = sharedBy(node, read, text);
  if (shared) return { refused: shared };
  if (change.after === undefined) return parent ? removed(text, parent.map, parent.pair) : { refused: NOT_HELD };
  return changed(text, node, change.after, isJson, parent?.pair);
}

/** The pair that gives this key its value; undefined: no pair does. Refused where that is a merge, or where two do. */
function pairOf(map: YAMLMap, key: string, read: YamlFile, path: string[]): YamlPair | undefined | Refused {
  const pairs = pairsOf(map);
  const own = pairs.filter((pair) => !isMergeKey(pair.key) && nameOf(pair.key) === key);
  if (own.length > 1) return { refused: twice(path, read.lineOf(own[1]!.key!)) };
  const merges = pairs.filter((pair) => isMergeKey(pair.key) && pairs.indexOf(pair) > (own[0] ? pairs.indexOf(own[0]) : -1));
  const value = (node: Node | null | undefined): Node | null | undefined => (isAlias(node) ? read.targetOf(node) : node);
  for (const merge of merges) {
    const target = value(merge.value);
    const maps = isSeq(target) ? (target.items as Node[]).map(value) : [target];
    if (maps.some((each) => isMap(each) && holds(each, key, value))) return { refused: merged(path, read.lineOf(merge.key!)) };
  }
  return own[0];
}

function holds(map: YAMLMap, key: string, value: (node: Node | null | undefined) => Node | null | undefined): boolean {
  return pairsOf(map).some((pair) => {
    if (!isMergeKey(pair.key)) return nameOf(pair.key) === key;
    const target = value(pair.value);
    const maps = isSeq(target) ? (target.items as Node[]).map(value) : [target];
    return maps.some((each) => isMap(each) && holds(each, key, value));
  });
}

/** An alias, or an anchor that aliases lead to. */
function sharedBy(node: Node | null, read: YamlFile, text: string): Text | undefined {
  if (node === null) return undefined;
  if (isAlias(node)) return aliased(node.source, read.lineOf(node));
  const { anchor } = node as { anchor?: string };
  if (anchor === undefined || !new RegExp(`\\*${anchor.replace(/[^\w-]/g, '\\$&')}(?![\\w-])`).test(text)) return undefined;
  return anchored(anchor, read.lineOf(node));
}

const twice = (path: string[], line: number): Text => ({
  en: `${formatPointer(path)} is written twice (line ${line})`,
  zh: `${formatPointer(path)} 写了两次（第 ${line} 行）`,
});
const merged = (path: string[], line: number): Text => ({
  en: `${formatPointer(path)} comes from a merge key (<<, line ${line}), which other places share: change it there`,
  zh: `${formatPointer(path)} 来自合并键（<<，第 ${line} 行），与其他位置共用：请在其来源处修改`,
});
const aliased = (name: string, line: number): Text => ({
  en: `inside the alias *${name} (line ${line}), which is shared: change it at its anchor`,
  zh: `它位于共用的别名 *${name}（第 ${line} 行）中：请在锚点处修改`,
});
const anchored = (name: string, line: number): Text => ({
  en: `inside the anchor &${name} (line ${line}), which aliases refer to: the change would affect them as well`,
  zh: `它位于锚点 &${name}（第 ${line} 行）中，且有别名引用它：更改会同时影响这些位置`,
});

// ---- how it is written ----------------------------------------------------------------------------------------------

const lineStart = (text: string, at: number): number => text.lastIndexOf('\n', at - 1) + 1;
/** Behind the line's last character, before its ending. */
function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  if (end === -1) return text.length;
  return text[end - 1] === '\r' ? end - 1 : end;
}
const eolOf = (text: string): string => (/\r\n/.test(text) ? '\r\n' : '\n');
const startOf = (node: Node): number => node.range![0];
/** Behind its last character; a block scalar's range takes its line ending in. */
function endOf(text: string, node: Node): number {
  let end = node.range![1];
  while (end > startOf(node) && /\s/.test(text[end - 1]!)) end--;
  return end;
}

function splice(text: string, from: number, to: number, after: string): Splice {
  return { at: from, before: text.slice(from, to), after };
}

function changed(text: string, node: Node | null, after: Json, isJson: boolean, pair: YamlPair | undefined): Splice | Refused {
  if (node === null || startOf(node) === endOf(text, node)) {
    // `key:` with nothing behind it.
    if (!pair?.key) return { refused: NOT_HELD };
    const colon = text.indexOf(':', endOf(text, pair.key as Node));
    return splice(text, colon + 1, colon + 1, ` ${inline(after, isJson, undefined)}`);
  }
  const isBlock = !isScalar(node) && (node as { flow?: boolean }).flow !== true;
  const [from, to] = [startOf(node), endOf(text, node)];
  if (isBlock && typeof after === 'object' && after !== null && Object.keys(after).length) {
    const indent = ' '.repeat(from - lineStart(text, from));
    return splice(text, from, to, block(after, indent, eolOf(text)));
  }
  return splice(text, from, to, inline(after, isJson, isScalar(node) ? node : undefined));
}

function added(text: string, map: YAMLMap, key: string, after: Json, isJson: boolean): Splice | Refused {
  const pairs = pairsOf(map);
  const last = pairs.at(-1);
  if (map.flow || !last?.key) {
    if (!map.flow) return { refused: NOT_HELD };
    const close = map.range![1] - 1;
    const pair = `${inline(key, isJson, undefined)}: ${inline(after, isJson, undefined)}`;
    if (!last) return splice(text, close, close, pair);
    const end = endOf(text, (last.value ?? last.key)!);
    const first = startOf(pairs[0]!.key!);
    const own = lineStart(text, first);
    // One pair a line, as JSON is usually written.
    const spread = text.slice(own, first).trim() === '' && own > startOf(map);
    return splice(text, end, end, spread ? `,${eolOf(text)}${text.slice(own, first)}${pair}` : `, ${pair}`);
  }
  const first = startOf(pairs[0]!.key!);
  const indent = ' '.repeat(first - lineStart(text, first));
  const value = last.value && startOf(last.value) < endOf(text, last.value) ? last.value : last.key;
  const end = lineEnd(text, endOf(text, value));
  const eol = eolOf(text);
  const isNested = typeof after === 'object' && after !== null && Object.keys(after).length > 0;
  const inner = Array.isArray(after) ? indent : `${indent}  `;
  const written = isNested ? `:${eol}${inner}${block(after, inner, eol)}` : `: ${inline(after, isJson, undefined)}`;
  return splice(text, end, end, `${eol}${indent}${inline(key, false, undefined)}${written}`);
}

function removed(text: string, map: YAMLMap, pair: YamlPair): Splice | Refused {
  const pairs = pairsOf(map);
  const at = pairs.indexOf(pair);
  const from = startOf(pair.key!);
  const value = pair.value && startOf(pair.value) < endOf(text, pair.value) ? pair.value : pair.key!;
  const to = endOf(text, value);
  if (pairs.length === 1) return splice(text, startOf(map), Math.max(endOf(text, map), to), '{}');
  const next = pairs[at + 1]?.key;
  const own = lineStart(text, from);
  const alone = text.slice(own, from).trim() === '';
  if (map.flow) {
    if (next) return splice(text, from, startOf(next), '');
    const before = pairs[at - 1]!;
    return splice(text, endOf(text, (before.value ?? before.key)!), to, '');
  }
  if (alone) {
    const end = text.indexOf('\n', to);
    // Its own line, with what is said beside it; what stands above it stays.
    return end === -1 ? splice(text, Math.max(own - eolOf(text).length, 0), text.length, '') : splice(text, own, end + 1, '');
  }
  return next ? splice(text, from, startOf(next), '') : { refused: NOT_HELD };
}

/** On one line. `was`: whose quotes it takes over. */
function inline(value: Json, isJson: boolean, was: Scalar | undefined): string {
  if (isJson || typeof value === 'number' || typeof value === 'boolean' || value === null) return JSON.stringify(value);
  if (typeof value === 'string') return quoted(value, was);
  if (Array.isArray(value)) return `[${value.map((item) => inline(item, false, undefined)).join(', ')}]`;
  return `{${Object.entries(value)
    .map(([key, inner]) => `${quoted(key, undefined)}: ${inline(inner, false, undefined)}`)
    .join(', ')}}`;
}

/** Characters that never need quotes, wherever they stand. */
const SAFE = /^[A-Za-z0-9_/][\w./+-]*$/;

export function quoted(value: string, was: Scalar | undefined): string {
  if (was?.type === 'QUOTE_SINGLE' && !/['\p{C}]/u.test(value)) return `'${value}'`;
  if (was?.type === 'QUOTE_DOUBLE') return JSON.stringify(value);
  return SAFE.test(value) && plainValue(value) === value ? value : JSON.stringify(value);
}

/** Over several lines; the first stands where it is put. Strings are quoted where YAML 1.1 would read them as something else. */
function block(value: Json, indent: string, eol: string): string {
  return stringify(value, { version: '1.1', lineWidth: 0, indent: 2, aliasDuplicateObjects: false })
    .trimEnd()
    .split('\n')
    .join(`${eol}${indent}`);
}
