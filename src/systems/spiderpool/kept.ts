// Two texts that hold JSON, where users may have written anything: what is read of them, and what a snapshot keeps. What is odd in them stays odd.
import type { Column, Field, Json, Raw } from '../../engine/contracts.ts';
import { valueAt } from '../../engine/read/values.ts';
import { parseField } from '../../kube/fields.ts';
import { countMembers, isRaw, parseJson } from '../../kube/json.ts';
import { NETWORK_FIELD } from '../../kube/pods.ts';
import { REDACTED, redactMarked } from '../../text/redact.ts';

/** What the releases write into a record: v1, then `interface` up to 0.8.1, then the last two alone. */
export const RECORD_KEYS: ReadonlySet<string> = new Set([
  'containerID',
  'node',
  'namespace',
  'ownerControllerType',
  'ownerControllerName',
  'interface',
  'pod',
  'podUid',
]);
/** Names, uids, addresses, and `namespace/name`. */
export const WORD = /^[\w.:/@-]{0,320}$/;

/** status.allocatedIPs of a pool: a map of records. */
export const records: Column<Json | undefined> = shaped('status.allocatedIPs', RECORD_KEYS);
/** What Multus notes of the networks of a Pod: a list. */
export const networks: Column<Json | undefined> = shaped(NETWORK_FIELD, new Set(['default', 'interface', 'ips', 'name']));

function shaped(field: Field, keys: ReadonlySet<string>): Column<Json | undefined> {
  const path = parseField(field);
  return {
    paths: [field],
    marks: [`${field}:shaped`],
    read: (object) => valueAt(object, path),
    keep: (object) => {
      const written = valueAt(object, path);
      if (written === undefined || written === null) return undefined;
      const kept = typeof written === 'string' ? keptText(written, keys) : isRaw(written) ? recordsOf(written, keys) : REDACTED;
      return path.reduceRight<Json>((inner, key) => ({ [key]: inner }), kept) as Raw;
    },
  };
}

/** What is no such JSON stays none, and so does what says one thing twice. */
function keptText(text: string, keys: ReadonlySet<string>): string {
  if (text === '') return text;
  try {
    const value = parseJson(text);
    if (isRaw(value) && Object.keys(value).length !== countMembers(text)) return REDACTED;
    const clean = Array.isArray(value) ? value.map((item) => entryOf(item, keys)) : isRaw(value) ? recordsOf(value, keys) : REDACTED;
    const written = JSON.stringify(clean);
    return written === JSON.stringify(value) ? text : written;
  } catch {
    return REDACTED;
  }
}

function recordsOf(all: Raw, keys: ReadonlySet<string>): Raw {
  return Object.fromEntries(Object.entries(all).map(([key, record]) => [redactMarked(key), entryOf(record, keys)]));
}

function entryOf(entry: Json, keys: ReadonlySet<string>): Json {
  if (!isRaw(entry)) return entry === null || typeof entry === 'boolean' ? entry : REDACTED;
  return Object.fromEntries(Object.entries(entry).map(([key, value]) => [key, keys.has(key) ? wordsOf(value) : REDACTED]));
}

function wordsOf(value: Json): Json {
  if (Array.isArray(value)) return value.map(wordsOf);
  if (typeof value === 'string') return WORD.test(value) ? redactMarked(value) : REDACTED;
  return isRaw(value) ? {} : value;
}
