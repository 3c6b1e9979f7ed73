// The values of a file of YAML, document by document, each with its line: for readers that do not change the file. Documents of the plain kind are read by themselves, the others by the whole parser,
// one after the other, so that no more than one of them is held with its nodes.
import { setImmediate } from 'node:timers/promises';
import { isAlias, isMap, isSeq, type Node } from 'yaml';
import type { Json } from '../engine/contracts.ts';
import { yamlPieces } from './pieces.ts';
import { readPlain } from './plain-yaml.ts';
import { isNotYaml, type NotYaml, nameOf, pairsOf, type Room, readYaml, roomy, type Twice, type YamlFile } from './yaml.ts';
import { readYamlAgain } from './yaml-again.ts';

/** Lines from 1. `lines`: of the items of a list (`items` of the root). */
export interface DocumentValue {
  value: Json;
  line: number;
  lines?: readonly number[];
  /** Where there are such keys. */
  twice?: readonly Twice[];
  /** Of what these keys and indexes lead to. Reads the text again: for the few that are asked for. */
  lineAt?(path: readonly string[]): number;
}

/** `text`: without a byte order mark. The same documents, in the same order, as readYaml. */
export function readDocuments(text: string): DocumentValue[] | NotYaml {
  const documents: DocumentValue[] = [];
  for (const read of eachDocument(text)) {
    if (isNotYaml(read)) return read;
    documents.push(read);
  }
  return documents;
}

/** Milliseconds for which reading may hold the thread: signals and the progress on the terminal wait meanwhile. */
const TURN = 50;

/** The same, with room for others in between. `told`: how many there are so far. */
export async function readDocumentsInTurns(text: string, told: (count: number) => void): Promise<DocumentValue[] | NotYaml> {
  const documents: DocumentValue[] = [];
  let began = performance.now();
  for (const read of eachDocument(text)) {
    if (isNotYaml(read)) return read;
    documents.push(read);
    if (performance.now() - began < TURN) continue;
    told(documents.length);
    await setImmediate();
    began = performance.now();
  }
  return documents;
}

/** What is not YAML is the last. */
function* eachDocument(text: string): Generator<DocumentValue | NotYaml> {
  const room = roomy();
  const pieces = yamlPieces(text);
  if (!pieces) return yield* parsed(text, 1, room);
  for (const { text: piece, line, says } of pieces) {
    if (says) yield* documentIn(piece, line, room);
    else yield { value: null, line };
  }
}

/** `line`: where it begins in its file. */
function documentIn(piece: string, line: number, room: Room): (DocumentValue | NotYaml)[] {
  const plain = readPlain(piece);
  if (!plain) return parsed(piece, line, room);
  const { value, line: first, lines } = plain;
  return [{ value, line: first + line - 1, lines: lines?.map(moved(line)), lineAt: placing(piece, line, 0) }];
}

function parsed(text: string, line: number, room: Room): (DocumentValue | NotYaml)[] {
  const read = readYaml(text, room);
  if (isNotYaml(read)) return [{ ...read, line: read.line + line - 1 }];
  return read.documents.map(({ value, line: first, root, twice }, document) => ({
    value,
    lineAt: placing(text, line, document),
    line: first + line - 1,
    lines: read.itemLines(root).map(moved(line)),
    ...(twice.length ? { twice: twice.map((each) => ({ ...each, line: each.line + line - 1, first: each.first + line - 1 })) } : {}),
  }));
}

/** Of one document of the text, which begins on `line` of its file. */
const placing = (text: string, line: number, document: number) => (path: readonly string[]) => {
  const read = readYamlAgain(text);
  if (isNotYaml(read)) return line;
  const { root, line: first } = read.documents[document]!;
  const node = path.reduce<Node | null>((at, key) => below(at, key, read), root);
  return (node ? read.lineOf(node) : first) + line - 1;
};

function below(node: Node | null, key: string, read: YamlFile): Node | null {
  const target = isAlias(node) ? read.targetOf(node) : node;
  if (isSeq(target)) return (target.items[Number(key)] as Node | undefined) ?? null;
  return isMap(target) ? (pairsOf(target).findLast((pair) => nameOf(pair.key) === key)?.value ?? null) : null;
}

/** 0: an item that says nothing is nowhere. */
const moved = (line: number) => (within: number) => (within === 0 ? 0 : within + line - 1);
