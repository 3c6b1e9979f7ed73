// JSON to the letter, in which what a terminal would hide, reorder or obey is written as an escape: nothing is lost, and nothing acts.

/** Controls beyond ASCII, bidi marks, invisible and default-ignorable characters, line separators. JSON escapes the ASCII controls by itself. */
export const HIDDEN = /[\u007f-\u009f\p{Cf}\p{Default_Ignorable_Code_Point}\u2028\u2029]/gu;
export const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0');

export function jsonOf(value: unknown): string {
  const units = (character: string) => character.split('').map((unit) => `\\u${hex(unit.charCodeAt(0), 4)}`);
  return JSON.stringify(value, null, 2).replace(HIDDEN, (character) => units(character).join(''));
}
