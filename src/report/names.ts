// How an object is named in every format: its name, and where a manifest declares it.
import type { Ref } from '../engine/contracts.ts';
import { oneLine } from '../text/sanitise.ts';
import { NAME } from './installations.ts';

export const nameOf = ({ namespace, name }: Ref): string => oneLine([namespace, name].filter(Boolean).join('/'), NAME);

/** With the object of that file inside of which it stands. */
export const fileOf = ({ file, line, inside }: Ref): string | undefined =>
  file === undefined ? undefined : `${oneLine(file, NAME)}:${line ?? 1}${inside === undefined ? '' : ` (${oneLine(inside, NAME)})`}`;
