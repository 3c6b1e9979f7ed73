// The law of columns: what a snapshot keeps of an object reads back to the same row, whatever the object and whatever else is kept of it; and nothing else is in it.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Column, Json, Raw } from '../../src/engine/contracts.ts';
import {
  annotation,
  args,
  asIs,
  certificates,
  DECLARER,
  digest,
  each,
  entries,
  flag,
  flagged,
  having,
  json,
  keys,
  label,
  labels,
  maybe,
  mentions,
  number,
  origin,
  outline,
  texts,
  time,
  tree,
  where,
  word,
  wordsFrom,
  writers,
  yaml,
} from '../../src/engine/read/index.ts';
import { coversMark, keptObject } from '../../src/engine/read/kept.ts';
import { pick } from '../../src/kube/fields.ts';
import { authority } from '../bed/certificates.ts';

const NAMES = ['a', 'b', 'name', 'reason', '--x', 'x.y/z'];

/** One of each; of those that exclude each other at one place (a digest of a map, and its keys) only one. */
const COLUMNS: Record<string, Column> = {
  word: word('spec.a'),
  'word, inside': word('spec.b.name'),
  number: number('spec.b.a'),
  flag: flag('spec.b.b', true),
  origin: origin('spec.url'),
  time: time('spec.name'),
  label: label('a'),
  labels: labels(),
  annotation: annotation('x.y/z'),
  texts: texts('spec.list'),
  args: args('spec.list', ['x', 'a']),
  'other args': args('spec.list', ['b']),
  flagged: flagged('spec.list', ['x', 'name']),
  mentions: mentions('spec.list', ['secret', 'x']),
  'other mentions': mentions('spec.list', ['a', 'name', 'y/z']),
  'mentions in a string': mentions('spec.text', ['secret', 'x']),
  'others in it': mentions('spec.text', ['a', 'y/z']),
  outline: outline('spec.outline'),
  having: having(['spec.items.name', 'spec.b.name', 'spec.maybe', 'spec.a']),
  keys: keys('spec.map'),
  'words from': wordsFrom('spec.map', 'a'),
  'a key': word('spec.map.a'),
  entries: entries('spec.map', { a: word('a'), b: number('b') }),
  each: each('spec.items', { name: word('name'), inner: maybe('b', { a: word('a'), list: each('b', { x: flag('x') }) }) }),
  where: each('spec.items', { message: where('reason', 'a', word('name')) }),
  maybe: maybe('spec.maybe', { a: word('a', '') }),
  'maybe nothing': maybe('spec.maybe', {}),
  digest: digest('spec.digest'),
  json: json('spec.json', { a: word('a'), list: each('b', { name: word('name') }) }),
  'more json': json('spec.json', { b: keys('b') }),
  'a list of json': json('spec.jsons', { all: each('', { a: word('a') }) }),
  yaml: yaml('spec.yaml', { a: word('a'), list: each('b', { name: word('name') }) }),
  certificates: certificates('spec.ca'),
  'every certificate': certificates('spec.other', 'every'),
  writers: writers('spec.a', 'spec.b.name'),
  tree: tree('status.conditions'),
  declarer: DECLARER,
  asIs: asIs('status.items.name', 'status.a'),
};

const value: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<Json>(null, true, false, 0, 7, '', 'a', 'secret', '--x', '--a=1', '-b', 'x', '2026-01-01T00:00:00Z', '{'),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...NAMES), tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;
const scripts: fc.Arbitrary<Json> = fc.constantFrom<Json>('--x=secret y/z a', '--name', '-b --x name', 'sh -c "x a" > y/z', 'secret name');
const { cert: certificate } = authority('columns');
const spec: fc.Arbitrary<Json> = fc.record(
  {
    a: value,
    b: value,
    name: value,
    list: fc.oneof(value, fc.array(scripts, { maxLength: 4 })),
    text: fc.oneof(value, scripts),
    map: value,
    items: value,
    maybe: value,
    url: fc.oneof(
      value,
      fc.constantFrom<Json>('https://u:p@a.example:8443/t/o?k=en#x', 'https://a.example/t', 'a.example/t', 'https://', 'x:y', 'file:///t'),
    ),
    digest: value,
    json: fc.oneof(
      value,
      value.map((inner) => JSON.stringify(inner)),
      fc.constant('{"a":"1","a":"2"}'),
    ),
    jsons: fc.oneof(
      value,
      value.map((inner) => JSON.stringify(inner)),
    ),
    yaml: fc.oneof(
      value,
      value.map((inner) => JSON.stringify(inner)),
      fc.constantFrom('a: yes\nb:\n- name: n\n', 'a: [', '&x [*x]'),
    ),
    outline: fc.oneof(
      value,
      fc.constantFrom<Json>('.:53 {\n  errors # said\n  forward . 192.0.2.1 {\n    tls secret\n  }\n}', '}\n{\n#\na {', 'a {}'),
    ),
    ca: fc.oneof(value, fc.constantFrom<Json>(certificate, Buffer.from(certificate).toString('base64'), `${certificate}${certificate}`)),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Json>;
const object: fc.Arbitrary<Raw> = fc.record({
  apiVersion: fc.constant('v1'),
  kind: fc.constant('Thing'),
  metadata: fc.record(
    {
      name: fc.constant('t'),
      labels: fc.oneof(
        value,
        fc.constantFrom<Json>({ 'app.kubernetes.io/managed-by': 'Helm' }, { 'kustomize.toolkit.fluxcd.io/name': 'x' }),
      ),
      annotations: fc.oneof(value, fc.constant<Json>({ 'argocd.argoproj.io/tracking-id': 'secret' })),
      managedFields: fc.oneof(
        value,
        fc.constant<Json>([
          { manager: 'm', operation: 'Update', time: '2026-01-01T00:00:00Z', fieldsV1: { 'f:spec': { 'f:a': {}, 'f:c': {} } } },
        ]),
      ),
    },
    { requiredKeys: ['name'] },
  ),
  spec: fc.oneof({ weight: 9, arbitrary: spec }, { weight: 1, arbitrary: value }),
  status: value,
}) as fc.Arbitrary<Raw>;

describe('what is kept', () => {
  test.each(Object.keys(COLUMNS))('%s reads back alone', (name) => {
    const column = COLUMNS[name]!;
    fc.assert(
      fc.property(object, (live) => {
        const kept = keptObject([column], live);
        expect(column.read(kept)).toEqual(column.read(live));
        // Of a snapshot a snapshot can be made.
        expect(keptObject([column], kept)).toEqual(kept);
      }),
    );
  });

  test('reads back beside whatever else is kept', () => {
    fc.assert(
      fc.property(object, fc.subarray(Object.keys(COLUMNS)), (live, chosen) => {
        const columns = chosen.map((name) => COLUMNS[name]!);
        const kept = JSON.parse(JSON.stringify(keptObject(columns, live)));
        for (const [at, column] of columns.entries()) expect(column.read(kept), chosen[at]).toEqual(column.read(live));
      }),
      { numRuns: 500 },
    );
  });

  test.each(Object.keys(COLUMNS))('%s reads nothing but what it requests', (name) => {
    const column = COLUMNS[name]!;
    fc.assert(
      fc.property(object, (live) => {
        expect(column.read(pick(live, column.paths))).toEqual(column.read(live));
      }),
    );
  });
});

describe('what is not kept', () => {
  const secret = {
    data: { password: 'CANARY' },
    spec: {
      command: ['app', '--token=CANARY', '--v', '2', 'CANARY'],
      config: '{"a":"kept","b":"CANARY"}',
      pem: certificate,
      url: 'https://u:CANARY@a.example:8443/CANARY?CANARY#CANARY',
    },
  };
  const live: Raw = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's', annotations: { note: 'CANARY' }, managedFields: [{ manager: 'm', fieldsV1: { 'f:CANARY': {} } }] },
    ...secret,
  };

  test('values of a map, words of a command line, what else a text holds, PEM, fields that others own', () => {
    const columns = [
      keys('data'),
      keys('metadata.annotations'),
      args('spec.command', ['v']),
      json('spec.config', { a: word('a') }),
      certificates('spec.pem'),
      origin('spec.url'),
      digest('spec'),
      writers(),
    ].filter((column) => column.marks[0] !== 'spec:digest');
    const kept = keptObject(columns, live);
    expect(JSON.stringify(kept)).not.toMatch(/CANARY|BEGIN/);
    expect(kept).toMatchObject({
      data: { password: '' },
      spec: { command: ['', '', '--v', '2', ''], config: '{"a":"kept"}', url: 'https://a.example:8443' },
    });
  });

  test('of a command which words are in it, of a Corefile the first word of each line', () => {
    const columns = [mentions('spec.command', ['--token', 'app']), outline('spec.corefile')];
    const corefile = '.:53 {\n  # CANARY\n  route53 example.com:CANARY {\n    aws_access_key CANARY\n  }\n}';
    const kept = keptObject(columns, { ...live, spec: { command: ['app', '--token=CANARY'], corefile } });
    expect(kept).toMatchObject({ spec: { command: ['app', '--token'], corefile: '.:53 {\nroute53 {\naws_access_key\n}\n}' } });
    expect(columns[1]!.read(kept)).toEqual([
      { word: '.:53', depth: 0 },
      { word: 'route53', depth: 1 },
      { word: 'aws_access_key', depth: 2 },
    ]);
  });

  test('of a command line which flags it has, without their values', () => {
    const column = flagged('spec.command', ['proxy', 'discovery']);
    const command = ['etcd', '-proxy=CANARY', '--proxy-dial-timeout=1', '--discovery', 'CANARY'];
    const kept = keptObject([column], { ...live, spec: { command } });
    expect(kept).toMatchObject({ spec: { command: ['', '--proxy', '', '--discovery', ''] } });
    expect([column.read(kept), column.read({ ...live, spec: { command } })]).toEqual([
      ['proxy', 'discovery'],
      ['proxy', 'discovery'],
    ]);
  });

  test('without columns: only who it is', () => {
    expect(keptObject([], live)).toEqual({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } });
  });
});

describe('what a snapshot promises', () => {
  test.each([
    ['data', 'data.a:word', true],
    ['data:keys', 'data.a:word', false],
    ['data:keys', 'data:keys', true],
    ['spec.a:word', 'spec.a:word', true],
    ['spec.a:word', 'spec.ab:word', false],
    ['spec.a', 'spec.ab:word', false],
    ['spec', "spec['a.b/c']:word", true],
  ])('%s for %s: %j', (kept, asked, covers) => expect(coversMark(new Set([kept]), asked)).toBe(covers));
});
