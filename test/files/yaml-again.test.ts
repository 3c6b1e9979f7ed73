// A file that is looked at over and over is what the whole parser says it is, with each node where it stands; and only the document that is asked about is parsed with its nodes.

import { describe, expect, test, vi } from 'vitest';
import { isScalar, type Node, Parser, visit } from 'yaml';
import type { Raw } from '../../src/engine/contracts.ts';
import { isNotYaml, readYaml, type YamlFile } from '../../src/files/yaml.ts';
import { readYamlAgain } from '../../src/files/yaml-again.ts';

function read(file: ReturnType<typeof readYaml>): YamlFile {
  if (isNotYaml(file)) throw new Error(file.why.en);
  return file;
}
const nodesOf = ({ documents, lineOf }: YamlFile) =>
  documents.map(({ root, value }) => {
    const nodes: unknown[] = [];
    // Where nothing stands, nothing is changed.
    if (root && value !== null)
      visit(root, { Node: (_, node) => void nodes.push([node.range, lineOf(node as Node), isScalar(node) ? node.source : '']) });
    return nodes;
  });
const said = (file: YamlFile) => file.documents.map(({ value, twice }) => ({ value, twice }));

const PLAIN = (name: string) => `# ${name}\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n`;
describe('the same as the parser', () => {
  test.each([
    ['plain documents', `${PLAIN('a')}---\n${PLAIN('b')}---\n---\n# nothing\n---\n${PLAIN('c')}`],
    ['anchors, a block scalar, braces', `a: &x {b: 1}\nc: *x\n---\nd: |\n  ---\n  e\n---\n${PLAIN('f')}---\n{g: [1, 2]}\n`],
    ['keys that stand twice', `${PLAIN('a')}---\nb: 1\nb: 2\n`],
    ['other marks', `--- # first\r\na: 1\r\n...\r\n--- !!map\r\nb: 2\r\n`],
    ['objects of JSON, between others too', `{"a": 1}\n{"b": 2}\n`],
    ['a list', `kind: List\nitems:\n- a: 1\n-\n- b: 2\n---\n${PLAIN('a')}`],
    ['nothing', ''],
  ])('%s', (_, text) => {
    const [again, whole] = [read(readYamlAgain(text)), read(readYaml(text))];
    expect(said(again)).toEqual(said(whole));
    expect(nodesOf(again)).toEqual(nodesOf(whole));
    expect(again.documents.map(({ root }) => again.itemLines(root))).toEqual(whole.documents.map(({ root }) => whole.itemLines(root)));
  });
  test('an alias leads to its anchor, where that stands', () => {
    const file = read(readYamlAgain(`${PLAIN('a')}---\nb: &x {c: 1}\nd: *x\n`));
    const found: number[] = [];
    visit(file.documents[1]!.root!, { Alias: (_, alias) => void found.push(file.lineOf(file.targetOf(alias)!)) });
    expect(found).toEqual([7]);
  });
  test.each([`${PLAIN('a')}---\nb: [1\n`, `${PLAIN('a')}---\nb: *c\n`])('what is not YAML, with its line: %j', (text) =>
    expect(readYamlAgain(text)).toEqual(readYaml(text)),
  );
});

test('of many documents only the one that is asked about is parsed', () => {
  const text = `${'---\n'.repeat(1000)}${Array.from({ length: 1000 }, (_, at) => `---\n${PLAIN(`n${at}`)}`).join('')}`;
  const parser = vi.spyOn(Parser.prototype, 'parse');
  try {
    const file = read(readYamlAgain(text));
    expect(file.documents).toHaveLength(2000);
    expect(parser).not.toHaveBeenCalled();
    expect(file.documents[1500]!.root).toBe(file.documents[1500]!.root);
    expect(parser.mock.calls.map(([each]) => each.trim())).toEqual([PLAIN('n500').trim()]);
  } finally {
    parser.mockRestore();
  }
});

test('of a changed file only the document that is asked about is parsed again, and what aliases unfold to stays bounded', () => {
  const flow = (at: number) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: n${at}}\ndata: {k: [&x [1, 2], *x]}\n`;
  const text = Array.from({ length: 100 }, (_, at) => flow(at)).join('---\n');
  const values = (file: YamlFile) => file.documents.map(({ value }) => value);
  const before = values(read(readYamlAgain(text)));
  const changed = text.replace('name: n7}', 'name: another}');
  const parser = vi.spyOn(Parser.prototype, 'parse');
  try {
    const file = read(readYamlAgain(changed));
    expect(parser.mock.calls).toHaveLength(1);
    expect(values(file)).toEqual(before.with(7, { ...(before[7] as Raw), metadata: { name: 'another' } }));
    // One that was not parsed for its value.
    expect(file.lineOf(file.documents[50]!.root!)).toBe(50 * 5 + 1);
    expect(parser.mock.calls).toHaveLength(2);
  } finally {
    parser.mockRestore();
  }
  const bomb = [
    'a: &a [1,1,1,1,1,1,1,1,1,1]',
    ...'bcd'.split('').map((key, at) => `${key}: &${key} [${`*${'abcd'[at]},`.repeat(10)}]`),
  ].join('\n');
  const one = read(readYamlAgain(`${bomb}\n---\n${flow(0)}`));
  expect(one.documents).toHaveLength(2);
  const many = Array.from({ length: 60 }, () => bomb).join('\n---\n');
  expect(readYamlAgain(many)).toEqual(readYaml(many));
  expect(readYamlAgain(many)).toMatchObject({ why: { en: expect.stringContaining('unfold to more than') } });
});
