// A file of YAML for those that look at it over and over and change it where its nodes stand (fix -f): the last few are remembered. The values of plain documents are read quickly,
// and the nodes of a document only where one asks for them: a change is about one document, and a file may have many.
import { type Alias, isAlias, type Node, visit } from 'yaml';
import { type YamlPiece, yamlPieces } from './pieces.ts';
import { readPlain } from './plain-yaml.ts';
import { isNotYaml, itemLinesIn, type NotYaml, type Room, readYaml, roomy, type YamlDocument, type YamlFile } from './yaml.ts';

/** Texts that are held with what they were read to: a run of many steps looks at one file over and over, before and after each. */
const HELD = 3;
const held = new Map<string, YamlFile | NotYaml>();

/** As readYaml, remembering the last few. */
export function readYamlAgain(text: string): YamlFile | NotYaml {
  const known = held.get(text) ?? byDocument(text);
  held.delete(text);
  held.set(text, known);
  for (const oldest of held.keys()) if (held.size > HELD) held.delete(oldest);
  return known;
}

/** What documents say, by their text: of a file that was changed all but one of them are as they were. Of the last two files. */
let [said, saidBefore] = [new Map<string, Said>(), new Map<string, Said>()];
interface Said {
  documents: Omit<YamlDocument, 'root'>[];
  /** Of the room for what aliases unfold to. */
  took: number;
}

function byDocument(text: string): YamlFile | NotYaml {
  const pieces = yamlPieces(text);
  if (!pieces) return readYaml(text);
  const room = roomy();
  const targets = new Map<Alias, Node>();
  const documents: YamlDocument[] = [];
  const now = new Map<string, Said>();
  for (const piece of pieces) {
    // Of these there may be hundreds of thousands.
    if (!piece.says) {
      documents.push({ value: null, line: piece.line, root: null, twice: NONE });
      continue;
    }
    const read = readPiece(piece, room, now);
    if ('why' in read) return { ...read, line: read.line + piece.line - 1 };
    const moved = (line: number) => line + piece.line - 1;
    for (const [at, { value, line, twice }] of read.documents.entries()) {
      const placed = twice.length ? twice.map((each) => ({ ...each, line: moved(each.line), first: moved(each.first) })) : NONE;
      documents.push(lazily({ value, line: moved(line), twice: placed }, () => rootOf(piece, at, read.nodes, targets)));
    }
  }
  [said, saidBefore] = [now, said];
  const lineOf = ({ range }: Node) => lineAt(text, range?.[0] ?? 0);
  return { documents, lineOf, itemLines: (root) => itemLinesIn(root, lineOf), targetOf: (alias) => targets.get(alias) };
}

const NONE: readonly [] = [];

/** `nodes`: where they had to be read for the values. */
function readPiece(piece: YamlPiece, room: Room, now: Map<string, Said>): (Pick<Said, 'documents'> & { nodes?: YamlFile }) | NotYaml {
  const plain = readPlain(piece.text);
  if (plain) return { documents: [{ ...plain, twice: NONE }] };
  const known = said.get(piece.text) ?? saidBefore.get(piece.text);
  if (known && known.took <= room.left) {
    room.left -= known.took;
    now.set(piece.text, known);
    return known;
  }
  const before = room.left;
  const read = readYaml(piece.text, room);
  if (isNotYaml(read)) return read;
  const documents = read.documents.map(({ value, line, twice }) => ({ value, line, twice }));
  now.set(piece.text, { documents, took: before - room.left });
  return { documents, nodes: read };
}

function lazily(document: Omit<YamlDocument, 'root'>, nodes: () => Node | null): YamlDocument {
  let root: Node | null | undefined;
  return {
    ...document,
    get root() {
      if (root === undefined) root = nodes();
      return root;
    },
  };
}

/** With its nodes where they stand in the whole file. */
function rootOf({ text, at }: YamlPiece, document: number, nodes: YamlFile | undefined, targets: Map<Alias, Node>): Node | null {
  const read = nodes ?? readYaml(text);
  const root = isNotYaml(read) ? null : (read.documents[document]?.root ?? null);
  if (root === null || isNotYaml(read)) return null;
  visit(root, {
    Node: (_, node) => {
      if (node.range) node.range = node.range.map((each) => each + at) as typeof node.range;
      const target = isAlias(node) ? read.targetOf(node) : undefined;
      if (target) targets.set(node as Alias, target);
    },
  });
  return root;
}

function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line++;
  return line;
}
