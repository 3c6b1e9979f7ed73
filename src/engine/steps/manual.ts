// A manual step: something we tell a person to do, with the commands. Nothing is sent; where it can be seen that it was done, it counts as done.
import type { StepKind, StepOf } from '../contracts.ts';
import { pending } from './guard.ts';
import { createFrom } from './shell.ts';

export const manual: StepKind<StepOf<'manual'>> = {
  preview: commandsOf,
  commands: commandsOf,
  look: async (step, world) =>
    step.seen && !(await pending(step.seen, world)) ? { is: 'done', now: undefined } : { is: 'to-do', now: undefined },
  write: () => undefined,
  remember: () => undefined,
  inverse: () => ({ none: { en: 'was left to you', zh: '由您手动执行' } }),
};

function commandsOf({ commands, makes }: StepOf<'manual'>): string[] {
  return makes ? [...commands, createFrom(makes.file)] : commands;
}
