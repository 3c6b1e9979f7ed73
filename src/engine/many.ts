// Steps of many writes in one intent: the objects of a CRD, the Pods of a Node. Each goes on where it was cut.
import { deepEqual } from '../kube/json.ts';
import { type Raw, type StepOf, WorldError } from './contracts.ts';
import { emptied } from './drain.ts';
import { rewriteAll } from './migrate.ts';
import { lookedAt, type StepOutcome, troubleWith } from './outcomes.ts';
import { orTrouble, type Performing, reporter } from './performing.ts';
import { kindOf } from './steps/index.ts';
import { generationOf } from './steps/migrate.ts';

/** `write`: of the CRD, behind its objects. */
type Write = (doing: Performing, written: Raw | undefined) => Promise<StepOutcome | undefined>;

/** All objects first, in one intent; then the list of versions, if the CRD is still the one that was begun with. A run that was cut goes on behind the last object that is certain. */
export async function migrate(step: StepOf<'migrate'>, doing: Performing, write: Write): Promise<StepOutcome | undefined> {
  const { world, progress, halt } = doing.means;
  const { note, settle } = doing;
  const known = progress.states.apply.get(step.id);
  const look = await orTrouble(kindOf(step).look(step, world));
  if (look instanceof WorldError) return settle({ result: 'failed', detail: troubleWith(look) });
  if (look.is !== 'to-do') return settle(lookedAt(look, 'apply', known?.result === 'in-doubt'), look.is === 'done' ? look.now : undefined);
  if (halt.aborted) return known?.result === 'in-doubt' ? { result: 'in-doubt' } : undefined;
  const before = kindOf(step).remember(look.now);
  const isSame = deepEqual(before, known?.before);
  await note({ is: 'intent', before });
  const { trouble, progress: far } = await rewriteAll(step, {
    ...{ world, halt, from: isSame ? known?.progress?.now : undefined, told: reporter(step, doing) },
  });
  if (trouble || halt.aborted) {
    if (far) await note({ is: 'progress', progress: far });
    return trouble
      ? settle({ result: 'failed', detail: trouble, ...(far ? { answered: true } : {}) }, far && look.now)
      : { result: 'in-doubt' };
  }
  return write({ ...doing, step: { ...step, generation: generationOf(look.now) } }, look.now);
}

/** Cut in between, it goes on with whatever Pods are left. */
export async function drain(step: StepOf<'drain'>, doing: Performing): Promise<StepOutcome | undefined> {
  const { world, progress, halt } = doing.means;
  const { note, settle } = doing;
  const known = progress.states.apply.get(step.id);
  const look = await orTrouble(kindOf(step).look(step, world));
  if (look instanceof WorldError) return settle({ result: 'failed', detail: troubleWith(look) });
  if (look.is !== 'to-do') return settle(lookedAt(look, 'apply', known?.result === 'in-doubt'), look.is === 'done' ? look.now : undefined);
  if (halt.aborted) return known?.result === 'in-doubt' ? { result: 'in-doubt' } : undefined;
  // Once cordoned by us, it was not before.
  const before = known?.before ?? kindOf(step).remember(look.now);
  await note({ is: 'intent', before });
  const trouble = await orTrouble(emptied(step, { world, halt, told: reporter(step, doing) }));
  if (trouble && 'halted' in trouble) return { result: 'in-doubt', ...(trouble.halted ? { detail: trouble.halted } : {}) };
  if (trouble === undefined) return settle({ result: 'done' }, look.now);
  return settle({ result: 'failed', detail: trouble instanceof WorldError ? troubleWith(trouble) : trouble, answered: true }, look.now);
}
