// The remedy of crd-stored-versions: one CRD after the other, so that eight objects are in flight and not eight of each. What the storage version's schema does not know
// is lost by the first write of anyone, so a person saves it before. Source: apiextensions-apiserver pkg/apiserver/customresource_handler.go (pruning by the schema of the version).
import type { Cluster, Finding, Raw, Ref, Refusal, Remedy, RowOf, StepDraft, Text } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { each, flag, maybe, rowOf, texts, tree, word } from '../../engine/read/index.ts';
import { prunedFields } from '../../engine/steps/definitions.ts';
import { fedWith } from '../../engine/steps/shell.ts';
import { keyOf } from '../../kube/refs.ts';
import { shellWord } from '../../text/shell.ts';

const DEFINITION = {
  group: word('spec.group', ''),
  kind: word('spec.names.kind', ''),
  conversion: word('spec.conversion.strategy', 'None'),
  stored: texts('status.storedVersions'),
  versions: each('spec.versions', {
    name: word('name', ''),
    served: flag('served', false),
    storage: flag('storage', false),
    status: maybe('subresources.status', {}),
    schema: tree('schema.openAPIV3Schema'),
  }),
};
type Definition = RowOf<typeof DEFINITION>;
type Version = Definition['versions'][number];

interface Args {
  is: string;
}

export const migration: Remedy<Args> = {
  // Its status, and objects as they are: no one declares either.
  lasts: true,
  pointReads: [{ resource: 'customresourcedefinitions.apiextensions.k8s.io', columns: Object.values(DEFINITION) }],
  // Which custom resources are written, the plan says; mayAll asks for the rights on them before the run begins.
  writes: [{ verbs: ['patch'], group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions/status' }],
  steps: async (all: Finding<Args>[], { look, cluster }) => {
    const failed = all.filter(({ args }) => args.is === 'failed');
    const each: (StepDraft | Refusal)[][] = [];
    if (failed.length) {
      const apiVersion = await migrations(cluster);
      each.push(crdsOf(failed).map((ref) => again(ref, apiVersion)));
    }
    for (const ref of crdsOf(all.filter(({ args }) => args.is !== 'failed'))) {
      const object = await look.get(ref);
      each.push(object && !isGap(object) ? stepsFor(rowOf(DEFINITION)(object), ref) : [{ refused: UNSEEN, objects: [ref] }]);
    }
    // What waits for a person comes last.
    const steps = each.toSorted((a, b) => a.length - b.length).flat();
    const drafts = steps.filter((step): step is StepDraft => 'do' in step);
    for (const [at, draft] of drafts.entries()) if (at) draft.after = [drafts[at - 1]!];
    return steps;
  },
};

/** One CRD may be in two findings. */
const crdsOf = (found: Finding<Args>[]): Ref[] => [
  ...new Map(found.flatMap(({ objects }) => objects.map((ref) => [keyOf(ref), ref]))).values(),
];

/** In the version that the API server serves. */
async function migrations({ serves }: Cluster): Promise<string> {
  const served = await serves('storagemigration.k8s.io', 'StorageVersionMigration');
  return `storagemigration.k8s.io/${served && !isGap(served) ? served.preferred : 'v1'}`;
}

/** What the list should say nothing tells: the migration runs once more, and its success is written over the failure. */
function again(ref: Ref, apiVersion: string): Refusal {
  const [resource = '', ...group] = ref.name.split('.');
  const object: Raw = {
    ...{ apiVersion, kind: 'StorageVersionMigration', metadata: { generateName: `${resource}-` } },
    spec: { resource: { group: group.join('.'), resource } },
  };
  return {
    as: 'manual',
    objects: [ref],
    refused: {
      en: `find out why the migration of CRD ${ref.name} failed (a webhook, or objects that its schema refuses), fix that, then migrate again`,
      zh: `查明 CRD ${ref.name} 迁移失败的原因（webhook，或不符合其 schema 的对象）并修复，然后重新迁移`,
    },
    commands: ['kubectl get storageversionmigrations.storagemigration.k8s.io -o yaml', fedWith('kubectl create -f -', object)],
  };
}

function stepsFor(crd: Definition, ref: Ref): (StepDraft | Refusal)[] {
  const storage = crd.versions.find((version) => version.storage);
  const read = storage?.served ? storage : crd.versions.find(({ served }) => served);
  if (!storage || !read) return [{ refused: UNSERVED, objects: [ref] }];
  const apiVersion = `${crd.group}/${read.name}`;
  const saved = crd.conversion === 'None' ? saving(crd, storage, ref) : undefined;
  const migrate: StepDraft = {
    do: 'migrate',
    on: ref,
    of: { apiVersion, kind: crd.kind },
    ...{ storage: storage.name, stored: crd.stored },
    ...(read.status ? { status: true } : {}),
    guard: [],
    text: {
      en: `rewrite every custom resource of CRD ${ref.name} in ${storage.name}, then set its storedVersions to ${storage.name}`,
      zh: `以 ${storage.name} 重写 CRD ${ref.name} 的所有自定义资源，然后将其 storedVersions 设为 ${storage.name}`,
    },
    // Not exact: in which version an object is stored is not turned back.
    undo: 'compensates',
    undoNote: noteOf(crd, storage.name, saved),
  };
  return saved ? [saved.step, migrate] : [migrate];
}

/** What undo leaves: the version, and the fields that the rewrite drops, with the way to bring them back. */
function noteOf({ conversion, stored }: Definition, storage: string, saved: Saving | undefined): Text {
  const kept =
    conversion === 'None'
      ? { en: ', with every field as it is', zh: '，字段不变' }
      : { en: ', as the conversion webhook of the CRD returns them', zh: '，内容以该 CRD 的转换 webhook 返回的为准' };
  const rest = saved ? lostBy(saved) : kept;
  return {
    en: `undo: restores storedVersions (${stored.join(', ')}); what stays: custom resources are stored in ${storage}${rest.en}`,
    zh: `撤销时：恢复 storedVersions（${stored.join('、')}）；不会恢复的部分：自定义资源仍以 ${storage} 存储${rest.zh}`,
  };
}

/** The server refuses an object with the resourceVersion of then, and drops the fields again while the storage version lacks them. */
function lostBy({ fields, files, from }: Saving): Text {
  const back = files.length > 0 && {
    en: `. To put the saved values back after undo: make ${from.join(' or ')} the storage version of the CRD, remove metadata.resourceVersion from the items of ${files.join(', ')}, then kubectl apply -f that file`,
    zh: `。撤销后如需写回已保存的值：先将 ${from.join(' 或 ')} 设为该 CRD 的存储版本，删除 ${files.join('、')} 各项的 metadata.resourceVersion，再对该文件执行 kubectl apply -f`,
  };
  return {
    en: `, without the values of ${fields.en}${back ? back.en : ''}`,
    zh: `，${fields.zh} 的值不再存在${back ? back.zh : ''}`,
  };
}

const UNSEEN = { en: 'the CRD could not be read', zh: '无法读取该 CRD' };
const UNSERVED = {
  en: 'the CRD serves no version in which its custom resources can be read: set served of one version to true first',
  zh: '该 CRD 没有启用任何版本，无法读取其自定义资源：请先将某个版本的 served 设为 true',
};

interface Saving {
  step: StepDraft;
  /** What is lost. */
  fields: Text;
  /** The versions in which their values can be read, and the files that the commands write. */
  from: string[];
  files: string[];
}

/** Where an older version has fields that the storage version lacks. Nothing shows whether they were saved: a person says so. */
function saving({ group, stored, versions }: Definition, storage: Version, { name }: Ref): Saving | undefined {
  const older = versions.filter((version) => stored.includes(version.name) && version !== storage);
  const lost = [...new Set(older.flatMap((version) => prunedFields(only(version), only(storage))))].sort();
  if (!lost.length) return undefined;
  const shown = lost.slice(0, SHOWN);
  const more = lost.length > SHOWN;
  const fields = { en: `${shown.join(', ')}${more ? ' ...' : ''}`, zh: `${shown.join('、')}${more ? ' 等字段' : ''}` };
  const from = older.flatMap((version) => (version.served ? [version.name] : []));
  const resources = from.map((version) => `${name.split('.')[0]}.${version}.${group}`);
  const step: StepDraft = {
    ...{ do: 'manual', guard: [], undo: 'none' },
    commands: resources.map((resource) => `kubectl get ${shellWord(resource)} -A -o yaml > ${shellWord(`${resource}.yaml`)}`),
    text: {
      en: `save the values of ${fields.en} of CRD ${name}: ${storage.name} does not know these fields, and rewriting drops them`,
      zh: `保存 CRD ${name} 中 ${fields.zh}${more ? '的值' : ' 的值'}：${storage.name} 没有这些字段，重写后会丢失`,
    },
  };
  return { step, fields, from, files: resources.map((resource) => `${resource}.yaml`) };
}

const SHOWN = 8;
/** The same name for both, so that their schemas are compared. */
const only = ({ schema }: Version): Raw => ({ spec: { versions: [{ name: 'v', schema: { openAPIV3Schema: schema ?? {} } }] } });
