// Comparing two results by fingerprint: what is new, gone, still there, and what was not looked at again (so it must not be called gone).
import type { CheckResult, Severity, Text } from './contracts.ts';

/** What comparing needs of a finding; the published JSON has it too. */
export interface ComparedFinding {
  fingerprint: string;
  check: string;
  installation: string;
  severity: Severity;
  message: Text;
  accepted: boolean;
}
export interface Compared {
  new: ComparedFinding[];
  gone: ComparedFinding[];
  still: ComparedFinding[];
  notLookedAt: ComparedFinding[];
}
export interface Side {
  findings: ComparedFinding[];
  /** `check installation` pairs that were looked at: found, passed, not-applicable; a quick look does not count. */
  looked: Set<string>;
}

/** One cluster of a result over several. */
export interface ClusterSide {
  uid: string;
  context: string;
  side: Side;
}
export interface ComparedCluster extends Compared {
  uid: string;
  context: string;
  /** Which of the two results know it. */
  in: 'both' | 'before' | 'after';
}

/** What is missing in such a result is gone. */
const wasLookedAt = ({ outcome, gaps }: Pick<Looked, 'outcome' | 'gaps'>): boolean =>
  ['found', 'passed', 'not-applicable'].includes(outcome) && !gaps.some(({ why }) => why === 'quick');

const lookKey = (check: string, installation: string): string => `${check} ${installation}`;

type Looked = Pick<CheckResult, 'id' | 'installation' | 'outcome'> & {
  gaps: readonly Pick<CheckResult['gaps'][number], 'why'>[];
  findings: readonly Pick<ComparedFinding, 'fingerprint' | 'severity' | 'message' | 'accepted'>[];
};

/** One side, from results as the engine made them or as they were published. */
export function sideOf(results: readonly Looked[]): Side {
  const seen = results.filter(wasLookedAt);
  return {
    looked: new Set(seen.map(({ id, installation }) => lookKey(id, installation))),
    findings: results.flatMap(({ id, installation, findings }) =>
      findings.map(({ fingerprint, severity, message, accepted }) => ({
        fingerprint,
        check: id,
        installation,
        severity,
        message,
        accepted,
      })),
    ),
  };
}

export function compare(before: Side, after: Side): Compared {
  const [was, is] = [new Map(before.findings.map(entry)), new Map(after.findings.map(entry))];
  const missing = before.findings.filter(({ fingerprint }) => !is.has(fingerprint));
  const looked = ({ check, installation }: ComparedFinding) => after.looked.has(lookKey(check, installation));
  return {
    new: after.findings.filter(({ fingerprint }) => !was.has(fingerprint)),
    gone: missing.filter(looked),
    still: after.findings.filter(({ fingerprint }) => was.has(fingerprint)),
    notLookedAt: missing.filter((finding) => !looked(finding)),
  };
}

const entry = (finding: ComparedFinding): [string, ComparedFinding] => [finding.fingerprint, finding];

const NOTHING: Side = { findings: [], looked: new Set() };

/** Clusters are paired by identity, whatever their contexts are called by now. One that is missing afterwards was not looked at again: none of its findings is gone. */
export function compareClusters(before: readonly ClusterSide[], after: readonly ClusterSide[]): ComparedCluster[] {
  const [was, is] = [byUid(before), byUid(after)];
  return [...new Map([...was, ...is])].map(([uid, { context }]) => {
    const [first, second] = [was.get(uid)?.side, is.get(uid)?.side];
    const where = first === undefined ? 'after' : second === undefined ? 'before' : 'both';
    return { uid, context, in: where, ...compare(first ?? NOTHING, second ?? NOTHING) };
  });
}

/** Two contexts of one cluster are one: what either has seen was seen. */
function byUid(sides: readonly ClusterSide[]): Map<string, ClusterSide> {
  const clusters = new Map<string, ClusterSide>();
  for (const { uid, context, side } of sides) {
    const known = clusters.get(uid);
    const findings = [...(known?.side.findings ?? []), ...side.findings];
    const unique = [...new Map(findings.map(entry)).values()];
    const looked = new Set([...(known?.side.looked ?? []), ...side.looked]);
    clusters.set(uid, { uid, context: known?.context ?? context, side: { findings: unique, looked } });
  }
  return clusters;
}
