// The sum of an examination and the exit code that follows from it: one place for what "fine" means.
import { EXIT } from '../text/user-error.ts';
import type { CheckResult, Grade, Outcome } from './contracts.ts';

export const GRADES: readonly Grade[] = ['blocker', 'warning', 'notice'];

export interface Summary {
  /** Findings by grade; accepted ones are counted apart. */
  findings: Record<Grade, number>;
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
    for (const { grade, accepted } of findings) {
      if (accepted) summary.accepted++;
      else summary.findings[grade]++;
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

/** 2 findings at or above the grade; else 3 something could not be seen; else 0. */
export function exitCode(results: readonly CheckResult[], failOn: Grade): number {
  const { findings } = summarise(results);
  const counted = GRADES.slice(0, GRADES.indexOf(failOn) + 1);
  if (counted.some((grade) => findings[grade] > 0)) return EXIT.findings;
  return isComplete(results) ? EXIT.ok : EXIT.unknown;
}
