// resume: go on with a run that stopped, from its journal.
import { goOn } from '../../engine/conduct.ts';
import type { Step } from '../../engine/contracts.ts';
import { examine } from '../../engine/examine.ts';
import { stagesOf, stepsOf } from '../../engine/plan.ts';
import { runState, toDo } from '../../engine/progress.ts';
import { isComplete } from '../../engine/verdict.ts';
import { planView, question, SHOWN } from '../../report/plan.ts';
import { HEADLINES, SYSTEMS } from '../../systems/index.ts';
import { EXIT, UserError } from '../../text/user-error.ts';
import { acceptance } from '../asked.ts';
import { attended, broughtBack, clearOwnLease, ended, lookedAgain, remind } from '../attend.ts';
import { baselineOf, comparedAgain, fixedAgain } from '../baseline.ts';
import type { Call } from '../call.ts';
import { chosenRun, isIn, ranOn, refuseInUse } from '../chosen-run.ts';
import { confirmable } from '../confirmed.ts';
import { onlyDeclared } from '../declared.ts';
import { dryRun, isDryRun } from '../dry-run.ts';
import { openLive, worldFor } from '../file-session.ts';
import { commandOf, mayAll } from '../may.ts';
import { sameCharts } from '../same-chart.ts';

export async function resume(call: Call): Promise<number> {
  const live = await openLive(call);
  try {
    const stored = await chosenRun(call, live, isIn('undo unfinished'), isIn('unfinished'), () => true);
    if (stored && !isDryRun(call)) refuseInUse(live, stored);
    const state = stored && runState(stored);
    if (state === 'undo unfinished') throw undoing(stored!.run.id);
    if (!stored || state !== 'unfinished') {
      if (stored && !isDryRun(call)) await clearOwnLease(live, stored);
      call.say(
        call.t({
          en: `Nothing is left to do: no unfinished run of ${ranOn(call).en} on this machine.`,
          zh: `没有可继续的运行：本机没有${ranOn(call).zh}未完成的运行。`,
        }),
      );
      return EXIT.ok;
    }
    const { run, progress } = stored;
    const open = toDo(run, progress);
    open.forEach(onlyDeclared(run));
    confirmable(call, run, open);
    const world = worldFor(call, live, run.id);
    await sameCharts(run, open, world);
    const rest = call.t({ en: `{tool} resume ${run.id} --dry-run=client{reach}`, zh: `{tool} resume ${run.id} --dry-run=client{reach}` });
    const shown = isDryRun(call) ? Number.POSITIVE_INFINITY : SHOWN;
    // The whole plan was shown before the run began; what is changed is shown each time.
    const lines = planView({ stages: stagesOf(run, open), refusals: [] }, call.face, { shown, rest, stored: true, brief: !isDryRun(call) });
    if (isDryRun(call)) return await dryRun(call, world, lines, amongThese(open));
    call.say(...lines, '');
    await mayAll(open, world, commandOf(run));
    if (!call.flags.yes && !(await call.confirm(question(open, live.identity)))) return EXIT.interrupted;
    const executed = await goOn(stored, 'apply', attended(call, { ...live, world }, run, 'apply', open.length));
    const exit = ended(call, run, 'apply', executed, open);
    if (exit !== EXIT.ok) return exit;
    const options = { checks: run.checks, targets: run.targets, accept: (run.accept ?? []).map(acceptance) };
    const forgotten = run.checks.filter((id) => !HEADLINES.has(id));
    if (forgotten.length) call.say(call.t(notLookedAt(forgotten.join(', '))));
    const baseline = await baselineOf(live.store, stored);
    const reasons = new Set(stepsOf(run).flatMap((step) => step.reasons));
    if (baseline) {
      const { side, nodes, checks = run.checks } = baseline;
      const alike = { ...options, checks, nodes };
      const again = await (commandOf(run) === 'fix'
        ? fixedAgain(call, live, side, alike, reasons)
        : comparedAgain(call, live, side, alike, broughtBack(run, executed)));
      await remind(call, live, run);
      lookedAgain(call, run, executed, again);
      return again.exit(forgotten.length ? EXIT.unknown : exit);
    }
    const after = await examine(live.source, SYSTEMS, options);
    const remaining = after.results.flatMap(({ findings }) => findings).filter(({ fingerprint }) => reasons.has(fingerprint));
    for (const { message } of remaining) call.say(call.t({ en: `still there: ${message.en}`, zh: `仍存在：${message.zh}` }));
    await remind(call, live, run);
    lookedAgain(call, run, executed, { remaining: remaining.length, selected: reasons.size });
    if (remaining.length) return EXIT.findings;
    return isComplete(after.results) && !forgotten.length ? EXIT.ok : EXIT.unknown;
  } finally {
    live.close();
  }
}

const notLookedAt = (ids: string) => ({
  en: `Not checked again: ${ids} (not in this version of upgrade-guard).`,
  zh: `未再次检查：${ids}（当前版本的 upgrade-guard 没有这些检查项）。`,
});

/** What they need of each other; what is settled is no longer waited for. */
function amongThese(steps: readonly Step[]): Step[] {
  const ids = new Set(steps.map(({ id }) => id));
  return steps.map((step) => ({ ...step, after: step.after.filter((id) => ids.has(id)) }));
}

const undoing = (id: string): UserError =>
  new UserError(
    { en: `run ${id} cannot be resumed: its undo is unfinished`, zh: `运行 ${id} 无法继续：其撤销未完成` },
    { en: `finish the undo: {tool} undo ${id}{reach}`, zh: `请先完成撤销：{tool} undo ${id}{reach}` },
  );
