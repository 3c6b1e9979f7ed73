// Comparing two results by fingerprint: what is new, gone, still there, and what was not looked at again (so nobody may call it gone).
import type { CheckResult, Grade, Text } from './contracts.ts';

/** What comparing needs of a finding; the published JSON has it too. */
export interface ComparedFinding {
  fingerprint: string;
  check: string;
  installation: string;
  grade: Grade;
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

/** What is missing in such a result is gone. */
export const wasLookedAt = ({ outcome, gaps }: Pick<CheckResult, 'outcome' | 'gaps'>): boolean =>
  ['found', 'passed', 'not-applicable'].includes(outcome) && !gaps.some(({ why }) => why === 'quick');

export const lookKey = (check: string, installation: string): string => `${check} ${installation}`;

/** One side, from results as the engine made them. */
export function sideOf(results: readonly Pick<CheckResult, 'id' | 'installation' | 'outcome' | 'findings' | 'gaps'>[]): Side {
  const seen = results.filter(wasLookedAt);
  return {
    looked: new Set(seen.map(({ id, installation }) => lookKey(id, installation))),
    findings: results.flatMap(({ id, installation, findings }) =>
      findings.map(({ fingerprint, grade, message, accepted }) => ({ fingerprint, check: id, installation, grade, message, accepted })),
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
