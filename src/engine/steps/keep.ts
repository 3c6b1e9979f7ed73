// Keep and forget: the values for helm in a Secret beside the release, whose own records hold them just so. Nothing of them reaches plan or journal but a digest;
// only the command that has read them can write the Secret, so a run that was interrupted before it starts again.
import { isRaw } from '../../kube/json.ts';
import { describe } from '../../kube/refs.ts';
import { shellWord } from '../../text/shell.ts';
import type { ReleaseName, StepKind, StepOf, Text } from '../contracts.ts';
import { identity, isSecret, metadataOf, uidOf, versionOf } from './objects.ts';
import { kubectlName } from './shell.ts';

/** Annotation of the Secret: sha256 of the values, hex. */
export const DIGEST = 'upgrade-guard/sha256';

/** Annotation of what else a run makes for itself and deletes again; its value says for what. */
export const TEMPORARY = 'upgrade-guard/temporary';

/** Where a runbook keeps the values. */
export const valuesFile = ({ namespace, name }: ReleaseName): string => `values-${namespace}-${name}.yaml`;

export const keep: StepKind<StepOf<'keep'>> = {
  preview: ({ on }) => [`+ ${describe(on)}`],
  commands: ({ release, given }) => {
    const [name, file] = [shellWord(release.name), shellWord(valuesFile(release))];
    if (!given) return [`(umask 077; helm get values ${name} -n ${shellWord(release.namespace)} -o yaml > ${file})`];
    // They may be secret, and stand in no runbook.
    return [
      `test -s ${file} || { echo 'first write the values that the upgrade is to be given into ${valuesFile(release)}' >&2; exit 1; }`,
    ];
  },
  look: async ({ on, digest }, world) => {
    const now = await world.get({ ...on, uid: undefined });
    if (!now) return { is: 'to-do', now };
    const { annotations } = metadataOf(now);
    return isRaw(annotations) && annotations[DIGEST] === digest ? { is: 'done', now } : { is: 'moved', paths: [], because: OTHER };
  },
  write: ({ release, on, digest }) => ({ verb: 'keep', release, on, digest }),
  remember: identity,
  inverse: ({ id, text, after, reasons, on }, before, made) => ({
    ...{ id, text, after, reasons, guard: [], undo: 'exact' },
    do: 'delete',
    on: { ...on, uid: uidOf(made ?? before) },
  }),
};

export const forget: StepKind<StepOf<'forget'>> = {
  preview: ({ on }) => [`- ${describe(on)}`],
  // The Secret is made by the tool alone.
  commands: ({ on }) => (isSecret(on) ? [] : [`kubectl delete ${kubectlName(on)}`]),
  look: async (step, world) => {
    const now = await world.get(step.on);
    if (!now) return { is: 'done', now };
    const { annotations } = metadataOf(now);
    const isOurs = isRaw(annotations) && (DIGEST in annotations || TEMPORARY in annotations);
    return isOurs ? { is: 'to-do', now } : { is: 'moved', paths: [], because: OTHER };
  },
  write: ({ on }, now) => ({ verb: 'delete', on: { ...on, uid: uidOf(now) }, resourceVersion: versionOf(now) }),
  remember: identity,
  inverse: () => ({ none: { en: 'temporary, needed only during the upgrade', zh: '仅用于本次升级' } }),
};

const OTHER: Text = { en: 'a different object of the same name already exists', zh: '已存在内容不同的同名对象' };
