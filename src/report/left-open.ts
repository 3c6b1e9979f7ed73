// What stands behind the steps of a fix: the blockers and warnings that none of them is for, by check, each with the command that says what to do.
import type { CheckResult, JudgedFinding } from '../engine/contracts.ts';
import { columns, type Face, foldedBy, unfolding } from './face.ts';
import { sign } from './table.ts';
import { tally, worstFirst } from './view.ts';

/** Checks that are named; the rest is a count. */
const NAMED = 10;

/** `isFixed`: a step is for it. `steps`: there are some above. */
export function leftOpen(
  results: readonly CheckResult[],
  isFixed: (finding: JudgedFinding) => boolean,
  steps: boolean,
  face: Face,
): string[] {
  const { language, tool, style } = face;
  const left = results
    .map((result) => ({ ...result, findings: result.findings.filter((finding) => isToldOf(finding) && !isFixed(finding)) }))
    .filter(({ findings }) => findings.length)
    .toSorted(worstFirst);
  if (!left.length) return [];
  const head = steps
    ? { en: 'Not fixed by these steps:', zh: '以上步骤不会修复：' }
    : { en: 'No automatic fix for:', zh: '以下问题没有自动修复：' };
  const rows = left
    .slice(0, NAMED)
    .map(({ id, findings: [worst, ...more] }) => [
      `  ${sign(worst!.severity, face)} ${tally([worst!, ...more], face)}`,
      `${tool} explain ${id}`,
    ]);
  const further = left.length - NAMED;
  const rest = {
    en: `  … and ${further} more (${unfolding(foldedBy(face))})`,
    zh: `  …… 另有 ${further} 项（${unfolding(foldedBy(face))}）`,
  };
  return [...(steps ? [''] : []), style.bold(head[language]), ...columns(rows), ...(further > 0 ? [style.dim(rest[language])] : [])];
}

/** A notice stops nothing. */
export const isToldOf = ({ accepted, severity }: JudgedFinding): boolean => !accepted && severity !== 'notice';
