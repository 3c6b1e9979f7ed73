// A rehearsal: the plan run against a dump in memory by the same executor, shown step by step, then the checks once more.
import { compare, sideOf } from '../engine/compare.ts';
import type { Run, Step, Text } from '../engine/contracts.ts';
import { type Examination, type ExamineOptions, examine } from '../engine/examine.ts';
import { executeRun } from '../engine/execute.ts';
import { perform } from '../engine/perform.ts';
import { type Plan, stepsOf } from '../engine/plan.ts';
import { progressOf } from '../engine/progress.ts';
import { withRecords } from '../helm/revise.ts';
import { comparison } from '../report/comparison.ts';
import { counted } from '../report/face.ts';
import { planView } from '../report/plan.ts';
import { stepEnded } from '../report/run.ts';
import type { Dump } from '../snapshot/dump.ts';
import { dumpSource } from '../snapshot/source.ts';
import { dumpWorld } from '../snapshot/world.ts';
import { SYSTEMS } from '../systems/index.ts';
import { oneLine } from '../text/sanitise.ts';
import { EXIT } from '../text/user-error.ts';
import type { Call } from './call.ts';
import { leftBeside, planAll } from './repair.ts';

/** Changes the dump, nothing else. `before`: the examination of that dump. Returns the one after, and whether every step went through. */
export async function rehearse(
  call: Call,
  dump: Dump,
  before: Examination,
  options: ExamineOptions,
): Promise<{ after: Examination; fine: boolean }> {
  const { face } = call;
  const plan = await planAll(before.remedies);
  call.out(...planView(plan, face), ...(await leftBeside(before, plan, face)), '');
  call.out(face.style.bold(call.t(IN_MEMORY)));
  const run: Run = { schema: 2, id: 'rehearsal', tool: '', what: '', at: '', checks: [], stages: plan.stages, cluster: before.identity };
  const executed = await executeRun(run, {
    world: withRecords(dumpWorld(dump)),
    journal: { append: async () => {} },
    progress: progressOf([]),
    halt: call.signal,
    on: (step, outcome) => {
      if (outcome !== 'begun') call.out(stepEnded(step, outcome, face));
    },
  });
  const after = await examine(dumpSource(dump), SYSTEMS, options);
  const compared = compare(sideOf(before.results), sideOf(after.results));
  call.out(
    '',
    face.style.bold(
      call.t({
        en: 'Checked again in memory, where no controller, kubelet or webhook runs (what they would report can be missing):',
        zh: '在内存中再次检查（内存中没有控制器、kubelet 和 webhook，由它们写入的内容可能缺失）：',
      }),
    ),
    ...comparison(compared, face),
    ...(compared.notLookedAt.length ? [call.t(NOT_SHOWN)] : []),
  );
  return { after, fine: executed.state === 'finished' };
}

const IN_MEMORY: Text = {
  en: 'Rehearsal, in memory; nothing is sent to any cluster:',
  zh: '演练，仅在内存中进行，不会向任何集群写入：',
};

const NOT_SHOWN: Text = {
  en: 'Not checked again: the check needs objects that were not read before the rehearsal. fix checks again on the cluster.',
  zh: '未再检查：检查项需要演练前没有读取的对象。fix 执行后会在集群上复查。',
};

/** What only helm, a person, a disk or the checks of a live cluster can do. */
const NOT_HERE = new Set(['backup', 'forget', 'helm', 'keep', 'manual', 'recheck', 'unpend']);

/**
 * The steps of an upgrade up to helm, each run in memory by the same code; the first that fails ends it. helm itself, and what comes behind it, cannot be rehearsed, and is
 * never counted as gone through.
 */
export async function rehearseUpgrade(call: Call, dump: Dump, plan: Plan): Promise<number> {
  const world = withRecords(dumpWorld(dump));
  const means = { world, journal: { append: async () => {} }, progress: progressOf([]), halt: call.signal };
  call.out(call.face.style.bold(call.t(IN_MEMORY)));
  const sum = { through: 0, left: 0 };
  let isBehind = false;
  for (const step of stepsOf(plan)) {
    isBehind ||= step.do === 'helm';
    if (isBehind || step.onUndo || NOT_HERE.has(step.do)) {
      if (!step.onUndo) sum.left++;
      if (step.do === 'helm') call.out(call.t(notRehearsed(step)));
      continue;
    }
    const outcome = await perform(step, 'apply', means);
    if (!outcome || call.signal.aborted) return EXIT.interrupted;
    call.out(stepEnded(step, outcome, call.face));
    if (outcome.result !== 'done' && outcome.result !== 'already' && outcome.result !== 'obsolete') {
      call.out('', call.t({ en: `Rehearsal ended at step ${step.id}.`, zh: `演练在步骤 ${step.id} 结束。` }));
      return EXIT.findings;
    }
    sum.through++;
  }
  call.out('', call.t(rehearsed(sum)));
  return EXIT.ok;
}

const notRehearsed = ({ id, text }: Step): Text => ({
  en: `· ${id}. ${oneLine(text.en, 1000)}: not rehearsed`,
  zh: `· ${id}. ${oneLine(text.zh, 1000)}：未演练`,
});
const rehearsed = ({ through, left }: { through: number; left: number }): Text => ({
  en: `Rehearsed in memory: ${counted(through, 'step', '').en}. Not rehearsed: ${left} (helm, backups, and everything after helm). Next: --dry-run=server`,
  zh: `已在内存中演练 ${through} 步；未演练 ${left} 步（helm、备份以及 helm 之后的步骤）。下一步：--dry-run=server`,
});
