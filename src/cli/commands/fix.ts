// fix: check, show the steps, ask, carry them out, check again, compare.
import { randomBytes } from 'node:crypto';
import { sideOf } from '../../engine/compare.ts';
import { begin, newRunId } from '../../engine/conduct.ts';
import type { Run, Text, World } from '../../engine/contracts.ts';
import { declarationsOf } from '../../engine/declarations.ts';
import { type Examination, type ExamineOptions, examine } from '../../engine/examine.ts';
import { targetsOf } from '../../engine/paths.ts';
import { type Plan, stepsOf } from '../../engine/plan.ts';
import { isComplete } from '../../engine/verdict.ts';
import { withRecords } from '../../helm/revise.ts';
import { foldedBy } from '../../report/face.ts';
import { planView, question, SHOWN } from '../../report/plan.ts';
import { table } from '../../report/table.ts';
import { worstFirst } from '../../report/view.ts';
import { recordingSource } from '../../snapshot/record.ts';
import { dumpSource } from '../../snapshot/source.ts';
import { chosenChecks, HEADLINES, SYSTEMS } from '../../systems/index.ts';
import { EXIT, UserError } from '../../text/user-error.ts';
import { assertInstalled, examineOptions } from '../asked.ts';
import { attended, ended, lookedAgain } from '../attend.ts';
import { fixedAgain, withBaseline } from '../baseline.ts';
import type { Call } from '../call.ts';
import { dryRun, isDryRun } from '../dry-run.ts';
import { fixFiles } from '../fix-files.ts';
import { withHelm } from '../helm.ts';
import { mayAll } from '../may.ts';
import { refuseBeside } from '../own-runs.ts';
import { rehearse } from '../rehearse.ts';
import { leftBeside, planAll, planChosen } from '../repair.ts';
import { type Live, openCluster, openSource } from '../session.ts';

export async function fix(call: Call): Promise<number> {
  const options = await examineOptions(call, chosenChecks(call.args, 'fix'));
  if (call.flags.filename !== undefined) return fixFiles(call, options);
  const dry = call.flags['dry-run'] ?? 'none';
  if (dry === 'server' && (call.flags.from !== undefined || call.flags.rehearse)) throw needsServer(call.flags.from === undefined);
  if (call.flags.from !== undefined || call.flags.rehearse) return rehearsal(call, options, dry === 'client');
  const live = await openCluster(call);
  try {
    // Before anything is shown: what an unfinished run has hidden is not "nothing to fix".
    if (!isDryRun(call) && !call.flags['take-over']) await refuseBeside(live.store, { isFix: true });
    const before = await examine(live.source, SYSTEMS, options);
    call.say(...table(before, SYSTEMS, HEADLINES, foldedBy(call.face)), '');
    assertInstalled(call, options, [before], EXIT.ok);
    if (isDryRun(call)) return await tried(call, withRecords(live.world), before);
    const plan = await planChosen(before.remedies, call);
    const steps = stepsOf(plan);
    const left = await leftBeside(before, plan, call.face);
    if (!steps.length) return nothingToDo(call, before, plan, left);
    // Without a terminal the manual steps cannot be done: a run would only block the next one.
    if (!call.terminal && steps.every((step) => step.do === 'manual')) return onlyManual(call, plan, left);
    call.say(
      ...planView(plan, call.face, {
        shown: SHOWN,
        rest: call.t({ en: '{retry:yes} --dry-run=client', zh: '{retry:yes} --dry-run=client' }),
      }),
      ...left,
      '',
    );
    await mayAll(steps, live.world, 'fix');
    if (!call.flags.yes && !(await call.confirm(question(steps, live.identity)))) {
      call.say(call.t({ en: 'Nothing was changed.', zh: '未做任何更改。' }));
      return EXIT.interrupted;
    }
    return await carryOut(call, live, before, plan, options);
  } finally {
    live.close();
  }
}

/** Only an API server can say what it would accept. */
function needsServer(rehearse: boolean): UserError {
  return new UserError(
    rehearse
      ? {
          en: '--rehearse and --dry-run=server cannot be used together',
          zh: '--rehearse 与 --dry-run=server 不能同时使用',
        }
      : {
          en: '--dry-run=server needs a cluster; --from reads a file',
          zh: '--dry-run=server 需要集群，而 --from 读取的是文件',
        },
    {
      en: 'to list the steps: {retry:dry-run,rehearse} --dry-run=client; to run them in memory: {retry:dry-run,rehearse} --rehearse',
      zh: '列出步骤：{retry:dry-run,rehearse} --dry-run=client；在内存中演练：{retry:dry-run,rehearse} --rehearse',
    },
  );
}

async function rehearsal(call: Call, options: ExamineOptions, onlyShow: boolean): Promise<number> {
  const { source, dump, close } = await openSource(call);
  try {
    const recording = recordingSource(source, declarationsOf(SYSTEMS));
    const seen = await examine(recording.source, SYSTEMS, options);
    const copy = dump ?? (await recording.dump());
    const before = dump ? seen : await examine(dumpSource(copy), SYSTEMS, options);
    call.say(...table(before, SYSTEMS, HEADLINES, foldedBy(call.face)), '');
    assertInstalled(call, options, [before], EXIT.ok);
    if (onlyShow) return await tried(call, undefined, before);
    const { after, fine } = await rehearse(call, copy, before, options);
    if (remainingOf(before, after)) return EXIT.findings;
    return fine && isComplete(after.results) ? EXIT.ok : EXIT.unknown;
  } finally {
    close();
  }
}

async function tried(call: Call, world: World | undefined, before: Examination): Promise<number> {
  const { results, remedies } = before;
  const plan = await planAll(remedies);
  const left = await leftBeside(before, plan, call.face);
  if (!plan.stages.length && !plan.refusals.length) {
    call.out(...(left.length ? left : [call.t(nothing(results))]));
    return isComplete(results) ? EXIT.ok : EXIT.unknown;
  }
  return dryRun(call, world, [...planView(plan, call.face), ...left], stepsOf(plan));
}

const NOT_BY_FIX = {
  en: 'fix has no step to run for this: nothing was sent, and no run was started. Once you have resolved it: {tool} check{asked}{again}',
  zh: '没有 fix 可以执行的步骤，因此没有发出任何请求，也没有开始运行。自行处理后，请执行：{tool} check{asked}{again}',
};
const NOTHING = { en: 'Nothing to fix.', zh: '没有需要修复的问题。' };
const noFix = (id: string): Text => ({
  en: `No automatic fix for what was found. What to do: {tool} explain ${id}`,
  zh: `发现的问题没有自动修复。处理方法请查看：{tool} explain ${id}`,
});
const NOT_SEEN = {
  en: 'Nothing to fix, but some checks could not run; see above.',
  zh: '没有需要修复的问题，但有检查无法完成，见上文。',
};

/** Found, with nothing that fix could do, is not "nothing". */
function nothing(results: Examination['results']): Text {
  const found = results.filter(({ findings }) => findings.some(({ accepted }) => !accepted)).toSorted(worstFirst);
  if (found[0]) return noFix(found[0].id);
  return isComplete(results) ? NOTHING : NOT_SEEN;
}

/** Of checks that were named everything that was found is left; else what fix has steps for, and blockers. */
const isLeft = ({ results, remedies }: Examination, named: boolean): boolean =>
  remedies.length > 0 ||
  results.some(({ findings }) => findings.some(({ accepted, severity }) => !accepted && (named || severity === 'blocker')));

function nothingToDo(call: Call, before: Examination, plan: Plan, left: readonly string[]): number {
  const { results } = before;
  const advised = plan.refusals.some(({ as }) => as);
  call.say(...planView(plan, call.face), ...left);
  if (advised || !left.length) call.say(call.t(advised ? NOT_BY_FIX : nothing(results)));
  if (isLeft(before, call.args.length > 0)) return EXIT.findings;
  return isComplete(results) ? EXIT.ok : EXIT.unknown;
}

function onlyManual(call: Call, plan: Plan, left: readonly string[]): number {
  call.say(
    ...planView(plan, call.face),
    ...left,
    call.t({
      en: 'All steps are manual: nothing was sent, and no run was started. Once they are done: {tool} check{asked}{again}',
      zh: '所有步骤均为手动，因此没有发出任何请求，也没有开始运行。完成这些步骤后，请执行：{tool} check{asked}{again}',
    }),
  );
  return EXIT.findings;
}

async function carryOut(call: Call, live: Live, before: Examination, plan: Plan, options: ExamineOptions): Promise<number> {
  const now = new Date();
  const run: Run = {
    schema: 2,
    id: newRunId(now, randomBytes(4).toString('hex')),
    tool: `upgrade-guard ${call.version}`,
    what: ['fix', ...call.args].join(' '),
    at: now.toISOString(),
    checks: [...new Set(before.remedies.map(({ check }) => check.id))],
    targets: targetsOf(before.paths),
    accept: call.flags.accept,
    stages: plan.stages,
    cluster: live.identity,
    as: live.as,
  };
  const store = withBaseline(live.store, before, options.nodes);
  const executed = await begin(run, attended(call, { ...live, store, world: withHelm(call, live, run.id) }, run));
  const exit = ended(call, run, 'apply', executed);
  if (executed.state !== 'finished') return exit;
  const again = await unlessInterrupted(call, fixedAgain(call, live, sideOf(before.results), options, askedOf(before)));
  if (!again) return EXIT.unknown;
  lookedAgain(call, run, executed, again);
  return again.exit(exit);
}

const askedOf = ({ remedies }: Examination): Set<string> =>
  new Set(remedies.flatMap(({ findings }) => findings.map(({ fingerprint }) => fingerprint)));

/** How many of the findings that were to be repaired are still there. */
function remainingOf(before: Examination, after: Examination): number {
  const asked = askedOf(before);
  const found = after.results.flatMap(({ findings }) => findings);
  return found.filter(({ fingerprint, accepted }) => !accepted && asked.has(fingerprint)).length;
}

/** The look after a run that went through. Ctrl-C cannot turn that run into one that changed nothing: what was not looked at again is unknown. */
async function unlessInterrupted<T>(call: Call, look: Promise<T>): Promise<T | undefined> {
  try {
    return await look;
  } catch (error) {
    if (!call.signal.aborted) throw error;
    call.say(
      call.t({
        en: 'Interrupted: the checks were not run again. To run them: {tool} check{asked}{again}',
        zh: '已中断：未再次检查。请运行：{tool} check{asked}{again}',
      }),
    );
    return undefined;
  }
}
