// Results for machines as YAML, to the letter what was found; as JSON, see text/json.ts.
import { Document, Scalar, visit } from 'yaml';
import { HIDDEN, hex } from '../text/json.ts';

export { jsonOf } from '../text/json.ts';

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
