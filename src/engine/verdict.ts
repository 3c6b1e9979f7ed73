// The sum of an examination and the exit code that follows from it: one place for what "fine" means.
import { EXIT } from '../text/user-error.ts';
import type { CheckResult, Outcome, Severity } from './contracts.ts';

export const SEVERITIES: readonly Severity[] = ['blocker', 'warning', 'notice'];

export interface Summary {
  /** Findings by severity; accepted ones are counted apart. */
  findings: Record<Severity, number>;
  accepted: number;
  /** Checks by outcome. */
  checks: Record<Outcome, number>;
}

export function summarise(results: readonly CheckResult[]): Summary {
  const summary: Summary = {
    findings: { blocker: 0, warning: 0, notice: 0 },
    accepted: 0,
    checks: { found: 0, passed: 0, unknown: 0, 'not-applicable': 0, 'not-looked-at': 0 },
  };
  for (const { outcome, findings } of results) {
    summary.checks[outcome]++;
    for (const { severity, accepted } of findings) {
      if (accepted) summary.accepted++;
      else summary.findings[severity]++;
    }
  }
  return summary;
}

/** Everything that was asked was seen: no unknown, nothing skipped, no gap behind a finding. */
export function isComplete(results: readonly CheckResult[]): boolean {
  return results.every(
    ({ outcome, gaps }) => outcome !== 'unknown' && outcome !== 'not-looked-at' && (outcome !== 'found' || !gaps.length),
  );
}

/** 2 findings at or above the severity; else 3 something could not be seen; else 0. */
export function exitCode(results: readonly CheckResult[], failOn: Severity): number {
  const { findings } = summarise(results);
  const counted = SEVERITIES.slice(0, SEVERITIES.indexOf(failOn) + 1);
  if (counted.some((severity) => findings[severity] > 0)) return EXIT.findings;
  return isComplete(results) ? EXIT.ok : EXIT.unknown;
}
