// The rules that krew enforces on a manifest and an archive, held to what we publish.
// Source: krew pkg/index/types.go, internal/index/validation/validate.go, internal/download/downloader.go.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { archive, type Release } from '../../scripts/archive.ts';
import { projectVersion } from '../../scripts/build.ts';
import { hostTarget, TARGETS } from '../../scripts/targets.ts';

const ROOT = join(import.meta.dirname, '../..');

interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec: {
    version: string;
    shortDescription: string;
    description: string;
    homepage: string;
    caveats: string;
    platforms: {
      uri: string;
      sha256: string;
      bin: string;
      files?: { from: string; to: string }[];
      selector: { matchLabels: Record<string, string> };
    }[];
  };
}
const read = (file: string): Manifest => parse(readFileSync(file, 'utf8'));

let release: Release;
beforeAll(async () => {
  release = await archive([hostTarget()]);
});

function holdsTheRules({ apiVersion, kind, metadata, spec }: Manifest): void {
  expect([apiVersion, kind, metadata.name]).toEqual(['krew.googlecontainertools.github.com/v1alpha2', 'Plugin', 'upgrade-guard']);
  expect(spec.version).toBe(`v${projectVersion()}`);
  expect(spec.version).toMatch(/^v\d+\.\d+\.\d+/);
  expect(spec.shortDescription).toMatch(/^[^\n]{1,50}$/);
  for (const line of `${spec.description}\n${spec.caveats}`.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  expect(spec.platforms.length).toBeGreaterThan(0);
  for (const { uri, sha256, bin, files, selector } of spec.platforms) {
    const { os, arch, ...others } = selector.matchLabels;
    expect(others).toEqual({});
    expect(sha256).toMatch(/^[a-f0-9]{64}$/);
    expect(files).toBeUndefined();
    expect(bin).toBe(os === 'windows' ? 'kubectl-upgrade_guard.exe' : 'kubectl-upgrade_guard');
    expect(uri).toMatch(new RegExp(`^https://.*/${spec.version}/kubectl-upgrade_guard_${os}_${arch}\\.tar\\.gz$`));
  }
}

async function entriesOf(archive: string): Promise<Header[]> {
  const entries = Readable.from([gunzipSync(readFileSync(archive))]).pipe(extract());
  const found: Header[] = [];
  for await (const entry of entries) {
    found.push(entry.header);
    entry.resume();
  }
  return found;
}

describe('krew', () => {
  it('the manifest of the repository names every platform once', () => {
    const manifest = read(join(ROOT, 'krew-manifest.yaml'));
    holdsTheRules(manifest);
    const platforms = manifest.spec.platforms.map(({ selector }) => `${selector.matchLabels.os}-${selector.matchLabels.arch}`);
    expect(platforms).toEqual(TARGETS.map(({ os, arch }) => `${os}-${arch}`));
  });

  it('the manifest of a release names what was packed, with its sum', () => {
    const manifest = read(release.krewManifest);
    holdsTheRules(manifest);
    const sum = createHash('sha256').update(readFileSync(release.platforms[0]!.krewArchive)).digest('hex');
    expect(manifest.spec.platforms.map(({ sha256 }) => sha256)).toEqual([sum]);
    expect(readFileSync(join(release.krewManifest, '..', 'SHA256SUMS'), 'utf8')).toContain(sum);
  });

  it('the archive holds plain files only, with a licence and an executable', async () => {
    const entries = await entriesOf(release.platforms[0]!.krewArchive);
    expect(entries.map(({ name, type, mode }) => [name, type, mode?.toString(8)])).toEqual([
      ['LICENSE', 'file', '644'],
      ['THIRD_PARTY_LICENSES', 'file', '644'],
      ['kubectl-upgrade_guard', 'file', '755'],
    ]);
  });

  it('the Helm archive is flat, folders first', async () => {
    const entries = await entriesOf(release.platforms[0]!.helmArchive);
    expect(entries.map(({ name, type }) => [name, type])).toEqual([
      ['LICENSE', 'file'],
      ['THIRD_PARTY_LICENSES', 'file'],
      ['plugin.yaml', 'file'],
      ['bin/', 'directory'],
      ['bin/upgrade-guard', 'file'],
    ]);
  });

  it('names the licences of what is inside', () => {
    const text = readFileSync(join(ROOT, 'dist/THIRD_PARTY_LICENSES'), 'utf8');
    for (const name of ['cac', '@kubernetes/client-node', 'Node.js']) expect(text).toContain(`\n${name} `);
  });
});
