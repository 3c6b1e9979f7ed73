// undo: take a run back, newest step first; what has moved on is named and left.
import { goOn, type OnDisk } from '../../engine/conduct.ts';
import type { RunSummary, Step, StoredRun, Text, World } from '../../engine/contracts.ts';
import { backwards, leftAhead } from '../../engine/execute.ts';
import { inverseOf } from '../../engine/perform.ts';
import { oneStage, stepsOf } from '../../engine/plan.ts';
import { runState, spentNow, touched } from '../../engine/progress.ts';
import { counted } from '../../report/face.ts';
import { planView, SHOWN, undoQuestion } from '../../report/plan.ts';
import { stepEnded, undone } from '../../report/run.ts';
import { oneLine } from '../../text/sanitise.ts';
import { EXIT } from '../../text/user-error.ts';
import { attended, clearOwnLease, ended } from '../attend.ts';
import type { Call } from '../call.ts';
import { chosenRun, isIn, ranOn, refuseInUse } from '../chosen-run.ts';
import { withFile } from '../commands-left.ts';
import { onlyDeclared } from '../declared.ts';
import { dryRun, isDryRun } from '../dry-run.ts';
import { openLive, worldFor } from '../file-session.ts';
import { commandOf, mayAll } from '../may.ts';
import { repairFirst } from '../repair-first.ts';
import type { Live } from '../session.ts';

export async function undo(call: Call): Promise<number> {
  const live = await openLive(call);
  try {
    const stored = await chosenRun(call, live, isIn('undo unfinished'), isOpen, () => true);
    if (stored && !isDryRun(call)) refuseInUse(live, stored);
    const open = stored ? backwards(stored.run, stored.progress) : [];
    if (stored && !open.length && isCutShort(stored)) return await close(call, live, stored);
    if (!stored || !open.length) {
      if (stored && !isDryRun(call)) await clearOwnLease(live, stored);
      call.say(call.t(nothingLeft(call, stored?.run.id)), ...(stored ? [...manualOf(call, stored), ...staysOf(call, stored)] : []));
      return EXIT.ok;
    }
    const { run } = stored;
    if (call.args.length === 0) call.say(...(await otherThanNewest(call, live, run.id)));
    const first = await repairFirst(live, stored, open);
    if (first) throw first;
    const way = await wayBack(call, live, stored, open);
    if (isDryRun(call)) {
      const world = worldFor(call, live, run.id);
      const left = call.flags['dry-run'] === 'client' ? await leftOf(call, way.inverses, world) : [];
      return await dryRun(call, world, [...way.lines, ...left], way.inverses, 'undo');
    }
    call.say(...way.lines, '');
    await mayAll(inversesOf(stored, open), live.world, commandOf(run));
    if (!call.flags.yes && !(await call.confirm(undoQuestion(run.id, way.undoable, open.length, live.identity)))) return EXIT.interrupted;
    const world = worldFor(call, live, run.id);
    const attempt = await goOn(stored, 'undo', attended(call, { ...live, world }, run, 'undo', open.length));
    const code = ended(call, run, 'undo', attempt, open);
    const left = attempt.state === 'stopped' && !call.signal.aborted ? await repairFirst(live, stored, open) : undefined;
    if (left?.next) call.say(call.t(left.next));
    return code;
  } finally {
    live.close();
  }
}

/** Without a name it is not always the newest run: which one it is instead, and why, before anything is written. */
async function otherThanNewest(call: Call, { store }: Live, id: string): Promise<string[]> {
  const { runs } = await store.list();
  const [newest, chosen] = [runs[0], runs.find((each) => each.id === id)];
  if (!newest || !chosen || newest.id === id) return [];
  const [date, what] = [chosen.at.slice(0, 19).replace('T', ' '), oneLine(chosen.what, 200)];
  const taken = { en: `${id} (${what}, ${date} UTC)`, zh: `${id}（${what}，${date} UTC）` };
  if (isIn('undo unfinished')(chosen))
    return [
      call.t({
        en: `The undo of run ${taken.en} is unfinished; it comes before the newest run ${newest.id}.`,
        zh: `运行 ${taken.zh} 的撤销尚未完成，先于最近一次运行 ${newest.id} 处理。`,
      }),
    ];
  const why = isIn('undone')(newest)
    ? { en: 'is already undone', zh: '已撤销' }
    : isIn('unchanged')(newest)
      ? { en: 'changed nothing', zh: '未做任何更改' }
      : { en: 'has nothing left to undo', zh: '已没有可撤销的更改' };
  return [
    call.t({
      en: `The newest run ${newest.id} ${why.en}; the newest run with changes to undo is ${taken.en}.`,
      zh: `最近一次运行 ${newest.id} ${why.zh}；最近一次有可撤销更改的运行是 ${taken.zh}。`,
    }),
  ];
}

/** The undo of these steps. Throws for one that the run's checks never do. Only inverses that are shown are held: there may be 100,000. */
async function wayBack(
  call: Call,
  { store }: Live,
  { run, progress }: StoredRun,
  open: readonly Step[],
): Promise<{ lines: string[]; inverses: Step[]; undoable: number }> {
  const declared = onlyDeclared(run);
  const shown = isDryRun(call) ? Number.POSITIVE_INFINITY : SHOWN;
  const steps: Step[] = [];
  const kept: string[] = [];
  let further = 0;
  for (const step of open) {
    const inverse = inverseOf(step, progress);
    if ('none' in inverse) kept.push(call.t(cannotTakeBack(step.text, inverse.none)));
    else {
      declared(inverse);
      // One more is shown rather than counted.
      if (steps.length <= shown) steps.push({ ...(await withFile(inverse, run.id, store)), text: undone(step) });
      else further++;
    }
  }
  const rest = call.t({ en: `{tool} undo ${run.id} --dry-run=client{reach}`, zh: `{tool} undo ${run.id} --dry-run=client{reach}` });
  const lines = [
    ...planView(oneStage(steps), call.face, { shown, rest, further, stored: true }),
    ...kept,
    ...manualOf(call, { run, progress }),
  ];
  return { lines: [...lines, ...staysOf(call, { run, progress })], inverses: steps, undoable: steps.length + further };
}

/** A plan says how a step is undone; whether it still can be, a look says. */
async function leftOf(call: Call, inverses: readonly Step[], world: World): Promise<string[]> {
  const left = await leftAhead(inverses, world);
  if (!left.length) return [];
  const lead = call.t({ en: 'As things stand, undo leaves unchanged:', zh: '按当前状态，撤销时将保持不变：' });
  return ['', lead, ...left.map(([step, outcome]) => stepEnded(step, outcome, call.face))];
}

/** One at a time: there may be 100,000. */
function* inversesOf({ progress }: StoredRun, open: readonly Step[]): Iterable<Step> {
  for (const step of open) {
    const inverse = inverseOf(step, progress);
    if (!('none' in inverse)) yield inverse;
  }
}

/** What the objects that a run made for a while have done. */
function staysOf(call: Call, { run, progress }: Pick<StoredRun, 'run' | 'progress'>): string[] {
  const note = spentNow(run, progress).findLast(({ undoNote }) => undoNote)?.undoNote;
  return note ? [oneLine(call.t(note), 1000)] : [];
}

/** What a person has done stays as it is: an API server that was upgraded, say. */
export function manualOf(call: Call, { run, progress }: Pick<StoredRun, 'run' | 'progress'>): string[] {
  const isDone = (id: string) => ['done', 'already'].includes(progress.states.apply.get(id)?.result ?? '');
  const ids = stepsOf(run).flatMap((step) =>
    step.do === 'manual' && !step.changesNothing && !step.onUndo && isDone(step.id) ? [step.id] : [],
  );
  if (!ids.length) return [];
  return [
    call.t({
      en: `stays: ${counted(ids.length, 'manual step', '').en} (${ids.join(', ')}), to be undone manually`,
      zh: `保持不变：已完成的 ${ids.length} 个手动步骤（${ids.join('、')}），只能手动撤销`,
    }),
  ];
}

/** The note of a step leads with the same words. */
const cannotTakeBack = (what: Text, why: Text): Text => ({
  en: `stays: ${oneLine(what.en, 1000)} (${oneLine(why.en, 600).replace(/^undo: none[,:;] /, '')})`,
  zh: `无法撤销：${oneLine(what.zh, 1000)}（${oneLine(why.zh, 600).replace(/^无法撤销[，：；]/, '')}）`,
});

/** Something of it can still be undone, or it never ended. */
const isOpen = (run: RunSummary): boolean => run.open > 0 || isIn('unfinished')(run);

/** What a journal that may lack its end does not say is not taken for nothing. */
const isCutShort = (stored: OnDisk): boolean => !stored.lengthUnknown && ['unfinished', 'undo unfinished'].includes(runState(stored));

/** A run, or an undo, that was killed where nothing is left to undo: only its end is missing. Until that is written, no other run may begin. */
async function close(call: Call, live: Live, stored: OnDisk): Promise<number> {
  const { run, progress } = stored;
  const changed = touched(run, progress).length > 0;
  if (!isDryRun(call)) await goOn(stored, 'undo', attended(call, live, run, 'undo', 0));
  call.say(call.t(isDryRun(call) ? wouldClose(run.id, changed) : closed(run.id, changed)));
  return EXIT.ok;
}

const closed = (id: string, changed: boolean): Text =>
  changed
    ? { en: `Run ${id} was already undone; closed now.`, zh: `运行 ${id} 已全部撤销，现已关闭。` }
    : { en: `Run ${id} has changed nothing; closed now.`, zh: `运行 ${id} 未做任何更改，现已关闭。` };
const wouldClose = (id: string, changed: boolean): Text =>
  changed
    ? { en: `Run ${id} is already undone; undo would only close it.`, zh: `运行 ${id} 已全部撤销；undo 只会将其关闭。` }
    : {
        en: `Run ${id} has changed nothing; undo would only close it.`,
        zh: `运行 ${id} 未做任何更改；undo 只会将其关闭。`,
      };

const nothingLeft = (call: Call, id: string | undefined): Text =>
  id
    ? call.args.length
      ? { en: `Nothing to undo in run ${id}.`, zh: `运行 ${id} 没有可撤销的内容。` }
      : { en: 'Nothing to undo in any run.', zh: '所有运行都没有可撤销的内容。' }
    : {
        en: `Nothing to undo: no runs of ${ranOn(call).en} on this machine.`,
        zh: `没有可撤销的内容：本机没有${ranOn(call).zh}的运行记录。`,
      };
