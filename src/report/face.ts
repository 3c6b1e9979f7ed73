// What every printed view shares: language, width, colours, how the user calls us, and a sink that takes lines.
import type { Language, Text } from '../engine/contracts.ts';
import type { Admin } from '../engine/gaps.ts';
import type { Style } from '../text/colour.ts';
import { type Aim, aimed, aimedIn } from '../text/same-cluster.ts';
import { commandLine } from '../text/shell.ts';
import { padEnd, width, wrap } from '../text/width.ts';

export interface Face {
  language: Language;
  columns: number;
  style: Style;
  /** `kubectl upgrade-guard`, `helm spiderpool-upgrade` or `upgrade-guard`. */
  tool: string;
  /** Words that lead the next command to the same place as this one, such as ` --context prod`; each with a blank before it. */
  again?: string;
  /** Which systems and checks were asked for, as words for the next command; each with a blank before it. */
  asked?: string;
  /** Of those of `again`, the ones that lead to the same cluster. */
  reach?: string;
  /** The same for kubectl and helm, in their words. */
  aim?: Aim;
  /** Who grants what is not permitted. */
  admin?: Admin;
  /** Everything, folding nothing. */
  wide: boolean;
  /** The words that unfold what is folded away; undefined: -o wide. */
  unfold?: string;
}

/** For commands that take no -o: check shows what they fold away. */
export const foldedBy = (face: Face): Face => ({ ...face, unfold: `${face.tool} check${face.asked ?? ''}${face.again ?? ''} -o wide` });
export const unfolding = ({ unfold = '-o wide' }: Face): string => unfold;

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

/** A paragraph, indented; the lines after the first by `hanging`. Wraps prose, never a name. */
export function paragraph(text: string, face: Face, indent = 2, hanging = indent): string[] {
  const room = (margin: number) => Math.max(LEAST, face.columns - margin);
  const [first = ''] = wrap(text, room(indent));
  const rest = text.startsWith(first) ? text.slice(first.length).trim() : '';
  // A text with wider gaps is not its lines put together again: it gets the narrower room throughout.
  const lines = text.startsWith(first) ? [first, ...(rest ? wrap(rest, room(hanging)) : [])] : wrap(text, room(hanging));
  return lines.map((line, i) => ' '.repeat(i ? hanging : indent) + line);
}

/** The same for a sentence that ends in a command to run: where not all of it fits on one line, the command gets a line of its own, which a terminal may fold, and which is still one line when it is pasted. */
export function paragraphWithCommand(text: string, face: Face, indent = 2): string[] {
  const ending = new RegExp(
    `^(.*?[:：])\\s*((?:kubectl|helm|etcdctl|${face.tool}) .*)$|^(.*?)“((?:kubectl|helm|etcdctl|${face.tool}) [^”]*)”$`,
  );
  const [, lead, command, leadZh, commandZh] = width(text) + indent > face.columns ? (ending.exec(text) ?? []) : [];
  const last = command ?? commandZh;
  if (last === undefined) return paragraph(text, face, indent);
  return [...paragraph(lead ?? `${leadZh}：`, face, indent), `${' '.repeat(indent)}${last}`];
}

/** A command of a remedy, filled in. */
export const pasteable = (command: string, { tool, again = '', aim = NOWHERE }: Pick<Face, 'tool' | 'again' | 'aim'>): string =>
  commandLine(aimed(command.replaceAll('{tool}', tool).replaceAll('{again}', again), aim));

/** A command of a step, for the same cluster. A step is stored with the name by which most call us, and without flags of connection. */
export const calledAs = (command: string, { tool, reach = '', aim = NOWHERE }: Pick<Face, 'tool' | 'reach' | 'aim'>): string =>
  /^kubectl upgrade-guard /.test(command)
    ? `${command.replace(/^kubectl upgrade-guard(?= )/, tool)}${command.startsWith('kubectl upgrade-guard check ') ? reach : ''}`
    : aimed(command.replace(/\bkubectl upgrade-guard(?= )/g, tool), aim);
/** A sentence that names a command to run. */
export const toCluster = (text: string, { aim = NOWHERE }: Pick<Face, 'aim'>): string => aimedIn(text, aim);
const NOWHERE: Aim = { kubectl: '', helm: '' };

/** A column narrower than this is not readable. */
const LEAST = 20;

const wideBeside = (room: number, { columns }: Pick<Face, 'columns'>): number =>
  Math.max(LEAST, Math.min(columns, WIDEST) - INDENT - room - GAP);

/** What stands above numbered texts, and above their cells. */
export const besideHead = (head: string, cell: string, room: number, face: Face): string =>
  `${padEnd(head, INDENT + wideBeside(room, face) + GAP)}${cell}`;

/** A numbered text with a cell of `room` columns to its right. However wide the terminal is, the cell stays near what it speaks about. */
export function beside(id: string, text: string, cell: string, room: number, face: Face): string[] {
  const wide = wideBeside(room, face);
  const [first = '', ...rest] = wrap(text, wide);
  const head = `${`${id}.`.padStart(INDENT - 1)} ${first}`;
  return [`${padEnd(head, INDENT + wide + GAP)}${cell}`, ...rest.map((line) => ' '.repeat(INDENT) + line)];
}

/** `12. ` and what stands below it. */
export const INDENT = 6;
const GAP = 3;
const WIDEST = 120;

/** `1 blocker`, `2 blockers`; Chinese has no plural. */
export const counted = (count: number, en: string, zh: string, many = `${en}s`): Text => ({
  en: `${count} ${count === 1 ? en : many}`,
  zh: `${count} ${zh}`,
});
