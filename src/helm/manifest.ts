// Which objects a release's manifest holds. Apart from reading records, since it needs a YAML parser, which is slow to load.
import { parseAllDocuments } from 'yaml';
import type { Ref, ReleaseName } from '../engine/contracts.ts';
import { isRaw, withinDepth } from '../kube/json.ts';

/** Those that have a kind and a name. One without a namespace is in the release's, or in none: a server takes both for a kind without namespaces. */
export function objectsIn(manifest: string, { namespace }: Pick<ReleaseName, 'namespace'>): Ref[] {
  return parseAllDocuments(manifest, { logLevel: 'silent' }).flatMap((document) => {
    if (document.errors.length) return [];
    const object: unknown = document.toJS({ maxAliasCount: 100 });
    if (!isRaw(object) || !withinDepth(object) || !isRaw(object.metadata)) return [];
    const { apiVersion, kind, metadata } = object;
    if (typeof apiVersion !== 'string' || typeof kind !== 'string' || typeof metadata.name !== 'string') return [];
    return [{ apiVersion, kind, namespace: typeof metadata.namespace === 'string' ? metadata.namespace : namespace, name: metadata.name }];
  });
}
