// The custom resources of every CRD, by their metadata alone: page by page, several CRDs at a time. A CRD that was never changed since it was created has lost no version, and its custom
// resources are not read (metadata.generation counts the changes of spec: apiextensions-apiserver pkg/registry/customresourcedefinition/strategy.go).
import type { ListRead, NamedRead, ResourceName, RowOf } from '../../engine/contracts.ts';
import { DECLARER, each, list, number, word } from '../../engine/read/index.ts';
import { groupOf } from '../../kube/refs.ts';
import { splitApiVersion } from '../../kube/resources.ts';

export const CRD = {
  group: word('spec.group', ''),
  kind: word('spec.names.kind', ''),
  /** 1: as it was created. */
  changes: number('metadata.generation'),
  versions: each('spec.versions', { name: word('name', '') }),
};
export const crds = list('customresourcedefinitions.apiextensions.k8s.io', CRD);
export type Crd = RowOf<typeof CRD>;

/** Without fieldsV1, which is most of managedFields. */
const WRITTEN = { writers: each('metadata.managedFields', { manager: word('manager', ''), apiVersion: word('apiVersion', '') }) };
export type Written = RowOf<typeof WRITTEN>;

/** Which entries of managedFields name a version that the CRD does not have. */
export const staleIn = ({ ref, writers }: Written, { versions }: Crd): { at: number; manager: string; apiVersion: string }[] =>
  writers
    .map((writer, at) => ({ at, ...writer }))
    .filter(
      ({ apiVersion }) =>
        groupOf(ref.apiVersion) === groupOf(apiVersion) && !versions.some(({ name }) => name === splitApiVersion(apiVersion)[1]),
    );

/** Custom resources with such an entry. `known`: see NamedRead. */
export const staleObjects = (known: readonly ResourceName[]): NamedRead<Written> => ({
  read: 'named',
  by: crds,
  known,
  columns: [...Object.values(WRITTEN), DECLARER],
  wants: (rows) =>
    (rows as Crd[]).flatMap((crd): ListRead<Written>[] => {
      if (crd.changes === 1) return [];
      const read = list(crd.ref.name, WRITTEN, { only: (row) => staleIn(row, crd).length > 0 });
      return [read];
    }),
});
