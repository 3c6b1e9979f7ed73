// What could not be checked, for the views: grouped by what stood in the way, with how to settle it.
import type { CheckResult, Text } from '../engine/contracts.ts';
import { describeGap, settleGap } from '../engine/gaps.ts';
import { isComplete } from '../engine/verdict.ts';
import { oneLine } from '../text/sanitise.ts';
import { counted, type Face, toCluster } from './face.ts';
import { SENTENCE } from './installations.ts';

export interface UnknownView {
  head: string;
  /** Grouped where they concern the same checks. */
  reasons: { whys: string[]; checks: string[] }[];
  settle: string;
}

/** One thing that stood in a check's way. `group`: what can be settled by the same act. */
interface Obstacle {
  id: string;
  group: string;
  why: string;
  settle: string;
}

export function unknownViews(results: readonly CheckResult[], face: Face): UnknownView[] {
  const groups = Map.groupBy(
    results.flatMap((result) => obstacles(result, face)),
    ({ group }) => group,
  );
  return [...groups].map(([group, all]) => {
    const count = new Set(all.map(({ id }) => id)).size;
    const byWhy = [...Map.groupBy(all, ({ why }) => why)].map(([why, same]) => ({ why, checks: [...new Set(same.map(({ id }) => id))] }));
    const byChecks = Map.groupBy(byWhy, ({ checks }) => checks.join());
    const reasons = [...byChecks.values()].map((same) => ({ whys: same.map(({ why }) => why), checks: same[0]!.checks }));
    return { head: headOf(group)(count)[face.language], reasons, settle: all[0]!.settle };
  });
}

/** Checks that are named; the rest is counted. */
const NAMED = 3;

/** Why a look at the end of a run does not say that all is well, where nothing else says so; undefined: every check saw all that it needs. */
export function incomplete(results: readonly CheckResult[]): Text | undefined {
  const ids = [...new Set(results.filter((each) => !isComplete([each])).map(({ id }) => id))];
  if (!ids.length) return undefined;
  const rest = ids.length - NAMED;
  const names = ids.slice(0, NAMED);
  return {
    en: `? ${counted(ids.length, 'check', '').en} could not run completely: ${names.join(', ')}${rest > 0 ? ` and ${rest} more` : ''} (why: {tool} check{reach})`,
    zh: `? ${ids.length} 项检查无法完成：${names.join('、')}${rest > 0 ? ' 等' : ''}（原因见：{tool} check{reach}）`,
  };
}

const SKIPPED = 'not-looked-at ';
const JUDGED = 'judged ';
const headOf = (group: string) =>
  group.startsWith(SKIPPED) ? NOT_LOOKED : group.startsWith(JUDGED) ? NO_ANSWER : group === 'quick' ? GLANCED : COULD_NOT;
const COULD_NOT = (count: number): Text => ({ en: `${counted(count, 'check', '').en} could not run`, zh: `${count} 项检查无法完成` });
/** It ran, and what it saw does not say. */
const NO_ANSWER = (count: number): Text => ({
  en: `${counted(count, 'check', '').en} ${count === 1 ? 'is' : 'are'} inconclusive`,
  zh: `${count} 项检查无法得出结论`,
});
const GLANCED = (count: number): Text => ({
  en: `${counted(count, 'check', '').en} ran in quick mode only`,
  zh: `${count} 项检查只做了快速检查`,
});
const NOT_LOOKED = (count: number): Text => ({
  en: `${counted(count, 'check', '').en} skipped`,
  zh: `${count} 项检查已跳过`,
});

export function obstacles({ id, outcome, gaps, note }: CheckResult, face: Face): Obstacle[] {
  const { language } = face;
  if (gaps.length && outcome !== 'not-looked-at') {
    return gaps.map((gap) => ({
      id,
      // One grant settles all that is forbidden, whatever the API server says of each.
      group: gap.detail && gap.why !== 'forbidden' ? `${gap.why} ${gap.detail}` : gap.why,
      why: oneLine(describeGap(gap)[language], SENTENCE),
      settle: oneLine(settleGap(gap, face)[language], SENTENCE),
    }));
  }
  const why = oneLine(toCluster(note?.[language] ?? '', face), SENTENCE);
  // Without a target version it could not run; with --quick it was left out.
  const lead = outcome === 'unknown' ? JUDGED : gaps.length ? SKIPPED : '';
  return [{ id, group: `${lead}${why}`, why, settle: '' }];
}
