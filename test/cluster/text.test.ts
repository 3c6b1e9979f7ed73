// Lines out of pieces: wherever the pieces are cut, and what becomes of too much.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splitter } from '../../src/cluster/text.ts';

function split(pieces: readonly Buffer[], limits?: { line?: number; total?: number }) {
  const lines: string[] = [];
  const into = splitter((line) => lines.push(line), limits);
  const more = pieces.map((piece) => into.take(piece));
  return { lines, more, left: into.end() };
}

test('lines are the same wherever the pieces are cut', () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[^\n]*$/)), fc.array(fc.nat({ max: 50 })), fc.boolean(), (lines, cuts, ended) => {
      const text = Buffer.from(lines.join('\n') + (ended && lines.length ? '\n' : ''));
      const places = [0, ...cuts.map((cut) => Math.min(cut, text.length)).sort((a, b) => a - b), text.length];
      const pieces = places.slice(1).map((end, at) => text.subarray(places[at], end));
      const expected = text.toString().split('\n');
      if (expected.at(-1) === '') expected.pop();
      expect(split(pieces)).toMatchObject({ lines: expected, left: undefined });
    }),
  );
});

test('a line that is too long is left out, and said', () => {
  const pieces = ['a\n12', '3456', '\nb\n123456'].map((piece) => Buffer.from(piece));
  expect(split(pieces, { line: 5 })).toEqual({
    lines: ['a', 'b'],
    more: [true, true, true],
    left: { en: expect.stringContaining('2 lines'), zh: expect.stringContaining('2 行') },
  });
});

test('an answer that is too long is given up, and said', () => {
  const pieces = ['a\nb', 'c\nd', 'e\n'].map((piece) => Buffer.from(piece));
  expect(split(pieces, { total: 6 })).toEqual({
    lines: ['a', 'bc'],
    more: [true, true, false],
    left: { en: expect.stringContaining('longer than 6 bytes'), zh: expect.stringContaining('超过 6 字节') },
  });
});

test('whatever the reader throws is thrown at the end', () => {
  const into = splitter(() => {
    throw new Error('a bug');
  });
  expect(into.take(Buffer.from('a\nb\n'))).toBe(false);
  expect(() => into.end()).toThrow('a bug');
});
