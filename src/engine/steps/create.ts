// A create step: an object that is not there yet, with its status. Where the status is a subresource a server drops it on creation; then it is written behind it.

import { escapeSegment } from '../../kube/pointer.ts';
import { describe, refOf } from '../../kube/refs.ts';
import type { Look, Raw, StepKind, StepOf, Text, World, Write } from '../contracts.ts';
import { brokenGuard } from './conditions.ts';
import { differences } from './differences.ts';
import { setInPlace, showMade } from './fields.ts';
import { bare, identity, isLeaving, isSecret, NO_SECRET_VALUES, secretValues, uidOf, versionOf, withoutStatus } from './objects.ts';
import { fedWith } from './shell.ts';

type CreateStep = StepOf<'create'>;

export const create: StepKind<CreateStep> = {
  preview: ({ object }) => {
    const { apiVersion: _version, kind, metadata: _metadata, ...fields } = object;
    return [
      `+ ${describe(refOf(object))}`,
      ...Object.entries(fields).map(([field, value]) => `/${escapeSegment(field)}: ${showMade(kind, escapeSegment(field), value)}`),
    ];
  },
  commands: ({ object }) => [fedWith('kubectl create -f -', bare(object))],
  look,
  write,
  remember: identity,
  inverse: (step, before, after) => {
    const on = refOf(step.object);
    const like = without(withoutStatus(bare(step.object)), step.unheld ?? []);
    return { ...asInverse(step), do: 'delete', on: { ...on, uid: uidOf(after ?? before) }, like };
  },
};

function without(object: Raw, paths: readonly string[]): Raw {
  const kept = structuredClone(object);
  for (const path of paths) setInPlace(kept, path, undefined);
  return kept;
}

/** What the inverses that are deletions have in common. */
export function asInverse({ id, text, after, reasons }: Pick<CreateStep, 'id' | 'text' | 'after' | 'reasons'>) {
  return { id, text, after, reasons, guard: [], undo: 'exact' as const };
}

async function look(step: CreateStep, world: World): Promise<Look> {
  const on = refOf(step.object);
  if (isSecret(on) && secretValues(Object.keys(step.object).map((key) => `/${key}`))) return { is: 'refused', because: NO_SECRET_VALUES };
  const now = await world.get({ ...on, uid: undefined });
  if (now && isLeaving(now)) return { is: 'moved', paths: ['/metadata/deletionTimestamp'], because: LEAVING };
  const paths = now ? differences(now, bare(step.object)) : [];
  if (now && !paths.length) return { is: 'done', now };
  if (now && isHalfMade(now, paths)) return { is: 'to-do', now };
  const broken = await brokenGuard(step.guard, world, now, on);
  if (broken) return { is: 'obsolete', because: broken };
  return now ? { is: 'moved', paths, because: EXISTS } : { is: 'to-do', now };
}

/** Only its status is missing, all of it: the server dropped it. */
const isHalfMade = (now: Raw, paths: string[]): boolean => now.status === undefined && paths.every((path) => path === '/status');

const LEAVING: Text = {
  en: 'an object of that name is still terminating: its finalizers have not been removed',
  zh: '同名对象正在终止：其 finalizer 尚未移除',
};
const EXISTS: Text = { en: 'a different object of that name already exists', zh: '已存在内容不同的同名对象' };

function write({ object }: CreateStep, now: Raw | undefined): Write {
  if (!now) return { verb: 'create', object: bare(object) };
  return {
    verb: 'patch',
    on: { ...refOf(object), uid: uidOf(now) },
    subresource: 'status',
    patch: [
      { op: 'test', path: '/metadata/uid', value: uidOf(now) ?? null },
      { op: 'test', path: '/metadata/resourceVersion', value: versionOf(now) ?? null },
      { op: 'add', path: '/status', value: object.status! },
    ],
  };
}
