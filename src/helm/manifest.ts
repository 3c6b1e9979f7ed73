// Which objects a release's manifest holds. Apart from reading records, since it needs a YAML parser, which is slow to load.
import { parseAllDocuments } from 'yaml';
import type { Raw, Ref, ReleaseName } from '../engine/contracts.ts';
import { isRaw, withinDepth } from '../kube/json.ts';

/**
 * Those that have a kind and a name, those in a List too. One without a namespace is in the release's, or in none: a server takes both for a kind without namespaces.
 * `concerns`: documents of which this does not hold are not parsed, at about 1 MB a second.
 */
export function objectsIn(
  manifest: string,
  { namespace }: Pick<ReleaseName, 'namespace'>,
  concerns?: (document: string) => boolean,
): Ref[] {
  const text = concerns ? documentsOf(manifest).filter(concerns).join('') : manifest;
  if (concerns && text === '') return [];
  return parseAllDocuments(text, { logLevel: 'silent' }).flatMap((document) => {
    if (document.errors.length) return [];
    const object: unknown = document.toJS({ maxAliasCount: 100 });
    return isRaw(object) && withinDepth(object) ? refsIn(object, namespace) : [];
  });
}

/** Only in a document of its own does a line begin with ---: what a block holds is indented. */
export const documentsOf = (manifest: string): string[] => manifest.split(/^(?=---)/m);

function refsIn({ apiVersion, kind, metadata, items }: Raw, namespace: string): Ref[] {
  if (kind === 'List' && Array.isArray(items)) return items.filter(isRaw).flatMap((item) => refsIn(item, namespace));
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || !isRaw(metadata) || typeof metadata.name !== 'string') return [];
  return [{ apiVersion, kind, namespace: typeof metadata.namespace === 'string' ? metadata.namespace : namespace, name: metadata.name }];
}
