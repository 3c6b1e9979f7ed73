// A patch step: single fields of one object, each with the value it has now and the value it shall have.
// Preview, the look before a write, the request, and the inverse are all derived from that list of changes.
import { isDeepStrictEqual } from 'node:util';
import { pointerGet } from '../../kube/pointer.ts';
import type { Change, Json, Look, PatchOp, Raw, StepKind, StepOf, Text, World } from '../contracts.ts';
import { brokenGuard } from './guard.ts';

type PatchStep = StepOf<'patch'>;

export const patch: StepKind<PatchStep> = {
  preview: (step) => step.changes.map(({ path, before, after }) => `${path}: ${show(before)} → ${show(after)}`),
  look,
  write: (step, now) => ({ verb: 'patch', on: step.on, subresource: step.subresource, patch: patchOps(step.changes, now!) }),
  remember: withoutManagedFields,
  inverse: (step) => ({
    ...step,
    guard: [],
    changes: step.changes.map(({ path, before, after }) => ({ path, before: after, after: before })),
  }),
};

/** Done before obsolete: where our value already stands, why we wanted it has gone by our own doing. */
async function look(step: PatchStep, world: World): Promise<Look> {
  const now = await world.get(step.on);
  if (!now) return { is: 'obsolete', because: GONE };
  if (step.on.uid && uidOf(now) !== step.on.uid) return { is: 'obsolete', because: REPLACED };
  const stands = (which: 'before' | 'after') =>
    step.changes.filter((change) => !isDeepStrictEqual(pointerGet(now, change.path), change[which]));
  if (!stands('after').length) return { is: 'done', now };
  const broken = await brokenGuard(step.guard, world, now, step.on);
  if (broken) return { is: 'obsolete', because: broken };
  const off = stands('before');
  return off.length ? { is: 'moved', paths: off.map(({ path }) => path) } : { is: 'to-do', now };
}

const GONE: Text = { en: 'the object is gone', zh: '对象已不存在' };
const REPLACED: Text = { en: 'another object has taken its name', zh: '同名对象已被替换' };

/** Tests the uid, the resourceVersion and every old value, then writes: nothing that changed since the look is overwritten. */
function patchOps(changes: Change[], now: Raw): PatchOp[] {
  const tests: PatchOp[] = ['/metadata/uid', '/metadata/resourceVersion'].flatMap((path) => {
    const value = pointerGet(now, path);
    return value === undefined ? [] : [{ op: 'test', path, value }]; // a snapshot may lack them, a server never does
  });
  const made = new Set<string>();
  for (const { path, before } of changes) if (before !== undefined) tests.push({ op: 'test', path, value: before });
  return [...tests, ...changes.flatMap((change) => changeOps(change, now, made))];
}

function changeOps({ path, before, after }: Change, now: Raw, made: Set<string>): PatchOp[] {
  if (after === undefined) return [{ op: 'remove', path }];
  if (before !== undefined) return [{ op: 'replace', path, value: after }];
  return [...missingParents(path, now, made), { op: 'add', path, value: after }];
}

/** JSON Patch adds into objects that exist: those above the new field that do not are made first, each once. */
function missingParents(path: string, now: Raw, made: Set<string>): PatchOp[] {
  const parts = path.split('/').slice(1, -1);
  const parents = parts.map((_, i) => `/${parts.slice(0, i + 1).join('/')}`);
  return parents
    .filter((parent) => pointerGet(now, parent) === undefined && !made.has(parent))
    .map((parent) => {
      made.add(parent);
      return { op: 'add', path: parent, value: {} };
    });
}

const show = (value: Json | undefined): string =>
  value === undefined ? '∅' : typeof value === 'string' ? value || '""' : JSON.stringify(value);

const uidOf = (object: Raw): Json | undefined => pointerGet(object, '/metadata/uid');

/** managedFields are the server's own bookkeeping: half the size, and no undo writes them. */
function withoutManagedFields(object: Raw | undefined): Raw | undefined {
  if (!object) return undefined;
  const { managedFields: _, ...metadata } = object.metadata as Raw;
  return { ...object, metadata };
}
