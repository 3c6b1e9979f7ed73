// The parts of a declared field: `metadata.annotations['a.b/c']` is metadata, annotations, a.b/c.
import type { Field } from '../engine/contracts.ts';

const PART = /\[(?:'([^']*)'|"([^"]*)"|\*|)\]|\.?([^.[\]]+)/gy;

/** Array marks (`[]`, `[*]`) give no part: arrays are walked through. */
export function partsOf(field: Field): string[] {
  return [...field.matchAll(PART)].flatMap(([, single, double, plain]) => single ?? double ?? plain ?? []);
}

/** All of it lies below `metadata` (or is what always comes), so that a metadata-only request is enough. */
export function metadataOnly(fields: readonly Field[] | 'whole'): boolean {
  return fields !== 'whole' && fields.every((field) => ['metadata', 'apiVersion', 'kind'].includes(partsOf(field)[0] ?? ''));
}
