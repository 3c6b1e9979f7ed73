// Configuration of components among the files of -f (KubeletConfiguration): which check judges which document, and what it says of all of them.
import { groupOf, refOf } from '../kube/refs.ts';
import type { Check, Finding, Manifest, Ref, System } from './contracts.ts';

export function isJudgedBy(check: Check | undefined, { configuration, object: { apiVersion, kind } }: Manifest): boolean {
  return configuration === true && check?.files?.kinds.includes(`${groupOf(String(apiVersion))}/${String(kind)}`) === true;
}

/** Objects every check that reads their kind judges; of configuration, only what a check names. */
export const isCovered = (systems: readonly System[], manifest: Manifest): boolean =>
  !manifest.configuration || systems.some(({ checks }) => checks.some((check) => isJudgedBy(check, manifest)));

/** What files have in common is one finding, apart from what the cluster shows. undefined: none of them is this check's. */
export function judgedFiles(check: Check, manifests: readonly Manifest[], to: string): Finding[] | undefined {
  const mine = manifests.filter((manifest) => isJudgedBy(check, manifest));
  if (!mine.length) return undefined;
  const found = mine.flatMap(({ object, file, line }) => check.files!.judge(object, { ...refOf(object), file, line }, to));
  const same = Map.groupBy(found, ({ key }) => JSON.stringify(key));
  return [...same.values()].map((all) => ({
    ...all[0]!,
    key: ['file', ...all[0]!.key],
    objects: all.flatMap(({ objects }): Ref[] => objects),
    evidence: all.flatMap(({ evidence }) => evidence).slice(0, 4),
    hop: undefined,
  }));
}
