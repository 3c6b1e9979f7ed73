// The report as Markdown, for issues and chats: everything that the table folds is there, long lists inside <details>.
import type { Language } from '../engine/contracts.ts';
import type { Face } from './face.ts';
import type { Report } from './report.ts';
import type { UnknownView } from './unknowns.ts';
import type { FoundView, View } from './view.ts';
import { FIX, markOf, NOT_SEEN, REPORT_TITLE, SIGN, UNREACHABLE } from './words.ts';

/** More objects than this go behind a fold. */
const OPEN = 5;

export function markdown({ views, failed, sum }: Report, { language }: Face): string {
  const [only] = views;
  const colon = { en: ': ', zh: '：' }[language];
  const single = views.length === 1 && !failed.length;
  const lines = [
    `# ${REPORT_TITLE[language]}${single ? `${colon}${plain(only!.cluster)}` : ''}`,
    '',
    `**${plain(sum)}**`,
    ...views.flatMap((view) => ['', ...(single ? [] : [`## ${plain(view.cluster)}`, '']), ...cluster(view, single, language)]),
    ...failed.flatMap(({ context, why }) => ['', `## ✗ ${plain(context)}`, '', `${UNREACHABLE[language]} ${plain(why)}`]),
  ];
  return lines.join('\n');
}

function cluster(view: View, single: boolean, language: Language): string[] {
  const place = (path: View['paths'][number]) => [path.versions, path.note, path.place].filter(Boolean).join(' · ');
  return [
    ...(view.version ? [`Kubernetes ${plain(view.version)}`, ''] : []),
    ...view.paths.map((path) => `- **${plain(path.system)}** ${plain(place(path))}`),
    ...view.disagreements.flatMap(({ head, says }) => [`- ${plain(head)}`, ...says.map((line) => `  - ${plain(line)}`)]),
    ...(view.absent ? [`- ${plain(view.absent)}`] : []),
    ...view.found.flatMap((found) => ['', ...foundLines(found, single ? '##' : '###', language)]),
    ...view.unknown.flatMap((unknown) => ['', ...unknownLines(unknown, single ? '##' : '###')]),
    ...(view.rest
      ? ['', ...folded(`${view.others.some(({ passed }) => passed) ? '✓' : '–'} ${plain(view.rest)}`, view.others.map(otherLine))]
      : []),
    ...(view.next ? ['', `${view.next.lead}${code(view.next.command)}`] : []),
  ];
}

const otherLine = ({ id, passed, text }: View['others'][number]): string =>
  [`- ${passed ? '✓' : '–'} ${code(id)}`, plain(text)].filter(Boolean).join(' ');

const folded = (head: string, lines: readonly string[]): string[] => [
  `<details><summary>${head}</summary>`,
  '',
  ...lines,
  '',
  '</details>',
];

function foundLines(
  { id, at, headline, severity, tally, findings, fix, command, notSeen }: FoundView,
  hashes: string,
  language: Language,
): string[] {
  return [
    `${hashes} ${SIGN[severity ?? 'accepted']} ${plain([id, at].filter(Boolean).join(' '))}`,
    '',
    [`**${plain(tally)}**`, plain(headline)].filter(Boolean).join(' · '),
    '',
    ...findings.flatMap(({ mark, message, objects, evidence }) => [
      `- ${mark ? `**${markOf(mark, language)}** · ` : ''}${plain(message)}`,
      ...objectLines(objects.map(({ kind, name, file }) => [kind, name, file].filter(Boolean).join(' '))),
      ...evidence.map((line) => `  - ${plain(line)}`),
    ]),
    ...notSeen.map((gap) => `- ${NOT_SEEN[language]}${plain(gap)}`),
    ...(fix ? ['', `**${FIX[language].trim()}** ${plain(fix)}`] : []),
    ...(command ? ['', code(command)] : []),
  ];
}

function objectLines(names: readonly string[]): string[] {
  const lines = names.map((name) => `  - ${code(name)}`);
  if (lines.length <= OPEN) return lines;
  return [`  <details><summary>${names.length}</summary>`, '', ...lines, '', '  </details>'];
}

function unknownLines({ head, reasons, settle }: UnknownView, hashes: string): string[] {
  return [
    `${hashes} ? ${plain(head)}`,
    '',
    ...reasons.flatMap(({ whys, checks }) => [...whys.map((why) => `- ${plain(why)}`), `  - ${checks.map(code).join(', ')}`]),
    ...(settle ? ['', plain(settle)] : []),
  ];
}

/** Text that is only text: what Markdown or HTML would take for their own is escaped. */
const plain = (text: string): string => text.replace(/[\\`*_{}[\]<>#|~!&]/g, '\\$&').replace(/^(\s*)([-+]|\d+[.)])(\s)/, '$1\\$2$3');

/** A code span, fenced by more backticks than it holds. */
function code(text: string): string {
  const fence = '`'.repeat(1 + Math.max(0, ...(text.match(/`+/g) ?? []).map(({ length }) => length)));
  const room = text.startsWith('`') || text.endsWith('`') ? ' ' : '';
  return `${fence}${room}${text}${room}${fence}`;
}
