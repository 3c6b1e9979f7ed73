// A wait step: until conditions hold. It writes nothing; the executor looks again about every second, up to `within`.

import { commented, shellWord } from '../../text/shell.ts';
import { span } from '../../text/span.ts';
import type { Command, Condition, Ref, StepKind, StepOf, Text } from '../contracts.ts';
import { brokenGuard, conditionLines, mustLines, pending } from './conditions.ts';
import { kubectlName, kubectlSelection } from './shell.ts';

export const wait: StepKind<StepOf<'wait'>> = {
  preview: ({ until, within, lasting, fails = [] }) => [
    ...until.flatMap(conditionLines),
    {
      en: `waits up to ${span(within).en}${lasting ? `; it must then stay so for ${lasting} s` : ''}`,
      zh: `最多等待 ${span(within).zh}${lasting ? `；之后须保持 ${lasting} 秒` : ''}`,
    },
    ...fails.flatMap((condition) =>
      conditionLines(condition).map(({ en, zh }) => ({ en: `fails if: ${en}`, zh: `以下情况视为失败：${zh}` })),
    ),
  ],
  commands: ({ until, within, lasting }) => {
    const looks = until.map((condition) => waitCommand(condition, within));
    return lasting ? [...looks, `sleep ${lasting}`, ...looks] : looks;
  },
  look: async (step, world) => {
    if (step.until.some(isNameless)) return { is: 'refused', because: NAMELESS };
    const left = await pending(step.until, world);
    if (!left) return { is: 'done', now: undefined };
    const broken = await brokenGuard(step.guard, world, undefined, undefined);
    return broken ? { is: 'obsolete', because: broken } : { is: 'to-do', now: undefined, ...left };
  },
  write: () => undefined,
  remember: () => undefined,
  inverse: () => ({ none: { en: 'nothing was changed', zh: '未做任何更改' } }),
};

/** As the comment of a command. */
const inWords = (lines: readonly Text[]): Text => ({ en: lines.map(({ en }) => en).join(', '), zh: lines.map(({ zh }) => zh).join('，') });

/** A chart that wraps another has its values elsewhere: nothing is waited for by an empty name. */
const isNameless = (condition: Condition): boolean => 'on' in condition && condition.on.name === '';
const NAMELESS: Text = { en: 'it waits for an object without a name', zh: '要等待的对象没有名称' };

/** kubectl itself knows when a rollout is over. */
const ROLLED_OUT = new Set(['DaemonSet', 'Deployment', 'StatefulSet']);

function waitCommand(condition: Condition, within: number): Command {
  const limit = `--timeout=${within}s`;
  if ('reading' in condition)
    return commented(`kubectl get --raw ${shellWord(condition.reading.path)}`, inWords(conditionLines(condition)));
  if ('of' in condition) {
    const selected = kubectlSelection(condition.of);
    const ready = condition.which === 'every' && readyOf(condition);
    return ready
      ? `kubectl wait --for=condition=${ready} ${selected} ${limit}`
      : commented(`kubectl get ${selected} -o yaml`, inWords(conditionLines(condition)));
  }
  const { on, must } = condition;
  if (must === 'be-gone') return `kubectl wait --for=delete ${kubectlName(on)} ${limit}`;
  if (must === 'exist') return `kubectl get ${kubectlName(on)}`;
  if (isRollout(on, must)) return `kubectl rollout status ${kubectlName(on)} ${limit}`;
  return commented(`kubectl get ${kubectlName(on)} -o yaml`, inWords(mustLines(must)));
}

const isRollout = (on: Ref, must: Extract<Condition, { on: Ref }>['must']): boolean =>
  ROLLED_OUT.has(on.kind) && Array.isArray(must) && must.some((each) => 'same' in each);

/** `Ready`, where all that is asked is that this status condition be True. */
function readyOf({ must }: Extract<Condition, { of: object }>): string | undefined {
  const [only, ...more] = Array.isArray(must) ? must : [];
  if (!only || more.length || !('is' in only) || only.is !== 'True') return undefined;
  return /^\/status\/conditions\[type=(\w+)\]\/status$/.exec(only.path)?.[1];
}
