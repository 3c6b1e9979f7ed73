// Reading lists from bytes: always what the projection of JSON.parse's answer is, and an error for whatever JSON.parse refuses where we read.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readItems, wantedKeys, wantedOf } from '../../src/cluster/json-reader.ts';
import type { Json, Raw } from '../../src/engine/contracts.ts';
import { pick } from '../../src/kube/fields.ts';

const FIELDS = ['status.current.ips.ipv4', 'status.current.ips.pool', 'spec', "metadata.annotations['a.b/c']"];

function read(text: string | Buffer, fields: string[] | 'whole' = FIELDS): { items: Json[]; answer: Raw } {
  const items: Json[] = [];
  const answer = readItems(Buffer.from(text as string), 'items', wantedOf(fields), (item) => items.push(item));
  return { items, answer };
}

describe('the same as the projection of what JSON.parse makes', () => {
  const key = fc.constantFrom(
    'metadata',
    'name',
    'annotations',
    'a.b/c',
    'status',
    'current',
    'ips',
    'ipv4',
    'pool',
    'spec',
    '"',
    '\\',
    '值',
    '__proto__',
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.constantFrom('}],"items":[', '\\"', '\\', '"', '值', '\u007f\u0080'),
  );
  const { value } = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      text,
      fc.double({ noDefaultInfinity: true, noNaN: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
      fc.constantFrom(null, true, false),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.array(fc.tuple(key, tie('value')), { maxLength: 4 }).map((pairs) => Object.fromEntries(pairs)),
    ) as fc.Arbitrary<Json>,
  }));
  const item = fc.record(
    {
      apiVersion: text,
      metadata: fc.record({ name: text, uid: text, managedFields: value, annotations: value }, { requiredKeys: [] }),
      spec: value,
      status: fc.oneof(value, fc.record({ current: fc.oneof(value, fc.record({ ips: value, uid: text })), other: value })),
    },
    { requiredKeys: [] },
  );
  const spaces = fc.constantFrom(undefined, 1, '\t');

  test('for any list, however it is spaced', () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 3 }), value, spaces, (items, other, space) => {
        const list = { kind: 'List', before: other, items, metadata: { continue: 'x' }, behind: other };
        const text = JSON.stringify(list, undefined, space);
        expect(read(text).items).toEqual(JSON.parse(text).items.map((each: Raw) => pick(each, FIELDS)));
        expect(read(text, 'whole').items).toEqual(JSON.parse(text).items);
        expect(read(text).answer).toEqual({ ...JSON.parse(text), items: [] });
      }),
      { numRuns: 500 },
    );
  });
  test('with everything escaped that can be', () => {
    const escaped = (text: string) => `"${[...text].map((each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`;
    const one = `{${escaped('status')}:{${escaped('current')}:{"x":1,${escaped('ips')}:[{${escaped('ipv4')}:${escaped('10.0.0.1')}}]}}}`;
    expect(read(`{"items":[${one}]}`).items).toEqual([{ status: { current: { ips: [{ ipv4: '10.0.0.1' }] } } }]);
  });
  test('the last of two members of one name', () => {
    const text = '{"items":[{"spec":1,"spec":2,"status":{"current":{"ips":[]}},"status":{}}]}';
    expect(read(text).items).toEqual([{ spec: 2, status: {} }]);
  });
});

describe('the array', () => {
  test.each([
    ['{}', {}],
    ['{"items":null}', { items: null }],
    ['{"items":[ ]}', { items: [] }],
    ['{"items":{"a":1}}', { items: { a: 1 } }],
  ])('%s', (text, answer) => expect(read(text)).toEqual({ items: [], answer }));
  test('comes with what stood before it', () => {
    const seen: Raw[] = [];
    readItems(Buffer.from('{"a":1,"rows":[{"cells":[1],"object":{}}],"b":2}'), 'rows', wantedKeys(['cells']), (item, before) =>
      seen.push({ item, before: { ...before } }),
    );
    expect(seen).toEqual([{ item: { cells: [1] }, before: { a: 1, rows: [] } }]);
  });
});

describe('refused', () => {
  const good = JSON.stringify({
    kind: 'List',
    items: [{ metadata: { name: 'a', managedFields: [{ a: 'b' }] }, status: { current: { ips: [{ ipv4: '1' }] } } }],
  });
  test('wherever it is cut off', () => {
    for (let end = 0; end < good.length; end++) expect(() => read(good.slice(0, end)), good.slice(0, end)).toThrow();
  });
  test.each([
    ['', /not a JSON object/],
    ['[]', /not a JSON object/],
    ['{"items":[]} x', /JSON/],
    ['{"items":[],}', /JSON/],
    ['{"items":[,]}', /JSON/],
    ['{"items":[{"spec":nul}]}', /JSON/],
    ['{"items":[{"spec":{"a":1]}}]}', /JSON/],
    ['{"items":[{"spec":"\\x"}]}', /JSON|escape/],
    ['{"items":[{"status" {}}]}', /JSON/],
    ['{"items":[{status:{}}]}', /JSON/],
    ['{items:[]}', /JSON/],
    ['{"items":[{} {}]}', /JSON/],
  ])('%s', (text, why) => expect(() => read(text)).toThrow(why));
  test('nested without end, without ending the process', () => {
    const deep = '['.repeat(200_000);
    expect(() => read(`{"items":[{"status":${deep}`)).toThrow();
    expect(() => read(`{"items":[{"other":${deep}`)).toThrow(/JSON/);
  });
});
