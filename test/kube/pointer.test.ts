import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Json, type PatchOp, type Raw, WorldError } from '../../src/engine/contracts.ts';
import { deepEqual } from '../../src/kube/json.ts';
import { applyPatch, formatPointer, parsePointer, pointerGet, pointerRemove, pointerSet } from '../../src/kube/pointer.ts';

const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;

describe('pointers', () => {
  // The examples of RFC 6901, section 5.
  const document = { foo: ['bar', 'baz'], '': 0, 'a/b': 1, 'c%d': 2, 'm~n': 8, ' ': 7 };
  it.each([
    ['', document],
    ['/foo', ['bar', 'baz']],
    ['/foo/0', 'bar'],
    ['/', 0],
    ['/a~1b', 1],
    ['/c%d', 2],
    ['/m~0n', 8],
    ['/ ', 7],
    ['/foo/2', undefined],
    ['/foo/01', undefined],
    ['/foo/-', undefined],
    ['/toString', undefined],
    ['/__proto__/x', undefined],
    ['/foo/length', undefined],
  ])('%j', (pointer, expected) => {
    expect(pointerGet(document, pointer)).toEqual(expected);
  });

  it('rejects what is none', () => {
    for (const bad of ['a', '/~', '/~2']) expect(() => parsePointer(bad)).toThrow('not a JSON pointer');
  });

  it('round-trips: keys, and set then get, and set then remove', () => {
    fc.assert(fc.property(fc.array(fc.string()), (keys) => void expect(parsePointer(formatPointer(keys))).toEqual(keys)));
    fc.assert(
      fc.property(fc.dictionary(fc.string(), json), fc.array(fc.string(), { minLength: 1, maxLength: 3 }), json, (object, keys, value) => {
        const pointer = formatPointer(keys);
        const before = JSON.stringify(object);
        let set: Raw;
        try {
          set = pointerSet(object as Raw, pointer, value);
        } catch (error) {
          expect((error as Error).message).toMatch(/no place|neither object nor array/);
          return;
        }
        expect(deepEqual(pointerGet(set, pointer), value)).toBe(true);
        expect(pointerGet(pointerRemove(set, pointer), pointer)).toBeUndefined();
        expect(JSON.stringify(object)).toBe(before);
      }),
    );
  });

  it('sets __proto__ as a key like any other', () => {
    const set = pointerSet({} as Raw, '/__proto__/polluted', 1);
    expect(Object.hasOwn(set, '__proto__')).toBe(true);
    expect(({} as Raw).polluted).toBeUndefined();
    expect(JSON.stringify(pointerRemove(set, '/__proto__/polluted'))).toBe('{"__proto__":{}}');
  });
});

describe('applyPatch', () => {
  const object: Raw = { metadata: { uid: 'u', labels: { a: '1' } }, list: [1, 2, 3], nothing: null };
  const apply = (...patch: PatchOp[]) => applyPatch(object, patch);
  const refused = (...patch: PatchOp[]) => {
    try {
      apply(...patch);
    } catch (error) {
      expect(error).toBeInstanceOf(WorldError);
      expect(error).toMatchObject({ kind: 'conflict', status: 422 });
      return (error as Error).message;
    }
    throw new Error('was applied');
  };

  it('adds, replaces, removes', () => {
    expect(
      apply(
        { op: 'test', path: '/metadata/uid', value: 'u' },
        { op: 'add', path: '/metadata/labels/b~1c', value: '2' },
        { op: 'replace', path: '/metadata/labels/a', value: '9' },
        { op: 'add', path: '/list/1', value: 7 },
        { op: 'add', path: '/list/-', value: 8 },
        { op: 'remove', path: '/list/0' },
      ),
    ).toEqual({ metadata: { uid: 'u', labels: { a: '9', 'b/c': '2' } }, list: [7, 2, 3, 8], nothing: null });
    expect(object.list).toEqual([1, 2, 3]);
  });

  it('compares deeply, in any order of keys', () => {
    apply({ op: 'test', path: '/metadata', value: { labels: { a: '1' }, uid: 'u' } });
    expect(refused({ op: 'test', path: '/metadata', value: { labels: {}, uid: 'u' } })).toContain(
      'test /metadata: the value is another one',
    );
    expect(refused({ op: 'test', path: '/list', value: [1, 3, 2] })).toContain('another');
  });

  it('does as the API server does where that is not RFC 6902', () => {
    apply({ op: 'test', path: '/metadata/missing', value: null });
    expect(apply({ op: 'replace', path: '/new', value: 1 }).new).toBe(1);
  });

  it('refuses what is not there', () => {
    expect(refused({ op: 'remove', path: '/metadata/missing' })).toContain('missing');
    expect(refused({ op: 'add', path: '/missing/x', value: 1 })).toContain('missing');
    expect(refused({ op: 'test', path: '/missing/x', value: null })).toContain('missing');
    expect(refused({ op: 'add', path: '/list/9', value: 1 })).toContain('no such item');
    expect(refused({ op: 'replace', path: '/list/-', value: 1 })).toContain('no such item');
    expect(refused({ op: 'remove', path: '/list/3' })).toContain('no such item');
    expect(refused({ op: 'replace', path: '', value: {} })).toContain('whole object');
  });
});

it('deepEqual agrees with JSON that was written and read', () => {
  fc.assert(
    fc.property(json, json, (a, b) => {
      expect(deepEqual(a, JSON.parse(JSON.stringify(a)))).toBe(true);
      if (deepEqual(a, b)) expect(deepEqual(b, a)).toBe(true);
      else expect(JSON.stringify(a)).not.toBe(JSON.stringify(b));
    }),
  );
});
