// Server-side apply in memory: maps merge, everything else is replaced. That is what a CustomResourceDefinition, whose lists are atomic, comes to.
import type { Json, Raw } from '../engine/contracts.ts';
import { isRaw } from '../kube/json.ts';

export function applied(now: Raw, wanted: Raw): Raw {
  const { metadata, ...rest } = wanted;
  const merged = merge(now, rest) as Raw;
  const { name: _name, namespace: _namespace, ...set } = isRaw(metadata) ? metadata : {};
  return { ...merged, metadata: merge(now.metadata, set) };
}

function merge(now: Json | undefined, wanted: Json): Json {
  if (!isRaw(now) || !isRaw(wanted)) return wanted;
  return { ...now, ...Object.fromEntries(Object.entries(wanted).map(([key, value]) => [key, merge(now[key], value)])) };
}
