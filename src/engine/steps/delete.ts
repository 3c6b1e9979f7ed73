// A delete step, with uid and resourceVersion of what was looked at as preconditions. Its undo creates the object again from what was remembered, where that is of use.
import { describe, groupOf, lives, refOf } from '../../kube/refs.ts';
import type { Condition, Look, Raw, Ref, Step, StepKind, StepOf, Text, World } from '../contracts.ts';
import { brokenGuard } from './conditions.ts';
import { differences } from './differences.ts';
import { restoring } from './manual.ts';
import {
  bare,
  identity,
  isGone,
  isLeaving,
  isOneOff,
  isSecret,
  metadataOf,
  neverDeleted,
  ownersOf,
  uidOf,
  versionOf,
  whole,
  withoutStatus,
} from './objects.ts';
import { kubectlName } from './shell.ts';

type DeleteStep = StepOf<'delete'>;

export const remove: StepKind<DeleteStep> = {
  preview: ({ on, propagation }) => [`- ${describe(on)}${propagation ? ` (--cascade=${propagation.toLowerCase()})` : ''}`],
  commands: ({ on, propagation }) => [`kubectl delete ${kubectlName(on)}${propagation ? ` --cascade=${propagation.toLowerCase()}` : ''}`],
  look: async (step, world) => {
    const look = await lookAtDoomed(step, world, step.like);
    // It stands there until the garbage collector has released its dependents.
    const now = look.is === 'done' && step.propagation === 'Orphan' ? await world.get(step.on) : undefined;
    return isGone(now, step.on) ? look : { is: 'to-do', now };
  },
  write: ({ on, propagation }, now) => ({
    verb: 'delete',
    on: { ...on, uid: uidOf(now) },
    resourceVersion: versionOf(now),
    propagation,
  }),
  remember: (object) => (object && (isOneOff(object) || isSecret(object)) ? identity(object) : whole(object)),
  inverse,
};

/** Of what is to go away: done when it is gone, replaced, or on its way out. */
export async function lookAtDoomed(step: { on: Ref; guard: Condition[] }, world: World, like?: Raw): Promise<Look> {
  const now = await world.get(step.on);
  if (isGone(now, step.on) || isLeaving(now)) return { is: 'done', now: undefined };
  const broken = await brokenGuard(step.guard, world, now, step.on);
  if (broken) return { is: 'obsolete', because: broken };
  const paths = like ? differences(now, like) : [];
  if (paths.length) return { is: 'moved', paths };
  const never = await neverDeleted(now, world);
  return never ? { is: 'refused', because: never } : { is: 'to-do', now };
}

function inverse(step: DeleteStep, before: Raw | undefined): Step | { none: Text } {
  if (step.restore) return restoring(step, step.restore, before);
  if (isOneOff(step.on)) return { none: step.undoNote ?? ONE_OFF };
  if (isSecret(step.on)) return { none: SECRET };
  if (!before) return { none: UNKNOWN };
  const { id, text, after, reasons, undo, undoNote } = step;
  const { again } = step;
  const kept = isCounted(before) ? withoutStatus(bare(before)) : bare(before);
  const object = again ? withFinalizers(kept, again.finalizers) : kept;
  const guard = [...stillWanted(object), ...(again ? [lives(again.whileLives)] : [])];
  return { id, text, after, reasons, undo, undoNote, do: 'create', object, guard };
}

/** The status of a workload is what its controller counts, and counts again at once: to write it back would only collide with that. */
const isCounted = ({ apiVersion }: Raw): boolean => ['apps', 'batch'].includes(groupOf(String(apiVersion)));

function withFinalizers(object: Raw, finalizers: string[]): Raw {
  return finalizers.length ? { ...object, metadata: { ...metadataOf(object), finalizers } } : object;
}

const ONE_OFF: Text = {
  en: 'the deleted object is not restored; its controller creates a new one',
  zh: '已删除的对象无法恢复，其控制器会创建新的对象',
};
const SECRET: Text = { en: 'values of Secrets are not kept', zh: 'Secret 的值不会被保存' };
const UNKNOWN: Text = { en: 'the journal does not hold the object', zh: '运行日志中没有保存该对象' };

/** Nothing of that name again, and its owners still there: else the garbage collector would take it away at once. */
function stillWanted(object: Raw): Condition[] {
  const on = refOf(object);
  const owners = ownersOf(object).map(({ apiVersion, kind, name, uid }) => ({
    on: { apiVersion: String(apiVersion), kind: String(kind), namespace: on.namespace, name: String(name), uid: String(uid) },
    must: 'exist' as const,
  }));
  return [{ on, must: 'be-gone' }, ...owners];
}
