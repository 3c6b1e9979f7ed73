// What a plain scalar of YAML means to kubectl: its parser speaks YAML 1.1 (`yes` and `on` are true, 0644 is octal) without dates and base 60.
// Source: sigs.k8s.io/yaml v1.4.0 goyaml.v2/resolve.go.

const NULLS = new Set(['', '~', 'null', 'Null', 'NULL']);
const TRUE = new Set(['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON']);
const FALSE = new Set(['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF']);
const NOT_FINITE = /^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const INTEGER = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))$/;

/** undefined: .inf or .nan, for which JSON has no number. */
export function plainValue(text: string): null | boolean | number | string | undefined {
  if (NULLS.has(text)) return null;
  if (TRUE.has(text)) return true;
  if (FALSE.has(text)) return false;
  if (NOT_FINITE.test(text)) return undefined;
  return /^[-+.0-9]/.test(text) ? (numberOf(text) ?? text) : text;
}

function numberOf(text: string): number | undefined {
  const plain = text.startsWith('.') ? text : text.replaceAll('_', '');
  const [, sign, hex, binary, octal, decimal] = INTEGER.exec(plain) ?? [];
  const whole =
    hex !== undefined ? Number.parseInt(hex, 16)
    : binary !== undefined ? Number.parseInt(binary, 2)
    : octal !== undefined ? Number.parseInt(octal, 8)
    : decimal !== undefined ? Number(decimal)
    : undefined; // biome-ignore format: a table
  if (whole !== undefined) return sign === '-' && whole !== 0 ? -whole : whole;
  const value = FLOAT.test(plain) ? Number(plain) : Number.NaN;
  return Number.isFinite(value) ? value : undefined;
}
