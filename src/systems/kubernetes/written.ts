// The objects of every kind that has a deprecated version: who wrote them, in which version. Metadata alone is asked for (of budgets the selector too), and only of kinds that the path concerns.
import type { ListRead, RowOf } from '../../engine/contracts.ts';
import { json, list, tree, word, writers } from '../../engine/read/index.ts';
import { minorOf } from '../../versions/kubernetes.ts';
import { apiVersionOf, bites, resourcesToRead } from './apis.ts';
import type { Written as Evident } from './evidence.ts';
import { type Api, versions } from './knowledge/tables.ts';
import { later } from './reads.ts';

const WRITTEN = {
  writers: writers(),
  applied: json("metadata.annotations['kubectl.kubernetes.io/last-applied-configuration']", {
    apiVersion: word('apiVersion'),
    kind: word('kind'),
  }),
};
/** What decides, beside the version, whether an object means the same in the next one. */
const MEANS = { selector: tree('spec.selector') };
export type Written = RowOf<typeof WRITTEN> & Partial<RowOf<typeof MEANS>>;

/** By resource. */
export const writtenObjects = later(() => Object.fromEntries(resourcesToRead(minorOf(versions().knownFrom)).map(listed)));

function listed([resource, old]: [string, Api[]]): [string, ListRead<Written> & { optional: true }] {
  const concerns = (hops: readonly string[]) => old.some((api) => bites(apiVersionOf(api), api.kind, hops) !== undefined);
  const columns = resource === 'poddisruptionbudgets.policy' ? { ...WRITTEN, ...MEANS } : WRITTEN;
  return [resource, list(resource, columns, { optional: true, concerns })];
}

/** As evidence is judged by. */
export const evidentIn = ({ writers, applied }: Written): Evident => ({
  writers,
  lastApplied: typeof applied === 'object' ? applied : undefined,
});
