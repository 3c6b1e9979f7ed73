// What a step of a system's own stages fixes on its way: of a check only those of its findings that the step is for, as check counts them.
import type { Finding, Json, Upgrading } from './contracts.ts';

/** Fingerprints of what these checks found, for `fixes` of a step. `is`: of such findings alone; their arguments are of the check's own making. */
export const foundBy = <Args = Json>(
  { found = [] }: Pick<Upgrading, 'found'>,
  checks: readonly string[],
  is: (finding: Finding<Args>) => boolean = () => true,
): string[] =>
  found
    .filter(({ check }) => checks.includes(check))
    .flatMap(({ findings }) => findings.filter((each) => is(each as unknown as Finding<Args>)))
    .map(({ fingerprint }) => fingerprint);
