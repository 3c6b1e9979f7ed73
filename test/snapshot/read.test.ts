// Reading folders and files that others made: what counts as read, and what is refused with file and line.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Raw } from '../../src/engine/contracts.ts';
import { LIMITS } from '../../src/snapshot/files.ts';
import { readDump } from '../../src/snapshot/read.ts';
import { dumpSource } from '../../src/snapshot/source.ts';
import { UserError } from '../../src/text/user-error.ts';
import { describeUpstream } from '../bed/upstream.ts';
import { listed, UID } from './helpers.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'dump-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(files: Record<string, string>): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
  return folder;
}
const POD = 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  namespace: "n"\n';
const NODE = '{"apiVersion":"v1","kind":"Node","metadata":{"name":"n1"}}';
const pods = { resource: 'pods', fields: [] as string[] };
const names = async (from: string, resource = 'pods') => {
  const rows = await listed(dumpSource(await readDump(from)), { resource, fields: [] });
  return Array.isArray(rows) ? rows.map((row) => (row.metadata as Raw).name) : rows;
};
async function refusal(promise: Promise<unknown>): Promise<UserError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UserError);
  return error as UserError;
}

describe('a folder', () => {
  it('is read in every form, with names in order', async () => {
    put({
      'a.yaml': `${POD}---\n# only a comment\n---\n${POD.replace('name: a', 'name: b')}`,
      'b.yml': 'apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: c, namespace: "n"}\n',
      'sub/c.json': '{"apiVersion":"v1","kind":"PodList","items":[{"metadata":{"name":"d","namespace":"n"}}]}',
      'e.yaml': '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"e"}}',
      'f.yaml': '{apiVersion: v1, kind: Pod, metadata: {name: f}}',
      'empty.yaml': '',
      'none.json': '{"apiVersion":"v1","kind":"ServiceList","items":null}',
      'README.md': 'not: [read',
    });
    expect(await names(folder)).toEqual(['a', 'b', 'c', 'e', 'f', 'd']);
  });

  it('without version.json collected only the kinds that are there', async () => {
    const source = dumpSource(await readDump(put({ 'a.yaml': POD })));
    expect(await listed(source, { resource: 'nodes', fields: [] })).toEqual({ why: 'not-collected', verb: 'list', resource: 'nodes' });
    expect(await source.get({ apiVersion: 'v1', kind: 'Pod', namespace: 'n', name: 'other' })).toBeUndefined();
    expect(await source.get({ apiVersion: 'v1', kind: 'Node', name: 'n1' })).toMatchObject({
      why: 'not-collected',
      verb: 'get',
      name: 'n1',
    });
    expect(await source.serverVersion()).toMatchObject({ why: 'not-collected' });
    expect(await source.resource('plans.upgrade.cattle.io')).toMatchObject({ why: 'not-collected' });
    expect((await source.identity()).certain).toBe(false);
  });

  it('with version.json is whole, but for what absent.json names', async () => {
    put({
      'a.yaml': `${POD}---\napiVersion: v1\nkind: Namespace\nmetadata: {name: kube-system, uid: ${UID}}\n`,
      'version.json': '{"gitVersion":"v1.30.1","major":"1"}',
      'absent.json': '{"forbidden":["spiderippools.spiderpool.spidernet.io","secrets"]}',
      'logs/n/a/main.log': 'hello 世界',
    });
    const source = dumpSource(await readDump(folder));
    expect(await source.serverVersion()).toBe('v1.30.1');
    expect(await source.identity()).toMatchObject({ uid: UID, certain: true });
    expect(await listed(source, { resource: 'nodes', fields: [] })).toEqual([]);
    expect(await source.resource('plans.upgrade.cattle.io')).toBeUndefined();
    const forbidden = { why: 'forbidden', resource: 'spiderippools.spiderpool.spidernet.io' };
    expect(await listed(source, { resource: 'spiderippools.spiderpool.spidernet.io', fields: [] })).toEqual({ ...forbidden, verb: 'list' });
    expect(await source.resource('spiderippools.spiderpool.spidernet.io')).toEqual({ ...forbidden, verb: 'discover' });
    expect(await source.get({ apiVersion: 'v1', kind: 'Secret', namespace: 'n', name: 's' })).toMatchObject({
      why: 'forbidden',
      verb: 'get',
    });
    const pod = { apiVersion: 'v1', kind: 'Pod', namespace: 'n', name: 'a' };
    expect(await source.log(pod, 'main', 100)).toBe('hello 世界');
    expect(await source.log(pod, 'main', 5)).toBe('界');
    expect(await source.log(pod, 'other', 5)).toMatchObject({ why: 'not-collected', verb: 'log' });
    expect(await source.log({ ...pod, name: 'gone' }, 'main', 5)).toBeUndefined();
  });

  it('reads YAML as kubectl does: merge keys, YAML 1.1, and of two keys of one name the later', async () => {
    put({
      'a.yaml':
        'kind: List\napiVersion: v1\nitems:\n- &p\n  apiVersion: v1\n  kind: Pod\n  metadata: &m {name: a, namespace: shop}\n- <<: *p\n  metadata: {<<: *m, name: b, name: c}\n',
    });
    expect(await names(folder)).toEqual(['a', 'c']);
    expect(await listed(dumpSource(await readDump(folder)), { resource: 'pods', fields: ['metadata.namespace'] })).toMatchObject([
      { metadata: { namespace: 'shop' } },
      { metadata: { namespace: 'shop' } },
    ]);
  });

  it('learns plurals and scope from CustomResourceDefinitions', async () => {
    const crd = (kind: string, plural: string) =>
      `apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: ${plural}.x.io}\nspec: {group: x.io, scope: Cluster, names: {plural: ${plural}, kind: ${kind}}, versions: [{name: v1, served: true, storage: true, subresources: {status: {}}}]}\n`;
    put({ 'z-crd.yaml': crd('Sheep', 'sheep'), 'a.yaml': 'apiVersion: x.io/v1\nkind: Sheep\nmetadata: {name: dolly}\n' });
    const source = dumpSource(await readDump(folder));
    expect(await names(folder, 'sheep.x.io')).toEqual(['dolly']);
    expect(await source.resource('sheep.x.io')).toEqual({
      group: 'x.io',
      version: 'v1',
      resource: 'sheep',
      kind: 'Sheep',
      namespaced: false,
      subresources: ['status'],
    });
  });

  it('may call a folder asked', async () => {
    expect(await names(put({ 'asked/a.yaml': POD }))).toEqual(['a']);
  });
});

describe('other inputs', () => {
  it('one file, and a stream of either sort', async () => {
    put({ 'a.yaml': POD });
    expect(await names(path.join(folder, 'a.yaml'))).toEqual(['a']);
    for (const bytes of [Buffer.from(POD), Buffer.from(NODE), await archive([{ name: './x/a.yaml', text: POD }])]) {
      const dump = await readDump('-', Readable.from([bytes.subarray(0, 1), bytes.subarray(1)]));
      expect([...dump.collected.values()].flatMap(({ objects }) => objects)).toHaveLength(1);
    }
  });

  it('calls a stream standard input', async () => {
    const error = await refusal(readDump('-', Readable.from([Buffer.from('a: [')])));
    expect(error.text).toEqual({ en: expect.stringMatching(/^reading standard input/), zh: expect.stringMatching(/^读取标准输入/) });
  });

  it('names what is missing', async () => {
    const error = await refusal(readDump(path.join(folder, 'nowhere')));
    expect(error.message).toContain('nowhere');
    expect(error.text.zh).toContain('读取');
    expect(error.next).toBeDefined();
  });
});

interface Entry {
  name: string;
  text?: string;
  type?: 'file' | 'symlink' | 'link' | 'directory' | 'fifo' | 'character-device';
  linkname?: string;
}
async function archive(entries: Entry[]): Promise<Buffer> {
  const tar = pack();
  for (const { text, ...header } of entries) tar.entry(header, text ?? '');
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return gzipSync(Buffer.concat(chunks));
}

describe('malformed and hostile input', () => {
  it.each([
    ['broken YAML', 'bad.yaml', `${POD}---\na: [1\nb: 2\n`, /bad\.yaml, line \d+: not YAML/],
    [
      'a name that YAML reads as false',
      'bad.yaml',
      'apiVersion: v1\nkind: Pod\nmetadata: {name: off}\n',
      /line 1: metadata\.name is read as false/,
    ],
    ['broken JSON', 'bad.json', '{\n"a": 1,\n"b" 2}', /bad\.json, line 3: not JSON/],
    ['JSON that ends', 'bad.json', '{\n\n"a":', /bad\.json, line 3: not JSON/],
    ['no object', 'bad.yaml', `${POD}---\nreplicas: 3\n`, /bad\.yaml, line 7: not a Kubernetes object/],
    ['a scalar', 'bad.yaml', 'hello\n', /line 1: not a Kubernetes object/],
    [
      'an item of a list',
      'bad.json',
      '{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"}},{}]}',
      /item 2: not a Kubernetes object/,
    ],
    ['no name', 'bad.yaml', 'apiVersion: v1\nkind: Pod\nmetadata: {generateName: x}\n', /metadata.name/],
    ['deep JSON', 'bad.json', '['.repeat(500_000), /line 1: not JSON: nested deeper than 200/],
    ['deep YAML', 'bad.yaml', '['.repeat(100_000), /not YAML/],
    [
      'deep YAML in blocks',
      'bad.yaml',
      Array.from({ length: 300 }, (_, n) => `${' '.repeat(n)}a:`).join('\n'),
      /not YAML: nested too deeply/,
    ],
    [
      'an alias bomb',
      'bad.yaml',
      `a: &a [${'x,'.repeat(20)}]\n${Array.from({ length: 12 }, (_, n) => `b${n}: &b${n} [${`*${n === 0 ? 'a' : `b${n - 1}`},`.repeat(20)}]`).join('\n')}\n`,
      /line 5: not YAML: its aliases unfold to more than 200000 values/,
    ],
    ['a foreign version.json', 'version.json', '{"version": 1}', /version\.json: .*gitVersion/],
    ['a newer snapshot', 'cluster.json', '{"schema":2,"identity":{}}', /newer upgrade-guard \(schema 2/],
    ['a bad absent.json', 'absent.json', '{"forbidden":[1]}', /absent\.json: item 1/],
    ['a bad discovery.json', 'discovery.json', '{"lists":[],"resources":[{}],"notInstalled":[]}', /discovery\.json: item 1/],
  ])('%s', async (_, name, text, expected) => {
    const error = await refusal(readDump(put({ [name]: text })));
    expect(error.message).toMatch(expected);
    expect(error.text.zh).toContain(name);
    expect(error.message.length).toBeLessThan(700);
  });

  it('keeps __proto__ a key like any other', async () => {
    put({
      'a.json':
        '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","labels":{"__proto__":"x"}},"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
      'b.yaml': `${POD.replace('name: a', 'name: b')}__proto__:\n  polluted: true\n`,
    });
    const source = dumpSource(await readDump(folder));
    expect(await names(folder)).toEqual(['a', 'b']);
    const [whole] = (await listed(source, { resource: 'pods', labels: 'missing!=y', fields: 'whole' })) as Raw[];
    expect(Object.hasOwn(whole as Raw, '__proto__')).toBe(true);
    expect(({} as Raw).polluted).toBeUndefined();
    expect((whole as Raw).polluted).toBeUndefined();
  });

  it.each([
    ['a path that leads out', [{ name: '../../evil.yaml', text: POD }], /leads out of the archive/],
    ['an absolute path', [{ name: '/etc/evil.yaml', text: POD }], /leads out of the archive/],
    ['a Windows path', [{ name: 'C:\\evil.yaml', text: POD }], /leads out of the archive/],
    ['a symbolic link', [{ name: 'a.yaml', type: 'symlink' as const, linkname: '/etc/passwd' }], /a link/],
    ['a hard link', [{ name: 'a.yaml', type: 'link' as const, linkname: 'b.yaml' }], /a link/],
    ['a FIFO', [{ name: 'a.yaml', type: 'fifo' as const }], /neither a file nor a directory/],
    ['a device', [{ name: 'a.yaml', type: 'character-device' as const }], /neither a file nor a directory/],
    [
      'a file twice',
      [
        { name: 'a.yaml', text: '' },
        { name: './a.yaml', text: '' },
      ],
      /a\.yaml is in the archive more than once/,
    ],
    ['terminal codes in a name', [{ name: 'a\u001b[2J.json', text: '{' }], /reading a\.json, line 1: not JSON/],
  ])('an archive with %s', async (_, entries, expected) => {
    const error = await refusal(readDump('-', Readable.from([await archive(entries)])));
    expect(error.message).toMatch(expected);
  });

  it('a folder with a link', async () => {
    put({ 'a.yaml': POD });
    symlinkSync('/etc/passwd', path.join(folder, 'b.yaml'));
    expect((await refusal(readDump(folder))).message).toContain('b.yaml: a link');
  });

  it('archives that end early, are none, or are damaged', async () => {
    const good = await archive([{ name: 'a.yaml', text: `${POD}#${'filler '.repeat(20_000)}` }]);
    const damaged = Buffer.from(good);
    damaged[good.length - 6] = (damaged[good.length - 6] as number) ^ 0xff;
    for (const bytes of [
      good.subarray(0, good.length - 12),
      gzipSync('no tar at all, but long enough to look like one'.repeat(20)),
      damaged,
    ]) {
      expect((await refusal(readDump('-', Readable.from([bytes])))).message).toContain('not a readable .tar.gz');
    }
  });

  it('bombs: by unpacked size, by the size of a file, by the number of files', async () => {
    const limits = { ...LIMITS, total: 1024 * 1024, file: 200_000, yaml: 1000, files: 20 };
    const zeros = await archive([
      { name: 'unread.bin', text: '\0'.repeat(150_000) },
      ...Array.from({ length: 15 }, (_, n) => ({ name: `z${n}.bin`, text: '\0'.repeat(150_000) })),
    ]);
    expect(zeros.length).toBeLessThan(20_000);
    const read = (bytes: Buffer) => readDump('-', Readable.from([bytes]), limits);
    expect((await refusal(read(zeros))).message).toContain('larger than 1 MiB');
    expect((await refusal(read(await archive([{ name: 'a.json', text: ' '.repeat(200_001) }])))).message).toContain(
      'a.json: larger than 200000 bytes',
    );
    expect((await refusal(read(await archive([{ name: 'a.yaml', text: `${POD}#${' '.repeat(1000)}` }])))).message).toContain(
      'a.yaml: larger than 1000 bytes',
    );
    expect((await refusal(read(await archive(Array.from({ length: 21 }, (_, n) => ({ name: `${n}.txt` })))))).message).toContain(
      'more than 20 files',
    );
    put({ 'big.yaml': `${POD}#${' '.repeat(1000)}` });
    expect((await refusal(readDump(folder, undefined, limits))).message).toContain('big.yaml: larger than');
    expect((await refusal(readDump('-', Readable.from([Buffer.alloc(300_000, 32)]), limits))).message).toContain(
      'larger than 200000 bytes',
    );
  });
});

describeUpstream('the k3s fixtures beside the checkout', ['data', 'k3s', 'fixtures'], (folder) => {
  it.each(readdirSync(folder).filter((name) => name.endsWith('.yaml')))('%s is read', async (name) => {
    const source = dumpSource(await readDump(path.join(folder, name)));
    const nodes = await listed(source, { resource: 'nodes', fields: ['spec.unschedulable'] });
    expect(Array.isArray(nodes)).toBe(true);
    expect(await listed(source, pods)).toBeDefined();
  });
});
