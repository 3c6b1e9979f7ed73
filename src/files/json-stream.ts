// Objects of JSON one after the other in one text, without anything between them: kubectl reads each of them (apimachinery pkg/util/yaml, YAMLOrJSONDecoder).
import { parseJson } from '../kube/json.ts';

export interface Piece {
  /** Where it begins in the whole text. */
  at: number;
  /** From 1. */
  line: number;
  text: string;
}

const SPACE = /[ \t\r\n]/;

/** undefined: it is one value, or anything else than objects of JSON. */
export function jsonPieces(text: string): Piece[] | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  const pieces: Piece[] = [];
  let line = 1;
  for (let at = 0; at < text.length; ) {
    if (SPACE.test(text[at]!)) {
      if (text[at] === '\n') line++;
      at++;
    } else {
      const end = text[at] === '{' ? endOf(text, at) : undefined;
      if (end === undefined) return undefined;
      pieces.push({ at, line, text: text.slice(at, end) });
      line += pieces.at(-1)!.text.split('\n').length - 1;
      at = end;
    }
  }
  return pieces.length > 1 && pieces.every((piece) => isJson(piece.text)) ? pieces : undefined;
}

/** Behind the bracket that closes the one at `from`. */
function endOf(text: string, from: number): number | undefined {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const char = text[at];
    if (char === '"') {
      for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === '\\') at++;
    } else if (char === '{') depth++;
    else if (char === '}' && --depth === 0) return at + 1;
  }
  return undefined;
}

function isJson(text: string): boolean {
  try {
    parseJson(text);
    return true;
  } catch {
    return false;
  }
}
