// Which objects a release's manifest holds. Apart from reading records, since it needs a YAML parser, which is slow to load.
import { parseAllDocuments } from 'yaml';
import type { Raw, Ref, ReleaseName } from '../engine/contracts.ts';
import { isClusterWide } from '../files/apis.ts';
import { isRaw, withinDepth } from '../kube/json.ts';

export interface DeclaredIn {
  ref: Ref;
  object: Raw;
}

/**
 * Those that have a kind and a name, those in a List too. One without a namespace is in the release's, or in none: a server takes both for a kind without namespaces.
 * `concerns`: documents of which this does not hold are not parsed, at about 1 MB a second.
 */
export function declaredIn(
  manifest: string,
  { namespace }: Pick<ReleaseName, 'namespace'>,
  concerns?: (document: string) => boolean,
): DeclaredIn[] {
  const text = concerns ? documentsOf(manifest).filter(concerns).join('') : manifest;
  if (concerns && text === '') return [];
  return parseAllDocuments(text, { logLevel: 'silent' }).flatMap((document) => {
    if (document.errors.length) return [];
    const object: unknown = document.toJS({ maxAliasCount: 100 });
    return isRaw(object) && withinDepth(object) ? declaredBy(object, namespace) : [];
  });
}

export const objectsIn = (manifest: string, release: Pick<ReleaseName, 'namespace'>): Ref[] =>
  declaredIn(manifest, release).map(({ ref }) => ref);

/** Only in a document of its own does a line begin with ---: what a block holds is indented. A line ends where YAML ends it, which `^` does not. */
export const DOCUMENTS = /(?<![^\n])(?=---(?:\s|$))/;
export const documentsOf = (manifest: string): string[] => manifest.split(DOCUMENTS);

function declaredBy(object: Raw, namespace: string): DeclaredIn[] {
  const { apiVersion, kind, metadata, items } = object;
  if (kind === 'List' && Array.isArray(items)) return items.filter(isRaw).flatMap((item) => declaredBy(item, namespace));
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || !isRaw(metadata) || typeof metadata.name !== 'string') return [];
  const own = isClusterWide(object) ? undefined : typeof metadata.namespace === 'string' ? metadata.namespace : namespace;
  return [{ ref: { apiVersion, kind, ...(own === undefined ? {} : { namespace: own }), name: metadata.name }, object }];
}
