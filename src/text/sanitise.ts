// Text from a cluster is untrusted: what would move the cursor, recolour, hide or reorder what a terminal shows is taken out.

// Terminal sequences: CSI (colours, cursor), OSC and the other strings up to their terminator (titles, links), and short escapes; the first
// two also in their 8-bit form. An unfinished string sequence loses only its opening, which the last form and the controls take.
const SEQUENCES = new RegExp(
  [
    String.raw`(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]`,
    String.raw`(?:\x1b[\]P^_X]|[\x9d\x90\x9e\x9f\x98])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)`,
    String.raw`\x1b[ -/]*[0-~]`,
  ].join('|'),
  'g',
);
/** Controls but the tab and the newline, about which the callers decide. */
const CONTROLS = /[^\P{Cc}\t\n]/gu;
/** Zero width, bidi marks, embeddings, overrides and isolates, tags, fillers that show as nothing, variation selectors. */
const INVISIBLE = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
const SEPARATORS = /[\u2028\u2029\u0085]/g;

/** Some slack for what is taken out, so that hostile megabytes are not searched for a line of 200 characters. */
const SEARCHED_PER_CHARACTER = 16;
/** Longest text that `printable` returns unless told otherwise: more than a terminal's scrollback holds of one message. */
const PRINTABLE_MAX = 64 * 1024;

/** One line without anything invisible, blanks folded, at most `max` characters; a cut is marked with an ellipsis. */
export function oneLine(text: string, max = 200): string {
  return bounded(
    visible(text.slice(0, max * SEARCHED_PER_CHARACTER))
      .replace(/\s+/g, ' ')
      .trim(),
    max,
  );
}

/** Several lines without anything invisible; tabs become blanks, line ends `\n`; at most `max` characters. */
export function printable(text: string, max = PRINTABLE_MAX): string {
  return bounded(visible(text.slice(0, max * SEARCHED_PER_CHARACTER)).replaceAll('\t', '    '), max);
}

function visible(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(SEPARATORS, '\n')
    .replace(SEQUENCES, '')
    .replace(CONTROLS, '')
    .toWellFormed()
    .replace(INVISIBLE, '');
}

function bounded(text: string, max: number): string {
  if (text.length <= max) return text;
  const characters = Array.from(text.slice(0, max * 2 + 2));
  return characters.length <= max ? text : `${characters.slice(0, Math.max(0, max - 1)).join('')}…`;
}
