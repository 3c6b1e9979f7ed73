// YAML as kubectl reads it. What is expected here is what kubectl 1.34.5 said to the same text (kubectl label --local -o json).
import { describe, expect, it, test } from 'vitest';
import { readDocuments } from '../../src/files/documents.ts';
import { isNotYaml, readYaml } from '../../src/files/yaml.ts';

function valuesOf(text: string) {
  const read = readYaml(text);
  if (isNotYaml(read)) throw new Error(`line ${read.line}: ${read.why.en}`);
  return read.documents.map(({ value }) => value);
}
const oneOf = (text: string) => valuesOf(text)[0];
function refusal(text: string) {
  const read = readYaml(text);
  return isNotYaml(read) ? `${read.line}: ${read.why.en}` : 'read';
}

describe('scalars', () => {
  it.each([
    ['0644', 420],
    ['0o17', 15],
    ['0x1F', 31],
    ['-0b11', -3],
    ['1_000', 1000],
    ['08', 8],
    ['+12', 12],
    ['1e3', 1000],
    ['.5', 0.5],
    ['1:30', '1:30'],
    ['2024-01-01', '2024-01-01'],
    ['1.2.3', '1.2.3'],
    ['v1', 'v1'],
    ['-', null],
    ['yes', true],
    ['"yes"', 'yes'],
    ['y', true],
    ['off', false],
    ['~', null],
    ['NULL', null],
    ['!!str 12', '12'],
    ['"0644"', '0644'],
  ])('%s', (text, value) => expect(oneOf(text === '-' ? 'a:' : `a: ${text}`)).toEqual({ a: value }));

  it('keys are text', () => expect(oneOf('5: a\non: b\n')).toEqual({ '5': 'a', true: 'b' }));
  it('__proto__ is a key like any other', () => {
    const value = oneOf('__proto__: {a: 1}\n') as object;
    expect(Object.keys(value)).toEqual(['__proto__']);
    expect(({} as { a?: number }).a).toBeUndefined();
  });
});

describe('keys that stand twice', () => {
  const twice = (text: string) => {
    const read = readDocuments(text);
    return isNotYaml(read) ? read : read.flatMap(({ twice = [] }) => twice.map(({ key, line, first }) => `${key} ${line} ${first}`));
  };
  it.each<[string, string, string[]]>([
    ['in the plain kind of YAML', 'a: 1\nb:\n  c: 1\n  d: 1\n  c: 2\n', ['c 5 3']],
    ['in a later document', 'a: 1\n---\n# why\nb: 1\nb: 2\n', ['b 5 4']],
    ['in braces, in a list', 'a: [{x: 1, x: 2}]\n', ['x 1 1']],
    ['three times', 'a: 1\na: 2\na: 3\n', ['a 2 1', 'a 3 1']],
    ['in other words', 'yes: 1\n"true": 2\n', ['true 2 1']],
    ['behind an anchor, once', 'a: &m {x: 1, x: 2}\nb: *m\n', ['x 1 1']],
    ['in JSON', '{"a": 1,\n"a": 2}', ['a 2 1']],
    ['not in two maps', 'a: {x: 1}\nb: {x: 1}\n', []],
    ['not where a merge adds it', 'm: &m {x: 1}\nn:\n  x: 2\n  <<: *m\n', []],
  ])('%s', (_, text, wanted) => expect(twice(text)).toEqual(wanted));

  it('the last one counts', () => expect(oneOf('a: 1\nb: {c: 1, c: 2}\na: 3\n')).toEqual({ a: 3, b: { c: 2 } }));
});

describe('merge keys', () => {
  const BASE = 'base: &b {a: 1, c: 2}\n';
  it.each([
    ['keys before it give way', 'x: {a: mine, <<: *b}', { a: 1, c: 2 }],
    ['keys behind it win', 'x: {<<: *b, a: mine}', { a: 'mine', c: 2 }],
    ['of several maps the first counts', 'x: {<<: [{a: first, d: 4}, *b]}', { a: 'first', c: 2, d: 4 }],
    ['quoted it is a key like any other', 'x: {"<<": *b}', { '<<': { a: 1, c: 2 } }],
  ])('%s', (_, text, x) => expect(oneOf(`${BASE}${text}\n`)).toMatchObject({ x }));

  it('an alias means the nearest anchor of its name before it', () =>
    expect(oneOf('a: &n 1\nb: *n\nc: &n 2\nd: *n\n')).toEqual({ a: 1, b: 1, c: 2, d: 2 }));
});

describe('documents', () => {
  it('CRLF, comments, several documents, each with its line', () => {
    const read = readYaml('# first\r\na: |\r\n  x\r\n  y\r\n---\r\n# second\r\n\r\nb: 1\r\n...\r\n');
    if (isNotYaml(read)) throw new Error(read.why.en);
    expect(read.documents.map(({ value, line }) => [value, line])).toEqual([
      [{ a: 'x\ny\n' }, 2],
      [{ b: 1 }, 8],
    ]);
  });
  it('of two keys of one name the later one counts', () => expect(oneOf('a: 1\na: 2\n')).toEqual({ a: 2 }));
});

test('brackets in a text open nothing, however many they are', () => {
  const colours = '\\e[31mred'.repeat(10_000);
  expect(refusal(`a: "${colours}"\nb: |\n  x[1 ${'y[1 '.repeat(10_000)}\n`)).toBe('read');
});

describe('refused', () => {
  const bomb = [
    'a0: &a0 [1,1,1,1,1,1,1,1,1,1]',
    ...Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n},`.repeat(10)}]`),
  ];
  it.each([
    ['a bomb of aliases', bomb.join('\n'), /aliases unfold to more than 200000/],
    ['a bomb of merge keys', `a: &a {<<: [${'{b: 1},'.repeat(300)}]}\n${'c: {<<: [*a,*a,*a,*a]}\n'.repeat(300)}`, /aliases unfold/],
    ['an alias in its own anchor', 'a: &x [1, *x]\n', /1: an alias inside its own anchor/],
    ['an alias without anchor', 'a: 1\nb: *x\n', /^2: no anchor &x before this alias|Unresolved alias/],
    ['a merge of what is no map', 'a: 1\nb: {<<: 5}\n', /^2: a merge key takes a map/],
    ['NUL', 'a: 1\nb: \0\n', /^2: control characters are not allowed/],
    ['control characters in a comment', 'a: 1\n# \x1b[31mred\n', /^2: control characters/],
    ['.inf', 'a: 1\nb: .inf\n', /^2: .inf and .nan/],
    ['deep flows', '['.repeat(100_000), /^1: nested too deeply/],
    ['deep flows over lines', 'a:\n  [\n'.concat('{b:\n ['.repeat(50_000)), /^\d+: nested too deeply/],
    ['deep blocks', Array.from({ length: 300 }, (_, n) => `${' '.repeat(n)}a:`).join('\n'), /nested too deeply/],
    ['what is not closed', 'a: 1\nb: [1\n', /./],
  ])('%s', (_, text, why) => {
    const said = refusal(text);
    expect(said).not.toBe('read');
    expect(said).toMatch(why);
  });
});
