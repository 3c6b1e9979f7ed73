// The tables of osm-edge: releases with their images, and the MeshConfig of a fresh install by version. Made by scripts/knowledge/osm-edge.ts; each is decoded when first used.
import type { Json } from '../../../engine/contracts.ts';
import { derived, knowledge } from '../../../engine/knowledge.ts';
import { either, flag, like, list, map, number, type Of, oneOf, row, type Shape, text } from '../../../engine/shapes.ts';
import { compare } from '../../../versions/chart.ts';
import crdFieldsTable from './crd-fields.json' with { type: 'json' };
import crdsTable from './crds.json' with { type: 'json' };
import meshConfigTable from './meshconfig.json' with { type: 'json' };
import releasesTable from './releases.json' with { type: 'json' };
import schemaTable from './schema.json' with { type: 'json' };
import typesTable from './types.json' with { type: 'json' };

const version = like(/^\d{1,3}\.\d{1,3}\.\d{1,3}(?:-[\w.]{1,20})?$/, { en: 'a version such as 1.3.9', zh: '版本（例如 1.3.9）' });
const anything: Shape<Json> = () => undefined;

export const releases = knowledge(
  'osm-edge/releases',
  row({ source: text, knownFrom: version, knownUpTo: version, releases: list(row({ version, image: text }, { pipy: text, fsm: text })) }),
  () => releasesTable,
);

const meshConfig = knowledge(
  'osm-edge/meshconfig',
  row({
    source: text,
    fields: map(map(anything)),
    values: list(row({ key: text, path: text, since: version }, { alsoUsedBy: list(text), missing: anything })),
  }),
  () => meshConfigTable,
);

/** What a fresh install of that version has at this path of MeshConfig's spec; undefined: nothing. */
export function preset(path: string, of: string): Json | undefined {
  const changes = Object.entries(meshConfig().fields[path] ?? {}).toSorted(([a], [b]) => compare(a, b));
  return changes.filter(([since]) => compare(since, of) <= 0).at(-1)?.[1] ?? undefined;
}

/** The image that a fresh install of that version selects for pipy sidecars. */
export const pipyOf = (version: string): string | undefined => releases().releases.find((release) => release.version === version)?.pipy;

/** Values of the chart (`osm.…`) and the fields of MeshConfig's spec that a fresh install copies them into. What may be a secret is left out. */
export const mapping = derived(meshConfig, ({ values }) => values.filter(({ path }) => !path.endsWith('authorization')));

const none = oneOf(null);
/** By CRD, from which release on: its versions (`*` is stored, `u` is not served); null: not there. */
export const crds = knowledge('osm-edge/crds', row({ source: text, crds: map(map(either(none, list(text)))) }), () => crdsTable);

const spans = like(/^[\w.-]+( [\w.-]+)*$/, { en: 'spans of versions', zh: '版本区间' });
/** What the CRDs of each release say, where releases differ; as chart/crds.ts reads it. */
export const crdFields = knowledge(
  'osm-edge/crd-fields',
  row({ source: text, versions: list(version), crds: map(map(row({ in: spans, markers: map(spans) }))) }),
  () => crdFieldsTable,
);

const schemaObject = row({ closed: flag, allowed: list(text), required: list(text) });
export type SchemaObject = Of<typeof schemaObject>;
/** By path of an object among the values, from which release on. */
export const schema = knowledge('osm-edge/schema', row({ source: text, objects: map(map(either(none, schemaObject))) }), () => schemaTable);

const rule = { type: text, pattern: text, enum: list(text), minimum: number, maximum: number };
const typed = row({ type: text }, { pattern: text, enum: list(text), minimum: number, maximum: number, items: row({}, rule) });
/** Of single values, by path, from which release on: what the schema of the chart takes; null: it does not have the key. */
export const types = knowledge('osm-edge/types', row({ source: text, values: map(map(either(none, typed))) }), () => typesTable);
export type Rule = Partial<Of<typeof typed>>;
