// Results for machines: JSON and YAML, to the letter what was found. What a terminal would hide, reorder or obey is written as an escape: nothing is lost, and nothing acts.
import { Document, Scalar, visit } from 'yaml';

/** Controls beyond ASCII, bidi marks, invisible and default-ignorable characters, line separators. Both notations escape the ASCII controls by themselves. */
const HIDDEN = /[\u007f-\u009f\p{Cf}\p{Default_Ignorable_Code_Point}\u2028\u2029]/gu;
const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0');

export function jsonOf(value: unknown): string {
  const units = (character: string) => character.split('').map((unit) => `\\u${hex(unit.charCodeAt(0), 4)}`);
  return JSON.stringify(value, null, 2).replace(HIDDEN, (character) => units(character).join(''));
}

/** kubectl reads YAML 1.1: `version` quotes what it would take for something else. */
export function yamlOf(value: unknown): string {
  const document = new Document(JSON.parse(JSON.stringify(value)), { version: '1.1', aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (_, node) => {
      // YAML has escapes only between double quotes: that is where every text goes that needs one.
      if (typeof node.value === 'string' && node.value.search(HIDDEN) >= 0) node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  const text = document.toString({ lineWidth: 0, directives: false });
  return text.trimEnd().replace(HIDDEN, (character) => `\\U${hex(character.codePointAt(0)!, 8)}`);
}
