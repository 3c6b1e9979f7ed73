// What --confirm and --confirm-step name, where nothing asks for it: who names what is not there has mistyped it.
import type { Run, Step, StepOf } from '../engine/contracts.ts';
import { stepsOf } from '../engine/plan.ts';
import { oneLine } from '../text/sanitise.ts';
import { UserError } from '../text/user-error.ts';
import type { Call } from './call.ts';

/** Names in an error; there may be thousands. */
const NAMED = 10;

export function namedFew(names: readonly string[]): { en: string; zh: string } {
  const few = names.slice(0, NAMED);
  const more = names.length > NAMED;
  return { en: `${few.join(', ')}${more ? ', ...' : ''}`, zh: `${few.join('、')}${more ? '……' : ''}` };
}

/** A step that nothing in the cluster shows to be done. */
const isConfirmed = (step: Step): step is StepOf<'manual'> => step.do === 'manual' && !step.seen;

/** Says of each --confirm-step that has no effect why. `open`: what is left of the run. Throws UserError for one that is no manual step of the run. */
export function confirmable({ flags, say, t }: Pick<Call, 'flags' | 'say' | 't'>, run: Run, open: readonly Step[]): void {
  const steps = new Map(stepsOf(run).map((step) => [step.id, step]));
  const left = new Set(open.map(({ id }) => id));
  for (const id of flags['confirm-step'] ?? []) {
    const step = steps.get(id);
    if (step?.do !== 'manual') throw nothingAsks(run, id, step, open.filter(isConfirmed));
    if (!left.has(id)) say(t({ en: `--confirm-step ${id}: step ${id} is done already.`, zh: `--confirm-step ${id}：步骤 ${id} 已完成。` }));
    else if (!isConfirmed(step))
      say(
        t({
          en: `--confirm-step ${id} has no effect: the cluster shows whether step ${id} is done.`,
          zh: `--confirm-step ${id} 不起作用：步骤 ${id} 是否完成由集群的状态决定。`,
        }),
      );
  }
}

function nothingAsks(run: Run, id: string, step: Step | undefined, waiting: readonly Step[]): UserError {
  const shown = oneLine(id, 80);
  const ids = namedFew(waiting.map((each) => each.id));
  return new UserError(
    step
      ? { en: `--confirm-step ${shown}: step ${shown} is not a manual step`, zh: `--confirm-step ${shown}：步骤 ${shown} 不是手动步骤` }
      : { en: `--confirm-step ${shown}: run ${run.id} has no such step`, zh: `--confirm-step ${shown}：运行 ${run.id} 没有该步骤` },
    waiting.length
      ? {
          en: `manual steps that can be confirmed: ${ids.en}; all steps: {tool} runs ${run.id}{reach}`,
          zh: `可以确认的手动步骤：${ids.zh}；全部步骤：{tool} runs ${run.id}{reach}`,
        }
      : { en: 'no step of this run waits for a confirmation: {retry:confirm-step}', zh: '该运行没有等待确认的步骤：{retry:confirm-step}' },
  );
}
