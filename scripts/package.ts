// npm run package: everything that is installed, for this machine: the executable, the krew archive with its manifest, the Helm plugin as directory and archives.
// `-- --all`, or names such as linux-arm64: for other platforms (the Node.js of those comes from npm then). `-- --host`: the executable of this machine alone.
import { readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { archive, type Release } from './archive.ts';
import { projectVersion } from './build.ts';
import { type Executable, executablesFor, LICENCES } from './executable.ts';
import { hostTarget, NODE_VERSION, nameOf, TARGETS, targetNamed } from './targets.ts';

const ROOT = join(import.meta.dirname, '..');

const words = process.argv.slice(2);
const onlyExecutable = words.includes('--host');
const named = words.filter((word) => word !== '--host' && word !== '--all').map(targetNamed);
const targets = words.includes('--all') ? TARGETS : named.length > 0 ? named : [hostTarget()];
const executables = await executablesFor(targets);
say(`upgrade-guard ${projectVersion()} for ${targets.map(nameOf).join(', ')}, on Node.js ${NODE_VERSION}:`);
tellExecutables(executables);
if (!onlyExecutable) tellRelease(await archive(executables));

function tellExecutables(made: Executable[]): void {
  for (const { path } of made) tell(path, 'the executable');
  tell(LICENCES, 'third-party licences');
}

function tellRelease({ platforms, krewManifest, krewIndexManifest, sums }: Release): void {
  for (const { krewArchive, helmFolder, helmArchive, helm3Archive } of platforms) {
    tell(krewArchive, 'krew archive');
    tell(`${helmFolder}/`, 'Helm plugin as a directory, for Helm 3 and 4');
    tell(helmArchive, 'Helm plugin archive for Helm 4, from a local file or a URL');
    tell(helm3Archive, 'Helm plugin archive for Helm 3, from a URL');
  }
  tell(krewManifest, 'krew manifest with the checksums of these archives');
  tell(krewIndexManifest, 'the same content under the file name that krew-index requires');
  tell(sums, 'SHA-256 checksums of the archives');
  const here = platforms.find(({ target }) => target === hostTarget());
  if (!here) return;
  say('To install (more in docs/installing.md):');
  say(`  kubectl krew install --manifest=${shown(krewManifest)} --archive=${shown(here.krewArchive)}`);
  say(`  helm plugin install ${shown(here.helmFolder)}`);
}

function tell(path: string, what: string): void {
  say(`  ${shown(path).padEnd(68)} ${sizeOf(path).padStart(7)}  ${what}`);
}

function sizeOf(path: string): string {
  const files = statSync(path).isDirectory()
    ? readdirSync(path, { recursive: true, encoding: 'utf8' }).map((name) => join(path, name))
    : [path];
  const bytes = files.reduce((sum, file) => sum + (statSync(file).isFile() ? statSync(file).size : 0), 0);
  return bytes >= 1e6 ? `${Math.round(bytes / 1e6)} MB` : `${Math.ceil(bytes / 1e3)} kB`;
}

function shown(path: string): string {
  return relative(ROOT, path) + (path.endsWith('/') ? '/' : '');
}

function say(line: string): void {
  console.log(line);
}
