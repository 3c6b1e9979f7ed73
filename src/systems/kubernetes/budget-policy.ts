// The remedy of pdb-blocks-drain: a budget that never lets a Pod go is lowered by one for as long as an upgrade lasts, and only where its object is named (--confirm), since
// who wrote it meant it. Outside of an upgrade the change is shown, as the command that makes it. Source: kubernetes pkg/controller/disruption/disruption.go.
import type { Change, Finding, Json, Raw, Ref, Refusal, Remedy, RowOf, StepDraft, Text } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { rowOf, tree } from '../../engine/read/index.ts';
import { fedWith, kubectlName } from '../../engine/steps/shell.ts';

interface Args {
  is: string;
  pods: number;
}
const BUDGET = { least: tree('spec.minAvailable'), most: tree('spec.maxUnavailable') };

export const untilDrained: Remedy<Args> = {
  lasts: 'unless-watched',
  pointReads: [{ resource: 'poddisruptionbudgets.policy', columns: Object.values(BUDGET) }],
  writes: [{ verbs: ['patch'], group: 'policy', resource: 'poddisruptionbudgets' }],
  steps: async (found: Finding<Args>[], { look }) => {
    const steps: (StepDraft | Refusal)[] = [];
    for (const { args, objects } of found) {
      if (args.is !== 'never' && args.is !== 'whatever') continue;
      for (const on of objects) {
        const object = await look.get(on);
        if (!object || isGap(object)) steps.push({ refused: UNSEEN, objects: [on] });
        else steps.push(...stepsFor(on, rowOf(BUDGET)(object as Raw), args.pods));
      }
    }
    return steps;
  },
};

function stepsFor(on: Ref, { least, most }: RowOf<typeof BUDGET>, pods: number): (StepDraft | Refusal)[] {
  const change = lowered(least, most, pods);
  if (!change) return [];
  const name = `${on.namespace}/${on.name}`;
  const field = change.path.replace('/spec/', '');
  const [before, after] = [String(change.before), String(change.after)];
  const loosened: StepDraft = {
    ...{ do: 'patch', on, guard: [], undo: 'exact', when: 'first', optional: true, changes: [change] },
    brief: () => ({ en: `during the upgrade, relaxes ${field} in`, zh: `升级期间放宽 {} 的 ${field}` }),
    text: {
      en: `set ${field} of PodDisruptionBudget ${name} from ${before} to ${after} while the upgrade lasts (with ${before}, it allows no eviction)`,
      zh: `升级期间将 PodDisruptionBudget ${name} 的 ${field} 从 ${before} 改为 ${after}（值为 ${before} 时不允许任何驱逐）`,
    },
  };
  const restored: StepDraft = {
    ...{ do: 'patch', on, guard: [], undo: 'exact', when: 'last', optional: true, after: [loosened] },
    changes: [{ path: change.path, before: change.after, after: change.before }],
    text: {
      en: `set ${field} of PodDisruptionBudget ${name} back to ${before}`,
      zh: `将 PodDisruptionBudget ${name} 的 ${field} 改回 ${before}`,
    },
  };
  const manual: StepDraft = {
    ...{ do: 'manual', when: 'instead', guard: [], undo: 'none' },
    commands: [
      fedWith(`kubectl patch ${kubectlName(on)} --type=json --patch-file=/dev/stdin`, [
        { op: 'test', path: change.path, value: change.before! },
        { op: 'replace', path: change.path, value: change.after! },
      ] as Json),
    ],
    text: {
      en: `set ${field} of PodDisruptionBudget ${name} from ${before} to ${after} during the upgrade, or add a replica`,
      zh: `升级期间将 PodDisruptionBudget ${name} 的 ${field} 从 ${before} 改为 ${after}，或增加一个副本`,
    },
  };
  return [loosened, restored, manual];
}

/** So that one Pod may go. undefined: neither field says how many. */
function lowered(least: Json | undefined, most: Json | undefined, pods: number): Change | undefined {
  if (most !== undefined && most !== null) return { path: '/spec/maxUnavailable', before: most, after: 1 };
  if (least === undefined || least === null) return undefined;
  // Of a number of Pods one fewer; of a share of an unknown number none can be reckoned.
  const after = pods > 0 ? pods - 1 : undefined;
  return after === undefined ? undefined : { path: '/spec/minAvailable', before: least, after };
}

const UNSEEN: Text = { en: 'the PodDisruptionBudget could not be read', zh: '无法读取该 PodDisruptionBudget' };
