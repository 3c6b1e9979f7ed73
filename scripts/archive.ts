// Packs what is published into a folder: for every platform the krew archive and the Helm plugin, as folder and as archives; the krew manifest, and the sums.
// The same input gives the same bytes.
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';
import { parseDocument, type YAMLMap, type YAMLSeq } from 'yaml';
import { DIST, projectVersion } from './build.ts';
import { type Executable, LICENCES } from './executable.ts';
import { exeOf, nameOf, type Target } from './targets.ts';

const ROOT = join(import.meta.dirname, '..');
export const RELEASE = join(DIST, 'release');
/** The name in plugin.yaml. Helm 4 takes a local archive only with a folder in it that is named as the file is, up to its version. */
const HELM_PLUGIN = 'spiderpool-upgrade';
/** Level 9 saves 0.7 % and takes three times as long. */
const GZIP_LEVEL = 6;

/** Paths. */
export interface Release {
  platforms: PlatformRelease[];
  krewManifest: string;
  /** The same manifest under the name of the plugin, which krew-index demands. */
  krewIndexManifest: string;
  sums: string;
}
interface PlatformRelease {
  target: Target;
  krewArchive: string;
  /** For every Helm. */
  helmFolder: string;
  /** For Helm 4, as a local file and by address. */
  helmArchive: string;
  /** For Helm 3, by address: it wants everything at the root, which Helm 4 does not find in a local file. */
  helm3Archive: string;
}

/** Creates `into` again, empty. */
export async function archive(executables: Executable[], into = RELEASE): Promise<Release> {
  rmSync(into, { recursive: true, force: true });
  mkdirSync(into, { recursive: true });
  const platforms: PlatformRelease[] = [];
  for (const executable of executables) platforms.push(await archivePlatform(executable, into));
  const archives = platforms.flatMap(({ krewArchive, helmArchive, helm3Archive }) => [krewArchive, helmArchive, helm3Archive]);
  const manifest = krewManifest(platforms);
  const release = {
    platforms,
    krewManifest: join(into, 'krew-manifest.yaml'),
    krewIndexManifest: join(into, 'upgrade-guard.yaml'),
    sums: join(into, 'SHA256SUMS'),
  };
  for (const file of [release.krewManifest, release.krewIndexManifest]) writeFileSync(file, manifest);
  writeFileSync(release.sums, archives.map((file) => `${sumOf(file)}  ${basename(file)}\n`).join(''));
  return release;
}

async function archivePlatform(executable: Executable, into: string): Promise<PlatformRelease> {
  const { target } = executable;
  const helmFolder = helmPluginFolder(executable, join(into, nameOf(target)));
  const helmName = `${HELM_PLUGIN}-${projectVersion()}-${nameOf(target)}`;
  const inFolder = helmFiles(helmFolder, target);
  const nested = [{ name: '' }, ...inFolder].map((file) => ({ ...file, name: `${HELM_PLUGIN}/${file.name}` }));
  // Side by side: gzip works in threads of its own.
  const [krewArchive, helmArchive, helm3Archive] = await Promise.all([
    write(join(into, krewName(target)), krewFiles(executable)),
    write(join(into, `${helmName}.tgz`), nested),
    write(join(into, `${helmName}-helm3.tar.gz`), inFolder),
  ]);
  return { target, krewArchive, helmFolder, helmArchive, helm3Archive };
}

// ---- what goes where ------------------------------------------------------------------------------------------------

interface Packed {
  /** A folder's ends with a slash. */
  name: string;
  /** A folder without it. */
  from?: string;
  executable?: boolean;
}

const OURS = join(ROOT, 'LICENSE');
const krewName = (target: Target) => `kubectl-upgrade_guard_${target.os}_${target.arch}.tar.gz`;

/** krew takes regular files and folders only, and demands a licence. */
function krewFiles({ target, path }: Executable): Packed[] {
  return [
    ...[OURS, LICENCES].map((from) => ({ name: basename(from), from })),
    { name: `kubectl-upgrade_guard${exeOf(target)}`, from: path, executable: true },
  ];
}

/** Without an entry for the root itself, a folder before what lies in it: Helm 3 wants it so. */
function helmFiles(folder: string, target: Target): Packed[] {
  const binary = `bin/upgrade-guard${exeOf(target)}`;
  return [
    ...['LICENSE', 'THIRD_PARTY_LICENSES', 'plugin.yaml'].map((name) => ({ name, from: join(folder, name) })),
    { name: 'plugin.complete', from: join(folder, 'plugin.complete'), executable: true },
    { name: 'bin/' },
    { name: binary, from: join(folder, binary), executable: true },
  ];
}

/** Makes `into`/spiderpool-upgrade: what `helm plugin install FOLDER` takes, on every Helm and without network. */
export function helmPluginFolder({ target, path }: Executable, into: string): string {
  const folder = join(into, HELM_PLUGIN);
  mkdirSync(join(folder, 'bin'), { recursive: true });
  for (const file of [OURS, LICENCES, join(ROOT, 'plugin.yaml')]) copyFileSync(file, join(folder, basename(file)));
  const executables = { 'plugin.complete': join(ROOT, 'plugin.complete'), [`bin/upgrade-guard${exeOf(target)}`]: path };
  for (const [name, from] of Object.entries(executables)) {
    copyFileSync(from, join(folder, name));
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}

// ---- archives and sums ----------------------------------------------------------------------------------------------

/** Returns `file`. */
async function write(file: string, entries: Packed[]): Promise<string> {
  const tar = pack();
  for (const { name, from, executable } of entries) {
    const header = { name, mtime: new Date(0), uid: 0, gid: 0, mode: executable || !from ? 0o755 : 0o644 };
    if (from) tar.entry(header, readFileSync(from));
    else tar.entry({ ...header, type: 'directory' });
  }
  tar.finalize();
  writeFileSync(file, await buffer(tar.pipe(createGzip({ level: GZIP_LEVEL }))));
  return file;
}

function sumOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

/** krew-manifest.yaml with the sums of what was packed; other platforms are left out. */
function krewManifest(packed: PlatformRelease[]): string {
  // Its first lines speak about the pattern.
  const manifest = parseDocument(readFileSync(join(ROOT, 'krew-manifest.yaml'), 'utf8').replace(/^(#.*\n)+/, ''));
  const platforms = manifest.getIn(['spec', 'platforms']) as YAMLSeq<YAMLMap>;
  platforms.items = platforms.items.filter((platform) => {
    const of = (label: string) => platform.getIn(['selector', 'matchLabels', label]);
    const found = packed.find(({ target }) => target.os === of('os') && target.arch === of('arch'));
    if (found) platform.set('sha256', sumOf(found.krewArchive));
    return found !== undefined;
  });
  return manifest.toString({ lineWidth: 0 });
}
