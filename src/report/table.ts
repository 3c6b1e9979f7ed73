// The terminal view of an examination: grouped by check, worst first, findings folded so that fifty fit on two screens, the sum and the next command last.
import type { Severity, Text } from '../engine/contracts.ts';
import { SEVERITIES, type Summary } from '../engine/verdict.ts';
import { padEnd, width } from '../text/width.ts';
import { columns, type Face, paragraph, paragraphWithCommand, unfolding } from './face.ts';
import type { Report } from './report.ts';
import type { UnknownView } from './unknowns.ts';
import {
  type Catalogue,
  type CutRun,
  type FindingView,
  type FoundView,
  type NextView,
  type ObjectView,
  type Solving,
  shownOf,
  type View,
  viewOf,
} from './view.ts';
import { FIX, NOT_SEEN, named, SIGN, severityCount, UNREACHABLE } from './words.ts';

/** Two screens of fifty lines. */
const ROOM = 100;
/** Findings that a check shows however little room there is. */
const LEAST = 2;
/** Objects named per finding, and reasons why checks could not look, before the rest is folded into a count; -o wide names all. */
const NAMED = 2;
const REASONS = 6;
/** Lines that the sum and the next command may take. */
const CLOSING = 2;
/** Of a rule between clusters. */
const WIDEST = 100;

/** `next`: with the next command at its end; `cut`: the run that has to be ended first. */
export function table(
  examination: Solving,
  systems: Catalogue['systems'],
  checks: Catalogue['checks'],
  face: Face,
  next?: { cut?: CutRun },
): string[] {
  const view = viewOf(shownOf(examination), { systems, checks }, face, next?.cut);
  return tableOf(view, face, next !== undefined);
}

export const tableOf = (view: View, face: Face, withNext: boolean): string[] => [
  ...body(view, face, ROOM),
  closing(view.sum, withNext ? view.next : undefined, face),
];

/** Several clusters below each other, then one line for each, and the sum of all. */
export function tables({ views, summaries, failed, sum }: Report, face: Face): string[] {
  const { style, language } = face;
  const names = [
    ...views.map(({ cluster }, i) => `${worstSign(summaries[i]!, face)} ${style.bold(cluster)}`),
    ...failed.map(({ context }) => `${style.red('✗')} ${style.bold(context)}`),
  ];
  const longest = Math.max(0, ...names.map(width));
  const name = (i: number) => padEnd(names[i]!, longest);
  return [
    ...views.flatMap((view) => [
      style.dim('─'.repeat(Math.min(face.columns, WIDEST))),
      ...body(view, face, ROOM / views.length),
      closing(view.sum, view.next, face),
      '',
    ]),
    style.dim('─'.repeat(Math.min(face.columns, WIDEST))),
    ...columns(views.map(({ version }, i) => [name(i), version, ...tallies(summaries[i]!, face)])),
    ...failed.flatMap(({ why }, i) => [`${name(views.length + i)}   ${UNREACHABLE[language]}`.trimEnd(), ...paragraph(why, face, 4)]),
    '',
    style.bold(sum),
  ];
}

function worstSign({ findings, checks }: Summary, face: Face): string {
  const severity = SEVERITIES.find((each) => findings[each]);
  if (severity) return sign(severity, face);
  return checks.unknown + checks['not-looked-at'] ? face.style.cyan('?') : face.style.green('✓');
}

function tallies({ findings, checks }: Summary, { language, style }: Face): string[] {
  const paint: Record<Severity, (text: string) => string> = { blocker: style.red, warning: style.yellow, notice: style.cyan };
  const unknown = checks.unknown + checks['not-looked-at'];
  const cell = (severity: Severity) => (findings[severity] ? paint[severity](severityCount(severity, findings[severity])[language]) : '');
  return [cell('blocker'), cell('warning'), cell('notice'), unknown ? { en: `${unknown} unknown`, zh: `${unknown} 项未知` }[language] : ''];
}

function closing(sum: string, next: NextView | undefined, { style, columns: room }: Face): string {
  if (!next) return style.bold(sum);
  const command = `${next.lead}${style.bold(next.command)}`;
  const line = `${style.bold(sum)}   ${command}`;
  return width(line) <= room ? line : `${style.bold(sum)}\n${command}`;
}

function body(view: View, face: Face, room: number): string[] {
  const { style } = face;
  const passed = view.others.some((other) => other.passed);
  const frame = [
    header(view, face),
    ...view.unknown.map((unknown) => unknownLines(unknown, face)),
    view.rest ? [`${passed ? style.green('✓') : style.dim('-')} ${view.rest}`, ...(face.wide ? otherLines(view.others, face) : [])] : [],
  ];
  const left = room - frame.flat().length - frame.length - CLOSING;
  const [head = [], ...tail] = frame;
  return [head, ...closer(view.found, foundBlocks(view.found, face, left), left), ...tail].flatMap((block) =>
    block.length ? [...block, ''] : [],
  );
}

/** Where even a few findings of each check take more room than there is, no lines are left empty between checks of one severity. */
function closer(found: readonly FoundView[], blocks: string[][], room: number): string[][] {
  if (blocks.flat().length + blocks.length <= room) return blocks;
  const same = Map.groupBy(blocks.keys(), (i) => found[i]!.severity);
  return [...same.values()].map((all) => all.flatMap((i) => blocks[i]!));
}

function otherLines(others: View['others'], face: Face): string[] {
  const { style } = face;
  const sign = (passed: boolean) => (passed ? style.green('✓') : style.dim('-'));
  const rows = columns(others.map(({ id, passed, text }) => [`  ${sign(passed)} ${id}`, style.dim(text)]));
  if (rows.every((row) => width(row) <= face.columns)) return rows;
  return others.flatMap(({ id, passed, text }) => [`  ${sign(passed)} ${id}`, ...(text ? paragraph(text, face, 4).map(style.dim) : [])]);
}

function header({ cluster, version, paths, disagreements, absent }: View, face: Face): string[] {
  const { style } = face;
  return [
    ...nameLines(style.bold(cluster), version, face),
    ...pathLines(paths, face),
    ...disagreements.flatMap(({ head, says }) => [
      ...paragraph(head, face, 0).map(style.yellow),
      ...says.flatMap((line) => paragraph(line, face, 2, 4)),
    ]),
    ...(absent ? paragraph(absent, face, 0).map(style.dim) : []),
  ];
}

function nameLines(cluster: string, version: string, face: Face): string[] {
  const row = [cluster, version].filter(Boolean).join('  ');
  return width(row) <= face.columns ? [row] : [cluster, ...(version ? [`  ${version}`] : [])];
}

/** One line each where that fits; else where it stands, and what else there is to say, move below. */
function pathLines(paths: View['paths'], face: Face): string[] {
  const { language, style } = face;
  const noted = (note: string) => (note ? { en: ` (${note})`, zh: `（${note}）` }[language] : '');
  const rows = columns(paths.map(({ system, versions, note, place }) => [system, versions + noted(note), place]));
  if (rows.every((row) => width(row) <= face.columns)) return rows;
  const short = columns(paths.map(({ system, versions, note }) => [system, versions + noted(note)]));
  const fit = short.every((row) => width(row) <= face.columns);
  const bare = columns(paths.map(({ system, versions }) => [system, versions]));
  return paths.flatMap(({ note, place }, i) => [
    (fit ? short : bare)[i]!,
    ...(fit || !note ? [] : paragraph(note, face).map(style.dim)),
    ...paragraph(place, face).map(style.dim),
  ]);
}

// ---- findings -------------------------------------------------------------------------------------------------------

interface Block {
  head: string[];
  /** Lines of each finding. */
  findings: string[][];
  foot: string[];
}

function foundBlocks(found: readonly FoundView[], face: Face, room: number): string[][] {
  const heads = headLines(found, face);
  const blocks = found.map((each, i): Block => ({ head: heads[i]!, findings: findingLines(each, face), foot: footLines(each, face) }));
  const shown = face.wide ? blocks.map(({ findings }) => findings.length) : fitting(blocks, room);
  return blocks.map(({ head, findings, foot }, i) => {
    const hidden = findings.length - shown[i]!;
    const more = { en: `  … and ${hidden} more (${unfolding(face)})`, zh: `  …… 另有 ${hidden} 项（${unfolding(face)}）` }[face.language];
    return [...head, ...findings.slice(0, shown[i]).flat(), ...(hidden ? [face.style.dim(more)] : []), ...foot];
  });
}

/** How many findings each check shows: a few each, then as many as there is room for, in order. */
function fitting(blocks: readonly Block[], room: number): number[] {
  const shown = blocks.map(({ findings }) => Math.min(LEAST, findings.length));
  const lines = (block: Block, from: number, to?: number) => block.findings.slice(from, to).flat().length;
  let left = room - blocks.reduce((sum, block, i) => sum + block.head.length + lines(block, 0, shown[i]) + block.foot.length + 2, 0);
  // Where that is too much, one each, the worst checks last.
  for (let i = blocks.length - 1; i >= 0 && left < 0; i--) {
    const spared = lines(blocks[i]!, 1, shown[i]) - (blocks[i]!.findings.length === shown[i] ? 1 : 0);
    if (spared <= 0) continue;
    shown[i] = 1;
    left += spared;
  }
  for (const [i, block] of blocks.entries()) {
    while (shown[i]! < block.findings.length) {
      // The last one may stand where the count of what is hidden would have stood.
      const last = shown[i]! + 1 === block.findings.length;
      const cost = block.findings[shown[i]!]!.length - (last ? 1 : 0);
      if (cost > left && cost > 0) break;
      left -= cost;
      shown[i]!++;
    }
  }
  return shown;
}

/** Id, headline and tally in one line where that fits the terminal, else the headline below. */
function headLines(found: readonly FoundView[], face: Face): string[][] {
  const { style } = face;
  const id = (each: FoundView) => `${sign(each.severity, face)} ${style.bold(each.id)}${each.at ? ` ${style.dim(each.at)}` : ''}`;
  const painted = ({ severity, tally }: FoundView) => paint(severity, face)(tally);
  const rows = columns(found.map((each) => [id(each), each.headline, painted(each)]));
  if (rows.every((row) => width(row) <= face.columns)) return rows.map((row) => [row]);
  const short = columns(found.map((each) => [id(each), painted(each)]));
  return found.map((each, i) => [
    ...(width(short[i]!) <= face.columns ? [short[i]!] : [id(each), `  ${painted(each)}`]),
    ...paragraph(each.headline, face),
  ]);
}

const paint = (severity: Severity | undefined, { style }: Face): ((text: string) => string) =>
  severity ? { blocker: style.red, warning: style.yellow, notice: style.cyan }[severity] : style.dim;
export const sign = (severity: Severity | undefined, face: Face): string => paint(severity, face)(SIGN[severity ?? 'accepted']);

/** Message and objects side by side where all of the check's findings fit so, else below each other. */
function findingLines({ findings }: FoundView, face: Face): string[][] {
  const { style, wide } = face;
  // What follows a message stands further in than its first word.
  const below = findings.some(({ mark }) => mark) ? 6 : 4;
  const said = ({ mark, message }: FindingView) => (mark ? `${sign(mark === 'accepted' ? undefined : mark, face)} ${message}` : message);
  const lines = (finding: FindingView) => paragraph(said(finding), face, 2, below - 2);
  if (wide) {
    return findings.map((finding) => [
      ...lines(finding),
      ...finding.objects.map(({ kind, name, file }) => ' '.repeat(below) + [kind, name, file].filter(Boolean).join(' ')),
      ...finding.evidence.flatMap((line) => paragraph(line, face, below, below + 2).map(style.dim)),
    ]);
  }
  const told = findings.map((finding) => ({ finding, names: objectNames(finding.objects.filter(unsaid(finding.message)), face) }));
  const rows = columns(told.map(({ finding, names }) => [`  ${said(finding)}`, names && style.dim(names)]));
  if (rows.every((row) => width(row) <= face.columns)) return rows.map((row) => [row]);
  return told.map(({ finding, names }) => [...lines(finding), ...(names ? paragraph(names, face, below).map(style.dim) : [])]);
}

/** What the message names needs no second line; but where it is declared does. */
const unsaid =
  (message: string) =>
  ({ name, file }: ObjectView): boolean =>
    file !== undefined || !message.split(/[\s,;、，；（()）]+/).includes(name);

/** The first few; the kind once where it is the same for all. */
function objectNames(objects: readonly ObjectView[], face: Face): string {
  const { language } = face;
  const oneKind = objects.every(({ kind }) => kind === objects[0]!.kind);
  // One more is shown rather than counted.
  const shown = objects.length === NAMED + 1 ? objects : objects.slice(0, NAMED);
  const words = shown.map(({ kind, name, file }, i) => [...(oneKind && i ? [] : [kind]), name, file].filter(Boolean).join(' '));
  const names = named(words, language);
  const more = objects.length - shown.length;
  const how = face.unfold ? { en: '', zh: '' } : { en: ' (-o wide)', zh: '（-o wide）' };
  return more ? { en: `${names} and ${more} more${how.en}`, zh: `${names} 等 ${objects.length} 个${how.zh}` }[language] : names;
}

function footLines({ fix, command, notSeen }: FoundView, face: Face): string[] {
  const { style, language } = face;
  return [
    ...notSeen.flatMap((gap) => paragraph(NOT_SEEN[language] + gap, face, 2, 4).map(style.dim)),
    ...(fix ? paragraph(style.cyan(FIX[language]) + fix, face, 2, width(FIX[language]) + 2) : []),
    ...(command ? [`  ${command}`] : []),
  ];
}

// ---- unknowns -------------------------------------------------------------------------------------------------------

function unknownLines({ head, reasons, settle }: UnknownView, face: Face): string[] {
  const { style, language, wide } = face;
  const title = `${style.cyan('?')} ${style.bold(head)}`;
  // Reasons may be folded away; that a check is unknown never is.
  const ids = (checks: readonly string[]) => named(checks, language);
  const last = settle ? paragraphWithCommand(settle, face) : [];
  const all = reasons.flatMap(({ whys }) => whys);
  const [first] = reasons;
  if (all.length === 1 && first) {
    const row = `${title}   ${all[0]}`;
    const top = width(row) <= face.columns ? [row] : [title, ...paragraphWithCommand(all[0]!, face)];
    return [...top, ...paragraph(ids(first.checks), face).map(style.dim), ...last];
  }
  let room = wide || all.length <= REASONS + 1 ? all.length : REASONS;
  const hidden = all.length - room;
  const more: Text = { en: `  … and ${hidden} more (${unfolding(face)})`, zh: `  …… 另有 ${hidden} 项（${unfolding(face)}）` };
  const told = new Set<string>();
  const lines = reasons.flatMap(({ whys, checks }) => {
    const shown = whys.slice(0, room);
    room -= shown.length;
    if (!shown.length) return [];
    for (const check of checks) told.add(check);
    return [...shown.flatMap((why) => paragraphWithCommand(why, face)), ...paragraph(ids(checks), face, 4).map(style.dim)];
  });
  const others = [...new Set(reasons.flatMap(({ checks }) => checks))].filter((check) => !told.has(check));
  return [
    title,
    ...lines,
    ...(hidden ? [style.dim(more[language])] : []),
    ...(others.length ? paragraph(ids(others), face, 4).map(style.dim) : []),
    ...last,
  ];
}
