// Packs what is published into dist/release: for every platform the krew archive and the Helm plugin, as folder and archive; then the sums and the krew manifest with them.
// `npm run archive` for this machine, `-- --all` or names such as linux-arm64 for others. The same input gives the same bytes.
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';
import { parseDocument, type YAMLMap, type YAMLSeq } from 'yaml';
import { DIST, projectVersion } from './build.ts';
import { packageFor } from './package.ts';
import { exeOf, hostTarget, nameOf, TARGETS, type Target, targetNamed } from './targets.ts';

const ROOT = join(import.meta.dirname, '..');
const RELEASE = join(DIST, 'release');
const LICENCES = [join(ROOT, 'LICENSE'), join(DIST, 'THIRD_PARTY_LICENSES')];
/** Level 9 saves 0.7 % and takes three times as long. */
const GZIP_LEVEL = 6;

export interface Release {
  krewManifest: string;
  platforms: { target: Target; krewArchive: string; helmFolder: string; helmArchive: string }[];
}

export async function archive(targets: Target[]): Promise<Release> {
  const binaries = await packageFor(targets);
  rmSync(RELEASE, { recursive: true, force: true });
  mkdirSync(RELEASE, { recursive: true });
  const sums = new Map<string, string>();
  const platforms: Release['platforms'] = [];
  for (const [index, target] of targets.entries()) {
    const binary = binaries[index]!;
    const krewArchive = await write(krewName(target), krewFiles(target, binary), sums);
    const helmFolder = helmPluginFolder(target, binary, join(RELEASE, nameOf(target)));
    const helmArchive = await write(helmName(target), helmFiles(target, helmFolder), sums);
    platforms.push({ target, krewArchive, helmFolder, helmArchive });
  }
  writeFileSync(join(RELEASE, 'SHA256SUMS'), [...sums].map(([file, sum]) => `${sum}  ${file}\n`).join(''));
  return { krewManifest: writeKrewManifest(targets, sums), platforms };
}

// ---- what goes where ------------------------------------------------------------------------------------------------

interface Packed {
  name: string;
  /** A folder without it. */
  from?: string;
  executable?: boolean;
}

const krewName = (target: Target) => `kubectl-upgrade_guard_${target.os}_${target.arch}.tar.gz`;
const helmName = (target: Target) => `spiderpool-upgrade-${projectVersion()}-${nameOf(target)}.tar.gz`;
const base = (file: string) => file.slice(file.lastIndexOf('/') + 1);

/** krew takes regular files and folders only, and demands a licence. */
function krewFiles(target: Target, binary: string): Packed[] {
  return [
    ...LICENCES.map((from) => ({ name: base(from), from })),
    { name: `kubectl-upgrade_guard${exeOf(target)}`, from: binary, executable: true },
  ];
}

/** Everything at the root, without an entry for the root itself, folders before what lies in them: Helm 3 wants it so. */
function helmFiles(target: Target, folder: string): Packed[] {
  const binary = `bin/upgrade-guard${exeOf(target)}`;
  return [
    ...[...LICENCES.map(base), 'plugin.yaml'].map((name) => ({ name, from: join(folder, name) })),
    { name: 'bin/' },
    { name: binary, from: join(folder, binary), executable: true },
  ];
}

/** Makes `into`/spiderpool-upgrade: what `helm plugin install FOLDER` takes, on every Helm and without network. */
export function helmPluginFolder(target: Target, binary: string, into: string): string {
  const folder = join(into, 'spiderpool-upgrade');
  mkdirSync(join(folder, 'bin'), { recursive: true });
  for (const file of [...LICENCES, join(ROOT, 'plugin.yaml')]) copyFileSync(file, join(folder, base(file)));
  const inside = join(folder, 'bin', `upgrade-guard${exeOf(target)}`);
  copyFileSync(binary, inside);
  chmodSync(inside, 0o755);
  return folder;
}

// ---- archives and sums ----------------------------------------------------------------------------------------------

async function write(name: string, files: Packed[], sums: Map<string, string>): Promise<string> {
  const tar = pack();
  for (const { name, from, executable } of files) {
    const header = { name, mtime: new Date(0), uid: 0, gid: 0, mode: executable || !from ? 0o755 : 0o644 };
    if (from) tar.entry(header, readFileSync(from));
    else tar.entry({ ...header, type: 'directory' });
  }
  tar.finalize();
  const bytes = await buffer(tar.pipe(createGzip({ level: GZIP_LEVEL })));
  sums.set(name, createHash('sha256').update(bytes).digest('hex'));
  writeFileSync(join(RELEASE, name), bytes);
  return join(RELEASE, name);
}

/** krew-manifest.yaml with the sums of what was packed; other platforms are left out. krew-index wants the file named like the plugin. */
function writeKrewManifest(targets: Target[], sums: Map<string, string>): string {
  const manifest = parseDocument(readFileSync(join(ROOT, 'krew-manifest.yaml'), 'utf8'));
  // It speaks about the pattern.
  if (manifest.contents) manifest.contents.commentBefore = null;
  const platforms = manifest.getIn(['spec', 'platforms']) as YAMLSeq<YAMLMap>;
  platforms.items = platforms.items.filter((platform) => {
    const target = targets.find(
      ({ os, arch }) =>
        platform.getIn(['selector', 'matchLabels', 'os']) === os && platform.getIn(['selector', 'matchLabels', 'arch']) === arch,
    );
    if (target) platform.set('sha256', sums.get(krewName(target)));
    return target !== undefined;
  });
  const file = join(RELEASE, 'upgrade-guard.yaml');
  writeFileSync(file, manifest.toString({ lineWidth: 0 }));
  return file;
}

if (process.argv[1] === import.meta.filename) {
  const words = process.argv.slice(2);
  const targets = words.includes('--all') ? TARGETS : words.map(targetNamed);
  const release = await archive(targets.length > 0 ? targets : [hostTarget()]);
  for (const { krewArchive, helmArchive } of release.platforms)
    console.log(`${relative(ROOT, krewArchive)}\n${relative(ROOT, helmArchive)}`);
  console.log(relative(ROOT, release.krewManifest));
}
