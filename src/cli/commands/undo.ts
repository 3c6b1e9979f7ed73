// undo: take a run back, newest step first; what has moved on is named and left.
import { goOn } from '../../engine/conduct.ts';
import type { Text } from '../../engine/contracts.ts';
import { toUndo } from '../../engine/execute.ts';
import { inverseOf } from '../../engine/perform.ts';
import { progressOf } from '../../engine/progress.ts';
import { counted } from '../../report/face.ts';
import { planView, SHOWN } from '../../report/plan.ts';
import { takenBack } from '../../report/run.ts';
import { oneLine } from '../../text/sanitise.ts';
import { EXIT } from '../../text/user-error.ts';
import { attended, clearOwnLease, ended } from '../attend.ts';
import type { Call } from '../call.ts';
import { chosenRun } from '../chosen-run.ts';
import { openCluster } from '../session.ts';

export async function undo(call: Call): Promise<number> {
  const live = await openCluster(call);
  try {
    const stored = await chosenRun(call, live, ['undo unfinished', 'unfinished', 'finished', 'undone', 'unchanged']);
    const progress = progressOf(stored?.entries ?? []);
    const open = stored ? toUndo(stored.run, progress) : [];
    if (!stored || !open.length) {
      if (stored) await clearOwnLease(live, stored);
      call.say(call.t({ en: 'Nothing is left to take back.', zh: '没有可撤销的内容。' }));
      return EXIT.ok;
    }
    const backward = open.toReversed().map((step) => ({ step, inverse: inverseOf(step, progress) }));
    const inverses = backward.flatMap(({ step, inverse }) => ('none' in inverse ? [] : [{ ...inverse, text: takenBack(step.text) }]));
    const kept = backward.flatMap(({ step, inverse }) => ('none' in inverse ? [call.t(cannotTakeBack(step.text, inverse.none))] : []));
    call.say(...planView({ steps: inverses, refusals: [] }, call.face, SHOWN), ...kept, '');
    const question = {
      en: `Take back ${counted(open.length, 'step', '').en} of run ${stored.run.id}?`,
      zh: `撤销运行 ${stored.run.id} 的 ${open.length} 步？`,
    };
    if (!call.flags.yes && !(await call.confirm(question))) return EXIT.failed;
    return ended(call, stored.run, 'undo', await goOn(stored, 'undo', attended(call, live, stored.run, 'undo')), open);
  } finally {
    live.close();
  }
}

const cannotTakeBack = (what: Text, why: Text): Text => ({
  en: `stays: ${oneLine(what.en, 1000)} (${oneLine(why.en, 600)})`,
  zh: `无法撤销：${oneLine(what.zh, 1000)}（${oneLine(why.zh, 600)}）`,
});
