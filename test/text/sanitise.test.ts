// What a cluster wrote must not be able to move, recolour, hide or reorder what a terminal shows.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { oneLine, printable } from '../../src/text/sanitise.ts';

const ESC = '\u001b';

describe('oneLine', () => {
  it.each([
    [`a${ESC}[31mred${ESC}[0m`, 'ared'],
    [`a${ESC}]0;title\u0007b`, 'ab'],
    [`a${ESC}]8;;http://x${ESC}\\link`, 'alink'],
    ['a\u009b31mb', 'ab'],
    [`a${ESC}cb`, 'ab'],
    ['a\u0000b\u0008c\u007fd', 'abcd'],
    ['two\r\nlines\tand\u2028more', 'two lines and more'],
    ['evil\u202etxt.exe\u2066x\u200b\ufeff\u00ad', 'eviltxt.exex'],
    ['a\ud800b', 'a\ufffdb'],
    ['tag\u{e0041}\u{e0042}s', 'tags'],
    ['中文，保留', '中文，保留'],
    ['  many   blanks  ', 'many blanks'],
  ])('%j becomes %j', (text, expected) => {
    expect(oneLine(text)).toBe(expected);
  });

  it('cuts at characters, not inside one, and says so', () => {
    expect(oneLine('x'.repeat(300))).toBe(`${'x'.repeat(199)}…`);
    expect(oneLine('😀'.repeat(10), 5)).toBe('😀😀😀😀…');
    expect(oneLine('12345', 5)).toBe('12345');
  });

  it('never lets anything dangerous through, whatever comes', () => {
    const nasty = fc.array(
      fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(ESC, `${ESC}[`, '\u009b', '\u202e', '\ud800', '\n', '0m', 'm')),
    );
    fc.assert(
      fc.property(nasty, (parts) => {
        const line = oneLine(parts.join(''), 50);
        expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
        expect(Array.from(line).length).toBeLessThanOrEqual(50);
        expect(oneLine(line, 50)).toBe(line);
      }),
    );
  });

  it('looks at a bounded part of a huge text', () => {
    const began = performance.now();
    oneLine(`${ESC}]`.repeat(20_000_000));
    expect(performance.now() - began).toBeLessThan(1000);
  });
});

it('printable keeps lines and nothing else that moves the cursor', () => {
  expect(printable(`a\r\nb\tc${ESC}[2Jd\re`)).toBe('a\nb    cd\ne');
  expect(printable('x'.repeat(20), 10)).toBe(`${'x'.repeat(9)}…`);
});
