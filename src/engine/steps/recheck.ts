// A recheck step: before the next hop of a run the checks are run once more. What they find is the executor's business; nothing is written.
import type { StepKind, StepOf } from '../contracts.ts';

export const recheck: StepKind<StepOf<'recheck'>> = {
  preview: ({ hop, systems }) => [`${systems.join(', ')} → ${hop}`],
  commands: ({ hop, systems }) => systems.map((system) => `kubectl upgrade-guard check ${system} --to ${system}=${hop}`),
  look: async () => ({ is: 'to-do', now: undefined }),
  write: () => undefined,
  remember: () => undefined,
  inverse: () => ({ none: { en: 'nothing was changed', zh: '未做任何更改' } }),
};
