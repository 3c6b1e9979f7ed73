// The order of test files: no worker waits for a control plane while it could do something else.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Turn, takeTurns } from './order.ts';

const names = (items: (Turn & { name: string })[]) => items.map((item) => item.name).join(' ');
const lane = (version: string, costs: number[]) => costs.map((cost, at) => ({ lane: version, cost, name: `${version}${at}` }));

test('the two versions take turns', () => {
  expect(names(takeTurns([...lane('a', [3, 3, 3]), ...lane('b', [3, 3, 3])], 2))).toBe('a0 b0 a1 b1 a2 b2');
});

test('beside a long file of one version run the files of the other, then those of none', () => {
  expect(names(takeTurns([...lane('a', [2, 2]), ...lane('b', [100, 1]), ...lane('', [5, 5])], 2))).toBe('b0 a0 a1 0 1 b1');
});

test('every file runs once, and those of a part keep their order', () => {
  const items = fc.array(fc.record({ lane: fc.constantFrom('', 'a', 'b'), cost: fc.nat(1000) }), { maxLength: 40 });
  fc.assert(
    fc.property(items, fc.integer({ min: 1, max: 4 }), (all, workers) => {
      const ordered = takeTurns([...all], workers);
      for (const part of ['', 'a', 'b']) {
        const own = (list: Turn[]) => list.filter((item) => item.lane === part);
        expect(own(ordered)).toEqual(own(all));
      }
    }),
  );
});
