// Whether an object is as we want it: what others added to it, and what a server leaves out because it is empty, does not count.
import { isRaw } from '../../kube/json.ts';
import { escapeSegment } from '../../kube/pointer.ts';
import type { Json, Raw } from '../contracts.ts';
import { isDefinition } from './objects.ts';

/** More tell a person nothing. */
const MOST = 20;

/** Paths at which `now` does not hold what `wanted` says; at most 20. The versions of a CustomResourceDefinition must be equal: what the old schema had beyond ours would stay. */
export function differences(now: Raw, wanted: Raw): string[] {
  const off: string[] = [];
  const exactBelow = isDefinition(wanted) ? '/spec/versions' : undefined;
  compare(now, wanted, '', false);
  return off;

  function compare(is: Json | undefined, should: Json | undefined, path: string, exact: boolean): void {
    if (off.length >= MOST || (isEmpty(is) && isEmpty(should))) return;
    if (Array.isArray(is) && Array.isArray(should) && is.length === should.length) {
      for (const [at, item] of should.entries()) compare(is[at], item, `${path}/${at}`, exact);
    } else if (isRaw(is) && isRaw(should)) {
      for (const key of new Set([...Object.keys(should), ...(exact ? Object.keys(is) : [])])) {
        const below = `${path}/${escapeSegment(key)}`;
        compare(is[key], should[key], below, exact || below === exactBelow);
      }
    } else if (is !== should) off.push(path);
  }
}

/** What Go leaves out of JSON (omitempty). */
const isEmpty = (value: Json | undefined): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  value === false ||
  value === 0 ||
  (Array.isArray(value) ? value.length === 0 : isRaw(value) && Object.keys(value).length === 0);
