// Makes src/systems/spiderpool/knowledge/crds.json from a clone of github.com/spidernet-io/spiderpool with its tags:
//   node scripts/run.mjs knowledge/spiderpool-crds PATH-OF-THE-CLONE
// Facts only: which definition each release brings, in which API version, and the fields, defaults and choices in which releases differ.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { type CrdTable, markersOf, nameOf, versionsOf } from '../../src/chart/crds.ts';
import type { Raw } from '../../src/engine/contracts.ts';
import { compare } from '../../src/versions/chart.ts';
import { FOLDER, git, releases, spansOf } from './releases.ts';

/** The first chart whose definitions have today's names. */
const FIRST = '0.0.5';
const CRDS = 'charts/spiderpool/crds/';

function crdsOf(clone: string, tag: string): Raw[] {
  const files = git(clone, 'ls-tree', '-r', '--name-only', tag, CRDS).split('\n').filter(Boolean);
  return files.flatMap((file) => [...parseAllDocuments(git(clone, 'show', `${tag}:${file}`))].map((document) => document.toJS() as Raw));
}

/** The table of knowledge/crds.json from charts: markers that some versions have and others have not. */
export function tableOf(charts: readonly { version: string; crds: readonly Raw[] }[]): { versions: string[]; crds: CrdTable } {
  const sorted = charts.toSorted((a, b) => compare(a.version, b.version));
  const versions = sorted.map(({ version }) => version);
  const seen = new Map<string, Map<string, Set<string>[]>>();
  for (const [at, { crds }] of sorted.entries()) {
    for (const crd of crds) {
      for (const version of versionsOf(crd)) {
        const apis = getOr(seen, nameOf(crd), () => new Map<string, Set<string>[]>());
        getOr(apis, String(version.name), () => [])[at] = new Set(markersOf(version));
      }
    }
  }
  const crds = [...seen]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, apis]) => [name, Object.fromEntries([...apis].map(([api, sets]) => [api, entryOf(sets, versions)]))]);
  return { versions, crds: Object.fromEntries(crds) };
}

function entryOf(sets: readonly (Set<string> | undefined)[], versions: readonly string[]): CrdTable[string][string] {
  const all = new Set(sets.flatMap((set) => [...(set ?? [])]));
  const changing = [...all].filter((marker) => sets.some((set) => set && !set.has(marker)));
  const spans = (has: (set: Set<string>) => boolean) =>
    spansOf(
      versions.map((_, at) => sets[at] !== undefined && has(sets[at])),
      versions,
    );
  return { in: spans(() => true), markers: Object.fromEntries(changing.sort().map((marker) => [marker, spans((set) => set.has(marker))])) };
}

function getOr<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

function main(clone: string | undefined): void {
  if (!clone) throw new Error('making knowledge/crds.json: name the folder of a clone of spidernet-io/spiderpool');
  const versions = releases(clone, FIRST);
  const table = tableOf(versions.map((version) => ({ version, crds: crdsOf(clone, `v${version}`) })));
  const source = 'charts/spiderpool/crds of github.com/spidernet-io/spiderpool at each tag; made by scripts/knowledge/spiderpool-crds.ts';
  writeFileSync(join(FOLDER, 'crds.json'), `${JSON.stringify({ source, ...table }, null, 2)}\n`);
}

if (process.argv[1] === import.meta.filename) main(process.argv[2]);
