// One object changed in the text of its file: only those characters, everything else as it was; what is shared is refused; the way back is exact.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { Json, Raw } from '../../src/engine/contracts.ts';
import { unifiedDiff } from '../../src/files/diff.ts';
import { edited, unspliced } from '../../src/files/edit.ts';
import { isNotYaml, readYaml } from '../../src/files/yaml.ts';
import { deepEqual } from '../../src/kube/json.ts';
import { pointerRemove, pointerSet } from '../../src/kube/pointer.ts';

function objectIn(text: string, document = 0): Raw {
  const read = readYaml(text);
  if (isNotYaml(read)) throw new Error(read.why.en);
  return read.documents[document]!.value as Raw;
}
/** undefined: the field goes. */
function set(text: string, changes: Record<string, Json | undefined>, document = 0) {
  const now = objectIn(text, document);
  const next = Object.entries(changes).reduce(
    (value, [at, to]) => (to === undefined ? pointerRemove(value, at) : pointerSet(value, at, to)),
    now,
  );
  return edited(text, { document }, now, next);
}
function textAfter(...args: Parameters<typeof set>): string {
  const result = set(...args);
  if ('refused' in result) throw new Error(result.refused.en);
  expect(unspliced(result.text, result.splices)).toBe(args[0]);
  return result.text;
}

const PLAN = `# server plan
apiVersion: upgrade.cattle.io/v1
kind: Plan
metadata: {name: server, namespace: "system-upgrade"}
spec:
  concurrency: 3  # all at once
  # do not touch
  version: 'v1.30.4+k3s1'
  drain:
    force: yes
  tolerations:
  - key: a
    effect: NoExecute
  - {key: b}
`;

describe('only what changes is written', () => {
  it.each<[string, Record<string, Json | undefined>, string, string]>([
    ['a number, its comment stays', { '/spec/concurrency': 1 }, 'concurrency: 3  #', 'concurrency: 1  #'],
    ['a string keeps its quotes', { '/spec/version': 'v1.31.1+k3s1' }, "'v1.30.4+k3s1'", "'v1.31.1+k3s1'"],
    ['in a flow map', { '/metadata/name': 'agent' }, '{name: server,', '{name: agent,'],
    ['a string that YAML would read as something else is quoted', { '/metadata/name': 'off' }, '{name: server,', '{name: "off",'],
    ['a field is added behind the last', { '/spec/drain/timeout': 60 }, '    force: yes\n', '    force: yes\n    timeout: 60\n'],
    [
      'maps above it are made',
      { '/spec/prepare': { image: 'x', args: ['a', 'off'] } },
      '  - {key: b}\n',
      '  - {key: b}\n  prepare:\n    image: x\n    args:\n      - a\n      - "off"\n',
    ],
    [
      'a field goes with its line, the comment above the next stays',
      { '/spec/concurrency': undefined },
      '  concurrency: 3  # all at once\n',
      '',
    ],
    ['the only field of a map', { '/spec/drain/force': undefined }, '    force: yes\n', '    {}\n'],
    ['in an item of a list', { '/spec/tolerations/0/key': undefined }, '- key: a\n    effect', '- effect'],
    ['in a flow item', { '/spec/tolerations/1/effect': 'NoSchedule' }, '{key: b}', '{key: b, effect: NoSchedule}'],
    [
      'a map in the place of another',
      { '/spec/drain': { force: false, timeout: 9 } },
      '    force: yes\n',
      '    force: false\n    timeout: 9\n',
    ],
  ])('%s', (_, changes, from, to) => {
    const text = textAfter(PLAN, changes);
    expect(text).toBe(PLAN.replace(from, to));
    const crlf = PLAN.replaceAll('\n', '\r\n');
    expect(textAfter(crlf, changes)).toBe(text.replaceAll('\n', '\r\n'));
  });

  it('of several documents the one that is meant; the last line may lack its end', () => {
    const two = `${PLAN}---\n# other\nkind: A\nspec: {a: 1}`;
    expect(textAfter(two, { '/spec/a': undefined, '/spec/b': 'x' }, 1)).toBe(two.replace('{a: 1}', '{b: x}'));
    expect(textAfter('kind: A\nspec:\n  a: 1', { '/spec/b': 2 })).toBe('kind: A\nspec:\n  a: 1\n  b: 2');
    expect(textAfter('kind: A\nspec:\n  a: 1\n  b: 2', { '/spec/b': undefined })).toBe('kind: A\nspec:\n  a: 1');
    expect(textAfter('kind: A\nspec:\n  text: |\n    one\n    two\n', { '/spec/b': 2 })).toBe(
      'kind: A\nspec:\n  text: |\n    one\n    two\n  b: 2\n',
    );
  });

  it('JSON stays JSON', () => {
    const json = '{\n  "kind": "A",\n  "spec": {\n    "a": "x",\n    "b": [1, 2]\n  }\n}\n';
    expect(textAfter(json, { '/spec/a': 'y' })).toBe(json.replace('"x"', '"y"'));
    const grown = textAfter(json, { '/spec/c': { d: 'e' } });
    expect(grown).toBe(json.replace('[1, 2]', '[1, 2],\n    "c": {"d":"e"}'));
    expect(JSON.parse(textAfter(json, { '/spec/b': undefined }))).toEqual({ kind: 'A', spec: { a: 'x' } });
  });

  it('an item of a List', () => {
    const list = 'apiVersion: v1\nkind: List\nitems:\n- kind: A\n  a: 1\n- kind: B # second\n  a: 1\n';
    const result = edited(list, { document: 0, item: 1 }, { kind: 'B', a: 1 }, { kind: 'B', a: 2 });
    expect('text' in result && result.text).toBe(list.replace('B # second\n  a: 1', 'B # second\n  a: 2'));
  });
});

describe('what is shared is refused', () => {
  it.each([
    ['an anchor that aliases lead to', 'a: &x {b: 1}\nc: *x\n', '/a/b', /anchor &x \(line 1\)/],
    ['an alias', 'a: &x {b: 1}\nc: *x\n', '/c/b', /alias \*x \(line 2\)/],
    ['a merge key', 'a: &x {b: 1}\nc:\n  <<: *x\n  d: 1\n', '/c/b', /\/c\/b comes from a merge key \(<<, line 3\)/],
    ['a merge key that goes over it', 'a: &x {b: 1}\nc:\n  b: 3\n  <<: *x\n', '/c/b', /merge key/],
    ['a key that is written twice', 'c:\n  b: 1\n  b: 2\n', '/c/b', /written twice \(line 3\)/],
  ])('%s', (_, text, at, why) => {
    const result = set(text, { [at]: 7 });
    expect('refused' in result && result.refused.en).toMatch(why);
  });

  it('a field beside the merge key, and an anchor without aliases, are changed', () => {
    const text = 'a: &x {b: 1}\nc:\n  <<: *x\n  d: 1 # own\n';
    expect(textAfter(text, { '/c/d': 2 })).toBe(text.replace('d: 1', 'd: 2'));
    expect(textAfter('a: &x {b: 1}\n', { '/a/b': 2 })).toBe('a: &x {b: 2}\n');
  });
});

it('whatever is changed in whatever style: just that, and back to the byte, or a refusal', () => {
  const key = fc.constantFrom('a', 'b', 'on', 'x-y', '8080', 'spec');
  const leaf = fc.oneof(
    fc.string(),
    fc.constantFrom('off', 'None', '0644', 'a: b', '#', '- x', 'two\nlines\n', ''),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
  );
  const { tree } = fc.letrec<{ tree: Json }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
      fc.array(tie('tree'), { maxLength: 3 }),
    ) as fc.Arbitrary<Json>,
  }));
  const object = fc.dictionary(key, tree, { minKeys: 1, maxKeys: 4 }) as fc.Arbitrary<Raw>;
  const style = fc.constantFrom(
    {},
    { indent: 4 },
    { collectionStyle: 'flow' as const },
    { indentSeq: false },
    { defaultStringType: 'QUOTE_SINGLE' as const },
  );
  let done = 0;
  fc.assert(
    fc.property(object, object, style, fc.boolean(), (now, next, how, crlf) => {
      const plain = `# first\n${stringify(now, { version: '1.1', ...how })}`;
      const text = crlf ? plain.replaceAll('\n', '\r\n') : plain;
      fc.pre(deepEqual(objectIn(text), now));
      const result = edited(text, { document: 0 }, now, next);
      if ('refused' in result) return;
      done++;
      expect(objectIn(result.text)).toEqual(next);
      expect(unspliced(result.text, result.splices)).toBe(text);
    }),
    { numRuns: 200 },
  );
  expect(done).toBeGreaterThan(60);
}, 60_000);

it('a diff shows the change and its own document, and nothing secret', () => {
  const before = 'kind: Secret\nstringData: {a: hunter2}\n---\nkind: A\npassword: hunter2\nspec:\n  a: 1\n---\nkind: B\n';
  expect(unifiedDiff('x.yaml', before, before.replace('a: 1', 'a: 2'))).toEqual([
    '--- a/x.yaml',
    '+++ b/x.yaml',
    '@@ -4,4 +4,4 @@',
    ' kind: A',
    expect.stringMatching(/^ password: (?!hunter2)/),
    ' spec:',
    '-  a: 1',
    '+  a: 2',
  ]);
});
