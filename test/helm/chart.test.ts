// Charts, from a folder and from an archive: what is read of them, and what is refused.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterAll, describe, expect, test } from 'vitest';
import { CHART_LIMITS, readChart, unpackChart } from '../../src/helm/chart.ts';
import { loadChart } from '../../src/helm/load-chart.ts';

const CRD = 'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a.b}\n';
const FILES = {
  'Chart.yaml': 'name: spiderpool\nversion: v1.2.2\n',
  'values.yaml': 'ipam: {enableIPv4: true}\n',
  'crds/a.yaml': `${CRD}---\n# nothing\n---\nkind: Other\n`,
  'crds/deep/b.json': JSON.stringify({ kind: 'CustomResourceDefinition', metadata: { name: 'c.d' } }),
  'crds/README.md': 'no',
  'templates/x.yaml': '{{ broken {{ .Values.ipam.enableIPv4 }}{{/* .Values.no */}}',
  'templates/deep/_y.tpl': '{{ index .Values "a.b" "c" }}{{ $.Values.d | quote }}',
  'charts/dep/Chart.yaml': 'name: dep\nversion: 1.0.0\n',
  'charts/dep/values.yaml': 'x: y\n',
};
const scratch = mkdtempSync(join(tmpdir(), 'ug-chart-'));
afterAll(() => rmSync(scratch, { recursive: true }));
let count = 0;
const folder = (files: Record<string, string>): string => {
  const root = join(scratch, `chart-${count++}`);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  return root;
};
const archive = async (entries: { name: string; text?: string; type?: 'symlink' | 'link'; linkname?: string }[]): Promise<Buffer> => {
  const tar = pack();
  for (const { name, text = '', type, linkname } of entries) type ? tar.entry({ name, type, linkname }) : tar.entry({ name }, text);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return gzipSync(Buffer.concat(chunks));
};
const packed = (files: Record<string, string>, top = 'spiderpool/') =>
  archive(Object.entries(files).map(([name, text]) => ({ name: top + name, text })));
const fromArchive = async (bytes: Buffer) => readChart(await unpackChart(bytes, 'x.tgz'), 'x.tgz');

describe('a chart', () => {
  const expected = {
    name: 'spiderpool',
    version: '1.2.2',
    values: { ipam: { enableIPv4: true } },
    read: ['a\\.b.c', 'd', 'ipam.enableIPv4'],
  };
  const names = (crds: { metadata?: unknown }[]) => crds.map(({ metadata }) => (metadata as { name: string }).name);
  test('of a folder', async () => {
    const { crds, ...rest } = await loadChart(folder(FILES));
    expect(rest).toMatchObject({ ...expected, digest: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(names(crds)).toEqual(['a.b', 'c.d']);
  });
  test('of an archive, whatever its folder is called', async () => {
    const file = join(scratch, 'a.tgz');
    writeFileSync(file, await packed(FILES, 'another-name/'));
    const { crds, ...rest } = await loadChart(file);
    expect(rest).toMatchObject(expected);
    expect(names(crds)).toEqual(['a.b', 'c.d']);
  });
  test('whose digest is the same of both, and of nothing else', async () => {
    const digest = async (files: Record<string, string>) => (await loadChart(folder(files))).digest;
    const whole = await digest(FILES);
    const backwards = Object.fromEntries(Object.entries(FILES).reverse());
    expect((await fromArchive(await packed(backwards, 'another-name/'))).digest).toBe(whole);
    expect(await digest({ ...FILES, '.helmignore': '*.bak', '.git/HEAD': 'x', 'templates/.x.swp': 'x' })).toBe(whole);
    const { 'values.yaml': _, ...less } = FILES;
    const others = [
      { ...FILES, 'values.yaml': 'ipam: {enableIPv4: false}\n' },
      { ...FILES, 'charts/dep/values.yaml': 'x: z\n' },
      { ...FILES, 'files/dashboard.json': '{}' },
      { ...less, 'values.yml': FILES['values.yaml'] },
    ];
    expect(new Set([whole, ...(await Promise.all(others.map(digest)))]).size).toBe(others.length + 1);
  });
  test('with links beside what is read of it', async () => {
    const root = folder(FILES);
    const { digest } = await loadChart(root);
    symlinkSync('/etc/hostname', join(root, 'LICENSE'));
    symlinkSync(folder({ 'Chart.yaml': 'name: other\nversion: 1.0.0' }), join(root, 'charts/other'));
    expect(await loadChart(root)).toMatchObject({ name: 'spiderpool', digest: expect.not.stringMatching(digest) });
    symlinkSync('.', join(root, 'self'));
    await expect(loadChart(root)).rejects.toThrow(/nested too deeply|more than/);
  });
  test('without values and crds', async () => {
    expect(await loadChart(folder({ 'Chart.yaml': 'name: x\nversion: 1.0.0' }))).toEqual({
      dependencies: [],
      parts: [],
      name: 'x',
      version: '1.0.0',
      digest: expect.any(String),
      crds: [],
      values: {},
      read: [],
    });
  });
});

describe('refused with a reason', () => {
  test.each<[string, Record<string, string>, RegExp]>([
    ['no Chart.yaml', { 'values.yaml': '' }, /no Chart\.yaml/],
    ['no version', { 'Chart.yaml': 'name: x' }, /no version/],
    ['a Chart.yaml that is none', { 'Chart.yaml': '- x' }, /not a map/],
    ['broken YAML', { ...FILES, 'crds/a.yaml': 'a: [\n' }, /crds\/a\.yaml is not valid YAML/],
    [
      'aliases without end',
      {
        ...FILES,
        'values.yaml': `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
          .split('')
          .map((key, at) => `${key}: &${key} [${new Array(9).fill(`*${'abcdefgh'[at]}`).join(',')}]`)
          .join('\n')}\n`,
      },
      /not valid YAML/,
    ],
    ['depth without end', { ...FILES, 'values.yaml': `a: ${'['.repeat(500)}${']'.repeat(500)}` }, /nested too deeply|not valid YAML/],
  ])('%s', async (_, files, why) => {
    await expect(loadChart(folder(files))).rejects.toThrow(why);
    await expect(fromArchive(await packed(files))).rejects.toThrow(why);
  });
  test.each<[string, Parameters<typeof archive>[0], RegExp]>([
    ['a path upwards', [{ name: 'x/../../etc/passwd', text: 'x' }], /leads out/],
    ['an absolute path', [{ name: '/etc/passwd', text: 'x' }], /leads out/],
    ['a symbolic link', [{ name: 'x/values.yaml', type: 'symlink', linkname: '/etc/passwd' }], /is a link/],
    ['a hard link', [{ name: 'x/values.yaml', type: 'link', linkname: 'Chart.yaml' }], /is a link/],
    ['a file without end', [{ name: 'x/values.yaml', text: 'a'.repeat(CHART_LIMITS.file + 1) }], /more than 5 MiB/],
  ])('%s in an archive', async (_, entries, why) => expect(fromArchive(await archive(entries))).rejects.toThrow(why));
  test('another large file is one of the chart, as for Helm 4.3; it counts for the digest', async () => {
    const files = { ...FILES, 'files/image.tar': 'a'.repeat(CHART_LIMITS.file + 1) };
    const [given, loaded] = [await fromArchive(await packed(files)), await loadChart(folder(files))];
    expect(loaded.digest).toBe(given.digest);
    expect(loaded.digest).not.toBe((await loadChart(folder(FILES))).digest);
  });
  test('files without end', async () => {
    const many = Array.from({ length: CHART_LIMITS.files + 1 }, (_, at) => ({ name: `x/${at}` }));
    await expect(fromArchive(await archive(many))).rejects.toThrow(/more than 5000 files/);
  });
  test('zeros without end', async () => {
    await expect(fromArchive(gzipSync(Buffer.alloc(CHART_LIMITS.unpacked + 1)))).rejects.toThrow(/not a readable \.tgz/);
  });
  test('what is no archive, and what is cut off', async () => {
    await expect(fromArchive(Buffer.from('hello'))).rejects.toThrow(/not a readable \.tgz/);
    const whole = await packed(FILES);
    await expect(fromArchive(whole.subarray(0, whole.length - 20))).rejects.toThrow(/not a readable \.tgz/);
  });
  test('a link in a folder, and no file at all', async () => {
    const root = folder({ 'Chart.yaml': 'name: x\nversion: 1.0.0' });
    symlinkSync('/etc/passwd', join(root, 'values.yaml'));
    await expect(loadChart(root)).rejects.toThrow(/is a link/);
    await expect(loadChart(join(scratch, 'nothing'))).rejects.toThrow(/ENOENT/);
  });
});
