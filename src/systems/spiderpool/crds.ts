// CustomResourceDefinitions: what a version of Spiderpool wants of them, from its chart or from the table of knowledge/crds.json, and what a live one lacks.
// Descriptions, printer columns, names and categories do not count: nothing that reads or writes objects sees them.
import type { Json, Raw } from '../../engine/contracts.ts';
import { deepEqual, isRaw } from '../../kube/json.ts';
import table from './knowledge/crds.json' with { type: 'json' };
import { type Spans, within } from './spans.ts';

/** What is wanted of one definition. */
export interface WantedCrd {
  name: string;
  /** The API versions that it must serve, each with what its schema must say: markers, or the version as the chart has it. */
  versions: { name: string; markers: string[] | Raw }[];
  /** As the chart has it. */
  object?: Raw;
}
/** By definition and API version. */
export type CrdTable = Record<string, Record<string, { in: Spans; markers: Record<string, Spans> }>>;

const VERSIONS: readonly string[] = table.versions;
const CRDS: CrdTable = table.crds;
export const CRD_NAMES: readonly string[] = Object.keys(CRDS);

/** undefined: the table does not know that version. */
export function wantedByTable(version: string): WantedCrd[] | undefined {
  const at = VERSIONS.indexOf(version);
  if (at < 0) return undefined;
  const wanted = Object.entries(CRDS).map(([name, apis]) => ({
    name,
    versions: Object.entries(apis)
      .filter(([, api]) => within(api.in, at, VERSIONS))
      .map(([api, { markers }]) => ({
        name: api,
        markers: Object.keys(markers).filter((marker) => within(markers[marker]!, at, VERSIONS)),
      })),
  }));
  return wanted.filter(({ versions }) => versions.length);
}

export function wantedByChart(crds: readonly Raw[]): WantedCrd[] {
  return crds.map((object) => ({
    name: nameOf(object),
    versions: versionsOf(object).map((version) => ({ name: String(version.name), markers: version })),
    object,
  }));
}

/** What the live definition does not say; in the order of the schema. A version that it does not serve is named alone. */
export function lacking(live: Raw, { versions }: WantedCrd): string[] {
  return versions.flatMap(({ name, markers }) => {
    const served = versionsOf(live).find((version) => version.name === name && version.served !== false);
    if (!served) return [name];
    if (isRaw(markers)) return [...new Set(differing(essence(served), essence(markers), ''))];
    const has = new Set(markersOf(served));
    return markers.filter((marker) => !has.has(marker));
  });
}

/** Does the live definition know fields that this one does not? To apply it would take them away from objects. */
export function knowsMore(live: Raw, wanted: Raw): boolean {
  return versionsOf(live).some((version) => {
    const ours = versionsOf(wanted).find(({ name }) => name === version.name);
    return !ours || differing(essence(ours), essence(version), '').length > 0;
  });
}

/** Versions in which objects may lie stored, and which the wanted definition does not have: the API server refuses it then. */
export function storedBeyond(live: Raw, { versions }: WantedCrd): string[] {
  const stored = isRaw(live.status) && Array.isArray(live.status.storedVersions) ? live.status.storedVersions : [];
  return stored.filter((each): each is string => typeof each === 'string' && !versions.some(({ name }) => name === each));
}

export function nameOf({ metadata }: Raw): string {
  return isRaw(metadata) ? String(metadata.name) : '';
}

export function versionsOf({ spec }: Raw): Raw[] {
  return isRaw(spec) && Array.isArray(spec.versions) ? spec.versions.filter(isRaw) : [];
}

// ---- comparing whole versions ---------------------------------------------------------------------------------------

function essence({ schema, subresources, served, storage }: Raw): Raw {
  return { schema: schema ?? {}, subresources: subresources ?? {}, served: served ?? true, storage: storage ?? true };
}

/** Paths at which `is` does not say what `should` says. A field more than wanted does no harm; anything else must be equal. */
function differing(is: Json | undefined, should: Json | undefined, path: string): string[] {
  if (!isRaw(is) || !isRaw(should)) return same(is, should) ? [] : [path];
  const ofFields = path.endsWith('.properties');
  return [...new Set([...Object.keys(should), ...Object.keys(is)])].flatMap((key) => {
    if (!ofFields && key === 'description') return [];
    if (ofFields && !Object.hasOwn(should, key)) return [];
    return differing(is[key], should[key], `${path}.${key}`);
  });
}

/** The order of required fields and of choices means nothing. */
function same(is: Json | undefined, should: Json | undefined): boolean {
  if (Array.isArray(is) && Array.isArray(should)) return deepEqual(is.map(undescribed).sort(byText), should.map(undescribed).sort(byText));
  return deepEqual(is, should);
}

const byText = (a: Json, b: Json): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

function undescribed(value: Json): Json {
  if (!isRaw(value)) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([key, inner]) => (key === 'description' ? [] : [[key, undescribed(inner)]])));
}

/** A path of `differing` as a person reads it: `spec.mode (enum)`. */
export function fieldOf(path: string): string {
  const schema = /^\.schema\.openAPIV3Schema(.*)$/.exec(path)?.[1];
  if (schema === undefined) return path.replace(/^\./, '');
  const parts = schema.split('.').filter(Boolean);
  const names: string[] = [];
  let keyword = '';
  for (let at = 0; at < parts.length; at++) {
    if (parts[at] === 'properties' && at + 1 < parts.length) names.push(parts[++at]!);
    else if (parts[at] === 'items' || parts[at] === 'additionalProperties') names.push('[]');
    else keyword = keyword || parts[at]!;
  }
  return `${names.join('.').replaceAll('.[]', '[]')}${keyword ? ` (${keyword})` : ''}`.trimStart();
}

// ---- markers --------------------------------------------------------------------------------------------------------

/** What a version of a definition says, as short texts: fields (`spec.mtu`), defaults (`spec.mtu=0`), choices (`spec.mode:auto`), subresources (`/status`). */
export function markersOf({ schema, subresources }: Raw): string[] {
  const root = isRaw(schema) && isRaw(schema.openAPIV3Schema) ? schema.openAPIV3Schema : {};
  return [...(isRaw(subresources) ? Object.keys(subresources).map((name) => `/${name}`) : []), ...markersBelow(root, '')];
}

function markersBelow(schema: Raw, path: string): string[] {
  const { properties, items, additionalProperties, enum: choices } = schema;
  return [
    ...('default' in schema ? [`${path}=${JSON.stringify(schema.default)}`] : []),
    ...(Array.isArray(choices) ? choices.map((choice) => `${path}:${JSON.stringify(choice)}`) : []),
    ...(isRaw(items) ? markersBelow(items, `${path}[]`) : []),
    ...(isRaw(additionalProperties) ? markersBelow(additionalProperties, `${path}{}`) : []),
    ...(isRaw(properties) ? Object.entries(properties).flatMap(([name, inner]) => fieldMarkers(name, inner, path)) : []),
  ];
}

function fieldMarkers(name: string, schema: Json, path: string): string[] {
  const here = path === '' ? name : `${path}.${name}`;
  return [here, ...(isRaw(schema) ? markersBelow(schema, here) : [])];
}
