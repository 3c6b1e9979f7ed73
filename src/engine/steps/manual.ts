// A manual step: something we tell a person to do, with the commands. Nothing is sent; where it can be seen that it was done, it counts as done.
import type { Command, Raw, Step, StepKind, StepOf, Text } from '../contracts.ts';
import { brokenGuard, conditionLines, pending } from './conditions.ts';
import { bare, withoutStatus } from './objects.ts';
import { createFrom } from './shell.ts';

export const manual: StepKind<StepOf<'manual'>> = {
  preview: (step) => [...(step.notes ?? []), ...commandsOf(step), ...seenLines(step)],
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

function commandsOf({ commands, makes }: StepOf<'manual'>): Command[] {
  return makes ? [...commands, createFrom(makes.file)] : commands;
}

/** Of more, how many. */
const SHOWN = 4;
/** How it is seen to be done; nothing where a person confirms it. */
export function seenLines({ seen = [] }: StepOf<'manual'>): Text[] {
  const lines = seen.flatMap(conditionLines);
  const more = lines.length > SHOWN + 1 ? lines.length - SHOWN : 0;
  return [
    ...lines.slice(0, more ? SHOWN : undefined).map(({ en, zh }) => ({ en: `done when: ${en}`, zh: `完成条件：${zh}` })),
    ...(more ? [{ en: `and ${more} more conditions`, zh: `另有 ${more} 个条件` }] : []),
  ];
}

/** The inverse of a step whose object is put back by a person: what the step says of that, and the old object where the journal has it. */
export function restoring(
  step: Step,
  { text, commands = [], file }: NonNullable<Step['restore']>,
  before: Raw | undefined,
): Step | { none: Text } {
  const { id, after, reasons, undoNote } = step;
  if (file !== undefined && !before) return { none: undoNote ?? NO_OBJECT };
  return {
    ...{ id, after, reasons, guard: [], undo: 'none', text, do: 'manual', commands },
    ...(undoNote ? { undoNote } : {}),
    // Values in it may be secret: it is laid beside the journal, and shown nowhere.
    ...(file === undefined ? {} : { makes: { object: withoutStatus(bare(before!)), file: `${id}-${file}` } }),
  };
}

const NO_OBJECT: Text = { en: 'the object is not in the journal', zh: '运行日志中没有保存该对象' };
