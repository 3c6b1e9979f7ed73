// Reading a table: what an API server sends, whatever else one might send, and every way to cut it into batches.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { eachRow } from '../../src/cluster/table.ts';

const COLUMNS = ['Name', 'Ready', 'Status', 'Restarts', 'Age', 'IP', 'Node', 'Nominated Node', 'Readiness Gates'];
const pod = (name: string, status: unknown, ip: unknown) => ({
  cells: [name, '1/1', status, '0', '3d4h', ip, 'n1', '<none>', '<none>'],
  object: null,
});
const answer = (rows: unknown, columns: unknown = COLUMNS.map((name) => ({ name, type: 'string', priority: 0 }))) => ({
  kind: 'Table',
  apiVersion: 'meta.k8s.io/v1',
  metadata: { resourceVersion: '208' },
  columnDefinitions: columns,
  rows,
});
function read(body: unknown, columns = ['Status', 'IP']): (readonly string[])[] {
  const seen: (readonly string[])[] = [];
  eachRow(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), columns, (cells) => seen.push(cells));
  return seen;
}

describe('cells', () => {
  test('of the columns asked for, in their order, wherever they stand', () => {
    const body = answer([pod('a', 'Running', '10.0.0.1'), pod('b', 'Completed', '<none>')]);
    expect(read(body)).toEqual([
      ['Running', '10.0.0.1'],
      ['Completed', '<none>'],
    ]);
    expect(read(body, ['IP', 'Name'])).toEqual([
      ['10.0.0.1', 'a'],
      ['<none>', 'b'],
    ]);
    const other = answer([{ cells: ['fd00::1', 'Running'] }], [{ name: 'IP' }, { name: 'Status' }]);
    expect(read(other)).toEqual([['Running', 'fd00::1']]);
  });
  test('that are no text, or missing, are empty', () => {
    for (const cell of [1, null, true, {}, ['10.0.0.1']]) expect(read(answer([pod('a', 'Running', cell)]))).toEqual([['Running', '']]);
    expect(read(answer([{ cells: ['a', '1/1', 'Running'] }]))).toEqual([['Running', '']]);
    expect(read(answer([{ cells: [] }]))).toEqual([['', '']]);
  });
  test('come as they are, control characters included: they are not printed', () => {
    expect(read(answer([pod('a', '\u001b[31m', '10.0.0.1\n')]))).toEqual([['\u001b[31m', '10.0.0.1\n']]);
  });
  test.each([[[]], [null], [undefined]])('no rows: %j', (rows) => expect(read(answer(rows))).toEqual([]));
});

test.each<[string, unknown, RegExp]>([
  ['a list of Pods', { kind: 'PodList', items: [] }, /not a table/],
  ['null', null, /not a JSON object/],
  ['a list', [], /not a JSON object/],
  ['columns that are no list', answer([], {}), /not a table/],
  ['rows that are no list', answer({ cells: [] }), /not a table/],
  ['columns without names', answer([], [null, 1, 'IP', { name: 1 }]), /no column Status, IP/],
  ['one column fewer', answer([pod('a', '', '')], [{ name: 'Status' }, { name: 'Ip' }]), /no column IP/],
  ['a row that is null', answer([null]), /no cells/],
  ['a row of text', answer(['Running']), /no cells/],
  ['cells that are no list', answer([{ cells: { 2: 'Running' } }]), /no cells/],
  ['text', 'Unauthorized', /JSON/],
  ['nothing', '', /JSON/],
  ['half an answer', JSON.stringify(answer([pod('a', 'Running', '10.0.0.1')])).slice(0, -9), /JSON/],
])('refused: %s', (_, body, why) => expect(() => read(body)).toThrow(why));

test('whatever stands in the cells, before the rows and behind them, and however it is spaced', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.constantFrom('"rows":[', '\\', '"', '}],', '],"rows":[{"cells":["x"]}', '\\"', '值'),
  );
  const cell = fc.oneof(
    text,
    fc.integer(),
    fc.constant(null),
    fc.array(text, { maxLength: 2 }),
    fc.record({ rows: fc.array(text, { maxLength: 2 }) }),
  );
  const row = fc.record({
    cells: fc.array(cell, { maxLength: 4 }),
    object: fc.oneof(fc.constant(null), fc.record({ rows: fc.array(text, { maxLength: 2 }) })),
  });
  fc.assert(
    fc.property(
      fc.array(row, { maxLength: 8 }),
      text,
      fc.constantFrom(0, 2),
      fc.constantFrom('', 'x'.repeat(35_000)),
      (rows, note, space, long) => {
        // Two rows with it are more than one batch.
        const padded = rows.map((each) => ({ ...each, object: [each.object, long] }));
        const columnDefinitions = [{ name: 'Status', description: note }, { name: 'IP' }];
        const table = { kind: 'Table', metadata: { rows: [note] }, columnDefinitions, rows: padded, after: [note, { rows: [1] }] };
        const words = rows.map(({ cells }) => [0, 1].map((at) => (typeof cells[at] === 'string' ? cells[at] : '')));
        expect(read(JSON.stringify(table, null, space))).toEqual(words);
      },
    ),
    { numRuns: 50 },
  );
});
