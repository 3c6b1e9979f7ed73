// What a check may declare besides lists: text paths, Helm releases, manifests; the cluster; and that a snapshot answers all of it as the cluster did.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { RELEASE_BODIES } from '../../src/chart/release.ts';
import { clusterOf } from '../../src/engine/cluster.ts';
import { collectDeclared } from '../../src/engine/collect.ts';
import type { Gap, ListRead, NamedRead, Raw, Reads, Rows, ServedResource, Source, System, TextSink } from '../../src/engine/contracts.ts';
import { declarationsOf } from '../../src/engine/declarations.ts';
import { gapsBeside, gather } from '../../src/engine/gather.ts';
import { noting } from '../../src/engine/points.ts';
import { list, manifests, text, word } from '../../src/engine/read/index.ts';
import { rightsToCheck } from '../../src/engine/rights.ts';
import { decodeRelease, encodeRelease } from '../../src/helm/release.ts';
import { releases } from '../../src/helm/releases.ts';
import { readDump } from '../../src/snapshot/read.ts';
import { recordingSource } from '../../src/snapshot/record.ts';
import { dumpSource } from '../../src/snapshot/source.ts';
import { writeSnapshot } from '../../src/snapshot/write.ts';
import { liveSource } from '../snapshot/helpers.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'reads-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const record = (name: string, chart: string, revision: number, status: string, kind: 'Secret' | 'ConfigMap' = 'Secret'): Raw => ({
  apiVersion: 'v1',
  kind,
  metadata: {
    name: `sh.helm.release.v1.${name}.v${revision}`,
    namespace: 'mesh',
    uid: `${name}-${revision}`,
    labels: { owner: 'helm', name, status, version: String(revision) },
  },
  data: {
    release: encodeRelease(
      {
        name,
        namespace: 'mesh',
        version: revision,
        info: { status },
        chart: { metadata: { name: chart, version: '1.2.3' } },
        config: { a: { password: 'CANARY' } },
      },
      kind,
    ),
  },
});
const OBJECTS = [
  record('one', 'osm', 1, 'superseded'),
  record('one', 'osm', 2, 'deployed'),
  record('one', 'osm', 3, 'failed'),
  record('two', 'other', 1, 'deployed', 'ConfigMap'),
];
const LINES: Record<string, string[]> = {
  'a:6443': ['# HELP x', 'x{v="1"} 3', 'x{v="2"} CANARY'],
  'b:6443': ['x{v="3"} 0'],
};
const SERVED: ServedResource[] = ['v1', 'v1beta1'].map((version) => ({
  group: 'apps.example',
  version,
  resource: 'things',
  kind: 'Thing',
  namespaced: true,
  subresources: [],
  verbs: ['list'],
  preferred: version === 'v1',
}));
const broken: Gap = { why: 'failed', verb: 'discover', resource: 'broken.example/v1' };

const live = (more: Partial<Source> = {}): Source => ({
  ...liveSource(OBJECTS),
  async text({ path: asked, every }, sink: TextSink) {
    if (asked !== '/metrics') return [{ why: 'forbidden', verb: 'get-path', resource: asked.split('?', 1)[0]! }];
    sink.line('x{ghost="1"} 1', 'a:6443');
    sink.restart();
    for (const [server, lines] of Object.entries(LINES))
      if (every || server === 'a:6443') for (const line of lines) sink.line(line, every ? server : '');
    return [];
  },
  apis: async () => ({ resources: SERVED, gaps: [broken] }),
  ...more,
});

const metric = (line: string, server: string) => {
  const [, v] = /^x\{v="(\d)"\} \d/.exec(line) ?? [];
  return v && `${server} ${v}`;
};
const READS = {
  every: text('/metrics', metric, { every: true }),
  one: text('/metrics', metric),
  refused: text('/readyz?verbose', (line) => line, { optional: true }),
  osm: releases({ chart: 'osm' }),
  all: releases(),
  manifests: manifests(({ file, line }) => `${file}:${line}`),
} satisfies Reads;
const system = { id: 'x', reads: {}, pointReads: [], checks: [{ id: 'x/y', reads: READS }] } as unknown as System;
const rowsOf = async (source: Source): Promise<Rows<typeof READS>> =>
  (await gather(source, [{ owner: 'x', reads: READS }])).get('x') as never;

function held(rows: Rows<typeof READS>): void {
  expect(rows.every).toEqual(['a:6443 1', 'b:6443 3']);
  expect(rows.one).toEqual([' 1']);
  expect(rows.refused).toMatchObject({ why: 'forbidden', verb: 'get-path', resource: '/readyz' });
  expect(rows.all.map(({ name, driver, revision, history }) => [name, driver, revision, history.length])).toEqual([
    ['two', 'configmap', 1, 1],
    ['one', 'secret', 2, 3],
  ]);
  expect(rows.osm).toMatchObject([
    { name: 'one', revision: 2, status: 'deployed', body: { version: 2, chart: { name: 'osm', version: '1.2.3' } } },
  ]);
}

describe('reads', () => {
  test('text paths of one and of every server, releases of any driver', async () => held(await rowsOf(live())));

  test('what a release holds is unpacked at each look: hundreds of manifests held together are tens of MB', async () => {
    const [one] = (await rowsOf(live())).osm;
    expect(one!.body).toEqual(one!.body);
    expect(one!.body).not.toBe(one!.body);
  });

  test('manifests are rows of their own, and none without them', async () => {
    const given = { object: OBJECTS[0]!, file: 'a.yaml', document: 0, line: 7 };
    expect((await rowsOf(live({ manifests: () => [given] }))).manifests).toEqual(['a.yaml:7']);
    expect((await rowsOf(live())).manifests).toEqual([]);
  });

  test('a server of several that cannot be asked stands beside the rows of the others', async () => {
    const down: Gap = { why: 'failed', verb: 'get-path', resource: '/metrics', detail: 'b:6443: refused' };
    const rows = await rowsOf(
      live({
        text: async (_, sink) => {
          sink.line('x{v="1"} 3', 'a:6443');
          return [down];
        },
      }),
    );
    expect(rows.every).toEqual(['a:6443 1']);
    expect(gapsBeside(rows.every)).toEqual([down]);
  });

  test('a source that has no texts did not collect them', async () => {
    const { text: _, ...without } = live();
    expect((await rowsOf(without)).one).toEqual({ why: 'not-collected', verb: 'get-path', resource: '/metrics' });
  });

  test('rights follow from them', () => {
    expect(rightsToCheck([system])).toEqual(
      expect.arrayContaining([
        { verbs: ['get', 'list'], group: '', resource: 'secrets' },
        { verbs: ['get', 'list'], group: '', resource: 'configmaps' },
        { verbs: ['list'], group: 'discovery.k8s.io', resource: 'endpointslices' },
        { verbs: ['get'], group: '', resource: '', nonResourceURLs: ['/metrics', '/readyz'] },
      ]),
    );
  });
});

test('a snapshot answers the same, and holds no line that is not read', async () => {
  const recording = recordingSource(live(), declarationsOf([system]));
  await rowsOf(recording.source);
  await collectDeclared(recording.source, [system], recording.has);
  const file = path.join(folder, 's.tar.gz');
  await writeSnapshot(await recording.dump(), file);
  const dump = await readDump(file);
  const rows = await rowsOf(dumpSource(dump));
  held(rows);
  expect(JSON.stringify([[...dump.texts].map(([key, answers]) => [key, ...answers]), rows])).not.toMatch(/CANARY|HELP|ghost/);
  expect(await dumpSource(dump).apis!()).toEqual({ resources: SERVED, gaps: [broken] });
});

test('a text that is asked twice is kept as it was last: a counter that grew in between is not held twice', async () => {
  const answers = [
    ['a{verb="WATCH"} 20', '"gitVersion": "v1.30.1",', '[+]etcd ok', '--v=2', 'only{then="1"} 1'],
    ['a{verb="WATCH"} 21', 'a{verb="GET"} 4', '"gitVersion": "v1.31.0",', '[-]etcd failed', '--v=4'],
  ];
  const twice = recordingSource(
    live({
      text: async (_, sink) => {
        for (const line of answers.shift()!) sink.line(line, '');
        return [];
      },
    }),
    declarationsOf([system]),
  );
  const sink = { line: () => true, restart: () => undefined };
  await twice.source.text!({ path: '/metrics' }, sink);
  await twice.source.text!({ path: '/metrics' }, sink);
  const [held] = [...(await twice.dump()).texts.values()];
  expect(held!.get('')!.toSorted()).toEqual(
    ['"gitVersion": "v1.31.0",', '--v=4', '[-]etcd failed', 'a{verb="GET"} 4', 'a{verb="WATCH"} 21', 'only{then="1"} 1'].toSorted(),
  );
});

describe('lists of which another list tells which there are', () => {
  const thing = (group: string, name: string): Raw => ({ apiVersion: `${group}/v1`, kind: 'Thing', metadata: { name, uid: name } });
  const groups = ['a.example', 'b.example', 'c.example'];
  const objects = groups.flatMap((group) => [thing(group, `${group}-1`), thing(group, `${group}-2`)]);
  const READ: NamedRead<string> = {
    read: 'named',
    by: list('secrets', { group: word('metadata.name', '') }),
    columns: [],
    known: ['things.known.example'],
    wants: (rows) =>
      (rows as { group: string }[]).map(
        ({ group }): ListRead<string> => ({
          ...{ read: 'list', resource: `things.${group}`, fields: [], columns: [] },
          keep: (object) => ((object.metadata as Raw).name === 'a.example-2' ? undefined : String((object.metadata as Raw).name)),
        }),
      ),
  };
  const source = live({
    async list({ resource }, sink) {
      const [, group] = /^things\.(.*)$/.exec(resource) ?? [];
      if (group === 'b.example') return { why: 'forbidden', verb: 'list', resource };
      const found = group
        ? objects.filter(({ apiVersion }) => apiVersion === `${group}/v1`)
        : groups.map((name): Raw => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name } }));
      for (const object of found) sink.object(object);
      return undefined;
    },
  });

  test('are read, once for all that read the same; one that is forbidden stands beside the rows of the others', async () => {
    let listed = 0;
    const counted: Source = {
      ...source,
      list: (query, sink) => {
        if (query.resource === 'things.a.example') listed++;
        return source.list(query, sink);
      },
    };
    const other = list('things.a.example', { name: word('metadata.name', '') });
    const { named, other: same } = (await gather(counted, [{ owner: 'x', reads: { named: READ, other } }])).get('x')!;
    expect(named).toEqual(['a.example-1', 'c.example-1', 'c.example-2']);
    expect(gapsBeside(named)).toEqual([{ why: 'forbidden', verb: 'list', resource: 'things.b.example' }]);
    expect(same).toHaveLength(2);
    expect(listed).toBe(1);
  });

  test('cannot be seen where that other list cannot', async () => {
    const gap: Gap = { why: 'forbidden', verb: 'list', resource: 'secrets' };
    const refused = live({ list: async () => gap });
    expect((await gather(refused, [{ owner: 'x', reads: { named: READ } }])).get('x')!.named).toEqual(gap);
  });

  test('need rights that only the cluster tells, beside those that are known', () => {
    const of = { ...system, checks: [{ id: 'x/y', reads: { named: READ } }] } as unknown as System;
    expect(rightsToCheck([of], ['things.a.example'])).toEqual(
      expect.arrayContaining([
        { verbs: ['list'], group: 'a.example', resource: 'things' },
        { verbs: ['list'], group: 'known.example', resource: 'things' },
      ]),
    );
  });
});

test('a release record is asked for once for all checks, and unpacked once', async () => {
  const asked: string[] = [];
  const at = { apiVersion: 'v1', kind: 'Secret', namespace: 'mesh', name: 'sh.helm.release.v1.one.v2' };
  const api = { group: '', version: 'v1', resource: 'secrets', kind: 'Secret', namespaced: true, subresources: [] };
  const source = live({
    resource: async (name) => (name === 'secrets' ? api : undefined),
    get: async ({ name }) => {
      asked.push(name);
      return OBJECTS.find(({ metadata }) => (metadata as Raw).name === name);
    },
  });
  const bodies = new Map();
  const looks = [1, 2].map(() => noting(source, RELEASE_BODIES, {}, [], undefined, bodies));
  const [first, second] = [await looks[0]!.get(at), await looks[1]!.get(at)];
  expect(asked).toEqual(['sh.helm.release.v1.one.v2']);
  expect(decodeRelease(first as Raw)).toBe(decodeRelease(second as Raw));
  // What is not there, or declared otherwise, is asked for each time.
  const gone = { ...at, name: 'none' };
  const plain = noting(source, [{ resource: 'secrets', columns: [] }], {}, [], undefined, bodies);
  for (const each of [() => looks[0]!.get(gone), () => looks[1]!.get(gone), () => plain.get(at)]) await each();
  expect(asked.slice(1)).toEqual(['none', 'none', 'sh.helm.release.v1.one.v2']);
});

describe('the cluster', () => {
  test('says what is served, in which versions; of what does not answer it says so', async () => {
    let asked = 0;
    const counted = live({ apis: async () => ({ resources: SERVED, gaps: [broken], asked: asked++ }) });
    const cluster = clusterOf(counted, 'v1.30.0', []);
    expect(asked).toBe(0);
    const things = { kind: 'Thing', resource: 'things', versions: ['v1', 'v1beta1'], preferred: 'v1' };
    expect(await cluster.serves('apps.example', 'Thing')).toEqual(things);
    expect(await cluster.serves('apps.example', 'things')).toEqual(things);
    expect(await cluster.serves('apps.example', 'Other')).toBeUndefined();
    expect(await cluster.serves('broken.example', 'Other')).toEqual(broken);
    expect(asked).toBe(1);
  });

  test('a source that cannot be asked for APIs did not collect them', async () => {
    const { apis: _, ...without } = live();
    expect(await clusterOf(without, 'v1.30.0', []).serves('apps', 'Deployment')).toMatchObject({ why: 'not-collected' });
  });
});
