import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { padEnd, width, wrap } from '../../src/text/width.ts';

describe('width', () => {
  it.each([
    ['abc', 3],
    ['升级守卫', 8],
    ['，。（）', 8],
    ['e\u0301', 1],
    ['\u001b[31mred\u001b[39m', 3],
    ['✗ ✓ → …', 7],
    ['한글', 4],
    ['', 0],
  ])('%j takes %i columns', (text, columns) => {
    expect(width(text)).toBe(columns);
  });

  it('agrees with string-width on single characters of the scripts that names and our texts use', () => {
    const ranges = [
      [0x20, 0x7e],
      [0xa1, 0x2ff],
      [0x370, 0x482],
      [0x2010, 0x2027],
      [0x2190, 0x22ff],
      [0x3001, 0x30ff],
      [0x4e00, 0x9fff],
      [0xac00, 0xd7a3],
      [0xff01, 0xff60],
    ] as const;
    const differing: string[] = [];
    for (const [from, to] of ranges) {
      for (let code = from; code <= to; code++) {
        const character = String.fromCodePoint(code);
        // string-width takes no combining marks for granted that stand alone
        if (/[\p{Cn}\p{Cf}\p{M}]/u.test(character)) continue;
        if (width(character) !== stringWidth(character)) differing.push(code.toString(16));
      }
    }
    expect(differing).toEqual([]);
  });
});

it('padEnd pads by columns', () => {
  expect(padEnd('升级', 6)).toBe('升级  ');
  expect(padEnd('longer', 3)).toBe('longer');
});

describe('wrap', () => {
  it('breaks English at blanks and never inside a name', () => {
    expect(wrap('restart default/web-6c9f-x2x on node n3 now', 16)).toEqual(['restart', 'default/web-6c9f-x2x', 'on node n3 now']);
  });

  it('breaks Chinese between characters, with punctuation at its place', () => {
    expect(wrap('地址已被占用，请先重启。', 12)).toEqual(['地址已被占', '用，请先重', '启。']);
    expect(wrap('删除（重启）', 6)).toEqual(['删除', '（重', '启）']);
    expect(wrap('将 spiderpool 升级到 0.9.13，然后检查', 16)).toEqual(['将 spiderpool 升', '级到 0.9.13，然', '后检查']);
  });

  it('loses and adds nothing but blanks, and keeps to the width where it can', () => {
    const words = fc.array(
      fc.oneof(fc.constantFrom('升', '级', '，', '（', '）', '。', ' ', 'pod'), fc.string({ unit: 'grapheme-ascii', maxLength: 6 })),
      {
        maxLength: 40,
      },
    );
    fc.assert(
      fc.property(words, fc.integer({ min: 20, max: 60 }), (parts, columns) => {
        const text = parts.join('');
        const lines = wrap(text, columns);
        expect(lines.join('').replace(/\s/g, '')).toBe(text.replace(/\s/g, ''));
        for (const line of lines) {
          expect(line === '' || !/^[，。）]/.test(line) || lines.indexOf(line) === 0 || / [，。）]/.test(text)).toBe(true);
          if (width(line) > columns) expect(line).not.toMatch(/\S\s\S/);
        }
      }),
    );
  });
});
