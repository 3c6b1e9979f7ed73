// Findings about objects that manifests declare (-f): each says which file and line; and what can be said where there is no cluster under them.
import { keyOf, refOf } from '../kube/refs.ts';
import { resourceName, resourceOfKind } from '../kube/resources.ts';
import type { Check, CheckResult, Gap, Installation, Manifest, PointRead, Raw, Reads, Ref, System, Text } from './contracts.ts';
import type { Examination, ExamineOptions } from './examine.ts';
import { isJudgedBy } from './files.ts';
import { listsIn } from './gather.ts';
import { isComplete } from './verdict.ts';

/** What -f gave. `unseen`: objects may stand there that no check has looked at. */
export interface DeclaredIn {
  objects: number;
  /** There was no cluster under them. */
  offline: boolean;
  skipped: { file: string; line?: number; why: Text; unseen: boolean }[];
  /** What `fix -f` makes of what was found: changes; or only what a person decides. undefined: nothing. */
  fixes?: 'changes' | 'decisions';
}

/** What has no name of its own, and is known by file and line. */
export const isByPlace = ({ configuration, unnamed }: Manifest): boolean => configuration === true || unnamed === true;

/** Those that manifests declare, as plain references; what is known by its place, with that. */
export function declaredRefs(objects: readonly Ref[], manifests: readonly Manifest[]): Ref[] {
  const keys = new Set(manifests.filter((each) => !isByPlace(each)).map(({ object }) => keyOf(refOf(object))));
  return objects.flatMap((on): Ref[] => {
    const { apiVersion, kind, namespace, name } = on;
    if (keys.has(keyOf(on))) return [{ apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) }];
    const document = manifests.find((each) => isByPlace(each) && isAt(each, on));
    return document ? [{ ...refOf(document.object), file: document.file, line: document.line, ...insideOf(document) }] : [];
  });
}

const insideOf = ({ inside }: Manifest): Pick<Ref, 'inside'> => (inside === undefined ? {} : { inside });

/** Several of one kind may stand on one line (JSON). */
const isAt = ({ file, line, object, as }: Manifest, on: Ref): boolean =>
  file === on.file && line === on.line && object.kind === on.kind && [refOf(object).name, as].includes(on.name);

/** What such a reference stands for. */
export function declarationsIn(manifests: readonly Manifest[]): (on: Ref) => Raw | undefined {
  const objects = new Map(manifests.filter((each) => !isByPlace(each)).map(({ object }) => [keyOf(refOf(object)), object]));
  return (on) => (on.file === undefined ? objects.get(keyOf(on)) : manifests.find((each) => isByPlace(each) && isAt(each, on))?.object);
}

/** The same, with file and line beside each object that is declared. Of one that is declared twice, the last: that one counts. */
export function withFiles(examination: Examination, manifests: readonly Manifest[]): Examination {
  const places = new Map(manifests.map(({ object, file, line }) => [keyOf(refOf(object)), { file, line }]));
  const placed = (ref: Ref): Ref => (ref.file === undefined ? { ...ref, ...places.get(keyOf(ref)) } : ref);
  const results = examination.results.map((result) => ({
    ...result,
    findings: result.findings.map((finding) => ({
      ...finding,
      objects: finding.objects.map(placed),
      evidence: finding.evidence.map((each) => (each.at ? { ...each, at: placed(each.at) } : each)),
    })),
  }));
  return { ...examination, results };
}

export const NEEDS_CLUSTER: Text = { en: 'needs a cluster; only manifests were checked', zh: '需要集群，而此次只检查了清单' };
export const neededCluster = ({ note }: CheckResult): boolean => note === NEEDS_CLUSTER;

/** Whether any check had something to say of the manifests. */
export const couldLook = (results: readonly CheckResult[]): boolean =>
  results.some(({ outcome }) => outcome !== 'not-looked-at' && outcome !== 'not-applicable');

/** What the exit code speaks of: without a cluster, the manifests alone; where no check could look at them, that nothing is known. */
export function spokenOf({ results, manifests }: Pick<Examination, 'results' | 'manifests'>): Examination['results'] {
  if (!manifests?.offline) return results;
  return couldLook(results) ? results.filter((result) => !neededCluster(result)) : results;
}

/** Everything that was asked was seen, in the cluster and in the files. Where no check at all could look at the manifests, nothing was. */
export function sawAll({ results, elsewhere, manifests }: Pick<Examination, 'results' | 'elsewhere' | 'manifests'>): boolean {
  if (elsewhere.length || manifests?.skipped.some(({ unseen }) => unseen)) return false;
  return isComplete(spokenOf({ results, manifests })) && (!manifests?.offline || couldLook(results));
}

/** Without a cluster: what did not fail on the manifests, and did not look at any of them either, was not looked at. */
export function withoutCluster(examination: Examination, systems: readonly System[], manifests: readonly Manifest[]): Examination {
  const objects = manifests.filter(({ configuration }) => !configuration);
  const declared = kindsOf(objects);
  const checks = new Map<string, Check>(systems.flatMap((system) => system.checks).map((check) => [check.id, check]));
  const isNamed = ({ resource, names }: PointRead) =>
    objects.some(
      ({ object, part }) => !part && names?.includes(refOf(object).name) && resource === resourceName(resourceOfKind(refOf(object))),
    );
  const looksAt = (id: CheckResult['id']) =>
    checks.get(id)?.pointReads?.some(isNamed) ||
    Object.values((checks.get(id)?.reads ?? {}) as Reads).some((read) =>
      read.read === 'manifests'
        ? objects.some((each) => (read.parts || !each.part) && read.keep(each) !== undefined)
        : isOf(read, declared),
    );
  const hasFiles = (id: CheckResult['id']) => manifests.some((manifest) => isJudgedBy(checks.get(id), manifest));
  const targeted = examination.paths
    .filter(({ to, chosen }) => to !== undefined && chosen !== 'default')
    .map(({ installation }) => installation.id as string);
  const installed = new Set<string>(examination.paths.map(({ installation }) => installation.id));
  const results = examination.results.map((result): CheckResult => {
    const { id, outcome, gaps } = result;
    const seen = gaps.filter((gap) => gap.why !== 'not-collected');
    // The check was judged by the manifests, and only what the cluster might have added is missing. Of a system that was not found, no check was.
    const judged =
      installed.has(result.installation) &&
      outcome === 'unknown' &&
      !seen.length &&
      (hasFiles(id) || (gaps.length > 0 && looksAt(id) && gaps.every((gap) => isOptional(checks.get(id), systems, gap))));
    // A note says that what is known of the version comes from a pre-release.
    if (judged) return { ...result, outcome: result.note ? 'unknown' : 'passed', gaps: [] };
    if (outcome === 'found') return { ...result, gaps: seen };
    const blind = outcome === 'unknown' && gaps.length > 0 && !seen.length;
    // Without an installed version there is no default target: a system that none was chosen for is not upgraded, where one was for another.
    const aside = outcome === 'not-looked-at' && targeted.length > 0 && !targeted.includes(result.installation);
    const idle = outcome !== 'not-applicable' && (!(looksAt(id) || hasFiles(id)) || aside);
    return blind || idle ? { ...result, outcome: 'not-looked-at', gaps: [], note: NEEDS_CLUSTER } : result;
  });
  // No cluster was asked: nothing of it is missing.
  const installations = examination.installations.map((each) => ({
    ...each,
    gaps: each.gaps?.filter(({ why }) => why !== 'not-collected'),
  }));
  // What is not among the manifests may well be installed.
  return { ...examination, absent: [], installations, results };
}

/** Of a system that was neither named, nor given a target, nor declared, it says nothing that its checks need a cluster. Where no system was meant in any of these ways, all are. */
export function ofAsked(examination: Examination, { systems = [], checks = [], targets = [] }: ExamineOptions): Examination {
  if (systems.length || checks.length) return examination;
  const named = targets.map(({ system }) => system);
  const meant = new Set<string>(named.length ? named : examination.paths.map(({ installation }) => installation.system));
  const isOfMeant = ({ id }: CheckResult) => meant.has(id.slice(0, id.indexOf('/')));
  return { ...examination, results: examination.results.filter((result) => !meant.size || !neededCluster(result) || isOfMeant(result)) };
}

/** A list that the check can do without; or one that could only have said more of the installed version. */
function isOptional(check: Check | undefined, systems: readonly System[], { verb, resource }: Gap): boolean {
  if (verb !== 'list' && verb !== 'discover') return false;
  const mine = listsOf(check?.reads).filter((list) => list.resource === resource);
  const ofSystem = listsOf(systems.find(({ id }) => check?.id.startsWith(`${id}/`))?.reads).filter((list) => list.resource === resource);
  return (mine.length ? mine : ofSystem).some(({ optional }) => optional) && mine.every(({ optional }) => optional);
}

function listsOf(reads: Reads | undefined): { resource: string; optional: boolean }[] {
  return Object.values(reads ?? {}).flatMap((read) => {
    const lists = 'lists' in read ? Object.values(read.lists) : 'by' in read ? [read.by] : 'resource' in read ? [read] : [];
    return lists.map((list) => ({ resource: list.resource, optional: (list.optional || read.optional) === true }));
  });
}

/** Without a cluster: a system that a target was chosen for, or whose own kinds are declared, is taken to be installed somewhere, in no version that is known. */
export function assumedBy(
  manifests: readonly Manifest[],
  targets: readonly { system: string }[],
): (system: System) => Installation[] | undefined {
  const declared = kindsOf(manifests);
  const unseen: Gap = { why: 'not-collected', verb: 'get', resource: 'version' };
  return ({ id, reads, checks, declaredSources }) => {
    const own = [reads, ...checks.map((check) => check.reads)]
      .flatMap((each) => listsIn(each as Reads))
      .filter(({ resource }) => isCustom(resource));
    const meant = targets.some(({ system }) => system === id) || own.some((read) => isOf(read, declared));
    const sources = declaredSources?.(manifests.filter(({ part }) => !part).map(({ object }) => object)) ?? [];
    return meant ? [{ id: `${id}@manifests`, system: id, name: 'manifests', version: unseen, sources, byHelm: false }] : undefined;
  };
}

/** The resources of which a list has something: a part of an object is not in any. */
const kindsOf = (manifests: readonly Manifest[]): Set<string> =>
  new Set(manifests.filter(({ part }) => !part).map(({ object }) => resourceName(resourceOfKind(refOf(object)))));

/** Of an API that does not come with Kubernetes. */
const isCustom = (resource: string | undefined): boolean =>
  resource?.includes('.') === true && !/\.(?:k8s\.io|apps|batch|policy|autoscaling)$/.test(resource);

const isOf = (read: unknown, declared: ReadonlySet<string>): boolean => {
  const { read: kind, resource } = read as { read?: string; resource?: string };
  return kind === 'manifests' || (resource !== undefined && declared.has(resource));
};
