// A file of YAML cut where a plain `---` divides its documents: most are read one by one, and those that say nothing not at all.

export interface YamlPiece {
  text: string;
  /** Where it begins in the file; lines from 1. */
  at: number;
  line: number;
  /** More than comments and empty lines. */
  says: boolean;
}

/** Where a document ends or begins in another way than by a plain `---`, or something is said to the parser: the file is read whole. */
const OTHERWISE = /[\r\u2028\u2029]|^(?:%|\.\.\.|---(?!$))/m;
const MARK = /^---$/gm;
const SAYS_SOMETHING = /^\s*[^\s#]/m;

/** One for each document. undefined: it is not divided in this way alone. */
export function yamlPieces(text: string): Iterable<YamlPiece> | undefined {
  return OTHERWISE.test(text) ? undefined : cut(text);
}

function* cut(text: string): Generator<YamlPiece> {
  let at = 0;
  let line = 1;
  for (const end of [...Array.from(text.matchAll(MARK), ({ index }) => index), text.length]) {
    const piece = text.slice(at, end);
    const says = SAYS_SOMETHING.test(piece);
    // Before the first mark there is a document only if something is said.
    if (says || at > 0) yield { text: piece, at, line, says };
    line += linesIn(piece);
    at = end + '---'.length;
  }
}

function linesIn(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
