// An apply step: server-side apply of a CustomResourceDefinition (or another object whose wanted fields are known whole), forced, at the resourceVersion that was looked at.
import { isRaw } from '../../kube/json.ts';
import { describe, refOf } from '../../kube/refs.ts';
import type { Json, Look, Raw, Step, StepKind, StepOf, Text, World } from '../contracts.ts';
import { brokenGuard } from './conditions.ts';
import { asInverse } from './create.ts';
import { droppedVersions, lostByGoingBack } from './definitions.ts';
import { differences } from './differences.ts';
import {
  bare,
  isDefinition,
  isSecret,
  metadataOf,
  NO_SECRET_VALUES,
  secretValues,
  uidOf,
  versionOf,
  versionsOf,
  whole,
  withoutStatus,
} from './objects.ts';
import { fedWith } from './shell.ts';

type ApplyStep = StepOf<'apply'>;

export const apply: StepKind<ApplyStep> = {
  preview: ({ object }) => {
    const versions = versionsOf(object).map(({ name }) => String(name));
    return [`~ ${describe(refOf(object))}${versions.length ? `: ${versions.join(', ')}` : ''}`];
  },
  commands: ({ object }) => [fedWith('kubectl apply --server-side --force-conflicts -f -', wantedOf(object))],
  look,
  write: ({ object }, now) => ({ verb: 'apply', object: wantedOf(object), resourceVersion: versionOf(now) }),
  remember: whole,
  inverse,
};

/** What is sent and compared: the status is the server's. */
const wantedOf = (object: Raw): Raw => withoutStatus(bare(object));

async function look(step: ApplyStep, world: World): Promise<Look> {
  const on = refOf(step.object);
  if (isSecret(on) && secretValues(Object.keys(step.object).map((key) => `/${key}`))) return { is: 'refused', because: NO_SECRET_VALUES };
  const now = await world.get({ ...on, uid: undefined });
  const wanted = wantedOf(step.object);
  if (now && !differences(now, wanted).length) return { is: 'done', now };
  const broken = await brokenGuard(step.guard, world, now, on);
  if (broken) return { is: 'obsolete', because: broken };
  if (step.like) {
    if (!now) return { is: 'obsolete', because: GONE };
    const paths = differences(now, step.like);
    if (paths.length) return { is: 'moved', paths };
  }
  const dropped = now && isDefinition(on) ? droppedVersions(now, wanted) : [];
  return dropped.length ? { is: 'refused', because: stored(dropped) } : { is: 'to-do', now };
}

const GONE: Text = { en: 'the object is gone', zh: '对象已不存在' };
const stored = (versions: string[]): Text => ({
  en: `objects may still be stored as ${versions.join(', ')} (status.storedVersions), which this CustomResourceDefinition would not serve`,
  zh: `对象可能仍以 ${versions.join('、')} 存储（status.storedVersions），而该 CustomResourceDefinition 将不再提供这些版本`,
});

/** What it made is deleted; what it changed gets its old spec, and its old values of the labels and annotations that we set. */
function inverse(step: ApplyStep, before: Raw | undefined, after: Raw | undefined): Step | { none: Text } {
  const like = wantedOf(step.object);
  const on = refOf(step.object);
  if (!before) return { ...asInverse(step), do: 'delete', on: { ...on, uid: uidOf(after) }, like };
  const { status: _status, ...old } = bare(before);
  const metadata: Raw = { name: on.name, ...(on.namespace === undefined ? {} : { namespace: on.namespace }) };
  for (const field of ['labels', 'annotations']) {
    const values = oldValues(metadataOf(like)[field], metadataOf(old)[field]);
    if (Object.keys(values).length) metadata[field] = values;
  }
  const { id, text, after: needs, reasons, undo } = step;
  const undoNote = isDefinition(on) ? lostByGoingBack(before, step.object) : undefined;
  return { id, text, after: needs, reasons, undo, undoNote, guard: [], do: 'apply', object: { ...old, metadata }, like };
}

function oldValues(ours: Json | undefined, old: Json | undefined): Raw {
  const keys = isRaw(ours) ? Object.keys(ours) : [];
  return Object.fromEntries(keys.flatMap((key) => (isRaw(old) && Object.hasOwn(old, key) ? [[key, old[key]!]] : []))) as Raw;
}
