// A migrate step: every object of a CustomResourceDefinition is written once more as it is, so that the API server stores it in the storage version; then
// status.storedVersions names that version alone. The executor writes the objects (engine/migrate.ts); what is looked at, written last and undone is the CRD.
// Source: apiextensions-apiserver pkg/apis/apiextensions/validation (status.storedVersions); cluster-api controllers/crdmigrator (a no-op patch is stored again).
import { deepEqual } from '../../kube/json.ts';
import { pointerGet } from '../../kube/pointer.ts';
import { groupOf } from '../../kube/refs.ts';
import { shellWord } from '../../text/shell.ts';
import type { Json, Look, Raw, StepKind, StepOf, Text, World } from '../contracts.ts';
import { brokenGuard } from './conditions.ts';
import { identity, isGone, metadataOf, uidOf, versionOf, versionsOf } from './objects.ts';
import { fedWith, kubectlName } from './shell.ts';

type MigrateStep = StepOf<'migrate'>;

const STORED = '/status/storedVersions';

export const migrate: StepKind<MigrateStep> = {
  preview: ({ on, storage, stored }) => [`${on.name} → ${storage}`, `${STORED}: ${JSON.stringify(stored)} → ${JSON.stringify([storage])}`],
  commands: ({ on, of, storage, stored }) => {
    const objects = `${on.name.split('.')[0]}.${of.apiVersion.split('/')[1]}.${groupOf(of.apiVersion)}`;
    const file = shellWord(`${on.name}.yaml`);
    return [
      `kubectl get ${shellWord(objects)} -A -o yaml > ${file} && kubectl replace -f ${file}`,
      fedWith(`kubectl patch ${kubectlName(on)} --subresource=status --type=json --patch-file=/dev/stdin`, [
        { op: 'test', path: STORED, value: stored },
        { op: 'replace', path: STORED, value: [storage] },
      ] as Json),
    ];
  },
  look,
  write: ({ on, storage }, now) => ({
    verb: 'patch',
    on: { ...on, uid: uidOf(now) },
    subresource: 'status',
    patch: [
      { op: 'test', path: '/metadata/uid', value: uidOf(now) ?? null },
      { op: 'test', path: '/metadata/resourceVersion', value: versionOf(now) ?? null },
      { op: 'replace', path: STORED, value: [storage] },
    ],
  }),
  // With the generation: a run that was cut goes on only under the same one.
  remember: (object) => object && { ...identity(object)!, metadata: { ...metadataOf(identity(object)!), ...generation(object) } },
  // What stays as it is, the undo says too.
  inverse: ({ id, text, after, reasons, undo, undoNote, on, storage, stored }, before, made) => ({
    ...{ id, text, after, reasons, undo, ...(undoNote ? { undoNote } : {}), do: 'patch', subresource: 'status' },
    on: { ...on, uid: on.uid ?? uidOf(made ?? before) },
    // A version that the CRD has lost since cannot be listed again.
    guard: stored.map((version) => ({ on, must: [{ path: `/spec/versions[name=${version}]/name`, is: version }] })),
    changes: [{ path: STORED, before: [storage], after: stored }],
  }),
};

export const generationOf = (object: Raw | undefined): number | undefined => {
  const value = object && metadataOf(object).generation;
  return typeof value === 'number' ? value : undefined;
};
const generation = (object: Raw): Raw => (generationOf(object) === undefined ? {} : { generation: generationOf(object)! });

async function look(step: MigrateStep, world: World): Promise<Look> {
  const now = await world.get(step.on);
  if (isGone(now, step.on)) return { is: 'obsolete', because: GONE };
  const stored = pointerGet(now, STORED);
  const storage = versionsOf(now).find((version) => version.storage === true)?.name;
  if (storage === step.storage && deepEqual(stored, [step.storage])) return { is: 'done', now };
  const broken = await brokenGuard(step.guard, world, now, step.on);
  if (broken) return { is: 'obsolete', because: broken };
  if (storage !== step.storage) return { is: 'moved', paths: ['/spec/versions'], because: flipped(step.storage, String(storage)) };
  if (!deepEqual(stored, step.stored)) return { is: 'moved', paths: [STORED] };
  const begun = step.generation;
  if (begun !== undefined && generationOf(now) !== begun) return { is: 'moved', paths: ['/metadata/generation'], because: CHANGED };
  return { is: 'to-do', now };
}

const GONE: Text = { en: 'the CRD is gone', zh: '该 CRD 已不存在' };
const flipped = (was: string, is: string): Text => ({
  en: `the storage version of the CRD is ${is} now, not ${was}`,
  zh: `该 CRD 的存储版本现在是 ${is}，而不是 ${was}`,
});
const CHANGED: Text = {
  en: 'the CRD was changed while its custom resources were rewritten: status.storedVersions stays as it is; resume rewrites them again',
  zh: '重写自定义资源期间该 CRD 被修改：status.storedVersions 保持不变；resume 会重新重写',
};
