// Text inside XML 1.0: escaped, and without the characters that no escape makes legal.

/** What XML 1.0 has no place for, not even as a reference: most controls, halves of pairs, U+FFFE and U+FFFF. */
const FORBIDDEN = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
/** In an attribute a bare tab or line end would be read as a blank; a `>` ends a CDATA section in some readers. */
const ENTITIES: Record<string, string> = {
  ...{ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' },
  ...{ '\t': '&#9;', '\n': '&#10;', '\r': '&#13;' },
};

const allowed = (text: string): string => text.toWellFormed().replace(FORBIDDEN, '');
const xmlText = (text: string): string => allowed(text).replace(/[&<>\r]/g, (character) => ENTITIES[character]!);
const xmlValue = (text: string): string => allowed(text).replace(/[&<>"'\t\n\r]/g, (character) => ENTITIES[character]!);

export interface Element {
  name: string;
  /** An undefined one is left out. */
  attributes?: Record<string, string | number | undefined>;
  /** Elements, or one text. */
  content?: Element[] | string;
}

/** A whole document. Names of elements and attributes are ours; everything else is escaped. */
export const xmlOf = (root: Element): string => ['<?xml version="1.0" encoding="UTF-8"?>', ...lines(root, '')].join('\n');

function lines({ name, attributes = {}, content = [] }: Element, indent: string): string[] {
  const pairs = Object.entries(attributes).flatMap(([key, value]) => (value === undefined ? [] : [` ${key}="${xmlValue(String(value))}"`]));
  const open = `${indent}<${name}${pairs.join('')}`;
  if (!content.length) return [`${open}/>`];
  if (typeof content === 'string') return [`${open}>${xmlText(content)}</${name}>`];
  return [`${open}>`, ...content.flatMap((each) => lines(each, `${indent}  `)), `${indent}</${name}>`];
}
