// What is left to a person where no object can be changed for them, with the commands for it; and findings that upgrade osm-edge itself settles on its way.
import type { Situation, StepDraft, Text } from '../../engine/contracts.ts';
import { shellWord } from '../../text/shell.ts';
import { CHART } from './chart.ts';

/** No part of an upgrade that the system's stages run: it never keeps one waiting. */
export const manual = (text: Text, commands: string[] = []): StepDraft => ({
  ...{ do: 'manual', guard: [], undo: 'none', when: 'instead', text, commands },
});

/** The fix line says what the upgrade does; on its own it is the command that starts one. `to`: another target than the one that was asked for. */
export const byUpgrade = (at: Situation, text: Text, to = at.path.to): StepDraft => ({
  ...manual(text, [upgradeOf(at, to)]),
  brief: () => text,
});

export function upgradeOf({ path: { installation, from } }: Situation, to: string | undefined): string {
  const version = to ?? (typeof from === 'string' ? from : '');
  const where = `${shellWord(installation.name)} -n ${shellWord(installation.namespace ?? '')}`;
  return `upgrade-guard upgrade osm-edge ${where} --to ${shellWord(version)} --repo ${CHART.repository}`;
}
