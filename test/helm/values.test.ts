// Values as helm has them: what is said here is what real helms print, of the generations whose rules differ.
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Json, Raw } from '../../src/engine/contracts.ts';
import { setInto } from '../../src/helm/set.ts';
import { coalesce, insteadOf, mergeMaps, rulesOf, upgraded, valuesInput } from '../../src/helm/values.ts';
import { readValues } from '../../src/helm/values-file.ts';
import { EVERY_TOOL, prepareTools, tools } from '../bed/tools.ts';

const scratch = mkdtempSync(join(tmpdir(), 'ug-values-'));
const trouble = await prepareTools(() => {}, EVERY_TOOL);
afterAll(() => rmSync(scratch, { recursive: true }));

/** The generations whose rules differ, by the version that the tests have of them. */
const HELMS = { helm39: '3.9.4', helm3: '3.17.1', helm4: '4.1.4', helm42: '4.2.3' } as const;
type Helm = keyof typeof HELMS;

let count = 0;
function chart(values: string): string {
  const folder = join(scratch, `chart-${count++}`);
  cpSync(join(import.meta.dirname, 'printing-chart'), folder, { recursive: true });
  writeFileSync(join(folder, 'values.yaml'), values);
  return folder;
}
/** What the chart's templates see; undefined: helm refuses. */
function printed(helm: Helm, folder: string, args: string[], input = ''): Promise<Json | undefined> {
  const env = { PATH: process.env.PATH, HOME: scratch, HELM_NO_PLUGINS: '1' };
  return new Promise((resolve) => {
    const child = execFile(tools()[helm], ['template', 'x', folder, ...args], { env }, (error, stdout) => {
      resolve(error ? undefined : (JSON.parse((parse(stdout) as { data: { values: string } }).data.values) as Json));
    });
    child.stdin?.end(input);
  });
}

describe.skipIf(trouble !== undefined)('real helms say', { timeout: 60_000 }, () => {
  const empty = () => chart('');
  let folder = '';
  beforeAll(() => {
    folder = empty();
  });

  // ---- --set ----------------------------------------------------------------------------------------------------------
  const ours = (text: string, as: 'typed' | 'text' = 'typed'): Raw | undefined => {
    const values: Raw = {};
    try {
      setInto(values, text, as);
      return values;
    } catch {
      return undefined;
    }
  };
  const SETS = [
    'a=1',
    'a=x,b=y',
    'a.b.c=1',
    'a=',
    'a',
    'a.',
    '.a=1',
    'a.=1,b=2',
    'a,b=1',
    'a=1,',
    'a=1,,b=2',
    'a=true,b=FALSE,c=Null,d="true"',
    'a=01,b=0,c=-1,d=+7,e=-0,f=1.5,g=1e3,h=00,i=-01',
    'a=99999999999999999999',
    'a={1,2,x}',
    'a={}',
    'a={},b=1',
    'a={1',
    'a={1}x=2',
    'a={{b},c}',
    'a[0]=1',
    'a[2]=1',
    'a[0]',
    'a[0].b=',
    'a[0].b=1,a[0].c=2',
    'a[1].b=1',
    'a[0][1]=x',
    'a[0][0].b=x,a[0][1].c=y',
    'a[x]=1',
    'a[-1]=1',
    'a[0]x=1',
    'a[0],b=1',
    'a[70000]=1',
    'a=1,a.b=2',
    'a.b=1,a=2',
    'a=null,a.b=1',
    'a=null,a[0]=1',
    'a={1},a[1]=2',
    'a={1},a[0].b=2',
    'a\\.b=1',
    'a\\,b=1',
    'a=x\\,y',
    'a=x\\',
    'a\\',
    'a=b=c',
    'a= x ',
    ' a =1',
    'nodeSelector.kubernetes\\.io/os=linux',
    'a=ſ',
    'a=falſe',
    'a=中文,b=😀',
    '=1',
    '=1,b=2',
    'a..b=1',
    `${new Array(31).fill('a').join('.')}=1`,
    `${new Array(32).fill('a').join('.')}=1`,
    '__proto__.x=1',
  ];
  test.each(SETS)('--set %s', async (text) => {
    const said = await Promise.all((['helm3', 'helm4'] as const).map((helm) => printed(helm, folder, ['--set', text])));
    expect(said).toEqual([ours(text), ours(text)]);
  });

  test('--set of anything', async () => {
    const text = fc
      .array(fc.constantFrom(...'aab.=,[]{}01 -\\', 'true', 'null', '=1', 'a.b=', '[0]'), { maxLength: 9 })
      .map((parts) => parts.join(''));
    for (const [at, each] of fc.sample(text, 40).entries()) {
      const as = at % 4 ? 'typed' : 'text';
      // `=`, since a text may begin with a dash.
      expect(ours(each, as), each).toEqual(await printed('helm3', folder, [`${as === 'typed' ? '--set' : '--set-string'}=${each}`]));
    }
  });

  // ---- files ----------------------------------------------------------------------------------------------------------
  test.each([
    'a: yes\nb: off\nc: "no"\nd: y\ne: N\nf: On',
    'a: 0644\nb: 0o14\nc: 0x1F\nd: 1_000\ne: .5\nf: 1e3\ng: +3\nh: 08\ni: 1.\nj: 0b11',
    'a: 2001-12-14\nb: 2001-12-14T21:59:43.10-05:00\nc: 1:30\nd: 190:20:30.15',
    'a: ~\nb:\nc: null\nd: Null\ne: ""',
    'a: &x {b: 1}\nc: *x\nd:\n  <<: *x\n  e: 2',
    'a: 1\nb: |\n  x\n  y\nc: >-\n  x\n  y',
    '# nothing',
    '',
    'a: 1\n---\nb: 2\na: {c: 3}',
    '---\na: 1\n...\n',
    '1: a\ntrue: b\n1.5: d',
    '- a',
    'a',
    'a: [',
    'a: 1\na: 2',
    'a: !!binary aGk=',
    'a: !!str 1\nb: !!int "2"',
    'a: =',
    'a: 9007199254740993',
    'a: .inf',
    'a: !custom x',
    '{a: 1, "b": [1, {c: d}]}',
  ])('a file: %j', async (text) => {
    for (const helm of ['helm3', 'helm4'] as const) {
      const { documents } = rulesOf(HELMS[helm]);
      const read = () => {
        try {
          return readValues(text, documents);
        } catch {
          return undefined;
        }
      };
      expect(read(), helm).toEqual(await printed(helm, folder, ['-f', '-'], text));
    }
  });

  // ---- merging --------------------------------------------------------------------------------------------------------
  const leaf = fc.constantFrom<Json>(null, null, 1, 'x', true, [], [1, null], {});
  const tree: fc.Arbitrary<Raw> = fc.letrec<{ map: Raw; value: Json }>((tie) => ({
    map: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), tie('value'), { maxKeys: 4 }),
    value: fc.oneof({ maxDepth: 3, depthSize: 'small' }, leaf, tie('map') as fc.Arbitrary<Json>),
  })).map;
  /** Many cases in one run of helm: top-level keys do not see one another. */
  const together = (cases: readonly Raw[]): Raw =>
    Object.fromEntries(cases.flatMap((values, at) => Object.entries(values).map(([key, value]) => [`${key}${at}`, value])));
  const file = (values: Raw) => {
    const name = join(scratch, `values-${count++}.yaml`);
    writeFileSync(name, valuesInput(values));
    return name;
  };

  test.each(Object.keys(HELMS) as Helm[])('%s: values that fill whole blocks of its reader arrive', async (helm) => {
    const values = { a: 'given', b: '' };
    values.b = 'x'.repeat(4096 - JSON.stringify(values).length);
    expect(await printed(helm, chart('a: default'), ['-f', '-'], valuesInput(values))).toEqual(values);
  });

  test.each(Object.keys(HELMS) as Helm[])('%s: defaults, two files and a --set come together as here', async (helm) => {
    const [defaults, first, second] = [0, 1, 2].map(() => together(fc.sample(tree, 300))) as [Raw, Raw, Raw];
    const rules = rulesOf(HELMS[helm]);
    const given = mergeMaps(first, second);
    setInto(given, 'a0=null', 'typed');
    const seen = coalesce(defaults, given, rules);
    expect(seen).toEqual(await printed(helm, chart(JSON.stringify(defaults)), ['-f', file(first), '-f', file(second), '--set', 'a0=null']));
    // And helm can be made to see the same over any other chart.
    const other = together(fc.sample(tree, 300));
    expect(filled(seen)).toEqual(
      filled((await printed(helm, chart(JSON.stringify(other)), ['-f', '-'], valuesInput(insteadOf(other, seen)))) as Raw),
    );
  });
  /** A template cannot tell a null from a key that is not there, but for hasKey. */
  const filled = (values: Raw): Raw =>
    Object.fromEntries(
      Object.entries(values).flatMap(([key, value]) =>
        value === null ? [] : [[key, value !== null && typeof value === 'object' && !Array.isArray(value) ? filled(value) : value]],
      ),
    );
});

describe('what an upgrade makes of the old values', () => {
  const rules = rulesOf('3.17.1');
  const target = { a: 1, b: { c: 1, d: 1 } };
  const old = { defaults: { a: 0, b: { c: 0 } }, config: { b: { c: 5 }, x: 7 } };
  const all = (given: Raw, reuse?: 'reuse' | 'reset' | 'reset-then-reuse') => upgraded(target, { given, reuse }, old, rules).all;
  test.each<[string, Raw, 'reuse' | 'reset' | 'reset-then-reuse' | undefined, Raw]>([
    ['nothing given: the old settings over the new defaults', {}, undefined, { a: 1, b: { c: 5, d: 1 }, x: 7 }],
    ['anything given: the old settings are dropped', { a: 2 }, undefined, { a: 2, b: { c: 1, d: 1 } }],
    ['--reuse-values: the old defaults too', { a: 2 }, 'reuse', { a: 2, b: { c: 5 }, x: 7 }],
    ['--reuse-values: a null brings the old setting back', { b: { c: null } }, 'reuse', { a: 0, b: { c: 5 }, x: 7 }],
    ['--reset-then-reuse-values', { a: 2 }, 'reset-then-reuse', { a: 2, b: { c: 5, d: 1 }, x: 7 }],
    ['--reset-values', {}, 'reset', target],
  ])('%s', (_, given, reuse, expected) => expect(all(given, reuse)).toEqual(expected));
  test('without an old release only what is given counts', () => {
    expect(upgraded(target, { given: { a: 2 }, reuse: 'reuse' }, undefined, rules).all).toEqual({ a: 2, b: { c: 1, d: 1 } });
  });
});
