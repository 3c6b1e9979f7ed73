// Makes `releases` and `migrated` of src/systems/kubernetes/knowledge/corefile.json from github.com/coredns/corefile-migration, which kubeadm holds its CoreDNS to, and which Go
// fetches (or has already):
//   node scripts/run.mjs knowledge/corefile
// Releases of CoreDNS that a migration may begin at, and plugins that it carries over. `removed` is written from CoreDNS itself, and stays.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import semver from 'semver';
import { fileOf, written } from './kubernetes.ts';

/** As in go.mod of kubeadm 1.38.0-beta.0; that of 1.37.2 is v1.0.34. */
const VERSION = 'v1.0.36';

/** `versions`: migration/versions.go. */
export function migrationsIn(versions: string): { releases: string[]; migrated: string[] } {
  const rows = versions.split(/^\t(?="\d+\.\d+\.\d+": \{$)/m).slice(1);
  const nameOf = (row: string) => /^"([\d.]+)"/.exec(row)![1]!;
  const releases = rows.map(nameOf).sort(semver.compare);
  const newest = rows.find((row) => nameOf(row) === releases.at(-1));
  const table = /plugins:\s+(plugins_\w+),/.exec(newest ?? '')?.[1];
  const plugins = new RegExp(`^var ${table} = map\\[string\\]plugin\\{\\n([\\s\\S]*?)^\\}`, 'm').exec(versions)?.[1];
  if (!plugins) throw new Error('migration/versions.go has another form than this script reads');
  return { releases, migrated: [...plugins.matchAll(/^\t"(\w+)":/gm)].map(([, name]) => name!) };
}

if (process.argv[1] === import.meta.filename) {
  const said = execFileSync('go', ['mod', 'download', '-json', `github.com/coredns/corefile-migration@${VERSION}`], { encoding: 'utf8' });
  const { Dir } = JSON.parse(said) as { Dir: string };
  const before = JSON.parse(readFileSync(fileOf('corefile'), 'utf8'));
  const made = migrationsIn(readFileSync(join(Dir, 'migration', 'versions.go'), 'utf8'));
  const source = `coredns/corefile-migration ${VERSION}: migration/versions.go; coredns/coredns: plugin.cfg, notes of its releases; made by scripts/knowledge/corefile.ts`;
  writeFileSync(fileOf('corefile'), written({ ...before, source, ...made }));
  console.error(`CoreDNS ${made.releases[0]} to ${made.releases.at(-1)}, ${made.migrated.length} plugins`);
}
