// What reads plain YAML quickly gives what the whole parser gives, or nothing: over every manifest of the tests, over texts made at random, and over what looks plain and is not.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { readDocuments } from '../../src/files/documents.ts';
import { readPlain } from '../../src/files/plain-yaml.ts';
import { isNotYaml, readYaml } from '../../src/files/yaml.ts';

/** As readDocuments; of what says nothing the line says nothing either. */
function byParser(text: string) {
  const read = readYaml(text);
  if (isNotYaml(read)) return read;
  return read.documents.map(({ value, line, root, twice }) =>
    value === null ? null : { value, line, lines: read.itemLines(root), ...(twice.length ? { twice } : {}) },
  );
}
function quickly(text: string) {
  const read = readDocuments(text);
  return isNotYaml(read) ? read : read.map(({ lineAt: _, ...each }) => (each.value === null ? null : each));
}
const same = (text: string) => expect(quickly(text), text).toEqual(byParser(text));

const FIXTURES = join(import.meta.dirname, '../fixtures');

describe('the same as the parser', () => {
  it('over the fixtures; as kubectl would write them most are plain', () => {
    // Every tenth: the parser takes its time.
    const files = globSync('**/*.yaml', { cwd: FIXTURES }).filter((_, at) => at % 10 === 0);
    expect(files.length).toBeGreaterThan(30);
    let [plain, all] = [0, 0];
    for (const file of files) {
      const text = readFileSync(join(FIXTURES, file), 'utf8');
      same(text);
      for (const document of parseAllDocuments(text)) {
        const written = stringify(document.toJSON(), { lineWidth: 0 });
        same(written);
        all++;
        if (readPlain(written)) plain++;
      }
    }
    expect(plain / all).toBeGreaterThan(0.6);
  });

  it.each([
    ['', 'nothing'],
    ['# only\n', 'a comment'],
    ['---\n', 'a mark'],
    ['---\n---\n', 'two marks'],
    ['---\n---\na: 1\n---', 'marks around'],
    ['# c\n---\na: 1\n---\n# d\n---\nb: 2\n', 'comments between'],
    ['a: 1\n---\n\tb: 1\n', 'a tab'],
    ['a: 1\r\n---\r\nb: 2\r\n', 'CRLF'],
    ['%YAML 1.1\n---\na: yes\n', 'a directive'],
    ['a: 1\n...\n---\nb: 2\n', 'an end'],
    ['--- a\n', 'a value behind a mark'],
    ['a: |\n  ---\n  b\n', 'a mark that is none'],
    ['a: x\n  y\n', 'a value that goes on'],
    ['a:\n- x\n  y\n', 'an item that goes on'],
    ['a: "x\n  y"\n', 'a quoted one that goes on'],
    ['a: b: c\n', 'two colons'],
    ['a: b #c\n', 'a comment behind'],
    ['a: "b" #c\n', 'a comment behind quotes'],
    ['a: {b: 1}\n', 'a map on the line'],
    ['a: &x 1\nb: *x\n', 'an alias'],
    ['a: !!str 1\n', 'a tag'],
    ['<<: {a: 1}\n', 'a merge key'],
    ['"<<": a\n', 'a quoted merge key'],
    ['__proto__: a\n', '__proto__'],
    ['a: 1\na: 2\nb: 3\n', 'two of one name'],
    ['a:\n  - x\n  b: 1\n', 'a key below items'],
    ['a:\n    b: 1\n  c: 2\n', 'odd indents'],
    ['- - a\n  - b\n- c\n', 'lists in lists'],
    ['- a: 1\n  b:\n  - c\n-\n  d: 1\n-\n', 'maps in lists'],
    ['items:\n- a: 1\n-\n- \n\n  b: 2\n- c\n', 'items'],
    ['true: yes\n5: 0644\n~: ~\n? a\n: b\n', 'keys that are no text'],
    ['a: .inf\n', 'no number'],
    ["a: 'it''s'\nb: 'c: d'\n\"e: f\": g\n", 'quotes'],
    ['k:{"type":"Ready"}:\n  .: {}\n  f:x: []\n', 'managedFields'],
    ['a: -\nb: --x\nc: - x\n', 'dashes'],
    ['a : 1\n', 'a space before the colon'],
    ['a: \u00e4\n', 'another alphabet'],
    [`${'k'.repeat(1100)}: 1\n`, 'a long key'],
    [`${Array.from({ length: 130 }, (_, at) => `${' '.repeat(at)}a:`).join('\n')}\n`, 'deep'],
    [`${Array.from({ length: 300 }, (_, at) => `${' '.repeat(at)}a:`).join('\n')}\n`, 'too deep'],
  ])('%#: %s', (text) => same(text));

  it('over lines put together at random', () => {
    const word = fc.constantFrom(
      ...[
        'a',
        'b: ',
        'a:',
        '- ',
        '-',
        '"q"',
        "'q'",
        '{}',
        '[]',
        '# c',
        ' #',
        ': ',
        '|',
        '>',
        '0644',
        'yes',
        '~',
        '...',
        '---',
        '<<',
        '&x',
        '*x',
        '!t',
      ],
    );
    const line = fc
      .tuple(fc.constantFrom('', '  ', ' ', '    '), fc.array(word, { maxLength: 4 }))
      .map(([indent, words]) => indent + words.join(''));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
        same(`${lines.join('\n')}\n`);
      }),
      { numRuns: 500 },
    );
  });
});
