// A manual step: something we tell a person to do, with the commands. Nothing is sent; where it can be seen that it was done, it counts as done.
import type { StepKind, StepOf } from '../contracts.ts';
import { brokenGuard, pending } from './conditions.ts';
import { createFrom } from './shell.ts';

export const manual: StepKind<StepOf<'manual'>> = {
  preview: commandsOf,
  commands: commandsOf,
  look: async (step, world) => {
    const left = step.seen && (await pending(step.seen, world));
    if (step.seen && !left) return { is: 'done', now: undefined };
    const broken = await brokenGuard(step.guard, world, undefined, undefined);
    return broken ? { is: 'obsolete', because: broken } : { is: 'to-do', now: undefined, ...left };
  },
  write: () => undefined,
  remember: () => undefined,
  inverse: () => ({ none: { en: 'a manual step is not undone', zh: '手动步骤不会撤销' } }),
};

function commandsOf({ commands, makes }: StepOf<'manual'>): string[] {
  return makes ? [...commands, createFrom(makes.file)] : commands;
}
