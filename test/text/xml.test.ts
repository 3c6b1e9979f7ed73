// XML: every text comes back as it was, without what XML 1.0 has no place for; nothing of it becomes an element, an attribute or an entity.
import fc from 'fast-check';
import { SaxesParser } from 'saxes';
import { expect, test } from 'vitest';
import { xmlOf } from '../../src/text/xml.ts';

function read(xml: string): { tags: string[]; value: string; text: string } {
  const seen = { tags: [] as string[], value: '', text: '' };
  const parser = new SaxesParser();
  let closed = false;
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    seen.tags.push(name);
    seen.value += (attributes as Record<string, string>).v ?? '';
  });
  parser.on('closetag', () => {
    closed = true;
  });
  parser.on('text', (text) => {
    // Line ends outside of the root are none of its text.
    if (seen.tags.length && !closed) seen.text += text;
  });
  parser.write(xml).close();
  return seen;
}
const written = (text: string) => xmlOf({ name: 'a', attributes: { v: text, none: undefined }, content: text });
/** By the grammar of XML 1.0 (Char), written out. */
const legal = (text: string) =>
  [...text.toWellFormed()]
    .filter((character) => {
      const code = character.codePointAt(0)!;
      return (
        code === 9 ||
        code === 10 ||
        code === 13 ||
        (code >= 0x20 && code <= 0xd7ff) ||
        (code >= 0xe000 && code <= 0xfffd) ||
        code >= 0x10000
      );
    })
    .join('');

test.each([
  'plain',
  '<script>alert(1)</script>',
  '"><failure/>',
  "' onload='x",
  '&lt; &amp; &#0; &evil;',
  ']]>',
  '<![CDATA[x]]>',
  '<!-- -- -->',
  '\u0000\u0001\u0008\u000b\u001b[31m\u001f\ufffe\uffff',
  '\ud800 half \udc00',
  'tab\tline\nreturn\rboth\r\n',
  '漢字 🚀 \u0085 \u2028',
  '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>&x;',
])('%j', (text) => expect(read(written(text))).toEqual({ tags: ['a'], value: legal(text), text: legal(text) }));

test('any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(read(written(text))).toEqual({ tags: ['a'], value: legal(text), text: legal(text) });
    }),
  );
});

test('an element without content is closed at once, children are indented', () =>
  expect(xmlOf({ name: 'a', content: [{ name: 'b' }, { name: 'c', attributes: { n: 0 }, content: '1 < 2' }] })).toBe(
    '<?xml version="1.0" encoding="UTF-8"?>\n<a>\n  <b/>\n  <c n="0">1 &lt; 2</c>\n</a>',
  ));
