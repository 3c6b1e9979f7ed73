// What an examination says, in the words of one language and in reading order: worst first, each remedy once, unknowns by reason. Every printed format lays this out.
// All of it has been through sanitise: formats need no more than the escaping of their own.
import type { CheckResult, Gap, Installation, JudgedFinding, Severity, System, Text } from '../engine/contracts.ts';
import { couldLook, neededCluster } from '../engine/declared.ts';
import type { Examination } from '../engine/examine.ts';
import { fixLine } from '../engine/fix-line.ts';
import { describeGap, grant, isGap } from '../engine/gaps.ts';
import { SEVERITIES, type Summary, summarise } from '../engine/verdict.ts';
import { textOf } from '../text/language.ts';
import { oneLine } from '../text/sanitise.ts';
import { shellWord } from '../text/shell.ts';
import { type Face, pasteable } from './face.ts';
import { disagreement, type Known, NAME, type PathView, pathView, recorded, SENTENCE, type SourcesView, unread } from './installations.ts';
import { fileOf, nameOf } from './names.ts';
import { BLIND, BLIND_TARGETLESS, sumOf } from './sum.ts';
import { type UnknownView, unknownViews } from './unknowns.ts';
import { ACCEPTED, ACCEPTED_BY_NAME, BY_HAND, byAdmin, CERTAINTY, listed, NEXT, SEE_DIFF, severityCount } from './words.ts';

/** What the catalogue says about systems and checks. */
export interface Catalogue {
  systems: readonly (Pick<System, 'title'> & Known)[];
  /** By check id: what should hold, and what is the case where it does not. */
  checks: ReadonlyMap<string, { title: Text; headline: Text }>;
}
/** The fix line of a check; `command` as a remedy gives it, not filled in. */
export interface Fix {
  id: string;
  installation: string;
  text: Text;
  command?: string;
}
/** An examination as it is shown: that of this process, or one that was saved. */
export type Shown = Omit<Examination, 'remedies' | 'installations'> & {
  installations: readonly Installation[];
  fixes: readonly Fix[];
};

export interface View {
  cluster: string;
  /** Of the API server, where it could be read, and when a snapshot was recorded. */
  version: string;
  paths: PathView[];
  /** Of the installed version: sources that disagree, and such as could not be read. */
  disagreements: SourcesView[];
  absent: string;
  found: FoundView[];
  unknown: UnknownView[];
  rest: string;
  /** What the rest is made of: each check with what holds, or why it does not apply. */
  others: { id: string; passed: boolean; text: string }[];
  sum: string;
  next?: NextView;
}
/** What to do next: words, and the command behind them. */
export interface NextView {
  lead: string;
  command: string;
}
/** A run of this cluster that was interrupted, or whose undo was, or that is running; and the command about it. */
export interface CutRun {
  id: string;
  verb: 'runs' | 'resume' | 'undo';
}
export interface FoundView {
  id: string;
  /** Which installation, where there are several of the system. */
  at: string;
  /** What is the case. */
  headline: string;
  /** The worst that is not accepted; undefined: all are accepted. */
  severity?: Severity;
  tally: string;
  findings: FindingView[];
  fix: string;
  /** A line to paste, where the fix begins with one. */
  command: string;
  notSeen: string[];
}
/** `mark`: stands before it, where the findings of its check differ in severity. */
export interface FindingView {
  mark?: Severity | 'accepted';
  message: string;
  objects: ObjectView[];
  evidence: string[];
}
/** `file`: the manifest that declares it, FILE:LINE. */
export interface ObjectView {
  kind: string;
  name: string;
  file?: string;
}

/** `cut`: comes before anything that was found. */
export function viewOf(examination: Shown, { systems, checks }: Catalogue, face: Face, cut?: CutRun): View {
  const { serverVersion, recordedAt, installations, paths, results, absent, elsewhere, empty, manifests } = examination;
  const { language } = face;
  const found = results.filter(({ outcome }) => outcome === 'found').toSorted(worstFirst);
  const looked = results.filter((result) => !neededCluster(result));
  const unknown = looked.filter(({ outcome }) => outcome === 'unknown' || outcome === 'not-looked-at');
  const summary = summarise(looked);
  const left = elsewhere.map((id) => oneLine(id, 600));
  const known = () => withTarget(unknown.length > 0, paths, systems, face);
  const targetless = forVersion(systems, face);
  const missing = systems.filter(({ id }) => absent.includes(id)).map(({ id }) => id);
  const several = (id: string) => installations.filter(({ system }) => id.startsWith(`${system}/`)).length > 1;
  const foundViews = found.map((result) => foundView(result, examination, checks.get(result.id)?.headline, several(result.id), face));
  return {
    cluster: clusterOf(examination),
    version: [isGap(serverVersion) ? '' : oneLine(serverVersion), recordedAt === undefined ? '' : recorded(recordedAt, face)]
      .filter(Boolean)
      .join({ en: ', ', zh: '，' }[language]),
    paths: paths.map((path) => pathView(path, face, systems)),
    disagreements: installations.flatMap((installation) => [...disagreement(installation, face), ...unread(installation, face)]),
    absent: [
      ...(missing.length ? [{ en: `not installed: ${missing.join(', ')}`, zh: `未安装：${missing.join('、')}` }[language]] : []),
      ...(left.length ? [{ en: `left out by -n: ${left.join(', ')}`, zh: `被 -n 排除：${left.join('、')}` }[language]] : []),
    ].join({ en: '; ', zh: '；' }[language]),
    found: foundViews,
    unknown: unknownViews(unknown, face),
    rest: rest(summary, results.length - looked.length, empty, face, targetless),
    others: results.flatMap((result) => other(result, checks.get(result.id)?.title, several(result.id), face)),
    sum:
      manifests?.offline && !couldLook(results)
        ? (targetless ? BLIND_TARGETLESS : BLIND)[language]
        : sumOf([summary], looked.length > 0, face, {
            left: left.length,
            unread: manifests?.skipped.filter(({ unseen }) => unseen).length,
            alone: manifests?.offline,
            back: paths.some(({ chosen }) => chosen === 'back'),
          }),
    next: cut
      ? nextView(endOf(cut, face), face)
      : (nextOf(found, foundViews, unknown, manifests, face, known) ??
        nextView(
          known() ?? (manifests?.offline && !couldLook(results) ? targetless : undefined) ?? (left.length ? everywhere(face) : undefined),
          face,
        )),
  };
}

export const clusterOf = ({ identity: { context, server, uid } }: Pick<Shown, 'identity'>): string =>
  oneLine(context) || oneLine(server) || uid;

/** One sentence for all findings of a check, as the plan treats them. */
export const fixesOf = ({ remedies }: Pick<Examination, 'remedies'>): Fix[] =>
  remedies.map(({ check, installation, findings, offered }) => {
    const command = check.remedy?.command?.([...findings]);
    return { id: check.id, installation, text: fixLine(offered), ...(command === undefined ? {} : { command }) };
  });

/** `solved`: what no remedy fixes, and the steps of an upgrade do. */
export type Solving = Examination & { solved?: readonly Fix[] };
export const shownOf = ({ solved = [], ...examination }: Solving): Shown => ({
  ...examination,
  fixes: [...fixesOf(examination), ...solved],
});

// ---- findings -------------------------------------------------------------------------------------------------------

/** By installation: the target that an open blocker names instead of the one that was asked for. */
function targetsInstead(results: readonly CheckResult[]): Map<string, string> {
  return new Map(
    results.flatMap(({ installation, findings }) =>
      openOnes(findings).flatMap(({ severity, target }) => (severity === 'blocker' && target ? [[installation, target] as const] : [])),
    ),
  );
}

const openOnes = (findings: readonly JudgedFinding[]): JudgedFinding[] => findings.filter(({ accepted }) => !accepted);
const worst = (findings: readonly JudgedFinding[]): number =>
  Math.min(...openOnes(findings).map(({ severity }) => SEVERITIES.indexOf(severity)), SEVERITIES.length);
const bySeverity = (a: JudgedFinding, b: JudgedFinding): number => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity);
export const worstFirst = (a: CheckResult, b: CheckResult): number => worst(a.findings) - worst(b.findings) || a.id.localeCompare(b.id);

function foundView(
  result: CheckResult,
  { paths, fixes, results }: Shown,
  headline: Text | undefined,
  several: boolean,
  face: Face,
): FoundView {
  const { id, installation, findings, gaps } = result;
  const { language } = face;
  const hops = paths.find((path) => path.installation.id === installation)?.hops ?? [];
  const retargets = targetsInstead(results);
  const fix = fixes.find((each) => each.id === id && each.installation === installation);
  const differ = new Set(openOnes(findings).map(({ severity }) => severity)).size > 1;
  const marked = (finding: JudgedFinding): FindingView => ({
    ...(differ ? { mark: finding.accepted ? 'accepted' : finding.severity } : {}),
    ...findingView(finding, hops, face),
  });
  return {
    id,
    at: several ? oneLine(installation.slice(installation.indexOf('@') + 1), NAME) : '',
    headline: headline?.[language] ?? '',
    severity: SEVERITIES[worst(findings)],
    tally: tally(findings, face),
    findings: [...openOnes(findings).toSorted(bySeverity), ...findings.filter(({ accepted }) => accepted)].map(marked),
    fix: fix ? oneLine(fix.text[language], SENTENCE) : '',
    // What fetches a target that is not to be taken is of no help.
    command: fix?.command === undefined || retargets.has(installation) ? '' : pasteable(fix.command, face),
    notSeen: gaps.map((gap) => oneLine(describeGap(gap)[language], SENTENCE)),
  };
}

const ownedBy = (owner: string): Text => ({
  en: `owned by ${owner}: change it there`,
  zh: `由 ${owner.replaceAll(', ...', ' 等').replaceAll(', ', '、')} 管理，请在该处修改`,
});

/** Nothing but the annotations of its objects is left of it. */
const onceOf = (owner: string): Text => ({
  en: `annotated with ${owner}, which does not exist: change the object itself`,
  zh: `注解写明属于 ${owner.replaceAll(', ...', ' 等').replaceAll(', ', '、')}，但该 release 不存在，请直接修改对象`,
});

/** Whether there is one was not looked up. */
const perhapsOf = (owner: string): Text => ({
  en: `annotated with ${owner}: change it there if that release exists`,
  zh: `注解写明属于 ${owner.replaceAll(', ...', ' 等').replaceAll(', ', '、')}，如果该 release 存在，请在该处修改`,
});

/** `from 1.36 on` already says that it is at 1.36. */
const names = (message: string, hop: string): boolean => message.split(/[^\w.-]+/).some((word) => word.replace(/\.$/, '') === hop);

export function findingView(finding: JudgedFinding, hops: readonly string[], { language }: Face): FindingView {
  const { message, certainty, objects, accepted, evidence, hop, declaredBy } = finding;
  const at = hops.length > 1 && hop !== undefined && hops.includes(hop) && !names(message[language], hop) ? hop : undefined;
  const remarks = [
    at && { en: `at ${at}`, zh: `升级到 ${at} 时` }[language],
    CERTAINTY[certainty]?.[language],
    accepted && ACCEPTED_BY_NAME[language],
    declaredBy && (declaredBy.gone ? onceOf : declaredBy.unchecked ? perhapsOf : ownedBy)(oneLine(declaredBy.name, NAME))[language],
  ].filter((remark) => typeof remark === 'string');
  const remark = remarks.length ? { en: ` (${remarks.join(', ')})`, zh: `（${remarks.join('，')}）` }[language] : '';
  return {
    message: oneLine(message[language], SENTENCE) + remark,
    objects: objects.map((ref) => ({ kind: oneLine(ref.kind), name: nameOf(ref), file: fileOf(ref) })),
    evidence: evidence.map(
      ({ seen, at: where }) =>
        oneLine(textOf(seen)[language], SENTENCE) +
        (where ? `  (${[oneLine(where.kind), nameOf(where), fileOf(where)].filter(Boolean).join(' ')})` : ''),
    ),
  };
}

export function tally(findings: readonly JudgedFinding[], { language }: Face): string {
  const open = openOnes(findings);
  const accepted = findings.length - open.length;
  const count = (severity: Severity) => open.filter((finding) => finding.severity === severity).length;
  const parts = SEVERITIES.filter(count).map((severity) => severityCount(severity, count(severity))[language]);
  return listed([...parts, ...(accepted ? [ACCEPTED(accepted)[language]] : [])], language);
}

// ---- the end --------------------------------------------------------------------------------------------------------

/** `blind`: what a cluster was needed for. */
function rest({ checks }: Summary, blind: number, empty: Shown['empty'], { language }: Face, targetless: string | undefined): string {
  const not = checks['not-applicable'];
  const or = targetless ? { en: ' or a target version', zh: '或目标版本' } : { en: '', zh: '' };
  const parts = [
    checks.passed && { en: `${checks.passed} passed`, zh: `${checks.passed} 项通过` }[language] + (empty ? WITHOUT(empty)[language] : ''),
    not && { en: `${not} ${not === 1 ? 'does' : 'do'} not apply`, zh: `${not} 项不适用` }[language],
    blind && { en: `${blind} skipped (they need a cluster${or.en})`, zh: `${blind} 项已跳过（需要集群${or.zh}）` }[language],
  ];
  return listed(
    parts.filter((part) => typeof part === 'string'),
    language,
  );
}

/** That there was nothing to look at is not the same as that all is well. */
const WITHOUT = ({ kinds, checks }: NonNullable<Shown['empty']>): Text => {
  const names = kinds.map((kind) => oneLine(kind));
  return {
    en: ` (the cluster has no ${names.map((kind) => `${kind}s`).join(' and no ')}: ${checks} ${checks === 1 ? 'check' : 'checks'} had nothing to look at)`,
    zh: `（集群中没有 ${names.join('，也没有 ')}：其中 ${checks} 项没有可检查的对象）`,
  };
};

function other(
  { id, installation, outcome, note }: CheckResult,
  title: Text | undefined,
  several: boolean,
  { language }: Face,
): View['others'] {
  const passed = outcome === 'passed';
  if (!passed && outcome !== 'not-applicable') return [];
  const at = several ? `${id} ${oneLine(installation.slice(installation.indexOf('@') + 1), NAME)}` : id;
  return [{ id: at, passed, text: oneLine((passed ? title : note)?.[language] ?? '', SENTENCE) }];
}

const nextView = (command: string | undefined, { language }: Face): NextView | undefined =>
  command === undefined ? undefined : { lead: NEXT[language], command };

/** A run that was begun is gone on with; an undo that was begun is ended. */
const endOf = ({ id, verb }: CutRun, { tool, reach = '' }: Face): string => `${tool} ${verb} ${id}${reach}`;

/** What to do about it, at the same place. */
function nextOf(
  found: readonly CheckResult[],
  views: readonly FoundView[],
  unknown: readonly CheckResult[],
  manifests: Shown['manifests'],
  face: Face,
  known: () => string | undefined,
): NextView | undefined {
  const open = found.flatMap(({ id, findings }) => openOnes(findings).map(({ remedy }) => ({ id, remedy })));
  if (!open.length) return toSee(unknown, face, known);
  const { tool, asked = '', again = '', language } = face;
  const [other] = targetsInstead(found);
  if (other) return nextView(checkWith(...other, new Set(found.map(({ installation }) => installation)), face), face);
  const shown = `${tool} fix${asked}${again} --dry-run=client`;
  if (manifests?.fixes === 'changes') return { lead: SEE_DIFF[language], command: shown };
  // A snapshot can only be rehearsed; and over manifests fix changes them alone.
  if (!manifests && open.some(({ remedy }) => remedy?.automatic))
    return nextView(`${tool} fix${asked}${again}${/ --from /.test(again) ? ' --rehearse' : ''}`, face);
  const command = views.find((view) => view.command)?.command;
  if (command) return nextView(command, face);
  const byHand = manifests ? manifests.fixes === 'decisions' : open.some(({ remedy }) => remedy?.steps);
  return byHand ? { lead: BY_HAND[language], command: shown } : nextView(`${tool} explain ${open[0]!.id}`, face);
}

/** The same check, with another target for one installation. `installation`: SYSTEM@PLACE. */
function checkWith(installation: string, target: string, all: ReadonlySet<string>, { tool, asked = '', again = '' }: Face): string {
  const [system] = installation.split('@', 1) as [string];
  const others = again.replace(new RegExp(` --to ${system}[@=]\\S*`, 'g'), '').replace(/ --chart \S+/, '');
  const only = [...all].filter((id) => id.startsWith(`${system}@`)).length === 1;
  return `${tool} check${asked}${others} --to ${only ? system : shellWord(installation)}=${shellWord(target)}`;
}

/** What would show more. */
function toSee(unknown: readonly CheckResult[], face: Face, known: () => string | undefined): NextView | undefined {
  const { tool, asked = '', again = '', admin, language } = face;
  const gaps = unknown.flatMap((result): readonly Gap[] => result.gaps);
  if (gaps.some(({ why }) => why === 'forbidden')) return { lead: byAdmin(admin)[language], command: grant({ tool, admin }) };
  if (gaps.some(({ why, detail }) => why === 'not-collected' && !detail)) return nextView(`${tool} snapshot snapshot.tar.gz`, face);
  if (gaps.some(({ why }) => why === 'quick')) return nextView(`${tool} check${asked}${again}`, face);
  // What could not be read is named above, each with its command; the same check would come to the same, unless for a version that is known.
  const unread = unknown.find((result) => result.gaps.length);
  return unread && (known() ?? '=VERSION').endsWith('=VERSION') ? nextView(`${tool} explain ${unread.id}`, face) : undefined;
}

/** What manifests alone can answer depends on the version of Kubernetes that they are for. */
function forVersion(systems: Catalogue['systems'], { tool, asked = '', again = '' }: Face): string | undefined {
  const kubernetes = systems.find(({ id }) => id === 'kubernetes');
  if (!kubernetes || again.includes(' --to ') || (asked && !asked.includes(` ${kubernetes.id}`))) return undefined;
  return `${tool} check${asked}${again} --to ${kubernetes.id}=${kubernetes.knownUpTo}`;
}

/** What `-n` left out as well. */
const everywhere = ({ tool, asked = '', again = '' }: Face): string => `${tool} check${asked}${again.replace(/ --namespace \S+/, '')}`;

/** What was not judged for want of a target that this build knows. */
function withTarget(
  unknown: boolean,
  paths: Examination['paths'],
  systems: Catalogue['systems'],
  { tool, asked = '', again = '' }: Face,
): string | undefined {
  for (const { installation, to, chosen } of unknown ? paths : []) {
    if (chosen === 'back') continue;
    const { id, knownUpTo, compare } = systems.find((system) => system.id === installation.system)!;
    if (to !== undefined && compare(to, knownUpTo) <= 0) continue;
    const others = again.replace(new RegExp(` --to ${id}[@=]\\S*`, 'g'), '');
    const only = paths.filter((path) => path.installation.system === id).length === 1;
    return `${tool} check${asked}${others} --to ${only ? id : shellWord(installation.id)}=${to === undefined ? 'VERSION' : knownUpTo}`;
  }
  return undefined;
}
