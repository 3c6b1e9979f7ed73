// The upgrade with the right flags, as a step for a person. What was given on our own command line is not repeated: it may hold secrets.
import type { Situation, StepDraft, Text } from '../../engine/contracts.ts';
import { needsValue } from '../../helm/flags.ts';
import { shellWord } from '../../text/shell.ts';

/** Of the charts (README of the project). */
const REPOSITORY = 'https://spidernet-io.github.io/spiderpool';

export function upgradeCommand({ path: { installation, to = '' }, intent, chart }: Situation, flags: readonly string[]): StepDraft {
  const words = [intent?.reuse === 'reset' ? '--reset-values' : '--reset-then-reuse-values', ...flags].join(' ');
  const from = `spiderpool --repo=${REPOSITORY} --version=${shellWord(to)}`;
  const whole = `helm upgrade ${shellWord(installation.name)} ${from} -n ${shellWord(installation.namespace ?? '')} ${words}`;
  const lacksValue = needsValue(flags);
  // A command that can be pasted must not set a key to the word that stands for its value.
  const isWhole = !chart && !Object.keys(intent?.given ?? {}).length && !lacksValue;
  const fill: Text = lacksValue
    ? {
        en: ', with what the release has now (helm get values) in the place of VALUE',
        zh: '（请将 VALUE 换成 release 中现有的值，可用 helm get values 查看）',
      }
    : { en: '', zh: '' };
  return {
    do: 'manual',
    commands: isWhole ? [whole] : [],
    guard: [],
    when: 'after',
    text: isWhole
      ? { en: 'upgrade with the settings under their new keys', zh: '使用新的键升级，保留原有设置' }
      : {
          en: `give these words to helm upgrade, beside your own${fill.en}: ${words}`,
          zh: `执行 helm upgrade 时，除自己的参数外再加上${fill.zh}：${words}`,
        },
    undo: 'none',
  };
}
