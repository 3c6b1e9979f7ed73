// Who declares an object elsewhere (Argo CD, Flux, Helm …) and would write it back: read with every list of what someone may declare, and with single objects, so that
// the engine can name the owner beside whatever is found.
import { formatField } from '../../kube/fields.ts';
import { isRaw } from '../../kube/json.ts';
import { DECLARER_MARKS, type Declarer, declarerOf } from '../../kube/owners.ts';
import type { Column, Kept, Raw } from '../contracts.ts';
import { weak } from './kept.ts';

const PLACES = ['labels', 'annotations'];
const PATHS = PLACES.flatMap((place) => DECLARER_MARKS.map((mark) => formatField(['metadata', place, mark])));
export const DECLARER: Column<Declarer | undefined> = {
  paths: PATHS,
  marks: ['metadata:declarer'],
  read: (object) => (isRaw(object) ? declarerOf(object) : undefined),
  keep: (object) => {
    const metadata: Raw = isRaw(object) && isRaw(object.metadata) ? object.metadata : {};
    const kept = PLACES.flatMap((place) => {
      const all = metadata[place];
      const marks = isRaw(all) ? DECLARER_MARKS.filter((mark) => Object.hasOwn(all, mark)) : [];
      return marks.length
        ? [[place, Object.fromEntries(marks.map((mark) => [mark, weak(String((all as Raw)[mark] ?? ''))]))] as const]
        : [];
    });
    return kept.length ? { metadata: Object.fromEntries(kept) as Kept } : undefined;
  },
};

/** A snapshot of before may lack it: then no owner is known. */
export const isOfDeclarer = (field: string): boolean => PATHS.includes(field) || field === DECLARER.marks[0];
