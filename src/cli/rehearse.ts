// A rehearsal: the plan run against a dump in memory by the same executor, shown step by step, then the checks once more.
import { compare, sideOf } from '../engine/compare.ts';
import type { Run } from '../engine/contracts.ts';
import { type Examination, type ExamineOptions, examine } from '../engine/examine.ts';
import { executeRun } from '../engine/execute.ts';
import { progressOf } from '../engine/progress.ts';
import { withRecords } from '../helm/revise.ts';
import { comparison } from '../report/comparison.ts';
import { planView } from '../report/plan.ts';
import { stepEnded } from '../report/run.ts';
import type { Dump } from '../snapshot/dump.ts';
import { dumpSource } from '../snapshot/source.ts';
import { dumpWorld } from '../snapshot/world.ts';
import { SYSTEMS } from '../systems/index.ts';
import type { Call } from './call.ts';
import { planAll } from './repair.ts';

/** Changes the dump, nothing else. `before`: the examination of that dump. Returns the one after, and whether every step went through. */
export async function rehearse(
  call: Call,
  dump: Dump,
  before: Examination,
  options: ExamineOptions,
): Promise<{ after: Examination; fine: boolean }> {
  const { face } = call;
  const plan = await planAll(before.remedies);
  call.out(...planView(plan, face), '');
  call.out(
    face.style.bold(
      call.t({ en: 'Rehearsal, in memory; nothing is sent to any cluster:', zh: '演练，仅在内存中进行，不会向任何集群发送写入：' }),
    ),
  );
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
  call.out(
    '',
    face.style.bold(
      call.t({
        en: 'Checked again in memory, where no controller, kubelet or webhook runs (what they would report can be missing):',
        zh: '在内存中再次检查，其中没有控制器、kubelet 和 webhook 运行（它们上报的内容可能缺失）：',
      }),
    ),
    ...comparison(compare(sideOf(before.results), sideOf(after.results)), face),
  );
  return { after, fine: executed.state === 'finished' };
}
