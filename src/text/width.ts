// How many terminal columns text takes, and fitting it: padding, and wrapping that knows English words and Chinese punctuation.
// Own, because the string-width package costs more start-up than a whole `--help`.

// East Asian Width W and F (Unicode 16, UAX #11), in the blocks that names and our own Chinese text can hold, and emoji.
const WIDE =
  /[\u1100-\u115f\u231a\u231b\u2329\u232a\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6b\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18d08}\u{1aff0}-\u{1b2fb}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
const NO_WIDTH = /[\p{M}\p{Cf}\p{Cc}]/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: our own colours take no columns
const COLOUR = /\x1b\[[0-9;]*m/g;
const PLAIN = /^[\x20-\x7e]*$/;

// Kinsoku: what must not begin a line, and what must not end one.
const NOT_FIRST = /^[，。、；：？！）】》〉」』〕”’…—～·％,.;:?!)\]}%]/u;
const NOT_LAST = /[（【《〈「『〔“‘([{]$/u;

/** Columns of one line; our own colour sequences count nothing. */
export function width(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let columns = 0;
  for (const character of text.replace(COLOUR, '')) columns += columnsOf(character);
  return columns;
}

function columnsOf(character: string): number {
  if (NO_WIDTH.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** Blanks after the text until it takes `columns`; a longer text stays as it is. */
export function padEnd(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - width(text)));
}

/** Lines of at most `columns`: English breaks at blanks, Chinese between characters. A word wider than that keeps its line: names are never cut. */
export function wrap(text: string, columns: number): string[] {
  return text.split('\n').flatMap((line) => wrapLine(line, columns));
}

interface Piece {
  text: string;
  blankBefore: boolean;
}

function wrapLine(line: string, columns: number): string[] {
  const lines: string[] = [];
  let current = '';
  for (const piece of piecesOf(line)) {
    const joined = current + (piece.blankBefore && current !== '' ? ' ' : '') + piece.text;
    if (current !== '' && width(joined) > columns) {
      lines.push(current);
      current = piece.text;
    } else {
      current = joined;
    }
  }
  lines.push(current);
  return lines;
}

/** What may not be torn: words, and single wide characters with the punctuation that must stay with them. */
function piecesOf(line: string): Piece[] {
  const pieces: Piece[] = [];
  for (const word of line.split(/\s+/)) {
    let blankBefore = true;
    for (const part of partsOf(word)) {
      const last = pieces.at(-1);
      if (last !== undefined && !blankBefore && (NOT_FIRST.test(part) || NOT_LAST.test(last.text))) last.text += part;
      else pieces.push({ text: part, blankBefore });
      blankBefore = false;
    }
  }
  return pieces;
}

/** A word cut before and after each wide character. */
function partsOf(word: string): string[] {
  const parts: string[] = [];
  let narrow = '';
  for (const character of word) {
    if (columnsOf(character) !== 2) {
      narrow += character;
      continue;
    }
    if (narrow !== '') parts.push(narrow);
    narrow = '';
    parts.push(character);
  }
  if (narrow !== '') parts.push(narrow);
  return parts;
}
