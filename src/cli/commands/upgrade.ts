// upgrade: check, repair, keep the values, let helm upgrade, wait, check again, compare; and what to do if not.
import { randomBytes } from 'node:crypto';
import { collectDeclared } from '../../engine/collect.ts';
import { sideOf } from '../../engine/compare.ts';
import { begin, goOn, newRunId } from '../../engine/conduct.ts';
import type { Run } from '../../engine/contracts.ts';
import { declarationsOf } from '../../engine/declarations.ts';
import { backwards } from '../../engine/execute.ts';
import { targetsOf } from '../../engine/paths.ts';
import { type Plan, stepsOf } from '../../engine/plan.ts';
import { isComplete } from '../../engine/verdict.ts';
import { foldedBy } from '../../report/face.ts';
import { planView, question } from '../../report/plan.ts';
import { table } from '../../report/table.ts';
import { recordingSource } from '../../snapshot/record.ts';
import { writeSnapshot } from '../../snapshot/write.ts';
import { HEADLINES, SYSTEMS } from '../../systems/index.ts';
import { EXIT, UserError } from '../../text/user-error.ts';
import { attended, broughtBack, ended, lookedAgain, remind } from '../attend.ts';
import { comparedAgain, withBaseline } from '../baseline.ts';
import type { Call } from '../call.ts';
import { dryRun, isDryRun } from '../dry-run.ts';
import { helmOf, withHelm } from '../helm.ts';
import { mayAll } from '../may.ts';
import { refuseBeside } from '../own-runs.ts';
import { rehearseUpgrade } from '../rehearse.ts';
import { assertFound, planAll, planChosen } from '../repair.ts';
import { repairFirst } from '../repair-first.ts';
import { type Live, openCluster } from '../session.ts';
import { asksFirst, type Intended, intended, nothingNewer, refusal, solvedBy, unrepaired } from '../upgrading.ts';

const ONE_OF_BOTH = new UserError(
  { en: '--rehearse and --dry-run cannot be used together', zh: '--rehearse 与 --dry-run 不能同时使用' },
  {
    en: 'in memory: {retry:dry-run,rehearse} --rehearse; by the API server: {retry:dry-run,rehearse} --dry-run=server',
    zh: '在内存中：{retry:dry-run,rehearse} --rehearse；由 API 服务器试运行：{retry:dry-run,rehearse} --dry-run=server',
  },
);
const NOT_STARTED = { en: 'Upgrade not started', zh: '升级未开始' };

export async function upgrade(given: Call): Promise<number> {
  const { rehearse } = given.flags;
  // Nodes pull no images in memory.
  const pulls = SYSTEMS.find(({ id }) => id === given.args[0])?.pullsImages;
  const call: Call = rehearse && pulls ? { ...given, flags: { ...given.flags, 'no-pull-images': true } } : given;
  const isTried = rehearse || isDryRun(call);
  if (rehearse && isDryRun(call)) throw ONE_OF_BOTH;
  const live = await openCluster(call);
  try {
    const id = newRunId(new Date(), randomBytes(4).toString('hex'));
    const recording = recordingSource(live.source, declarationsOf(SYSTEMS));
    // Before anything is shown: another run must be ended first.
    if (!isTried && !call.flags['take-over']) await refuseBeside(live.store);
    const upgrade = await intended(call, recording.source, id);
    const { before, stages, values } = upgrade;
    const nothing = nothingNewer(call, upgrade);
    if (nothing === undefined) assertFound(new Set(call.flags.confirm), before.remedies);
    // What is recorded of it is for a rehearsal: it was read just now.
    call.say(...table({ ...before, recordedAt: undefined, solved: solvedBy(before, stages) }, SYSTEMS, HEADLINES, foldedBy(call.face)), '');
    if (nothing !== undefined) {
      call.say(nothing);
      return EXIT.ok;
    }
    const plan = await (isTried ? planAll(before.remedies, stages) : planChosen(before.remedies, call, stages));
    call.say(...planView(plan, call.face), '');
    const stopping = await unrepaired(before, plan);
    if (isTried) for (const line of asksFirst(call, before, plan, stopping)) call.say(line, '');
    if (stopping.length) {
      call.say(...refusal(call, stopping, NOT_STARTED));
      return EXIT.findings;
    }
    const steps = stepsOf(plan);
    if (!steps.length) {
      call.say(call.t({ en: 'Nothing to upgrade.', zh: '没有需要升级的内容。' }));
      return isComplete(before.results) ? EXIT.ok : EXIT.unknown;
    }
    if (rehearse) return await rehearseUpgrade(call, await recording.dump(), plan);
    const snapshot = async (file: string) => {
      await collectDeclared(
        recording.source,
        SYSTEMS.filter((system) => before.installations.some((each) => each.system === system.id)),
        recording.has,
      );
      await writeSnapshot(await recording.dump(), file, { force: true });
    };
    const world = withHelm(call, live, id, { values, snapshot });
    if (isDryRun(call)) return await dryRun(call, world, [], steps);
    if (steps.some(({ do: doing }) => doing === 'helm')) await helmOf(call);
    await mayAll(steps, world, 'upgrade');
    if (!call.flags.yes && !(await call.confirm(question(steps, live.identity)))) {
      call.say(call.t({ en: 'Nothing was changed.', zh: '未做任何更改。' }));
      return EXIT.interrupted;
    }
    return await carryOut(call, { ...live, world }, id, upgrade, plan);
  } finally {
    live.close();
  }
}

async function carryOut(call: Call, live: Live, id: string, { before, options }: Intended, plan: Plan): Promise<number> {
  const run: Run = {
    schema: 2,
    id,
    tool: `upgrade-guard ${call.version}`,
    what: ['upgrade', ...call.args].join(' '),
    at: new Date().toISOString(),
    checks: before.results.map((result) => result.id),
    targets: targetsOf(before.paths),
    accept: call.flags.accept,
    stages: plan.stages,
    cluster: live.identity,
    as: live.as,
  };
  const store = withBaseline(live.store, before, options.nodes);
  const executed = await begin(run, attended(call, { ...live, store }, run));
  const exit = ended(call, run, 'apply', executed);
  if (executed.state === 'stopped' && call.flags['rollback-on-failure'] && !call.signal.aborted) return takenBack(call, live, id);
  if (executed.state !== 'finished') return exit;
  const again = await comparedAgain(call, live, sideOf(before.results), options, broughtBack(run, executed));
  await remind(call, live, run);
  lookedAgain(call, run, executed, again);
  return again.exit(exit);
}

/** --rollback-on-failure: asked for beforehand, so not asked again. 1: everything is as it was, and the upgrade failed; 4: not everything is. */
async function takenBack(call: Call, live: Live, id: string): Promise<number> {
  const stored = await live.store.read(id);
  if (!stored) return EXIT.halfWay;
  call.say('', call.t({ en: 'Undoing all changes (--rollback-on-failure):', zh: '正在撤销全部更改（--rollback-on-failure）：' }));
  const open = backwards(stored.run, stored.progress);
  const first = await repairFirst(live, stored, open);
  if (first) throw new UserError(first.text, first.next, EXIT.halfWay);
  const exit = ended(call, stored.run, 'undo', await goOn(stored, 'undo', attended(call, live, stored.run, 'undo', open.length)), open);
  return exit === EXIT.ok ? EXIT.failed : exit;
}
