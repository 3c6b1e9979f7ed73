// Objects that are declared elsewhere: who would write them back is said beside each finding, and what would not last is not offered.
import { isRaw } from '../kube/json.ts';
import { type Declarer, declarerOf } from '../kube/owners.ts';
import { keyOf, refOf } from '../kube/refs.ts';
import { oneLine } from '../text/sanitise.ts';
import type { Check, Finding, Installation, Raw, Reads, Ref, Refusal } from './contracts.ts';
import { type Gathered, isWhole } from './gather.ts';

/** By object; filled by what point reads bring. */
export type Declarers = Map<string, Declarer>;

export const noteDeclarer =
  (into: Declarers) =>
  (object: Raw): void => {
    const declarer = declarerOf(object);
    if (declarer) into.set(keyOf(refOf(object)), declarer);
  };

/** By the objects of rows that say so. */
export function declarersIn(rows: Gathered): Declarers {
  const found: Declarers = new Map();
  for (const all of Object.values(rows)) {
    if (!Array.isArray(all)) continue;
    for (const row of all)
      if (isRaw(row) && row.declaredBy) found.set(keyOf(row.ref as unknown as Ref), row.declaredBy as unknown as Declarer);
  }
  return found;
}

/** `installed`: every release of the cluster, where that is known; `installations`: of some, detection has read the records. */
export function withDeclarer(
  finding: Finding,
  declarers: Declarers,
  installation: Installation,
  { installed, installations = [] }: { installed?: ReadonlySet<string>; installations?: readonly Installation[] } = {},
): Finding {
  const marked = finding.objects.flatMap((ref) => declarers.get(keyOf(ref)) ?? []).filter((each) => !isItself(each, installation));
  const there = marked.filter((each) => !isGone(each, installed));
  const gone = marked.length && !there.length;
  const all = gone ? marked : there;
  const [first] = all;
  if (!first) return finding;
  const names = [...new Set(all.map(({ name }) => name))];
  const name = [...names.slice(0, NAMED), ...(names.length > NAMED ? ['...'] : [])].join(', ');
  const watches = all.some(({ release }) => release === undefined);
  const isSeen = ({ release: mark }: Declarer) =>
    installations.some(({ release }) => release && `${release.namespace}/${release.name}` === mark);
  const isOpen = !installed && all.every((each) => namesRelease(each) && !isSeen(each));
  const state = gone ? { gone: true as const } : isOpen ? { unchecked: true as const } : {};
  return { ...finding, declaredBy: { name, mark: first.mark, watches, ...state } };
}

const namesRelease = ({ release = '' }: Declarer): boolean => release.includes('/');

/** A release by namespace and name that is not among those of the cluster: only its annotations are left. */
const isGone = (declarer: Declarer, installed: ReadonlySet<string> | undefined): boolean =>
  namesRelease(declarer) && installed !== undefined && !installed.has(declarer.release!);

/** By what the checks have read; undefined: none of them was to see every release, or could. `late`: of each check. */
export function installedReleases(
  cases: readonly { check: Check; early: Gathered }[],
  late: ReadonlyMap<string, Gathered>,
): ReadonlySet<string> | undefined {
  for (const { check, early } of cases) {
    const rows = { ...early, ...late.get(check.id) };
    for (const [name, read] of Object.entries(check.reads as Reads)) {
      const made = rows[name];
      if (read.read === 'bodies' && read.installed && isWhole(made)) return new Set(read.installed(made));
    }
  }
  return undefined;
}

/** Owners of the objects of one finding. */
const NAMED = 3;

/** Helm looks again only when it is called. */
export const wouldLast = ({ declaredBy }: Finding, lasts: true | 'unless-watched' | undefined): boolean =>
  !declaredBy || declaredBy.gone || lasts === true || (lasts === 'unless-watched' && !declaredBy.watches);

/** The release by which the system is installed is what its checks are about. */
const isItself = ({ release }: Declarer, { namespace, name, byHelm }: Installation): boolean =>
  release !== undefined && (release === '' ? byHelm : release === `${namespace}/${name}`);

export const refusedThere = ({ objects, declaredBy }: Finding): Refusal => {
  const [name, mark] = [oneLine(declaredBy!.name, 300), oneLine(declaredBy!.mark, 100)];
  if (declaredBy!.unchecked)
    return {
      refused: {
        en: `annotated with ${name} (${mark}), which would revert the change if it exists: change it there`,
        zh: `注解写明属于 ${name}（${mark}），如果该 release 存在，更改会被其还原：请在该处修改`,
      },
      objects,
    };
  return {
    refused: {
      en: `owned by ${name} (${mark}), which would revert the change: change it there`,
      zh: `由 ${name} 管理（${mark}），更改会被其还原：请在该处修改`,
    },
    objects,
  };
};
