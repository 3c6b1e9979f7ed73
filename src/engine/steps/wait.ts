// A wait step: until conditions hold. It writes nothing; the executor looks again about every second, up to `within`.
import { describe } from '../../kube/refs.ts';
import type { Condition, Ref, StepKind, StepOf } from '../contracts.ts';
import { show } from './fields.ts';
import { brokenGuard, pathOf, pending } from './guard.ts';
import { kubectlName } from './shell.ts';

export const wait: StepKind<StepOf<'wait'>> = {
  preview: ({ until, within, lasting }) => [
    ...until.flatMap(({ on, must }) => conditionLines(must).map((line) => `${describe(on)}: ${line}`)),
    `≤ ${within} s${lasting ? ` + ${lasting} s` : ''}`,
  ],
  commands: ({ until, within, lasting }) => {
    const looks = until.map(({ on, must }) => waitCommand(on, must, within));
    return lasting ? [...looks, `sleep ${lasting}`, ...looks] : looks;
  },
  look: async (step, world) => {
    const because = await pending(step.until, world);
    if (!because) return { is: 'done', now: undefined };
    const broken = await brokenGuard(step.guard, world, undefined, undefined);
    return broken ? { is: 'obsolete', because: broken } : { is: 'to-do', now: undefined, because };
  },
  write: () => undefined,
  remember: () => undefined,
  inverse: () => ({ none: { en: 'nothing was changed', zh: '未做任何更改' } }),
};

/** kubectl itself knows when a rollout is over. */
const ROLLED_OUT = new Set(['DaemonSet', 'Deployment', 'StatefulSet']);

function waitCommand(on: Ref, must: Condition['must'], within: number): string {
  const limit = `--timeout=${within}s`;
  if (must === 'be-gone') return `kubectl wait --for=delete ${kubectlName(on)} ${limit}`;
  if (must === 'exist') return `kubectl get ${kubectlName(on)}`;
  if (ROLLED_OUT.has(on.kind) && must.some((each) => 'same' in each)) return `kubectl rollout status ${kubectlName(on)} ${limit}`;
  return `kubectl get ${kubectlName(on)} -o yaml # ${conditionLines(must).join(', ')}`;
}

function conditionLines(must: Condition['must']): string[] {
  if (must === 'be-gone') return ['∅'];
  if (must === 'exist') return ['✓'];
  return must.map((each) => {
    if ('same' in each) return `${pathOf(each)} = ${each.same}`;
    return `${pathOf(each)} ${'isNot' in each ? `≠ ${show(each.isNot)}` : `= ${show(each.is)}`}`;
  });
}
