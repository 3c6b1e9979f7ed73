// The texts among values, and taking them out of what helm says about them. Pure.
import type { Json } from '../engine/contracts.ts';
import { REDACTED, redactText } from '../text/redact.ts';

/** Signs; what is shorter would be found in every other word. */
const SHORTEST = 3;

/** Every line of every text, also as helm quotes it and as it is once secrets were taken out. */
export function textsOf(value: Json): Set<string> {
  const found = new Set<string>();
  const add = (text: string): void => {
    for (const line of text.split('\n')) {
      for (const form of [line, redactText(line)]) {
        for (const each of [form.trim(), JSON.stringify(form.trim()).slice(1, -1)]) if (each.length >= SHORTEST) found.add(each);
      }
    }
  };
  const visit = (inner: Json): void => {
    if (typeof inner === 'string') add(inner);
    else if (typeof inner === 'object' && inner !== null) Object.values(inner).forEach(visit);
  };
  visit(value);
  return found;
}

/** The longest first, since one may lie within another. */
export function withoutTexts(said: string, texts: readonly string[]): string {
  const longestFirst = texts.filter((text) => text !== REDACTED).sort((a, b) => b.length - a.length);
  return longestFirst.reduce((left, text) => left.replaceAll(text, REDACTED), said);
}
