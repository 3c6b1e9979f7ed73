// A setting as words for helm: through a shell and our reading of --set, it is the setting again.
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Json, Raw } from '../../src/engine/contracts.ts';
import { needsValue, setFlag, settingFlag } from '../../src/helm/flags.ts';
import { pathOf, written } from '../../src/helm/keys.ts';
import { setInto } from '../../src/helm/set.ts';

test.skipIf(process.platform === 'win32')('comes back as it was, or is hidden', () => {
  const text = fc.string({ unit: fc.constantFrom(...'ab1.,=[]{}\\\'"$ `*~中'), minLength: 0, maxLength: 8 });
  const name = fc.string({ unit: fc.constantFrom(...'xy.,=[\\'), minLength: 1, maxLength: 4 });
  const value = fc.oneof(
    text,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(text),
    fc.dictionary(text, fc.double({ noNaN: true, noDefaultInfinity: true })),
  );
  const cases = fc.sample(fc.tuple(fc.array(name, { minLength: 1, maxLength: 3 }), value), 300);
  const words = cases.map(([path, each]) => setFlag(path, each as Json));
  const read = execFileSync('sh', ['-c', `printf '%s\\0' ${words.join(' ')}`], { encoding: 'utf8' }).split('\0');
  for (const [at, [path, each]] of cases.entries()) {
    const [flag, word = ''] = read.slice(at * 2, at * 2 + 2);
    expect(pathOf(written(path))).toEqual(path);
    if (word === `${written(path)}=VALUE`) continue; // blanks that a terminal would fold
    const values: Raw = {};
    if (flag === '--set-json') setInto(values, word.slice(0, written(path).length + 1), 'text');
    else setInto(values, word, flag === '--set' ? 'typed' : 'text');
    const found = path.reduce<Json>((map, key) => (map as Raw)[key]!, values);
    expect(flag === '--set-json' ? JSON.parse(word.slice(written(path).length + 1)) : found, word).toEqual(
      JSON.parse(JSON.stringify(each)),
    );
  }
});

test.each<[string, Json, string]>([
  ['tls.privateKey', 'abc', '--set-string tls.privateKey=VALUE'],
  ['registry.password', 12345678, '--set registry.password=VALUE'],
  ['a', 'x\ny', '--set-string a=VALUE'],
  ['a', 'x'.repeat(500), '--set-string a=VALUE'],
  ['ipam.enableIPv6', false, '--set ipam.enableIPv6=false'],
  ['nodeSelector.kubernetes\\.io/os', 'linux', "--set-string 'nodeSelector.kubernetes\\.io/os=linux'"],
])('%s=%j is %s', (key, value, expected) => expect(setFlag(pathOf(key), value)).toBe(expected));

test.each<[string, Json, string]>([
  ['db.url', 'abc', '--set-string db.url=VALUE'],
  ['db', { a: 1 }, '--set-json db=VALUE'],
  ['list', [1], '--set-json list=VALUE'],
  ['odd key', 'abc', "--set-string 'odd key=VALUE'"],
  ['env.PIN', 4711, '--set env.PIN=VALUE'],
])("the user's own %s=%j is %s", (key, value, expected) => {
  expect(settingFlag(pathOf(key), value)).toBe(expected);
  expect(needsValue(['--set a=1', expected])).toBe(true);
});

test('booleans and numbers of the user are words to paste', () => {
  const flags = [settingFlag(['a'], true), settingFlag(['b'], 3), settingFlag(['c'], null)];
  expect(flags).toEqual(['--set a=true', '--set b=3', '--set c=null']);
  expect(needsValue(flags)).toBe(false);
});
