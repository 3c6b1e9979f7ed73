// Which object is meant: references, their names in messages, and when two of them are one.
import { type Condition, type Raw, type Ref, WorldError } from '../engine/contracts.ts';
import { oneLine } from '../text/sanitise.ts';
import { isRaw } from './json.ts';

/** Still there and not on its way out. */
export const lives = (on: Ref): Condition => ({ on, must: [{ path: '/metadata/deletionTimestamp' }] });

/** Throws for an object without apiVersion, kind and name: no server sends one. */
export function refOf(object: Raw): Ref {
  const metadata = isRaw(object.metadata) ? object.metadata : {};
  const { apiVersion, kind } = object;
  const { name, namespace, uid } = metadata;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || typeof name !== 'string') {
    throw new Error('an object without apiVersion, kind or metadata.name');
  }
  const ref: Ref = { apiVersion, kind, name };
  if (typeof namespace === 'string' && namespace !== '') ref.namespace = namespace;
  if (typeof uid === 'string' && uid !== '') ref.uid = uid;
  return ref;
}

/** What the API server itself allows in a path (rest.IsValidPathSegmentName), and nothing invisible. */
export const NAME = /^(?!\.{1,2}$)[^/%\p{C}\p{Z}]{1,253}$/u;
export const NAMESPACE = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** `Kind namespace/name`, `Kind name`, or `Kind` and its namespace of what has no name; safe to print, never cut (names are at most 253 characters). */
export function describe(ref: Ref): string {
  const name = [ref.namespace, ref.name].filter(Boolean).join('/');
  return oneLine([ref.kind, name].filter(Boolean).join(' '), 1000);
}

/** What a world says of a kind that its server does not serve. */
export const notServed = ({ kind, apiVersion }: Ref, status?: number): WorldError =>
  new WorldError('missing', { en: `the server has no ${kind} of ${apiVersion}`, zh: `服务器没有 ${apiVersion} 的 ${kind}` }, status);

/** The API group of an apiVersion: '' for the core group. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash === -1 ? '' : apiVersion.slice(0, slash);
}

/** One key per object, the same in every version of its API. */
export function keyOf(ref: Ref): string {
  return [groupOf(ref.apiVersion), ref.kind, ref.namespace ?? '', ref.name].join('/');
}

/** The same name; and where both know a uid, the same object and not its successor. */
export function sameObject(a: Ref, b: Ref): boolean {
  return keyOf(a) === keyOf(b) && (a.uid === undefined || b.uid === undefined || a.uid === b.uid);
}
