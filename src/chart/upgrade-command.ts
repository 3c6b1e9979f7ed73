// The upgrade with the right flags, as a step for a person. What was given on our own command line is not repeated: it may hold secrets.

import type { Remedy, SetValue, Situation, StepDraft, Text } from '../engine/contracts.ts';
import { needsValue, setFlag } from '../helm/flags.ts';
import { valueAt } from '../helm/keys.ts';
import { shellWord } from '../text/shell.ts';
import type { ChartFacts } from './facts.ts';
import { intendedOf } from './intended.ts';
import { helmFor } from './release.ts';

/** The remedy of findings that each name a flag for helm: one command with all of them. */
export const flagsToHelm = <Args extends { flag: string }>(facts: ChartFacts): Remedy<Args> => ({
  writes: [],
  steps: async (found, at) => [
    upgradeCommand(
      facts,
      at,
      found.map(({ args }) => args.flag),
    ),
  ],
});

export function upgradeCommand({ chart: name, repository }: ChartFacts, at: Situation, flags: readonly string[]): StepDraft {
  const { installation, from: installed, to } = at.path;
  const version = to ?? (typeof installed === 'string' ? installed : '');
  const { intent, chart } = intendedOf(at);
  const words = [intent?.reuse === 'reset' ? '--reset-values' : '--reset-then-reuse-values', ...flags].join(' ');
  const from = `${name} --repo=${repository} --version=${shellWord(version)}`;
  const whole = `${helmFor(installation.release?.driver)} upgrade ${shellWord(installation.name)} ${from} -n ${shellWord(installation.namespace ?? '')} ${words}`;
  const lacksValue = needsValue(flags);
  // A command that can be pasted must not set a key to the word that stands for its value.
  const isWhole = !chart && !Object.keys(intent?.given ?? {}).length && !lacksValue;
  const fill: Text = lacksValue
    ? {
        en: ' (replace VALUE with what the release has now, see helm get values)',
        zh: '（请将 VALUE 换成 release 中现有的值，可用 helm get values 查看）',
      }
    : { en: '', zh: '' };
  return {
    do: 'manual',
    commands: isWhole ? [whole] : [],
    guard: [],
    when: 'instead',
    text: isWhole
      ? { en: `run helm upgrade with these flags: ${words}`, zh: `执行 helm upgrade 时使用以下参数：${words}` }
      : { en: `add these flags to your helm upgrade${fill.en}: ${words}`, zh: `在 helm upgrade 中加入以下参数${fill.zh}：${words}` },
    undo: 'none',
  };
}

/** Values that `upgrade` gives helm by itself, unless others were given; a manual helm upgrade needs them as flags. */
export function explicitValues(facts: ChartFacts, at: Situation, values: readonly SetValue[]): StepDraft {
  const flags = [...new Set(values.map(({ path, value }) => setFlag(path, value)))];
  const words = flags.join(' ');
  const given = intendedOf(at).intent?.given ?? {};
  if (values.some(({ path }) => valueAt(given, path) !== undefined)) return upgradeCommand(facts, at, flags);
  return {
    ...upgradeCommand(facts, at, flags),
    helmValues: values,
    brief: () => ({ en: `upgrade ${facts.system} passes ${words} to helm`, zh: `upgrade ${facts.system} 会向 helm 传入 ${words}` }),
  };
}
