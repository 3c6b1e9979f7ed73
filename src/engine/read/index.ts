// The columns of a check: what may be declared of an object, how it is read, what a snapshot keeps of it. One declaration gives the fields, the row and the snapshot.
import { declarerOf, isDeclarable } from '../../kube/owners.ts';
import { refOf } from '../../kube/refs.ts';
import type { Column, Columns, ListRead, Manifest, ManifestsRead, Raw, Ref, ResourceName, RowOf, TextRead } from '../contracts.ts';
import { DECLARER } from './declarer.ts';
import { valuesOf } from './nested.ts';

export { DECLARER } from './declarer.ts';
export { each, entries, json, maybe, UNREADABLE, where, yaml } from './nested.ts';
export {
  args,
  type Certificate,
  certificates,
  type Flag,
  flagged,
  having,
  type Line,
  mentions,
  NO_CERTIFICATE,
  outline,
  type Writer,
  writers,
} from './special.ts';
export { annotation, asIs, digest, flag, keys, label, labels, number, origin, texts, time, tree, word, wordsFrom } from './values.ts';

type Options = Pick<ListRead, 'labels' | 'optional' | 'harmless' | 'concerns'>;
type Made<Row, O extends Options> = ListRead<Row> & O;
type Seen = Pick<ListRead, 'optional' | 'harmless'>;

/** The objects of a resource, each as a row of its columns, and with who declares it elsewhere (`declaredBy`, for the engine). `only`: rows that are held; the others are forgotten at once.
 * `made`: by controllers, so that no one declares them. */
export function list<C extends Columns, const O extends Options>(
  resource: ResourceName,
  columns: C,
  options?: O & { only?(row: RowOf<C>): boolean; made?: true },
): Made<RowOf<C>, O> {
  const { only, made: isMade, ...rest } = options ?? ({} as { only?(row: RowOf<C>): boolean; made?: true } & O);
  const row = rowOf(columns);
  const declarable = !isMade && isDeclarable(resource);
  const keep = (object: Raw): RowOf<C> | undefined => {
    const made = row(object);
    if (only && !only(made)) return undefined;
    const declaredBy = declarable ? declarerOf(object) : undefined;
    return declaredBy ? { ...made, declaredBy } : made;
  };
  return {
    read: 'list',
    resource,
    ...declared([...Object.values(columns), ...(declarable ? [DECLARER] : [])]),
    keep,
    ...rest,
  } as unknown as Made<RowOf<C>, O>;
}

/** For lists of 100,000: the columns declare what is requested and what a snapshot keeps, `keep` makes the row. */
export function hot<Row, const O extends Options>(
  resource: ResourceName,
  columns: readonly Column[],
  keep: (object: Raw) => Row | undefined,
  options?: O,
): Made<Row, O> {
  return { read: 'list', resource, ...declared(columns), keep, ...options } as unknown as Made<Row, O>;
}

const declared = (columns: readonly Column[]): Pick<ListRead, 'columns' | 'fields'> => ({
  columns,
  fields: [...new Set(columns.flatMap(({ paths }) => paths))],
});

/** Lines of a text path (`/metrics`, `/readyz?verbose`): `keep` makes rows of those that matter. `every`: of every API server. */
export function text<Row, const O extends Seen & { every?: boolean }>(
  path: string,
  keep: (line: string, server: string) => Row | undefined,
  options?: O,
): TextRead<Row> & O {
  return { read: 'text', path, keep, ...options } as unknown as TextRead<Row> & O;
}

/** What -f gave, in its order: also what is declared twice. `parts`: also patches without a name, and what stands inside other objects. */
export function manifests<Row = Manifest>(
  keep?: (manifest: Manifest) => Row | undefined,
  { parts }: Pick<ManifestsRead, 'parts'> = {},
): ManifestsRead<Row> {
  return { read: 'manifests', keep: keep ?? ((manifest) => manifest as Row), ...(parts ? { parts } : {}) };
}

/** The object that a manifest declares, with where it does: of one that is declared twice, each in its own place. */
export const declaredRef = ({ object, file, line, inside }: Manifest): Ref => ({
  ...refOf(object),
  file,
  line,
  ...(inside === undefined ? {} : { inside }),
});

/** A row of one object, for point reads. */
export const rowOf = <C extends Columns>(columns: C): ((object: Raw) => RowOf<C>) =>
  valuesOf({ ref: REF, ...columns }) as (object: Raw) => RowOf<C>;

let latest: { object: Raw; ref: Ref } | undefined;
/** Who it is. The rows that several checks make of one object share it. */
const REF: Column<Ref> = {
  paths: [],
  marks: [],
  read: (base) => {
    const object = base as Raw;
    if (latest?.object !== object) latest = { object, ref: refOf(object) };
    return latest.ref;
  },
  keep: () => undefined,
};
