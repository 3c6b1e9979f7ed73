// A setting as the words of a helm command line, so that a person can take them over.
import type { Json } from '../engine/contracts.ts';
import { looksSecret } from '../text/redact.ts';
import { shellWord } from '../text/shell.ts';
import { written } from './keys.ts';

/** What stands for a value that must not be shown. */
const HIDDEN = 'VALUE';

/** `--set a.b=true`, `--set-string a.b=x`, and for lists and maps `--set-json` (helm 3.10 and later); each word fit for a shell. */
export function setFlag(path: readonly string[], value: Json): string {
  const key = written(path);
  if (path.some(looksSecret)) return `--set-string ${shellWord(`${key}=${HIDDEN}`)}`;
  if (typeof value === 'string') return `--set-string ${shellWord(`${key}=${escaped(value)}`)}`;
  // --set knows whole numbers alone.
  if ((typeof value === 'object' && value !== null) || (typeof value === 'number' && !Number.isInteger(value)))
    return `--set-json ${shellWord(`${key}=${JSON.stringify(value)}`)}`;
  return `--set ${shellWord(`${key}=${value}`)}`;
}

/** What would end a value, or begin a list (pkg/strvals/parser.go). */
const escaped = (text: string): string => text.replace(/[\\,]/g, '\\$&').replace(/^\{/, '\\{');
