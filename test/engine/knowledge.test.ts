// Knowledge: what ships has its shape; a file replaces whole tables, and is refused with the place of whatever is wrong in it.
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { forgetReplaced, knowledge, replacedTables, replaceKnowledge, tableNames, wrongInBuilt } from '../../src/engine/knowledge.ts';
import { either, flag, list, map, oneOf, row, text, tuple } from '../../src/engine/shapes.ts';
import '../../src/systems/kubernetes/knowledge/tables.ts';
import { SYSTEMS } from '../../src/systems/index.ts';
import { UserError } from '../../src/text/user-error.ts';

const PETS = row(
  { source: text, pets: list(row({ name: text }, { tame: flag, kind: oneOf('cat', 'dog') })) },
  { homes: map(tuple(text, flag)) },
);
const built = { source: 'built', pets: [{ name: 'Tom' }] };
let decoded = 0;
const pets = knowledge('test/pets', PETS, () => {
  decoded++;
  return built;
});
afterEach(forgetReplaced);

const file = (tables: unknown, more: object = {}): string =>
  JSON.stringify({ apiVersion: 'upgrade-guard/v1', kind: 'Knowledge', tables, ...more });
const refusal = (content: string): { en: string; zh: string } => {
  try {
    replaceKnowledge(content, 'new.json');
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    return (error as UserError).text;
  }
  throw new Error('was not refused');
};

const DEEP = '['.repeat(200_000) + ']'.repeat(200_000);

describe('knowledge', () => {
  test('what ships has the shape that is declared for it, in every system', () => {
    expect(SYSTEMS.length).toBeGreaterThan(0);
    expect(wrongInBuilt()).toEqual([]);
    expect(tableNames()).toContain('kubernetes/components');
  });

  test('is decoded when first used, once', () => {
    decoded = 0;
    forgetReplaced();
    expect(decoded).toBe(0);
    expect(pets()).toBe(pets());
    expect(decoded).toBe(1);
  });

  test('a file replaces whole tables and no others', () => {
    replaceKnowledge(file({ 'test/pets': { source: 'new', pets: [], homes: { Rome: ['x', true] } } }), 'new.json');
    expect(pets()).toEqual({ source: 'new', pets: [], homes: { Rome: ['x', true] } });
    expect(replacedTables()).toEqual(['test/pets']);
  });

  test.each([
    ['not JSON', '{', 'not JSON'],
    ['another kind', JSON.stringify({ kind: 'List' }), 'apiVersion: is missing'],
    [
      'another version',
      JSON.stringify({ apiVersion: 'v9', kind: 'Knowledge', tables: {} }),
      'apiVersion: "v9" is not one of upgrade-guard/v1',
    ],
    ['an unknown table', file({ 'test/birds': {} }), 'tables["test/birds"]: unknown table'],
    ['a missing field', file({ 'test/pets': { source: 'x' } }), 'tables["test/pets"].pets: is missing'],
    ['an unknown field', file({ 'test/pets': { ...built, extra: 1 } }), 'tables["test/pets"].extra: is not a field of this version'],
    [
      'a wrong type',
      file({ 'test/pets': { source: 'x', pets: [{ name: 'Tom', tame: 'yes' }] } }),
      'tables["test/pets"].pets[0].tame: "yes" is not true or false',
    ],
    [
      'a wrong choice',
      file({ 'test/pets': { source: 'x', pets: [{ name: 'T', kind: 'bird' }] } }),
      '.pets[0].kind: "bird" is not one of cat, dog',
    ],
    ['a text without end', file({ 'test/pets': { source: 'x'.repeat(2001), pets: [] } }), 'is not a text of at most 2000 characters'],
    ['a list where a map is', file({ 'test/pets': [] }), 'tables["test/pets"]: [] is not a map'],
    [
      'a key that is none',
      `{"apiVersion":"upgrade-guard/v1","kind":"Knowledge","tables":{"test/pets":{"source":"x","pets":[],"homes":{"__proto__":["x",true]}}}}`,
      'unusable key',
    ],
    ['no end of depth', `{"apiVersion":"upgrade-guard/v1","kind":"Knowledge","tables":{"test/pets":${DEEP}}}`, 'is not a map'],
  ])('refuses %s, and replaces nothing', (_, content, said) => {
    const { en, zh } = refusal(content);
    expect(en).toMatch(/^--knowledge new\.json: /);
    expect(en).toContain(said);
    expect(zh).toMatch(/[\u4e00-\u9fff]/);
    expect(replacedTables()).toEqual([]);
    expect(pets()).toBe(built);
  });

  test('one wrong table keeps the others from being replaced', () => {
    refusal(file({ 'test/pets': { source: 'new', pets: [] }, 'kubernetes/versions': {} }));
    expect(pets()).toBe(built);
  });

  test('whatever a file holds, it is replaced or refused in words', () => {
    fc.assert(
      fc.property(fc.json(), (content) => {
        forgetReplaced();
        try {
          replaceKnowledge(content, 'f');
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
        }
      }),
    );
  });

  test('either shape will do', () => {
    expect(either(flag, oneOf(null))(null, 'x')).toBeUndefined();
    expect(either(flag, oneOf(null))(1, 'x')?.at).toBe('x');
  });
});
