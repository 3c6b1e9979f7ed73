// What is left to a person where no object can be changed for them, with the command that begins it; and findings that upgrade osm-edge itself settles on its way.
import type { Ref, Refusal, Situation, Text } from '../../engine/contracts.ts';
import { shellWord } from '../../text/shell.ts';
import { CHART } from './chart.ts';

export const manual = (refused: Text, command?: string, objects: Ref[] = []): Refusal => ({
  ...{ refused, objects, as: 'manual' },
  ...(command === undefined ? {} : { command }),
});

/** `to`: another target than the one that was asked for. */
export function byUpgrade({ path: { installation, from, to: asked } }: Situation, refused: Text, objects: Ref[] = [], to = asked): Refusal {
  const version = to ?? (typeof from === 'string' ? from : '');
  const where = `${shellWord(installation.name)} -n ${shellWord(installation.namespace ?? '')}`;
  return {
    refused,
    objects,
    as: 'upgrade',
    command: `{tool} upgrade osm-edge ${where} --to ${shellWord(version)} --repo ${CHART.repository}`,
  };
}
