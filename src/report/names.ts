// How an object is named in every format: its name, and where a manifest declares it.
import type { Ref } from '../engine/contracts.ts';
import { oneLine } from '../text/sanitise.ts';
import { NAME } from './installations.ts';

export const nameOf = ({ namespace, name }: Ref): string => oneLine([namespace, name].filter(Boolean).join('/'), NAME);

/** The object inside of which it stands in its file. */
export const insideOf = ({ inside }: Ref): string | undefined => (inside === undefined ? undefined : `(${oneLine(inside, NAME)})`);

/** With that object. */
export const fileOf = (ref: Ref): string | undefined =>
  ref.file === undefined ? undefined : [`${oneLine(ref.file, NAME)}:${ref.line ?? 1}`, insideOf(ref)].filter(Boolean).join(' ');
