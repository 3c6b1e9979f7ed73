// YAML as kubectl reads it, with the line of everything: several documents, anchors, merge keys, CRLF. One reader for manifests (-f) and for dumps (--from).
// The nodes are kept: fix -f changes a file where they stand. Untrusted: what aliases unfold to is bounded before anything is unfolded.
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
  type Scalar,
  visit,
  type YAMLMap,
} from 'yaml';
import type { Json, Raw, Text } from '../engine/contracts.ts';
import { oneLine } from '../text/sanitise.ts';
import { jsonPieces } from './json-stream.ts';
import { plainValue } from './scalar.ts';

/** A key that a map has twice, where it stands the second time and the first. Lines from 1. */
export interface Twice {
  key: string;
  line: number;
  first: number;
}
export interface YamlDocument {
  value: Json;
  /** In the order in which they stand. */
  twice: readonly Twice[];
  /** Of its first node; from 1. */
  line: number;
  root: Node | null;
}
export interface YamlFile {
  documents: YamlDocument[];
  lineOf(node: Node): number;
  /** The lines of the items of a list (`items` of the root). */
  itemLines(root: Node | null): number[];
  /** What an alias stands for. */
  targetOf(alias: Alias): Node | undefined;
}
export interface NotYaml {
  line: number;
  why: Text;
}
export const isNotYaml = (read: object | NotYaml): read is NotYaml => 'why' in read;

/** Values that the aliases of one file may unfold to, beyond those that are written there. */
const MAX_UNFOLDED = 200_000;
export interface Room {
  left: number;
}
export const roomy = (): Room => ({ left: MAX_UNFOLDED });
/** Keys that stand twice are named up to here. */
const MAX_TWICE = 1_000;
/** As JSON that others wrote (kube/json.ts). */
const MAX_DEPTH = 200;

/** `text`: without a byte order mark. `room`: of the whole file, where `text` is a part of one. */
export function readYaml(text: string, room: Room = roomy()): YamlFile | NotYaml {
  const lines = new LineCounter();
  const control = CONTROL.exec(text);
  if (control) return { line: text.slice(0, control.index).split('\n').length, why: CONTROLS };
  const deep = tooDeepAt(text);
  if (deep !== undefined) return { line: text.slice(0, deep).split('\n').length, why: TOO_DEEP };
  let parsed: Document[];
  try {
    // Which value a scalar is, and which of two keys of one name counts, is decided below. The parser would compare each key with all others of its map, and refuse what kubectl reads.
    parsed = documentsIn(text, lines);
  } catch (error) {
    if (error instanceof RangeError) return { line: 1, why: TOO_DEEP };
    throw error;
  }
  const lineAt = (at: number) => lines.linePos(at).line;
  const lineOf = (node: Node) => lineAt(node.range?.[0] ?? 0);
  const targets = new Map<Alias, Node>();
  const documents: YamlDocument[] = [];
  for (const { errors, contents, range } of parsed) {
    const [error] = errors;
    if (error) return { line: lineAt(error.pos[0]), why: /call stack/.test(error.message) ? TOO_DEEP : said(error.message) };
    const root = contents as Node | null;
    try {
      const twice: Twice[] = [];
      const told = (key: string, at: Node, first: Node) => {
        if (twice.length < MAX_TWICE) twice.push({ key, line: lineOf(at), first: lineOf(first) });
      };
      documents.push({
        value: root === null ? null : readNode(root, targets, room, told),
        twice,
        line: lineAt(root?.range?.[0] ?? range?.[0] ?? 0),
        root,
      });
    } catch (trouble) {
      if (!(trouble instanceof Trouble)) throw trouble;
      return { line: lineOf(trouble.at), why: trouble.why };
    }
  }
  return { documents, lineOf, itemLines: (root) => itemLinesIn(root, lineOf), targetOf: (alias) => targets.get(alias) };
}

/** Of an item that says nothing: 0. */
export function itemLinesIn(root: Node | null, lineOf: (node: Node) => number): number[] {
  const items = isMap(root) ? pairsOf(root).findLast(({ key }) => isScalar(key) && key.source === 'items')?.value : undefined;
  return isSeq(items) ? (items.items as (Node | null)[]).map((item) => (item === null ? 0 : lineOf(item))) : [];
}

/** Of objects of JSON one after the other each is a document, its nodes where they stand in the whole text. */
function documentsIn(text: string, lineCounter: LineCounter): Document[] {
  const options = { schema: 'failsafe', uniqueKeys: false, logLevel: 'silent' } as const;
  const pieces = jsonPieces(text);
  if (!pieces) return [...parseAllDocuments(text, { ...options, lineCounter })] as Document[];
  lineCounter.addNewLine(0);
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lineCounter.addNewLine(at + 1);
  return pieces.flatMap((piece) => {
    const documents = [...parseAllDocuments(piece.text, options)] as Document[];
    for (const document of documents)
      visit(document, {
        Node: (_, node) => {
          if (node.range) node.range = node.range.map((each) => each + piece.at) as typeof node.range;
        },
      });
    return documents;
  });
}

/** What no YAML may hold (YAML 1.2, 5.1; kubectl: "control characters are not allowed"). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is about them
const CONTROL = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;
const CONTROLS: Text = { en: 'control characters are not allowed', zh: '不允许出现控制字符' };
const TOO_DEEP: Text = { en: 'nested too deeply', zh: '嵌套过深' };
const UNFOLDED: Text = {
  en: `its aliases unfold to more than ${MAX_UNFOLDED} values`,
  zh: `其中的别名展开后超过 ${MAX_UNFOLDED} 个值`,
};
const NO_NUMBER: Text = { en: '.inf and .nan are not JSON values', zh: '.inf 和 .nan 不是 JSON 值' };
const NO_MAP: Text = { en: 'a merge key takes a map, or a list of maps', zh: '合并键（<<）的值应为映射，或映射的列表' };
const NO_KEY: Text = { en: 'a key is a map or a list', zh: '键不能是映射或列表' };
const CIRCLE: Text = { en: 'an alias inside its own anchor', zh: '别名位于其自身的锚点之内' };
const noAnchor = (name: string): Text => ({
  en: `no anchor &${oneLine(name, 80)} before this alias`,
  zh: `此别名之前没有锚点 &${oneLine(name, 80)}`,
});

/** Brackets left open: the parser takes seconds for what goes so deep, and then only fails. */
const MAX_OPEN = 5_000;
/** What stands before one that opens a collection; behind anything else it is text, such as a terminal's colours. */
const BEFORE_OPEN = new Set([...' \t\n\r[{,:', ''].map((each) => each.charCodeAt(0)));

function tooDeepAt(text: string): number | undefined {
  let open = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x5b || code === 0x7b) {
      if (BEFORE_OPEN.has(text.charCodeAt(at - 1))) open++;
    } else if ((code === 0x5d || code === 0x7d) && open) open--;
    if (open > MAX_OPEN) return at;
  }
  return undefined;
}

/** The parser's own words; without its picture of the place. */
function said(message: string): Text {
  const short = oneLine(message.replace(/ at line \d+, column \d+[\s\S]*$/, ''), 300);
  // The parser speaks English alone.
  return { en: short, zh: `缩进或语法有误；${short}` };
}

class Trouble extends Error {
  readonly at: Node;
  readonly why: Text;
  constructor(at: Node, why: Text) {
    super(why.en);
    this.at = at;
    this.why = why;
  }
}

// ---- values ---------------------------------------------------------------------------------------------------------

/** Aliases share what they stand for: it is never changed in place. */
function readNode(root: Node, targets: Map<Alias, Node>, room: Room, twice: (key: string, at: Node, first: Node) => void): Json {
  resolveAliases(root, targets);
  const sizes = new Map<Node, number>();
  const values = new Map<Node, Json>();

  /** Values below a node once its aliases are unfolded; `unfolded` takes those out of the room that are not written there. */
  function sizeOf(node: Node | null): number {
    if (node === null) return 1;
    const known = sizes.get(node);
    if (known !== undefined) {
      if (Number.isNaN(known)) throw new Trouble(node, CIRCLE);
      return known;
    }
    sizes.set(node, Number.NaN);
    const size = isAlias(node) ? unfolded(node) : 1 + childrenOf(node).reduce((sum, child) => sum + sizeOf(child), 0);
    sizes.set(node, size);
    return size;
  }
  function unfolded(alias: Alias): number {
    const size = sizeOf(targets.get(alias)!);
    room.left -= size;
    if (room.left < 0) throw new Trouble(alias, UNFOLDED);
    return size;
  }

  function read(node: Node | null, depth: number): Json {
    if (node === null) return null;
    if (depth > MAX_DEPTH) throw new Trouble(node, TOO_DEEP);
    if (isAlias(node)) return read(targets.get(node)!, depth);
    if (isScalar(node)) return scalar(node);
    const known = values.get(node);
    if (known !== undefined) return known;
    const value = isSeq(node) ? node.items.map((item) => read(item as Node | null, depth + 1)) : isMap(node) ? map(node, depth) : null;
    values.set(node, value);
    return value;
  }

  /** As goyaml.v2 decodes it: in order, a merge like the keys that it adds. Of two of one name the later one counts, as kubectl has it. */
  function map(node: YAMLMap, depth: number): Raw {
    const into: Raw = {};
    const own = new Map<string, Node | null>();
    for (const { key, value } of pairsOf(node)) {
      if (isMergeKey(key)) {
        for (const source of sourcesOf(value, targets).toReversed()) assign(into, read(source, depth + 1) as Raw);
        continue;
      }
      const name = keyOf(key, targets);
      const first = own.get(name);
      if (first && key) twice(name, key, first);
      else own.set(name, key);
      assign(into, { [name]: read(value, depth + 1) });
    }
    return into;
  }

  sizeOf(root);
  return read(root, 0);
}

/** As JSON.parse: `__proto__` is a key like any other. */
function assign(into: Raw, from: Raw): void {
  for (const [key, value] of Object.entries(from))
    Object.defineProperty(into, key, { value, enumerable: true, configurable: true, writable: true });
}

/** Each alias means the nearest anchor of its name before it. */
function resolveAliases(root: Node, targets: Map<Alias, Node>): void {
  const anchors = new Map<string, Node>();
  const waiting: (Node | null)[] = [root];
  while (waiting.length) {
    const node = waiting.pop();
    if (!node) continue;
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (!target) throw new Trouble(node, noAnchor(node.source));
      targets.set(node, target);
      continue;
    }
    const { anchor } = node as { anchor?: string };
    if (anchor !== undefined) anchors.set(anchor, node);
    for (const child of childrenOf(node).toReversed()) waiting.push(child);
  }
}

export type YamlPair = Pair<Node | null, Node | null>;
export const pairsOf = (node: YAMLMap): YamlPair[] => node.items as YamlPair[];

/** In the order in which they are written. */
function childrenOf(node: Node): (Node | null)[] {
  if (isMap(node)) return pairsOf(node).flatMap(({ key, value }) => [key, value]);
  return isSeq(node) ? (node.items as (Node | null)[]) : [];
}

export const isMergeKey = (key: Node | null): boolean =>
  isScalar(key) && key.source === '<<' && (key.type === 'PLAIN' || key.tag === MERGE) && (key.tag === undefined || key.tag === MERGE);
const MERGE = 'tag:yaml.org,2002:merge';

/** The maps that a merge key brings; the first of them counts most. */
export function sourcesOf(value: Node | null, targets: { get(alias: Alias): Node | undefined }): YAMLMap[] {
  const resolved = (node: Node | null | undefined) => (isAlias(node) ? targets.get(node) : node);
  const target = isAlias(value) || !isSeq(value) ? [value] : (value.items as (Node | null)[]);
  return target.map((each) => {
    const source = resolved(each);
    if (!isMap(source)) throw new Trouble(value!, NO_MAP);
    return source;
  });
}

/** A key as JSON has it: text. */
function keyOf(key: Node | null, targets: Map<Alias, Node>): string {
  const node = isAlias(key) ? targets.get(key)! : key;
  if (node === null) return 'null';
  if (!isScalar(node)) throw new Trouble(node, NO_KEY);
  return String(scalar(node));
}

/** As `keyOf`, of a key that is not an alias. */
export const nameOf = (key: Node | null): string | undefined => (isScalar(key) ? String(scalar(key)) : key === null ? 'null' : undefined);

const TAG = 'tag:yaml.org,2002:';

function scalar(node: Scalar): null | boolean | number | string {
  const text = node.source ?? String(node.value ?? '');
  const tag = node.tag?.startsWith(TAG) ? node.tag.slice(TAG.length) : undefined;
  if (tag === 'binary') return Buffer.from(text, 'base64').toString();
  if (tag === 'str' || (node.type !== 'PLAIN' && tag === undefined) || (node.tag !== undefined && tag === undefined)) return text;
  const value = plainValue(text);
  if (value === undefined) throw new Trouble(node, NO_NUMBER);
  return value;
}
