// What the flags say about values, as `helm upgrade` takes them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { acceptance } from '../../src/cli/asked.ts';
import type { Flags } from '../../src/cli/flags.ts';
import { intentOf } from '../../src/cli/intent.ts';

const scratch = mkdtempSync(join(tmpdir(), 'ug-intent-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const file = (name: string, text: string) => {
  writeFileSync(join(scratch, name), text);
  return join(scratch, name);
};

test.each<[string, Flags, object | undefined]>([
  ['nothing', {}, undefined],
  ['a word about reuse alone', { 'reuse-values': true }, { given: {}, reuse: 'reuse' }],
  [
    'of several words the one that helm takes',
    { 'reuse-values': true, 'reset-values': true, 'reset-then-reuse-values': true },
    { given: {}, reuse: 'reset' },
  ],
  ['the second', { 'reuse-values': true, 'reset-then-reuse-values': true }, { given: {}, reuse: 'reuse' }],
  [
    'files, then --set, then --set-string',
    {
      values: [file('a.yaml', '\ufeffa: 1\nb: {c: 1, d: 1}\n'), file('b.yaml', 'b: {c: 2}\nl: [1]\n')],
      set: ['b.c=3,e=4', 'l={}'],
      'set-string': ['e=5'],
    },
    { given: { a: 1, b: { c: 3, d: 1 }, e: '5', l: [''] }, reuse: undefined },
  ],
  [
    '--set-json before --set, --set-file last',
    { 'set-json': ['a.b={"c":[1,{"d":"x,y"}],"e":1}'], set: ['a.b.e=2'], 'set-file': [`f.g=${file('text', 'p=q,\n')}`] },
    { given: { a: { b: { c: [1, { d: 'x,y' }], e: 2 } }, f: { g: 'p=q,\n' } }, reuse: undefined },
  ],
])('%s', async (_, flags, expected) => expect(await intentOf(flags)).toEqual(expected));

test('further documents of a file count with helm 4 alone', async () => {
  const values = [file('two.yaml', 'a: 1\n---\na: 2\n')];
  expect((await intentOf({ values }, '3.21.4'))?.given).toEqual({ a: 1 });
  expect((await intentOf({ values }, '4.0.0'))?.given).toEqual({ a: 2 });
});

describe('refused, with what to do', () => {
  test.each<[Flags, RegExp]>([
    [{ values: [join(scratch, 'none.yaml')] }, /reading --values .*none\.yaml: .*ENOENT/],
    [{ values: [scratch] }, /reading --values .*EISDIR/],
    [{ values: [file('list.yaml', '- a')] }, /not a map/],
    [{ values: [file('broken.yaml', 'a: [')] }, /reading --values .*broken\.yaml: /],
    [{ values: [file('big.yaml', `a: ${'x'.repeat(5 * 1024 * 1024)}`)] }, /larger than 5 MiB/],
    [{ 'set-json': ['a={'] }, /reading --set-json a: /],
    [{ 'set-file': ['token'] }, /reading --set-file token: there is no =/],
    [{ set: ['a.b'] }, /reading --set a\.b: key "b" has no value/],
    [{ 'set-string': ['password[x]=hunter2'] }, /reading --set-string password\[x\]: "x" is not an index/],
  ])('%j', async (flags, why) => {
    await expect(intentOf(flags)).rejects.toThrow(why);
    await expect(intentOf(flags)).rejects.toMatchObject({ next: { en: expect.any(String), zh: expect.stringMatching(/[\u4e00-\u9fff]/) } });
    await expect(intentOf(flags)).rejects.not.toThrow(/hunter2/);
  });
});

test('a values file that is not there is a matter of its path, not of what is in it', async () => {
  const nextOf = (name: string) => intentOf({ values: [name] }).catch((error: { next: object }) => error.next);
  expect(await nextOf(join(scratch, 'none.yaml'))).toMatchObject({ en: expect.stringContaining('path') });
  expect(await nextOf(file('list-too.yaml', '- a'))).toMatchObject({ en: expect.stringContaining('YAML map') });
});

test('an --accept that names no check says which flag it was', () => {
  const refusal = (text: string) => {
    try {
      return acceptance(text);
    } catch (error) {
      return (error as { text: object }).text;
    }
  };
  expect(refusal('foo')).toEqual({ en: '--accept foo: there is no such check', zh: '--accept foo：没有这个检查项' });
  expect(refusal('kubernetes/nodes-ready:a')).toMatchObject({ en: expect.stringMatching(/^reading --accept kubernetes\/nodes-ready:a: /) });
  expect(refusal('kubernetes/nodes-ready')).toEqual({ check: 'kubernetes/nodes-ready', object: undefined });
});
