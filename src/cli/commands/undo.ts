// undo: take a run back, newest step first; what has moved on is named and left.
import { goOn } from '../../engine/conduct.ts';
import type { StoredRun, Text } from '../../engine/contracts.ts';
import { toUndo } from '../../engine/execute.ts';
import { inverseOf } from '../../engine/perform.ts';
import { progressOf } from '../../engine/progress.ts';
import { counted } from '../../report/face.ts';
import { clusterName, planView, SHOWN } from '../../report/plan.ts';
import { takenBack } from '../../report/run.ts';
import { oneLine } from '../../text/sanitise.ts';
import { EXIT } from '../../text/user-error.ts';
import { attended, clearOwnLease, ended } from '../attend.ts';
import type { Call } from '../call.ts';
import { chosenRun, isIn } from '../chosen-run.ts';
import { withHelm } from '../helm.ts';
import { openCluster } from '../session.ts';

export async function undo(call: Call): Promise<number> {
  const live = await openCluster(call);
  try {
    const stored = await chosenRun(call, live, isIn('undo unfinished'), isOpen, () => true);
    const progress = progressOf(stored?.entries ?? []);
    const open = stored ? toUndo(stored.run, progress) : [];
    if (!stored || !open.length) {
      if (stored) await clearOwnLease(live, stored);
      call.say(call.t(nothingLeft(stored?.run.id, call.args.length > 0)));
      return EXIT.ok;
    }
    const backward = open.toReversed().map((step) => ({ step, inverse: inverseOf(step, progress) }));
    const inverses = backward.flatMap(({ step, inverse }) => ('none' in inverse ? [] : [{ ...inverse, text: takenBack(step.text) }]));
    const kept = backward.flatMap(({ step, inverse }) => ('none' in inverse ? [call.t(cannotTakeBack(step.text, inverse.none))] : []));
    call.say(
      ...planView(
        { steps: inverses, refusals: [] },
        call.face,
        SHOWN,
        call.t({ en: `{tool} runs ${stored.run.id}{reach}`, zh: `{tool} runs ${stored.run.id}{reach}` }),
      ),
      ...kept,
      '',
    );
    const question = {
      en: `Take back ${counted(open.length, 'step', '').en} of run ${stored.run.id} in cluster ${clusterName(live.identity)}?`,
      zh: `撤销集群 ${clusterName(live.identity)} 中运行 ${stored.run.id} 的 ${open.length} 步？`,
    };
    if (!call.flags.yes && !(await call.confirm(question))) return EXIT.interrupted;
    return ended(
      call,
      stored.run,
      'undo',
      await goOn(stored, 'undo', attended(call, { ...live, world: withHelm(call, live, stored.run.id) }, stored.run, 'undo', open.length)),
      open,
    );
  } finally {
    live.close();
  }
}

const cannotTakeBack = (what: Text, why: Text): Text => ({
  en: `stays: ${oneLine(what.en, 1000)} (${oneLine(why.en, 600)})`,
  zh: `无法撤销：${oneLine(what.zh, 1000)}（${oneLine(why.zh, 600)}）`,
});

/** Something of it can still be taken back. */
const isOpen = ({ run, entries }: StoredRun): boolean => toUndo(run, progressOf(entries)).length > 0;

const nothingLeft = (id: string | undefined, named: boolean): Text =>
  id
    ? named
      ? { en: `Nothing is left to take back of run ${id}.`, zh: `运行 ${id} 没有可撤销的内容。` }
      : { en: 'Nothing is left to take back of any run.', zh: '所有运行都没有可撤销的内容。' }
    : { en: 'Nothing is left to take back: there are no runs of this cluster here.', zh: '没有可撤销的内容：此处没有该集群的运行记录。' };
