// CustomResourceDefinitions one after the other: which stored versions a new one would drop, and which fields are pruned from the objects.
import { isRaw } from '../../kube/json.ts';
import { pointerGet } from '../../kube/pointer.ts';
import type { Json, Raw, Text } from '../contracts.ts';
import { versionsOf } from './objects.ts';

/** Fields named in a note; the rest is counted. */
const NAMED = 8;

/** Versions in which objects may be stored, and which `next` would not serve. */
export function droppedVersions(now: Raw, next: Raw): string[] {
  const stored = pointerGet(now, '/status/storedVersions');
  const served = new Set(versionsOf(next).flatMap(({ name, served: is }) => (is === false ? [] : [String(name)])));
  return (Array.isArray(stored) ? stored : []).map(String).filter((version) => !served.has(version));
}

/** Fields of the objects that `to` does not know: a server drops their values at the next write of each object. `spec.txQueueLen`, sorted. */
export function prunedFields(from: Raw, to: Raw): string[] {
  const schemas = (definition: Raw) =>
    new Map(versionsOf(definition).map((version) => [String(version.name), pointerGet(version, '/schema/openAPIV3Schema')]));
  const [old, next] = [schemas(from), schemas(to)];
  const lost = new Set<string>();
  for (const [version, schema] of old) if (next.has(version)) walk(schema, next.get(version), '', lost);
  return [...lost].sort();
}

function walk(old: Json | undefined, next: Json | undefined, path: string, lost: Set<string>): void {
  if (!isRaw(old) || !isRaw(next) || next['x-kubernetes-preserve-unknown-fields'] === true) return;
  const properties = isRaw(old.properties) ? old.properties : {};
  const kept = isRaw(next.properties) ? next.properties : {};
  for (const [name, schema] of Object.entries(properties)) {
    const below = path ? `${path}.${name}` : name;
    if (Object.hasOwn(kept, name)) walk(schema, kept[name], below, lost);
    else if (!isRaw(next.additionalProperties)) lost.add(below);
  }
  walk(old.items, next.items, path, lost);
  walk(old.additionalProperties, next.additionalProperties, path, lost);
}

/** The undoNote of a step that applies `next` over `now`: what putting `now` back does not bring back. undefined: no field differs. */
export function lostByGoingBack(now: Raw, next: Raw): Text | undefined {
  const [pruned, added] = [prunedFields(now, next), prunedFields(next, now)];
  const parts: Text[] = [];
  if (pruned.length) {
    const names = named(pruned);
    parts.push({
      en: `values of ${names.en} that the new schema drops from objects written in the meantime are not restored`,
      zh: `新 schema 在此期间写入对象时丢弃的 ${names.zh} 的值不会恢复`,
    });
  }
  if (added.length) {
    const names = named(added);
    parts.push({ en: `values of ${names.en} are dropped once the old schema is back`, zh: `恢复旧 schema 后，${names.zh} 的值会被丢弃` });
  }
  if (!parts.length) return undefined;
  return { en: parts.map(({ en }) => en).join('; '), zh: parts.map(({ zh }) => zh).join('；') };
}

function named(fields: string[]): Text {
  const more = fields.length - NAMED;
  const first = fields.slice(0, NAMED);
  return {
    en: `${first.join(', ')}${more > 0 ? ` and ${more} more fields` : ''}`,
    zh: `${first.join('、')}${more > 0 ? ` 等 ${fields.length} 个字段` : ''}`,
  };
}
