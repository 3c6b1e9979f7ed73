// undo: take a run back, newest step first; what has moved on is named and left.
import { goOn } from '../../engine/conduct.ts';
import { toUndo } from '../../engine/execute.ts';
import { progressOf } from '../../engine/progress.ts';
import { kindOf } from '../../engine/steps/index.ts';
import { counted } from '../../report/face.ts';
import { planView, SHOWN } from '../../report/plan.ts';
import { takenBack } from '../../report/run.ts';
import { EXIT } from '../../text/user-error.ts';
import { attended, clearOwnLease, ended } from '../attend.ts';
import type { Call } from '../call.ts';
import { chosenRun } from '../chosen-run.ts';
import { openCluster } from '../session.ts';

export async function undo(call: Call): Promise<number> {
  const live = await openCluster(call);
  try {
    const stored = await chosenRun(call, live, ['undo unfinished', 'unfinished', 'finished', 'undone', 'unchanged']);
    const open = stored ? toUndo(stored.run, progressOf(stored.entries)) : [];
    if (!stored || !open.length) {
      if (stored) await clearOwnLease(live, stored);
      call.say(call.t({ en: 'Nothing is left to take back.', zh: '没有可撤销的内容。' }));
      return EXIT.ok;
    }
    const inverses = open.toReversed().flatMap((step) => {
      const inverse = kindOf(step).inverse(step);
      return 'none' in inverse ? [] : [{ ...inverse, text: takenBack(step.text) }];
    });
    call.say(...planView({ steps: inverses, refusals: [] }, call.face, SHOWN), '');
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
