// Makes src/systems/osm-edge/knowledge/*.json from the tables that were derived from the tags and the chart repository of github.com/flomesh-io/osm-edge:
//   node scripts/run.mjs knowledge/osm-edge PATH-OF-THE-TABLES
// Facts only: releases with their images, CRD versions, which MeshConfig fields a fresh install of each version has, and which keys the closed schema of each chart takes.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import semver from 'semver';
import type { Json, Raw } from '../../src/engine/contracts.ts';

const KNOWLEDGE = join(import.meta.dirname, '..', '..', 'src', 'systems', 'osm-edge', 'knowledge');

interface Tag {
  tag: string;
  publishedChart: { version: string } | null;
  gitChart: { name: string };
  image: { tag: string };
  sidecar: { drivers: Record<string, string> };
  dependencies: Record<string, string>;
}

/** One row per published chart version: the image tag that it deploys, its sidecar, its subchart fsm. */
export function releasesOf(tags: readonly Tag[]): Raw {
  const rows = tags
    .filter(({ publishedChart, gitChart }) => publishedChart && gitChart.name === 'osm-edge')
    .map(({ publishedChart, image, sidecar, dependencies }) => ({
      version: publishedChart!.version,
      image: image.tag,
      ...(sidecar.drivers.pipy ? { pipy: sidecar.drivers.pipy } : {}),
      ...(dependencies.fsm ? { fsm: dependencies.fsm } : {}),
    }))
    .toSorted((a, b) => semver.compare(a.version, b.version));
  return {
    source: 'index.yaml on branch gh-pages and charts/osm at each tag of github.com/flomesh-io/osm-edge (v1.1.0 to v1.3.9)',
    knownFrom: rows[0]!.version,
    knownUpTo: rows.at(-1)!.version,
    releases: rows,
  };
}

/** By CRD, then by version of osm-edge: the API versions with what is stored, served (u: not). Equal neighbours are one row, the first. */
export function crdsOf(table: Record<string, Record<string, { versions: { name: string; served: boolean; storage: boolean }[] }>>): Raw {
  const releases = Object.keys(table).toSorted(semver.compare);
  const names = [...new Set(releases.flatMap((release) => Object.keys(table[release]!)))].sort();
  const spelled = (release: string, name: string): string[] | null =>
    table[release]![name]?.versions.map(({ name: version, served, storage }) => `${version}${storage ? '*' : served ? '' : 'u'}`) ?? null;
  return {
    source: 'cmd/osm-bootstrap/crds of github.com/flomesh-io/osm-edge at each tag',
    crds: Object.fromEntries(names.map((name) => [name, changes(releases, (release) => spelled(release, name))])),
  };
}

/** MeshConfig spec of a fresh install, by path, then by the version since which it has that value. */
export function presetsOf(presets: Record<string, Raw>, mapping: readonly Raw[]): Raw {
  const releases = Object.keys(presets).toSorted(semver.compare);
  const paths = [...new Set(releases.flatMap((release) => leaves(presets[release]!)))].sort();
  return {
    source: 'charts/osm/templates/preset-mesh-config.yaml of github.com/flomesh-io/osm-edge, rendered with default values at each tag',
    fields: Object.fromEntries(paths.map((path) => [path, changes(releases, (release) => at(presets[release]!, path) ?? null)])),
    values: mapping.map(({ valuesKey, meshConfigPath, since, alsoUsedBy, whenMissingInMeshConfig }) => ({
      key: valuesKey!,
      path: String(meshConfigPath).replace(/^spec\./, ''),
      since: String(since).replace(/^v/, ''),
      ...(Array.isArray(alsoUsedBy) && alsoUsedBy.length ? { alsoUsedBy } : {}),
      missing: whenMissingInMeshConfig ?? null,
    })),
  };
}

/** Closed objects of values.schema.json, by path, then by version: the keys that are taken, and those that must be there. */
export function schemasOf(schemas: Record<string, { path: string; closed: boolean; allowed: string[]; required: string[] }[]>): Raw {
  const releases = Object.keys(schemas).toSorted(semver.compare);
  const paths = [...new Set(releases.flatMap((release) => schemas[release]!.map(({ path }) => path)))].sort();
  const shape = (release: string, path: string): Json => {
    const found = schemas[release]!.find((each) => each.path === path);
    return found ? { closed: found.closed, allowed: found.allowed.toSorted(), required: found.required.toSorted() } : null;
  };
  return {
    source: 'charts/osm/values.schema.json of github.com/flomesh-io/osm-edge at each tag',
    objects: Object.fromEntries(paths.map((path) => [path, changes(releases, (release) => shape(release, path))])),
  };
}

/** What values.schema.json says of single values, by path, then by version: their type, their pattern, the words or numbers that it takes. `items`: of the elements of a list. */
export function typesOf(schemas: Record<string, Raw>): Raw {
  const releases = Object.keys(schemas).toSorted(semver.compare);
  const leavesIn = Object.fromEntries(releases.map((release) => [release, typed(schemas[release]!)]));
  const paths = [...new Set(releases.flatMap((release) => Object.keys(leavesIn[release]!)))].sort();
  return {
    source: 'charts/osm/values.schema.json of github.com/flomesh-io/osm-edge at v1.1.3, v1.2.3, v1.3.0, v1.3.9',
    values: Object.fromEntries(paths.map((path) => [path, changes(releases, (release) => leavesIn[release]![path] ?? null)])),
  };
}

const SAID = ['type', 'pattern', 'enum', 'minimum', 'maximum'];
function typed(node: Raw, above: string[] = []): Raw {
  const properties = node.properties as Raw | undefined;
  if (properties) return Object.assign({}, ...Object.entries(properties).map(([key, inner]) => typed(inner as Raw, [...above, key])));
  const said = (of: Raw): Raw => Object.fromEntries(SAID.flatMap((name) => (of[name] === undefined ? [] : [[name, of[name]!]])));
  const own = said(node);
  const items = node.items ? said(node.items as Raw) : {};
  return own.type ? { [above.join('.')]: { ...own, ...(Object.keys(items).length ? { items } : {}) } } : {};
}

/** `{version: value}` of each version at which the value changes; the first is always there. */
function changes(releases: readonly string[], valueAt: (release: string) => Json): Raw {
  const rows: Raw = {};
  let last: string | undefined;
  for (const release of releases) {
    const value = valueAt(release);
    const text = JSON.stringify(value);
    if (text !== last) rows[release] = value;
    last = text;
  }
  return rows;
}

function leaves(value: Raw, prefix = ''): string[] {
  return Object.entries(value).flatMap(([key, inner]) => {
    const path = prefix ? `${prefix}.${key}` : key;
    return inner !== null && typeof inner === 'object' && !Array.isArray(inner) && Object.keys(inner).length
      ? leaves(inner as Raw, path)
      : [path];
  });
}

const at = (value: Raw, path: string): Json | undefined =>
  path.split('.').reduce<Json | undefined>((inner, key) => (inner as Raw | undefined)?.[key], value);

export function knowledgeFrom(tables: string): Record<string, Raw> {
  const read = (name: string) => JSON.parse(readFileSync(join(tables, name), 'utf8'));
  const folder = (name: string) =>
    Object.fromEntries(readdirSync(join(tables, name)).map((file) => [file.replace(/\.json$/, ''), read(join(name, file))]));
  return {
    'releases.json': releasesOf(read('releases.json')),
    'crds.json': crdsOf(read('crds.json')),
    'meshconfig.json': presetsOf(folder('preset-meshconfig'), read('values-to-meshconfig.json')),
    'schema.json': schemasOf(folder('values-schema')),
    'types.json': typesOf(
      Object.fromEntries(
        readdirSync(join(tables, '..', 'charts')).map((version) => [version, read(`../charts/${version}/osm-edge/values.schema.json`)]),
      ),
    ),
  };
}

if (process.argv[1] === import.meta.filename) {
  const tables = process.argv[2];
  if (!tables) throw new Error('give the path of the tables');
  for (const [name, data] of Object.entries(knowledgeFrom(tables)))
    writeFileSync(join(KNOWLEDGE, name), `${JSON.stringify(data, undefined, 2)}\n`);
}
