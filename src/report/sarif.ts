// The report as SARIF 2.1.0, for code hosts: one run for each cluster, one rule for each check, one result for each finding. What could not be seen is a notification, never a result that passed.
import type { Location, Log, Notification, ReportingDescriptor, Result, Run } from 'sarif';
import type { Check, Severity } from '../engine/contracts.ts';
import { oneLine } from '../text/sanitise.ts';
import { explainedInMarkdown } from './explain.ts';
import type { Face } from './face.ts';
import { NAME } from './installations.ts';
import { fileOf, insideOf, nameOf } from './names.ts';
import type { Report } from './report.ts';
import { type FoundHere, type Looked, lookedOf, type Verdict } from './verdicts.ts';
import type { Catalogue, Shown } from './view.ts';
import { ACCEPTED_BY_NAME, FIX, LEFT_OUT, NOT_SEEN, PASSED_OVER, UNREACHABLE } from './words.ts';

export interface Tool {
  version: string;
  pages: readonly Check[];
  /** Where a file lies in the repository, with `/`; undefined: it is not in it. */
  inRepository(file: string): string | undefined;
}

const LEVEL: Record<Severity, Result.level> = { blocker: 'error', warning: 'warning', notice: 'note' };

export function sarif(looks: readonly Shown[], failed: Report['failed'], catalogue: Catalogue, tool: Tool, face: Face): Log {
  const several = looks.length + failed.length > 1;
  // Code hosts take two runs of one tool for the same, unless their ids differ.
  const apart = (cluster: string, place: string): Partial<Run> =>
    several ? { automationDetails: { id: `upgrade-guard/${cluster.replaceAll('/', '_')}/${place}` } } : {};
  return {
    version: '2.1.0',
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    runs: [
      ...looks.map((shown) => {
        const looked = lookedOf(shown, catalogue, face);
        return { ...runOf(looked, catalogue, tool, face), ...apart(looked.cluster, oneLine(shown.identity.uid)) };
      }),
      ...failed.map(({ context, why }) => {
        const text = messageText([`${context} ${UNREACHABLE[face.language]}${{ en: ' ', zh: '' }[face.language]}${why}`]);
        return { ...run([], [], [{ level: 'error', message: { text } }], false, tool, face), ...apart(context, '') };
      }),
    ],
  };
}

function run(
  rules: ReportingDescriptor[],
  results: Result[],
  notifications: Notification[],
  complete: boolean,
  { version }: Tool,
  { language }: Face,
): Run {
  return {
    tool: { driver: { name: 'upgrade-guard', version, rules } },
    language: { en: 'en', zh: 'zh-CN' }[language],
    columnKind: 'utf16CodeUnits',
    invocations: [{ executionSuccessful: complete, toolExecutionNotifications: notifications }],
    results,
  };
}

function runOf(looked: Looked, catalogue: Catalogue, tool: Tool, face: Face): Run {
  const { cluster, shown, verdicts, summary, complete } = looked;
  const ids = [...new Set(verdicts.map(({ id }) => id))];
  const index = new Map(ids.map((id, at) => [id, at]));
  const results = verdicts.flatMap((verdict) =>
    verdict.findings.map((found) => resultOf(found, verdict, index.get(verdict.id)!, tool, face)),
  );
  const told = notificationsOf(looked, index, tool, face);
  return {
    ...run(
      ids.map((id) => ruleOf(id, catalogue, tool, face)),
      results,
      told,
      complete,
      tool,
      face,
    ),
    properties: {
      cluster,
      kubernetes: typeof shown.serverVersion === 'string' ? oneLine(shown.serverVersion) : undefined,
      summary,
    },
  };
}

// ---- rules ----------------------------------------------------------------------------------------------------------

function ruleOf(id: string, { checks }: Catalogue, { pages }: Tool, { again: _, reach: __, ...face }: Face): ReportingDescriptor {
  const { language } = face;
  const [known, page] = [checks.get(id), pages.find((each) => each.id === id)];
  const impact = page?.page.impact[language];
  return {
    id,
    ...(known ? { shortDescription: { text: known.headline[language] } } : {}),
    ...(known
      ? {
          fullDescription: {
            text: [{ en: 'Checks that: ', zh: '检查内容：' }[language] + known.title[language], impact].filter(Boolean).join('\n'),
          },
        }
      : {}),
    ...(page ? { help: { text: impact!, markdown: explainedInMarkdown(page, face) } } : {}),
    properties: { tags: [id.slice(0, Math.max(0, id.indexOf('/')))].filter(Boolean) },
  };
}

// ---- results --------------------------------------------------------------------------------------------------------

function resultOf({ finding, message, evidence }: FoundHere, verdict: Verdict, ruleIndex: number, tool: Tool, { language }: Face): Result {
  const { severity, certainty, fingerprint, accepted, hop } = finding;
  const { id, installation, fix } = verdict;
  return {
    ruleId: id,
    ruleIndex,
    level: LEVEL[severity],
    message: { text: messageText([message, ...evidence, fix && FIX[language] + fix]) },
    locations: locationsOf(finding, installation, tool),
    partialFingerprints: { 'upgradeGuard/v1': fingerprint },
    ...(accepted ? { suppressions: [{ kind: 'external', status: 'accepted', justification: ACCEPTED_BY_NAME[language] }] } : {}),
    properties: { severity, certainty, installation, hop },
  };
}

/** Those with a file first: hosts show the first alone, and take no result without one. Of what stands in another object (the record of a Helm release) that one's file counts. An object of the cluster has a name and no file; a finding without objects is about the installation. */
function locationsOf(
  { objects, evidence }: Pick<FoundHere['finding'], 'objects' | 'evidence'>,
  installation: string,
  tool: Tool,
): Location[] {
  const beside = evidence.map(({ at }) => physical(at ?? {}, tool)).find(({ physicalLocation }) => physicalLocation);
  const all = objects.map((ref): Location => {
    const logical = {
      name: oneLine(ref.name, NAME),
      fullyQualifiedName: [oneLine(ref.apiVersion), oneLine(ref.kind), nameOf(ref), insideOf(ref)].filter(Boolean).join(' '),
      kind: 'resource',
    };
    const place = physical(ref, tool);
    const outside = place.physicalLocation ? undefined : fileOf(ref);
    return { ...place, logicalLocations: [logical], ...(outside === undefined ? {} : { properties: { file: outside } }) };
  });
  if (!all.length) return [{ logicalLocations: [{ fullyQualifiedName: installation, kind: 'resource' }] }];
  const { filed = [], live = [] } = Object.groupBy(all, ({ physicalLocation }) => (physicalLocation ? 'filed' : 'live'));
  return filed.length || !beside ? [...filed, ...live] : live.map((each, at) => (at ? each : { ...beside, ...each }));
}

function physical({ file, line }: { file?: string; line?: number }, { inRepository }: Tool): Pick<Location, 'physicalLocation'> {
  const within = file === undefined ? undefined : inRepository(file);
  if (within === undefined) return {};
  const uri = within.toWellFormed().split('/').map(encodeURIComponent).join('/');
  return {
    physicalLocation: { artifactLocation: { uri, uriBaseId: '%SRCROOT%' }, region: { startLine: Math.max(1, Math.trunc(line ?? 1) || 1) } },
  };
}

/** The first line says what is wrong. A link made of a name would be one that viewers follow. */
const messageText = (lines: readonly string[]): string => lines.filter(Boolean).join('\n').replaceAll('](', '] (');

// ---- what could not be seen -----------------------------------------------------------------------------------------

function notificationsOf(
  { verdicts, left, passedOver }: Looked,
  index: ReadonlyMap<string, number>,
  tool: Tool,
  { language }: Face,
): Notification[] {
  const about = ({ id, installation }: Verdict) => ({ associatedRule: { id, index: index.get(id)! }, properties: { installation } });
  const notification = (level: Notification['level'], lines: readonly string[]): Notification => ({
    level,
    message: { text: messageText(lines) },
  });
  return [
    ...verdicts.flatMap((verdict) => [
      ...verdict.unseen.map(({ why, settle }) => ({
        ...notification('error', [`${verdict.is === 'found' ? NOT_SEEN[language] : ''}${why}`, settle]),
        ...about(verdict),
      })),
      ...(verdict.is === 'skipped' ? [{ ...notification('note', [PASSED_OVER[language] + verdict.note]), ...about(verdict) }] : []),
    ]),
    ...left.map((id) => notification('error', [`${id} ${LEFT_OUT[language]}`])),
    ...passedOver.map(({ file, line, why, unseen }) => {
      const at = physical({ file, line }, tool);
      return {
        ...notification(unseen ? 'error' : 'note', [
          `${PASSED_OVER[language]}${oneLine(file, NAME)}${{ en: ': ', zh: '：' }[language]}${why}`,
        ]),
        ...(at.physicalLocation ? { locations: [at] } : {}),
      };
    }),
  ];
}
