// The report as JUnit XML, for GitLab, Jenkins and others: a suite for each installation, a case for each check. Times are not measured.
// A case has at most one failure: Jenkins and GitLab read the first alone, so that all findings of a check stand in it.
import type { Severity } from '../engine/contracts.ts';
import { SEVERITIES } from '../engine/verdict.ts';
import { oneLine } from '../text/sanitise.ts';
import { type Element, xmlOf } from '../text/xml.ts';
import type { Face } from './face.ts';
import { NAME, pathView } from './installations.ts';
import { fileOf, nameOf } from './names.ts';
import type { Report } from './report.ts';
import type { Tool } from './sarif.ts';
import { type FoundHere, type Looked, lookedOf, type Verdict } from './verdicts.ts';
import type { Catalogue, Shown } from './view.ts';
import { FIX, LEFT_OUT, listed, NOT_SEEN, REPORT_TITLE, SEVERITY, severityCount, UNREACHABLE } from './words.ts';

/** What fails a case. A notice is told in one that passes. */
const FAILING: readonly Severity[] = ['blocker', 'warning'];

export function junit(
  looks: readonly Shown[],
  failed: Report['failed'],
  catalogue: Catalogue,
  tool: Pick<Tool, 'inRepository'>,
  face: Face,
): string {
  const several = looks.length + failed.length > 1;
  const suites = [
    ...looks.flatMap((each) => suitesOf(lookedOf(each, catalogue, face), several, tool, face)),
    ...failed.map(({ context, why }) => unreachable(context, `${UNREACHABLE[face.language]}${{ en: ' ', zh: '' }[face.language]}${why}`)),
  ];
  const total = (of: Count) => suites.reduce((sum, { attributes }) => sum + Number(attributes![of]), 0);
  const attributes = { name: REPORT_TITLE[face.language], ...Object.fromEntries(COUNTS.map((each) => [each, total(each)])), time: 0 };
  return xmlOf({ name: 'testsuites', attributes, content: suites });
}

const COUNTS = ['tests', 'failures', 'errors', 'skipped'] as const;
type Count = (typeof COUNTS)[number];

function suitesOf(looked: Looked, several: boolean, tool: Pick<Tool, 'inRepository'>, face: Face): Element[] {
  const { cluster, shown, verdicts, left, passedOver } = looked;
  const { language } = face;
  const named = (name: string) => (several ? `${cluster} ${name}` : name);
  const kubernetes = typeof shown.serverVersion === 'string' ? oneLine(shown.serverVersion) : '';
  const byInstallation = Map.groupBy(verdicts, ({ installation }) => installation);
  const suites = [...byInstallation].map(([installation, all]) => {
    const path = shown.paths.find((each) => oneLine(each.installation.id, NAME) === installation);
    const properties = { cluster, kubernetes, upgrade: path ? pathView(path, face).versions : '' };
    return suite(
      named(installation),
      all.map((verdict) => caseOf(verdict, named(installation), tool, face)),
      properties,
    );
  });
  const leftOut = left.map((id) => testCase(named('-n'), id, [element('skipped', LEFT_OUT[language])]));
  const files = passedOver.map(({ file, line, why, unseen }) =>
    testCase(named('-f'), [oneLine(file, NAME), ...(line === undefined ? [] : [line])].join(':'), [
      element(unseen ? 'error' : 'skipped', why),
    ]),
  );
  return [...suites, ...(leftOut.length ? [suite(named('-n'), leftOut)] : []), ...(files.length ? [suite(named('-f'), files)] : [])];
}

const unreachable = (context: string, why: string): Element => suite(context, [testCase(context, context, [element('error', why)])]);

function suite(name: string, cases: Element[], properties: Record<string, string> = {}): Element {
  const having = (part: string) =>
    cases.filter(({ content }) => Array.isArray(content) && content.some((each) => each.name === part)).length;
  const known = Object.entries(properties).filter(([, value]) => value);
  const block = known.length
    ? [{ name: 'properties', content: known.map(([key, value]) => ({ name: 'property', attributes: { name: key, value } })) }]
    : [];
  return {
    name: 'testsuite',
    attributes: { name, tests: cases.length, failures: having('failure'), errors: having('error'), skipped: having('skipped'), time: 0 },
    content: [...block, ...cases],
  };
}

const testCase = (classname: string, name: string, content: Element[], file?: string): Element => ({
  name: 'testcase',
  attributes: { classname, name, file, time: 0 },
  content,
});

const element = (name: string, message: string, type?: string, content = ''): Element => ({ name, attributes: { message, type }, content });

function caseOf(verdict: Verdict, classname: string, { inRepository }: Pick<Tool, 'inRepository'>, face: Face): Element {
  const { id, is, findings, unseen, note } = verdict;
  const { language } = face;
  const [file] = findings.flatMap(({ finding }) => finding.objects).flatMap((object) => (object.file && inRepository(object.file)) || []);
  const made = (...content: Element[]) => testCase(classname, id, content, file === undefined ? undefined : oneLine(file, NAME));
  if (is === 'skipped') return made(element('skipped', note));
  const fails = findings.filter(({ finding }) => isFailing(finding));
  const told = findings.filter(({ finding }) => !isFailing(finding));
  const out = told.length ? [{ name: 'system-out', content: told.map((each) => lines(each, face)).join('\n') }] : [];
  const obstacles = unseen.map(({ why, settle }) => [why, settle].filter(Boolean).join('\n'));
  if (fails.length) {
    const worst = SEVERITIES.find((severity) => fails.some(({ finding }) => finding.severity === severity))!;
    const body = [
      ...fails.map((each) => lines(each, face)),
      ...(verdict.fix ? [`${FIX[language]}${verdict.fix}`] : []),
      ...obstacles.map((each) => `${NOT_SEEN[language]}${each}`),
    ];
    return made(element('failure', summary(verdict, fails, face), worst, body.join('\n')), ...out);
  }
  // With nothing that fails it, what could not be seen is all that is known.
  if (unseen.length) return made(element('error', unseen.map(({ why }) => why).join('; '), 'unknown', obstacles.join('\n')), ...out);
  return made(...out);
}

const isFailing = ({ severity, accepted }: FoundHere['finding']): boolean => !accepted && FAILING.includes(severity);

/** `Removed API versions are in use (2 blockers, 1 warning)`. */
function summary({ headline, id }: Verdict, fails: readonly FoundHere[], { language }: Face): string {
  const count = (severity: Severity) => fails.filter(({ finding }) => finding.severity === severity).length;
  const tally = listed(
    SEVERITIES.filter(count).map((severity) => severityCount(severity, count(severity))[language]),
    language,
  );
  return { en: `${headline || id} (${tally})`, zh: `${headline || id}（${tally}）` }[language];
}

function lines({ finding, message, evidence }: FoundHere, { language }: Face): string {
  const { severity, objects } = finding;
  const colon = { en: ': ', zh: '：' }[language];
  const names = objects.map((ref) => `  ${[oneLine(ref.kind), nameOf(ref), fileOf(ref)].filter(Boolean).join(' ')}`);
  return [`${SEVERITY[severity][language]}${colon}${message}`, ...names, ...evidence.map((line) => `  ${line}`)].join('\n');
}
