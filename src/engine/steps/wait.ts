// A wait step: until conditions hold. It writes nothing; the executor looks again about every second, up to `within`.
import { describe } from '../../kube/refs.ts';
import type { Condition, StepKind, StepOf } from '../contracts.ts';
import { show } from './fields.ts';
import { brokenGuard, pathOf, pending } from './guard.ts';

export const wait: StepKind<StepOf<'wait'>> = {
  preview: ({ until, within, lasting }) => [
    ...until.flatMap(({ on, must }) => conditionLines(must).map((line) => `${describe(on)}: ${line}`)),
    `≤ ${within} s${lasting ? ` + ${lasting} s` : ''}`,
  ],
  look: async (step, world) => {
    const because = await pending(step.until, world);
    if (!because) return { is: 'done', now: undefined };
    const broken = await brokenGuard(step.guard, world, undefined, undefined);
    return broken ? { is: 'obsolete', because: broken } : { is: 'to-do', now: undefined, because };
  },
  write: () => undefined,
  remember: () => undefined,
  inverse: () => ({ none: { en: 'nothing was changed', zh: '未做任何更改' } }),
};

function conditionLines(must: Condition['must']): string[] {
  if (must === 'be-gone') return ['∅'];
  if (must === 'exist') return ['✓'];
  return must.map((each) => {
    if ('same' in each) return `${pathOf(each)} = ${each.same}`;
    return `${pathOf(each)} ${'isNot' in each ? `≠ ${show(each.isNot)}` : `= ${show(each.is)}`}`;
  });
}
