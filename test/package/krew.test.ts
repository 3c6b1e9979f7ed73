// The rules that krew enforces on a manifest and an archive, and those of its index, held to what we publish.
// Sources: krew pkg/index/types.go, internal/index/validation/validate.go, internal/download/downloader.go, cmd/validate-krew-manifest/main.go; reviews in krew-index.
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { archive, type Release } from '../../scripts/archive.ts';
import { projectVersion } from '../../scripts/build.ts';
import { exeOf, TARGETS } from '../../scripts/targets.ts';
import { SYSTEMS } from '../../src/systems/index.ts';
import { type Entry, entriesOf } from './entries.ts';

const ROOT = join(import.meta.dirname, '../..');

interface Platform {
  uri: string;
  sha256: string;
  bin: string;
  files?: { from: string; to: string }[];
  selector: { matchLabels: Record<string, string> };
}
interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec: { version: string; shortDescription: string; description: string; homepage: string; caveats: string; platforms: Platform[] };
}

let folder: string;
let release: Release;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ug-krew-'));
  // What is inside the executable does not matter here; release.test.ts and helm.test.ts pack the real one.
  const path = join(folder, 'executable');
  writeFileSync(path, '#!/bin/sh\n');
  release = await archive(
    TARGETS.map((target) => ({ target, path })),
    join(folder, 'release'),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const read = (file: string): Manifest => parse(readFileSync(file, 'utf8'));
const pattern = () => read(join(ROOT, 'krew-manifest.yaml'));
const sha256 = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

// ---- the manifest ---------------------------------------------------------------------------------------------------

const SUPPORTED = ['linux', 'darwin', 'windows'].flatMap((os) =>
  ['386', 'amd64', 'arm', 'arm64', 'ppc64le'].map((arch) => `${os}/${arch}`),
);

/** What krew, its validator or a reviewer of its index would say against it. */
function complaints({ apiVersion, kind, metadata, spec }: Manifest): string[] {
  const pairs = spec.platforms.map(({ selector }) => `${selector.matchLabels.os}/${selector.matchLabels.arch}`);
  const rules: [string, boolean][] = [
    ['apiVersion', apiVersion === 'krew.googlecontainertools.github.com/v1alpha2'],
    ['kind', kind === 'Plugin'],
    ['name: letters, digits, dashes', /^[\w-]+$/.test(metadata.name) && !/^(con|prn|aux|nul|com\d|lpt\d)$/i.test(metadata.name)],
    ['name: lower case, no kube prefix', metadata.name === metadata.name.toLowerCase() && !/^kube/.test(metadata.name)],
    ['version: semver with a v', /^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(spec.version)],
    [
      'shortDescription: one line of 50 characters, without the word Kubernetes',
      /^(?!.*kubernetes)[^\n]{1,50}$/i.test(spec.shortDescription),
    ],
    ['description: there, wrapped at 80', spec.description.length > 0 && spec.description.split('\n').every((line) => line.length <= 80)],
    ['description: no usage', !/kubectl|--\w|\$ /.test(spec.description)],
    ['caveats: wrapped at 80', spec.caveats.split('\n').every((line) => line.length <= 80)],
    ['homepage', /^https:\/\//.test(spec.homepage)],
    ['platforms: at least one', spec.platforms.length > 0],
    ['platforms: supported', pairs.every((pair) => SUPPORTED.includes(pair))],
    ['platforms: each once', new Set(pairs).size === pairs.length],
    ...spec.platforms.flatMap(({ uri, sha256, bin, files, selector }, index): [string, boolean][] => [
      [`platform ${index}: uri`, /^https:\/\/.+\.(tar\.gz|zip)$/.test(uri)],
      [`platform ${index}: sha256 in lower case`, /^[a-f0-9]{64}$/.test(sha256)],
      [`platform ${index}: bin`, bin.length > 0 && bin.endsWith('.exe') === (selector.matchLabels.os === 'windows')],
      [
        `platform ${index}: files absent or complete`,
        files === undefined || (files.length > 0 && files.every(({ from, to }) => from && to)),
      ],
      [`platform ${index}: selector by os and arch only`, Object.keys(selector.matchLabels).sort().join() === 'arch,os'],
    ]),
  ];
  return rules.filter(([, holds]) => !holds).map(([rule]) => rule);
}

describe('the krew manifest', () => {
  it('of the repository keeps the rules, and names every platform that we ship for, once', () => {
    const manifest = pattern();
    expect(complaints(manifest)).toEqual([]);
    expect(manifest.metadata.name).toBe('upgrade-guard');
    expect(manifest.spec.version).toBe(`v${projectVersion()}`);
    expect(manifest.spec.platforms.map(({ selector }) => selector.matchLabels)).toEqual(TARGETS.map(({ os, arch }) => ({ os, arch })));
  });

  it('names every system that this build knows', () => {
    const description = pattern().spec.description.replaceAll(/\s+/g, ' ');
    for (const { title } of SYSTEMS) expect(description).toContain(title.en);
  });

  it('of a release keeps them too, and names what was packed, with the sum of the archive', () => {
    const manifest = read(release.krewManifest);
    expect(complaints(manifest)).toEqual([]);
    expect(manifest.spec.platforms.map(({ uri, sha256 }) => [basename(uri), sha256])).toEqual(
      release.platforms.map(({ krewArchive }) => [basename(krewArchive), sha256(krewArchive)]),
    );
    for (const { uri } of manifest.spec.platforms) expect(basename(dirname(uri))).toBe(manifest.spec.version);
    expect(readFileSync(release.krewManifest, 'utf8')).not.toContain('#');
  });

  it('also stands under the name of the plugin, as krew-index wants it', () => {
    expect(basename(release.krewIndexManifest)).toBe(`${pattern().metadata.name}.yaml`);
    expect(readFileSync(release.krewIndexManifest)).toEqual(readFileSync(release.krewManifest));
  });

  it.each<[string, (manifest: Manifest) => unknown]>([
    ['version: semver with a v', ({ spec }) => Object.assign(spec, { version: '1.2.3' })],
    ['platform 0: sha256 in lower case', ({ spec }) => Object.assign(spec.platforms[0]!, { sha256: 'A'.repeat(64) })],
    ['platforms: each once', ({ spec }) => spec.platforms.push(spec.platforms[0]!)],
    ['description: no usage', ({ spec }) => Object.assign(spec, { description: 'Run kubectl upgrade-guard check\n' })],
    ['platform 5: bin', ({ spec }) => Object.assign(spec.platforms[5]!, { bin: 'kubectl-upgrade_guard' })],
  ])('would not pass with a wrong %s', (rule, spoil) => {
    const manifest = pattern();
    spoil(manifest);
    expect(complaints(manifest)).toContain(rule);
  });

  it('SHA256SUMS names every archive', () => {
    const archives = release.platforms.flatMap(({ krewArchive, helmArchive, helm3Archive }) => [krewArchive, helmArchive, helm3Archive]);
    const lines = archives.map((file) => `${sha256(file)}  ${basename(file)}\n`);
    expect(readFileSync(release.sums, 'utf8')).toBe(lines.join(''));
  });
});

// ---- archives -------------------------------------------------------------------------------------------------------

const listed = (entries: Entry[]) => entries.map(({ header: { name, type, mode } }) => `${mode?.toString(8)} ${type} ${name}`);

describe('the archives', () => {
  it('for krew hold plain files only, with the licences and the executable', async () => {
    for (const { target, krewArchive } of release.platforms) {
      const executable = `kubectl-upgrade_guard${exeOf(target)}`;
      expect(listed(await entriesOf(krewArchive))).toEqual(['644 file LICENSE', '644 file THIRD_PARTY_LICENSES', `755 file ${executable}`]);
    }
  });

  it('for Helm 3 are flat, folders first; for Helm 4 the same lies in a folder that is named as the file is, up to its version', async () => {
    const flat = [
      ...['644 file LICENSE', '644 file THIRD_PARTY_LICENSES', '644 file plugin.yaml', '755 file plugin.complete'],
      ...['755 directory bin/', '755 file bin/upgrade-guard'],
    ];
    const { helmArchive, helm3Archive } = release.platforms[0]!;
    expect(listed(await entriesOf(helm3Archive))).toEqual(flat);
    const [top] = /^.+?(?=-\d+\.)/.exec(basename(helmArchive)) ?? [];
    expect(top).toBe('spiderpool-upgrade');
    const nested = flat.map((line) => line.replace(/(\S+)$/, `${top}/$1`));
    expect(listed(await entriesOf(helmArchive))).toEqual([`755 directory ${top}/`, ...nested]);
  });

  it('hold our licence and those of what is inside', async () => {
    const entries = await entriesOf(release.platforms[0]!.krewArchive);
    const textOf = (name: string) => entries.find(({ header }) => header.name === name)!.bytes.toString();
    expect(textOf('LICENSE')).toBe(readFileSync(join(ROOT, 'LICENSE'), 'utf8'));
    const others = textOf('THIRD_PARTY_LICENSES');
    for (const name of ['cac', '@kubernetes/client-node', 'ora', 'yaml', 'Node.js']) expect(others).toContain(`\n${name} `);
    // Node.js's own licence names what it is made of.
    for (const part of ['V8', 'OpenSSL', 'ICU']) expect(others).toContain(part);
  });
});

it('the same executable gives the same archives in another place, at another time', async () => {
  const path = join(folder, 'elsewhere');
  writeFileSync(path, '#!/bin/sh\n');
  utimesSync(path, 1, 1);
  const again = await archive(
    TARGETS.map((target) => ({ target, path })),
    join(folder, 'again'),
  );
  const archives = ({ platforms, sums }: Release) => [
    ...platforms.flatMap(({ krewArchive, helmArchive, helm3Archive }) => [krewArchive, helmArchive, helm3Archive]),
    sums,
  ];
  expect(archives(again).map(sha256)).toEqual(archives(release).map(sha256));
});
