// A column of who declares an object elsewhere (Argo CD, Flux, Helm …) and would write it back. Named `declaredBy` in a row, the engine adds it to what is found of that object.
import { formatField } from '../../kube/fields.ts';
import { isRaw } from '../../kube/json.ts';
import { DECLARER_MARKS, type Declarer, declarerOf } from '../../kube/owners.ts';
import type { Column, Kept, Raw } from '../contracts.ts';
import { weak } from './kept.ts';

const PLACES = ['labels', 'annotations'];
const PATHS = PLACES.flatMap((place) => DECLARER_MARKS.map((mark) => formatField(['metadata', place, mark])));
/** Of the labels the value may count; of annotations it is that they are there. */
const MANAGED_BY = 'app.kubernetes.io/managed-by';

export const declarer = (): Column<Declarer | undefined> => ({
  paths: PATHS,
  marks: ['metadata:declarer'],
  read: (object) => (isRaw(object) ? declarerOf(object) : undefined),
  keep: (object) => {
    const metadata: Raw = isRaw(object) && isRaw(object.metadata) ? object.metadata : {};
    const kept = PLACES.flatMap((place) => {
      const all = metadata[place];
      const marks = isRaw(all) ? DECLARER_MARKS.filter((mark) => Object.hasOwn(all, mark)) : [];
      return marks.length ? [[place, Object.fromEntries(marks.map((mark) => [mark, markKept(mark, (all as Raw)[mark])]))] as const] : [];
    });
    return kept.length ? { metadata: Object.fromEntries(kept) as Kept } : undefined;
  },
});

const markKept = (mark: string, value: Raw[string] | undefined): Kept =>
  mark === MANAGED_BY ? weak(value === 'Helm' ? value : '') : weak('');
