// What every printed view shares: language, width, colours, how the user calls us, and a sink that takes lines.
import type { Language, Text } from '../engine/contracts.ts';
import type { Style } from '../text/colour.ts';
import { padEnd, width, wrap } from '../text/width.ts';

export interface Face {
  language: Language;
  columns: number;
  style: Style;
  /** `kubectl upgrade-guard`, `helm spiderpool-upgrade` or `upgrade-guard`. */
  tool: string;
  wide: boolean;
}

/** Rows as columns, padded by what they take on a terminal; the last column is not padded, nothing is cut. */
export function columns(rows: readonly (readonly string[])[], gap = 3): string[] {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, width(cell));
  return rows.map((row) =>
    row
      .map((cell, i) => (i === row.length - 1 ? cell : padEnd(cell, widths[i]! + gap)))
      .join('')
      .trimEnd(),
  );
}

/** A paragraph, indented; wraps prose, never a name. */
export function paragraph(text: string, face: Face, indent = 2, hanging = indent): string[] {
  const room = Math.max(20, face.columns - hanging);
  return wrap(text, room).map((line, i) => ' '.repeat(i ? hanging : indent) + line);
}

/** `1 blocker`, `2 blockers`; Chinese has no plural. */
export const counted = (count: number, en: string, zh: string, many = `${en}s`): Text => ({
  en: `${count} ${count === 1 ? en : many}`,
  zh: `${count} ${zh}`,
});
