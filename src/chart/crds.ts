// CRDs: what a version of a system wants of them, from its chart or from a table made from the charts of all releases, and what a live one lacks.
// Descriptions, printer columns, names and categories do not count: nothing that reads or writes objects sees them.
import type { Column, Json, Language, Raw, Ref } from '../engine/contracts.ts';
import { tree } from '../engine/read/index.ts';
import { deepEqual, isRaw } from '../kube/json.ts';
import { type Spans, within } from './spans.ts';

/** What is read of a live one. Schemas are public, and verdicts hang on every word of them. */
export const DEFINITION: readonly Column[] = [tree('spec'), tree('status.storedVersions')];

/** What is wanted of one CRD. */
export interface WantedCrd {
  name: string;
  /** The API versions that it must serve, each with what its schema must say: markers, or the version as the chart has it. `changing`: fields that releases gained or lost. */
  versions: { name: string; markers: string[] | Raw; changing: string[] }[];
  /** As the chart has it. */
  object?: Raw;
}
/** By CRD and API version. */
export type CrdTable = Record<string, Record<string, { in: Spans; markers: Record<string, Spans> }>>;

export interface CrdKnowledge {
  versions: readonly string[];
  crds: CrdTable;
}

export const CRDS = 'customresourcedefinitions.apiextensions.k8s.io';
export const crdRef = (name: string): Ref => ({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name });

/** undefined: the table does not know that version. */
export function crdsByTable({ versions: releases, crds }: CrdKnowledge, version: string): WantedCrd[] | undefined {
  const at = releases.indexOf(version);
  if (at < 0) return undefined;
  const wanted = Object.entries(crds).map(([name, apis]) => ({
    name,
    versions: Object.entries(apis)
      .filter(([, api]) => within(api.in, at, releases))
      .map(([api, { markers }]) => ({
        name: api,
        markers: Object.keys(markers).filter((marker) => within(markers[marker]!, at, releases)),
        changing: Object.keys(markers).filter(isField),
      })),
  }));
  return wanted.filter(({ versions }) => versions.length);
}

export function crdsByChart(crds: readonly Raw[]): WantedCrd[] {
  return crds.map((object) => ({
    name: nameOf(object),
    versions: versionsOf(object).map((version) => ({ name: String(version.name), markers: version, changing: [] })),
    object,
  }));
}

/** What the live CRD lacks; in the order of the schema. A version that it does not serve is named alone. */
export function lacking(live: Raw, { versions }: WantedCrd): string[] {
  return versions.flatMap(({ name, markers }) => {
    const served = versionsOf(live).find((version) => version.name === name && version.served !== false);
    if (!served) return [name];
    // Only a dump may have left the schema out: an API server stores no version without one.
    if (!isRaw(served.schema)) return [];
    if (isRaw(markers)) return [...new Set(differing(essence(served), essence(markers), ''))];
    const has = new Set(markersOf(served));
    return markers.filter((marker) => !has.has(marker));
  });
}

/** Does the live CRD have fields that this one lacks? To apply it would take them away from objects. */
export function knowsMore(live: Raw, wanted: Raw): boolean {
  return versionsOf(live).some((version) => {
    const ours = versionsOf(wanted).find(({ name }) => name === version.name);
    return !ours || differing(essence(ours), essence(version), '').length > 0;
  });
}

/** Versions in which objects may lie stored, and which the wanted CRD does not have: the API server refuses it then. */
export function storedBeyond(live: Raw, { versions }: WantedCrd): string[] {
  const stored = isRaw(live.status) && Array.isArray(live.status.storedVersions) ? live.status.storedVersions : [];
  return stored.filter((each): each is string => typeof each === 'string' && !versions.some(({ name }) => name === each));
}

// ---- fields that a version does not know ----------------------------------------------------------------------------

/** Fields of an object that hold values and that the wanted CRD does not have, the topmost alone: `spec.macvlan.mtu`. The API server drops them at the next write. */
export function heldBeyond(object: Raw, { versions }: WantedCrd): string[] {
  const api = String(object.apiVersion).split('/')[1] ?? '';
  const wanted = versions.find((version) => version.name === api);
  if (!wanted) return [];
  const knows = isRaw(wanted.markers) ? schemaKnows(wanted.markers) : tableKnows(wanted.changing, wanted.markers);
  return isRaw(object.spec) ? [...new Set(beyond(object.spec, 'spec', knows))] : [];
}

/** Does a version know the field at this path? */
type Knows = (path: string) => boolean;

/** Fields that no version ever gained or lost are in no table. */
function tableKnows(fields: readonly string[], has: readonly string[]): Knows {
  const [changing, there] = [new Set(fields), new Set(has)];
  return (path) => !changing.has(path) || there.has(path);
}

function schemaKnows(version: Raw): Knows {
  const root = isRaw(version.schema) && isRaw(version.schema.openAPIV3Schema) ? version.schema.openAPIV3Schema : {};
  const fields = new Set(markersOf(version).filter(isField));
  const open = openPaths(root, '');
  return (path) => fields.has(path) || open.some((above) => path.startsWith(above));
}

/** Where anything goes: below objects that keep unknown fields, and keys of maps. */
function openPaths(schema: Raw, path: string): string[] {
  const { properties, items, additionalProperties } = schema;
  const isOpen =
    schema['x-kubernetes-preserve-unknown-fields'] === true || (additionalProperties !== undefined && additionalProperties !== false);
  return [
    ...(isOpen ? [`${path}.`] : []),
    ...(isRaw(items) ? openPaths(items, `${path}[]`) : []),
    ...(isRaw(properties)
      ? Object.entries(properties).flatMap(([name, inner]) => (isRaw(inner) ? openPaths(inner, path ? `${path}.${name}` : name) : []))
      : []),
  ];
}

function beyond(value: Json, path: string, knows: Knows): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => beyond(item, `${path}[]`, knows));
  if (!isRaw(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const here = `${path}.${key}`;
    if (!knows(here)) return holdsNothing(inner) ? [] : [here];
    return beyond(inner, here, knows);
  });
}

/** What reads the same as a field that is missing. */
function holdsNothing(value: Json): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (isRaw(value)) return Object.values(value).every(holdsNothing);
  return value === null || value === '' || value === 0 || value === false;
}

/** Of markers: a field, and not a default, a choice or a subresource. */
const isField = (marker: string): boolean => /^[\w.{}[\]-]+$/.test(marker);

/** Fields that the wanted CRD adds, and fields that it drops, against the live one; the topmost alone. */
export function fieldsBetween(live: Raw, { versions }: WantedCrd): { adds: string[]; drops: string[] } {
  const pairs = versions.map(({ name: api, markers, changing }) => {
    const served = versionsOf(live).find((version) => version.name === api);
    const has = new Set(served ? markersOf(served).filter(isField) : []);
    const wants = new Set((isRaw(markers) ? markersOf(markers) : markers).filter(isField));
    const known = isRaw(markers) ? [...has] : changing.filter((field) => has.has(field));
    return { adds: [...wants].filter((field) => !has.has(field)), drops: known.filter((field) => !wants.has(field)) };
  });
  return { adds: topmost(pairs.flatMap(({ adds }) => adds)), drops: topmost(pairs.flatMap(({ drops }) => drops)) };
}

const topmost = (fields: readonly string[]): string[] =>
  fields.filter((field) => !fields.some((above) => ['.', '[', '{'].some((next) => field.startsWith(above + next))));

/** Fields below spec that some release of this API version has and some other has not, the topmost alone: no other field can be lost on the way from one to another. */
export function changingFields({ crds }: CrdKnowledge, crd: string, api: string): string[] {
  const fields = Object.keys(crds[crd]?.[api]?.markers ?? {}).filter(isField);
  return topmost(fields.filter((field) => field.startsWith('spec.')));
}

/** The first release behind this one that has the field (again), candidates aside. */
export function knownAgain({ versions, crds }: CrdKnowledge, crd: string, api: string, field: string, version: string): string | undefined {
  const spans = crds[crd]?.[api]?.markers[field];
  return versions.find(
    (each, at) => at > versions.indexOf(version) && !each.includes('-') && spans !== undefined && within(spans, at, versions),
  );
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

/** What a live CRD lacks, as a person reads it: a marker (`default of spec.mtu (0)`, `value "auto" of spec.mode`) or a path of `differing` (`spec.mode (enum)`). */
export function fieldOf(path: string, language: Language = 'en'): string {
  const marker = /^([\w.{}[\]-]+)([=:])(.+)$/.exec(path);
  if (marker) {
    const [, field, kind, value] = marker;
    if (language === 'zh') return kind === '=' ? `${field} 的默认值（${value}）` : `${field} 的可选值 ${value}`;
    return kind === '=' ? `default of ${field} (${value})` : `value ${value} of ${field}`;
  }
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

/** What a version of a CRD says, as short texts: fields (`spec.mtu`), defaults (`spec.mtu=0`), choices (`spec.mode:auto`), subresources (`/status`). */
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
