// Keys of values: what templates name, and bounds for hostile records.
import { describe, expect, test } from 'vitest';
import { isRead, isVast, leavesOf, MOST_KEYS, mapsOf, pathOf, readBy, valueAt, written } from '../../src/helm/keys.ts';

test.each<[string, string[]]>([
  ['{{ .Values.a.b }} {{- if $.Values.c -}} {{ $root.Values.d_e2 }}', ['a.b', 'c', 'd_e2']],
  ['{{/* .Values.no */}}{{- /* .Values.no {{ */ -}}{{ .Values.yes }}{{/* .Values.no */}}', ['yes']],
  ['{{ index .Values "a.b" "c" }} {{ index $.Values.x "y-z" | quote }} {{ (index .Values.l 0) }}', ['a\\.b.c', 'l', 'x.y-z']],
  ['{{ toYaml .Values }}', ['']],
  ['{{ .Chart.Version }} Values.y {{ .ValuesX.z }}', []],
  ['{{/* .Values.open', ['open']],
])('templates that say %j name %j', (text, expected) => {
  expect(readBy([text])).toEqual(expected);
});

describe('a path', () => {
  test('is read when it is named, or what is above or below it', () => {
    const read = [['a', 'b'], ['c']];
    expect([['a'], ['a', 'b'], ['a', 'b', 'x'], ['c', 'x'], ['a', 'x'], ['d']].map((path) => isRead(path, read))).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
    ]);
    expect(isRead(['anything'], [[]])).toBe(true);
  });
  test('is written as --set takes it, and read again', () => {
    for (const path of [['a', 'b'], ['kubernetes.io/os'], ['a\\', 'b,c', 'd=e', '[0]'], ['中文']])
      expect(pathOf(written(path))).toEqual(path);
    expect(written(['nodeSelector', 'kubernetes.io/os'])).toBe('nodeSelector.kubernetes\\.io/os');
  });
});

test('leaves and maps: a list is one value, and so is an empty map', () => {
  const values = { a: { b: [1, { c: 2 }], d: {} }, e: null };
  expect(leavesOf(values)).toEqual([
    { path: ['a', 'b'], value: [1, { c: 2 }] },
    { path: ['a', 'd'], value: {} },
    { path: ['e'], value: null },
  ]);
  expect(mapsOf(values)).toEqual([['a'], ['a', 'd']]);
  expect([valueAt(values, ['a', 'd']), valueAt(values, ['a', 'b', '0']), valueAt(values, ['constructor'])]).toEqual([
    {},
    undefined,
    undefined,
  ]);
});

describe('what is hostile ends soon', () => {
  test('comments without an end, by the hundred thousand', () => {
    const begun = performance.now();
    expect(readBy(['{{/*'.repeat(500_000)])).toEqual([]);
    expect(performance.now() - begun).toBeLessThan(2000); // a pattern takes minutes
  });
  test('names without number', () => {
    const text = Array.from({ length: MOST_KEYS * 3 }, (_, at) => `.Values.k${at}`).join(' ');
    expect(readBy([text])).toHaveLength(MOST_KEYS + 1);
  });
  test('values without number', () => {
    const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, at]));
    expect([isVast(many(MOST_KEYS)), isVast(many(MOST_KEYS + 1)), isVast({ a: [many(MOST_KEYS)] }), isVast(null)]).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });
});
