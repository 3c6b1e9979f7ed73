// A snapshot gives the answers that the cluster gave, and no secret.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Column, Gap, ListQuery, Raw, Ref, Source } from '../../src/engine/contracts.ts';
import { queryOf } from '../../src/engine/gather.ts';
import { digest, each, flag, hot, keys, label, labels, list, word, yaml } from '../../src/engine/read/index.ts';
import { recordBody } from '../../src/helm/record-column.ts';
import { decodeRelease } from '../../src/helm/release.ts';
import { dumpOf } from '../../src/snapshot/dump.ts';
import { readDump } from '../../src/snapshot/read.ts';
import { recordingSource } from '../../src/snapshot/record.ts';
import { dumpSource } from '../../src/snapshot/source.ts';
import { writeSnapshot } from '../../src/snapshot/write.ts';
import { leakyObjects, listed, liveSource, pod, UID } from './helpers.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'snapshot-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newFile = () => path.join(folder, `s${files++}.tar.gz`);

/** What is declared of each resource. */
const DECLARED = new Map<string, readonly Column[]>([
  ['pods', [word('status.phase'), each('spec.containers', { image: word('image') }), labels(), keys('metadata.annotations')]],
  ['secrets', [recordBody, label('owner'), keys('data')]],
  [
    'plans.upgrade.cattle.io',
    [word('spec.version'), word('status.latestHash'), each('spec.secrets', { name: word('name') }), digest('spec.upgrade')],
  ],
  ['configmaps', [recordBody, word('data.plain'), yaml("data['conf.yml']", { ip4: flag('enableIPv4') })]],
  ['nodes', []],
]);
const query = (resource: string, selector?: string): ListQuery =>
  queryOf(hot(resource, DECLARED.get(resource)!, () => 1, selector ? { labels: selector } : {}));
const QUERIES: ListQuery[] = [
  query('pods'),
  query('secrets', 'owner=helm'),
  query('plans.upgrade.cattle.io'),
  query('configmaps'),
  query('nodes'),
];
const MISSING: Ref = { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'gone' };
const WEB: Ref = { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'web' };

async function recorded() {
  const forbidden: Gap = { why: 'forbidden', verb: 'list', resource: 'jobs.batch', detail: 'no right' };
  const live = liveSource(leakyObjects(), {
    absent: [forbidden],
    logs: new Map([['shop/web/c', 'started\npassword=CANARY-log\ndone']]),
  });
  const { source, dump } = recordingSource(live, DECLARED);
  const answers = [];
  for (const query of QUERIES) answers.push(await listed(source, query));
  answers.push(await listed(source, { resource: 'jobs.batch', fields: 'whole' }));
  answers.push(
    await source.get(MISSING),
    await source.get(WEB),
    await source.resource('spiderippools.spiderpool.spidernet.io'),
    await source.resource('pods'),
  );
  answers.push(await source.log(WEB, 'c', 1000), await source.log(MISSING, 'c', 1000));
  return { dump: await dump(), answers };
}

describe('a snapshot', () => {
  it('answers as the cluster did, but for what was redacted', async () => {
    const { dump, answers } = await recorded();
    const file = newFile();
    await writeSnapshot(dump, file);
    const source = dumpSource(await readDump(file));
    const rowsOf = (objects: Raw[] | Gap) => (objects as Raw[]).map((object) => DECLARED.get('pods')!.map((column) => column.read(object)));
    expect(rowsOf(await listed(source, QUERIES[0] as ListQuery))).toEqual(rowsOf(answers[0] as Raw[]));
    expect(await listed(source, QUERIES[4] as ListQuery)).toEqual([]);
    expect(await listed(source, { resource: 'jobs.batch', fields: 'whole' })).toEqual(answers[5]);
    expect(await source.get(MISSING)).toBeUndefined();
    expect(((await source.get(WEB)) as Raw).status).toEqual({ phase: 'Running' });
    expect(await source.resource('spiderippools.spiderpool.spidernet.io')).toBeUndefined();
    expect(await source.resource('pods')).toEqual(answers[9]);
    expect(await source.log(WEB, 'c', 1000)).toBe('started\npassword=REDACTED\ndone');
    expect(await source.log(WEB, 'c', 4)).toBe('done');
    expect(await source.log(MISSING, 'c', 1000)).toBeUndefined();
    expect(await source.serverVersion()).toBe('v1.28.9+k3s1');
    expect(await source.identity()).toEqual({ uid: UID, certain: true, server: 'https://s', context: 'c' });
    const [plan] = (await listed(source, QUERIES[2] as ListQuery)) as Raw[];
    expect(plan).toMatchObject({
      spec: { version: 'v1.30.0', secrets: [{ name: 'my-secret' }], upgrade: expect.stringMatching(/^sha256:/) },
      status: { latestHash: '0d1c7a1ff2b5d3c0e3a1f5e7c9b2d4f6a8c0e2d4f6a8b0c2d4e6f8a0' },
    });
    const [helm] = (await listed(source, QUERIES[1] as ListQuery)) as Raw[];
    expect(decodeRelease(helm as Raw)).toMatchObject({ name: 'app', version: 1, config: { ui: { apiToken: 'REDACTED', replicas: 2 } } });
  });

  it('says "not collected" about everything that was not asked', async () => {
    const { dump } = await recorded();
    const file = newFile();
    await writeSnapshot(dump, file);
    const source = dumpSource(await readDump(file));
    const notCollected = { why: 'not-collected' };
    expect(await listed(source, { resource: 'pods', fields: ['spec.nodeName'] })).toMatchObject(notCollected);
    expect(await listed(source, { resource: 'pods', fields: 'whole' })).toMatchObject(notCollected);
    expect(await listed(source, { resource: 'secrets', fields: ['data.release'] })).toMatchObject(notCollected);
    expect(await listed(source, { resource: 'secrets', labels: 'owner=other', fields: ['data.release'] })).toMatchObject(notCollected);
    expect(await listed(source, { resource: 'services', fields: [] })).toMatchObject(notCollected);
    // Only the keys of its data were kept.
    expect(await listed(source, queryOf(list('secrets', { password: word('data.password') }, { labels: 'owner=helm' })))).toMatchObject(
      notCollected,
    );
    expect(await source.get({ ...WEB, name: 'other' })).toMatchObject(notCollected);
    expect(await source.resource('services')).toMatchObject(notCollected);
    expect(await source.log(WEB, 'other', 10)).toMatchObject({ ...notCollected, verb: 'log' });
    expect(await source.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'shop', name: 'none' })).toMatchObject(notCollected);
  });

  it('holds none of the planted secrets', async () => {
    const { dump } = await recorded();
    const file = newFile();
    await writeSnapshot(dump, file);
    const bytes = gunzipSync(readFileSync(file)).toString('latin1');
    expect(bytes).not.toContain('CANARY');
    for (const lead of ['CANARY', 'xCANARY', 'xxCANARY']) {
      const coded = Buffer.from(lead).toString('base64').slice(4, 8);
      expect(bytes.includes(`${coded}LX`), lead).toBe(false);
    }
    const read = await readDump(file);
    const everything = [...read.collected.values()]
      .flatMap(({ objects }) => objects)
      .concat([...read.gets.values()].filter((get) => get !== 'none'));
    for (const object of everything) {
      const release = decodeRelease(object);
      expect(JSON.stringify('raw' in release ? release.raw : object)).not.toContain('CANARY');
      for (const value of Object.values((object.data ?? {}) as Raw))
        expect(Buffer.from(String(value), 'base64').toString()).not.toContain('CANARY');
    }
    expect(bytes).toContain('kept');
  });

  it('merges lists of one resource and forgets what a restarted list gave', async () => {
    const live = liveSource([pod('a'), pod('b')]);
    const ghostly: Source = {
      ...live,
      async list(query, sink) {
        sink.object(pod('ghost'));
        sink.restart();
        return live.list(query, sink);
      },
    };
    const { source, dump } = recordingSource(ghostly, DECLARED);
    await listed(source, { resource: 'pods', fields: ['status.phase'] });
    await listed(source, { resource: 'pods', labels: 'app=a', fields: ['spec.containers.image'] });
    const recordedSource = dumpSource(await dump());
    expect(await listed(recordedSource, { resource: 'pods', fields: ['status.phase'] })).toHaveLength(2);
    expect(await listed(recordedSource, { resource: 'pods', labels: 'app=a', fields: ['spec.containers.image'] })).toMatchObject([
      { metadata: { name: 'a' }, spec: { containers: [{ image: 'i:1' }] } },
    ]);
  });

  it('is the same file each time, private, whole, and does not replace another unasked', async () => {
    const [one, two] = [newFile(), newFile()];
    // But for the moment when it was recorded.
    await writeSnapshot({ ...(await recorded()).dump, recordedAt: 0 }, one);
    await writeSnapshot({ ...(await recorded()).dump, recordedAt: 0 }, two);
    expect(readFileSync(one).equals(readFileSync(two))).toBe(true);
    expect(statSync(one).mode & 0o777).toBe(0o600);
    const dump = { ...(await recorded()).dump, recordedAt: 0 };
    writeFileSync(two, 'mine');
    await expect(writeSnapshot(dump, two)).rejects.toMatchObject({
      name: 'UserError',
      message: expect.stringContaining('exists'),
      text: { zh: expect.stringContaining('已存在') },
    });
    expect(readFileSync(two, 'utf8')).toBe('mine');
    await writeSnapshot(dump, two, { force: true });
    expect(readFileSync(two).equals(readFileSync(one))).toBe(true);
    await expect(writeSnapshot(dump, path.join(folder, 'missing', 'x.tar.gz'))).rejects.toMatchObject({
      name: 'UserError',
      message: expect.stringContaining('ENOENT'),
    });
    // Forced or not: what is not a file is not replaced by one.
    await expect(writeSnapshot(dump, folder, { force: true })).rejects.toMatchObject({
      message: expect.stringContaining('not a regular file'),
    });
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('writes many objects in several files', async () => {
    const many = Array.from({ length: 300 }, (_, n) => pod(`p${n}`, { spec: { nodeName: 'n1', filler: 'x '.repeat(30_000) } }));
    const file = newFile();
    const dump = dumpOf({ objects: many, lists: new Map([['pods', [{ fields: 'whole' as const }]]]) });
    await expect(writeSnapshot(dump, path.join(folder, 'missing', 'x.tar.gz'))).rejects.toMatchObject({ name: 'UserError' });
    await writeSnapshot(dump, file);
    expect(await listed(dumpSource(await readDump(file)), { resource: 'pods', fields: [] })).toHaveLength(300);
  });

  it('gives the same lists after writing and reading, whatever the objects', async () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
    const some = fc.uniqueArray(
      fc.record({
        name,
        namespace: name,
        labels: fc.dictionary(name, name, { noNullPrototype: true }),
        image: fc.stringMatching(/^[a-z/:0-9.]{0,12}$/),
      }),
      { selector: (item) => `${item.namespace}/${item.name}`, maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(some, fc.constantFrom(undefined, 'a', '!a', 'a!=b'), async (items, labels) => {
        const objects = items.map((item) => ({
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: item.name, namespace: item.namespace, labels: item.labels },
          spec: { containers: [{ image: item.image }] },
        })) as unknown as Raw[];
        const query: ListQuery = { resource: 'pods', labels, fields: ['spec.containers.image'] };
        const { source, dump } = recordingSource(liveSource(objects), DECLARED);
        const before = await listed(source, query);
        const file = newFile();
        await writeSnapshot(await dump(), file);
        const after = await listed(dumpSource(await readDump(file)), query);
        const sorted = (rows: Raw[] | Gap) => (rows as Raw[]).map((row) => JSON.stringify(row)).sort();
        expect(sorted(after)).toEqual(sorted(before));
        rmSync(file);
      }),
      { numRuns: 30 },
    );
  });

  it('can be unpacked and read as a folder', async () => {
    const { dump, answers } = await recorded();
    const file = newFile();
    await writeSnapshot(dump, file);
    const { extract } = await import('tar-stream');
    const { createReadStream } = await import('node:fs');
    const { createGunzip } = await import('node:zlib');
    const to = path.join(folder, 'unpacked');
    for await (const entry of createReadStream(file).pipe(createGunzip()).pipe(extract())) {
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      const name = path.join(to, entry.header.name);
      mkdirSync(path.dirname(name), { recursive: true });
      writeFileSync(name, Buffer.concat(chunks));
    }
    const source = dumpSource(await readDump(to));
    expect(await listed(source, QUERIES[0] as ListQuery)).toHaveLength((answers[0] as Raw[]).length);
    expect(await source.get(MISSING)).toBeUndefined();
    expect(existsSync(to)).toBe(true);
  });
});

it('a question that failed and was answered when asked again is answered', async () => {
  let calls = 0;
  const live = liveSource([pod('web')]);
  const failed: Gap = { why: 'failed', verb: 'get', resource: 'pods', detail: 'no answer', detailZh: '没有应答' };
  const faulty: Source = {
    ...live,
    list: async (query, sink) => (calls++ === 0 ? { ...failed, verb: 'list' as const } : live.list(query, sink)),
    get: async (ref) =>
      ref.kind === 'Foo' ? { ...failed, resource: 'Foo' } : ref.name === 'other' || calls++ < 3 ? failed : live.get(ref),
    serverVersion: async () => ({ why: 'forbidden', verb: 'get', resource: 'version' }),
  };
  const { source, dump } = recordingSource(faulty, DECLARED);
  const query: ListQuery = { resource: 'pods', fields: ['status.phase'] };
  expect(await listed(source, query)).toMatchObject({ why: 'failed' });
  expect(await listed(source, query)).toHaveLength(1);
  expect(await source.get(WEB)).toEqual(failed);
  expect(await source.get(WEB)).toMatchObject({ kind: 'Pod' });
  expect(await source.get({ ...WEB, name: 'other' })).toEqual(failed);
  await source.get({ apiVersion: 'x.io/v1', kind: 'Foo', name: 'other' });
  const file = newFile();
  await writeSnapshot(await dump(), file);
  const again = dumpSource(await readDump(file));
  expect(await listed(again, query)).toHaveLength(1);
  expect(await again.get(WEB)).toMatchObject({ kind: 'Pod' });
  expect(await again.get({ ...WEB, name: 'other' })).toEqual({ ...failed, namespace: 'shop', name: 'other' });
  expect(await again.get({ apiVersion: 'x.io/v1', kind: 'Foo', name: 'other' })).toMatchObject({ why: 'failed', resource: 'Foo' });
  expect(await again.serverVersion()).toEqual({ why: 'forbidden', verb: 'get', resource: 'version' });
});

it('a snapshot that lost a part is refused, packed or unpacked: what is not there is not nothing', async () => {
  const { dump } = await recorded();
  const file = newFile();
  await writeSnapshot(dump, file);
  const at = mkdtempSync(path.join(folder, 'unpacked-'));
  execFileSync('tar', ['-xzf', file, '-C', at]);
  expect((await readDump(at)).identity.uid).toBe(UID);
  const pods = path.join(at, 'objects', readdirSync(path.join(at, 'objects')).find((name) => name.startsWith('pods'))!);
  const held = readFileSync(pods);
  rmSync(pods);
  await expect(readDump(at)).rejects.toThrow(/objects\/pods\S* is missing: the snapshot is incomplete/);
  writeFileSync(pods, held);
  rmSync(path.join(at, 'members.json'));
  await expect(readDump(at)).rejects.toThrow(/members\.json is missing: the snapshot is incomplete/);
  // Cut between two parts, before the list of them.
  const cut = newFile();
  execFileSync('tar', ['-czf', cut, '-C', at, 'cluster.json', 'discovery.json']);
  await expect(readDump(cut)).rejects.toThrow(/members\.json is missing/);
});
