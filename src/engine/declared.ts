// Findings about objects that manifests declare (-f): each says which file and line; and what can be said where there is no cluster under them.
import { keyOf, refOf } from '../kube/refs.ts';
import { resourceName, resourceOfKind } from '../kube/resources.ts';
import type { Check, CheckResult, Gap, Installation, Manifest, Reads, Ref, System, Text } from './contracts.ts';
import type { Examination } from './examine.ts';
import { listsIn } from './gather.ts';

/** What -f gave. `unseen`: objects may stand there that no check has looked at. */
export interface DeclaredIn {
  objects: number;
  /** There was no cluster under them. */
  offline: boolean;
  skipped: { file: string; line?: number; why: Text; unseen: boolean }[];
}

/** The same, with file and line beside each object that is declared. Of one that is declared twice, the last: that one counts. */
export function withFiles(examination: Examination, manifests: readonly Manifest[]): Examination {
  const places = new Map(manifests.map(({ object, file, line }) => [keyOf(refOf(object)), { file, line }]));
  const placed = (ref: Ref): Ref => ({ ...ref, ...places.get(keyOf(ref)) });
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

export const NEEDS_CLUSTER: Text = { en: 'needs a cluster, and only manifests were looked at', zh: '需要集群，而此次只检查了清单' };
export const neededCluster = ({ note }: CheckResult): boolean => note === NEEDS_CLUSTER;

/** Whether any check had something to say of the manifests. */
export const couldLook = (results: readonly CheckResult[]): boolean =>
  results.some(({ outcome }) => outcome !== 'not-looked-at' && outcome !== 'not-applicable');

/** Without a cluster: what did not fail on the manifests, and did not look at any of them either, was not looked at. */
export function withoutCluster(examination: Examination, systems: readonly System[], manifests: readonly Manifest[]): Examination {
  const declared = new Set(manifests.map(({ object }) => resourceName(resourceOfKind(refOf(object)))));
  const checks = new Map<string, Check>(systems.flatMap((system) => system.checks).map((check) => [check.id, check]));
  const looksAt = (id: CheckResult['id']) => Object.values(checks.get(id)?.reads ?? {}).some((read) => isOf(read, declared));
  const readsManifests = (id: CheckResult['id']) =>
    Object.values((checks.get(id)?.reads ?? {}) as Reads).some(({ read }) => read === 'manifests');
  const results = examination.results.map((result): CheckResult => {
    const { id, outcome, gaps } = result;
    const notCollected = gaps.filter(({ why }) => why === 'not-collected').length;
    // A check that reads manifests as such has looked at all there is: what only a cluster could add is not missed.
    if (readsManifests(id) && notCollected === gaps.length && (outcome === 'found' || outcome === 'unknown') && !result.note)
      return { ...result, outcome: outcome === 'found' ? 'found' : 'passed', gaps: [] };
    const blind = outcome === 'unknown' && gaps.length > 0 && gaps.every(({ why }) => why === 'not-collected');
    // Without an installed version there is no default target either.
    const idle = outcome !== 'found' && outcome !== 'not-applicable' && !looksAt(id);
    return blind || idle ? { ...result, outcome: 'not-looked-at', gaps: [], note: NEEDS_CLUSTER } : result;
  });
  // What is not among the manifests may well be installed.
  return { ...examination, absent: [], results };
}

/** Without a cluster: a system that a target was chosen for, or whose own kinds are declared, is taken to be installed somewhere, in no version that is known. */
export function assumedBy(
  manifests: readonly Manifest[],
  targets: readonly { system: string }[],
): (system: System) => Installation[] | undefined {
  const declared = new Set(manifests.map(({ object }) => resourceName(resourceOfKind(refOf(object)))));
  const unseen: Gap = { why: 'not-collected', verb: 'get', resource: 'version' };
  return ({ id, reads, checks }) => {
    const own = [reads, ...checks.map((check) => check.reads)]
      .flatMap((each) => listsIn(each as Reads))
      .filter(({ resource }) => isCustom(resource));
    const meant = targets.some(({ system }) => system === id) || own.some((read) => isOf(read, declared));
    return meant ? [{ id: `${id}@manifests`, system: id, name: 'manifests', version: unseen, sources: [], byHelm: false }] : undefined;
  };
}

/** Of an API that does not come with Kubernetes. */
const isCustom = (resource: string | undefined): boolean =>
  resource?.includes('.') === true && !/\.(?:k8s\.io|apps|batch|policy|autoscaling)$/.test(resource);

const isOf = (read: unknown, declared: ReadonlySet<string>): boolean => {
  const { read: kind, resource } = read as { read?: string; resource?: string };
  return kind === 'manifests' || (resource !== undefined && declared.has(resource));
};
