// A backup step: whole objects in a file beside the journal, from which a person can put back what no undo promises.
import { shellWord } from '../../text/shell.ts';
import type { StepKind, StepOf, Text } from '../contracts.ts';

export const backup: StepKind<StepOf<'backup'>> = {
  preview: ({ resources, file }) => [`${resources.join(', ')} → ${file}`],
  commands: ({ resources }) => resources.map((name) => `kubectl get ${shellWord(name)} -A -o yaml > ${shellWord(`${name}.backup.yaml`)}`),
  look: async ({ file }, world) => {
    if (!world.hasBackup) return { is: 'refused', because: NO_PLACE };
    return (await world.hasBackup(file)) ? { is: 'done', now: undefined } : { is: 'to-do', now: undefined };
  },
  write: ({ resources, file }) => ({ verb: 'backup', resources, file }),
  remember: () => undefined,
  inverse: () => ({ none: { en: 'nothing was changed', zh: '未做任何更改' } }),
};

const NO_PLACE: Text = { en: 'there is no place for a backup here', zh: '此处无法保存备份' };
