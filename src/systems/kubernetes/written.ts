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

/** Of kinds that controllers make in numbers, those that others made: the API server itself leaves out the rest. */
const OF_OTHERS: Record<string, string> = {
  'endpointslices.discovery.k8s.io':
    'endpointslice.kubernetes.io/managed-by notin (endpointslice-controller.k8s.io,endpointslicemirroring-controller.k8s.io)',
  'csistoragecapacities.storage.k8s.io': 'csi.storage.k8s.io/managed-by!=external-provisioner',
};

/** By resource. */
export const writtenObjects = later(() => Object.fromEntries(resourcesToRead(minorOf(versions().knownFrom)).map(listed)));

function listed([resource, old]: [string, Api[]]): [string, ListRead<Written> & { optional: true }] {
  const concerns = (hops: readonly string[]) => old.some((api) => bites(apiVersionOf(api), api.kind, hops) !== undefined);
  const labels = OF_OTHERS[resource];
  const columns = resource === 'poddisruptionbudgets.policy' ? { ...WRITTEN, ...MEANS } : WRITTEN;
  return [resource, list(resource, columns, { optional: true, concerns, ...(labels === undefined ? {} : { labels }) })];
}

/** As evidence is judged by. */
export const evidentIn = ({ writers, applied }: Written): Evident => ({
  writers,
  lastApplied: typeof applied === 'object' ? applied : undefined,
});
