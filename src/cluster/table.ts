// What an API server answers at once, out of its watch cache (resourceVersion=0): a whole list as a table of short cells, and the objects that have one value.
// 150,000 Pods are 28 MB so, and 1.3 GB as objects: those are never asked for like this, since with resourceVersion=0 a server ignores every limit.
import type { ApiResource, Field, Gap, Raw, TableQuery } from '../engine/contracts.ts';
import { resourceName } from '../kube/resources.ts';
import { oneLine } from '../text/sanitise.ts';
import { gapOf } from './answers.ts';
import { collectionPath } from './discovery.ts';
import { apiVersionOf, assertNamed, parsed, patiently } from './list.ts';
import type { Answer, Transport } from './transport.ts';

/** Twice what 150,000 Pods take, for which Kubernetes is made: a row is 130 bytes and its names, so 20 to 30 MB. */
const TABLE_MAX = 64 * 1024 * 1024;
/** No other type: an old or foreign server shall say 406, not send every object. */
const TABLE_TYPE = 'application/json;as=Table;v=v1;g=meta.k8s.io';

/** Throws NoAnswer, or the signal's reason. */
export async function table(
  transport: Transport,
  api: ApiResource,
  { resource, columns }: TableQuery,
  row: (cells: readonly string[]) => void,
  signal: AbortSignal,
): Promise<undefined | Gap> {
  const path = `${collectionPath(api)}?resourceVersion=0&includeObject=None`;
  const answer = await patiently(transport, { method: 'GET', path, accept: TABLE_TYPE, maxBytes: TABLE_MAX }, signal);
  if (answer.status !== 200) return gapOf({ verb: 'list', resource }, answer);
  return read(resource, () => eachRow(answer.body, columns, row));
}

/** Throws NoAnswer, or the signal's reason. */
export async function having(
  transport: Transport,
  api: ApiResource,
  field: Field,
  value: string,
  signal: AbortSignal,
): Promise<Raw[] | Gap> {
  const resource = resourceName(api);
  const parameters = new URLSearchParams({ resourceVersion: '0', fieldSelector: `${field}=${escaped(value)}` });
  const answer: Answer = await patiently(transport, { method: 'GET', path: `${collectionPath(api)}?${parameters}` }, signal);
  if (answer.status !== 200) return gapOf({ verb: 'list', resource }, answer);
  const objects: Raw[] = [];
  const gap = read(resource, () => {
    const { items } = parsed(answer.body) as { items?: Raw[] | null };
    for (const item of items ?? []) {
      assertNamed(item);
      objects.push({ apiVersion: apiVersionOf(api), kind: api.kind, ...item });
    }
  });
  return gap ?? objects;
}

/** As fields.EscapeValue of apimachinery. */
const escaped = (value: string): string => value.replace(/[\\,=]/g, '\\$&');

function read(resource: string, from: () => void): undefined | Gap {
  try {
    from();
    return undefined;
  } catch (error) {
    return { why: 'failed', verb: 'decode', resource, detail: oneLine((error as Error).message) };
  }
}

/** Throws on what is no table, and on one without these columns: their order and number differ between versions. */
export function eachRow(body: Buffer, columns: readonly string[], row: (cells: readonly string[]) => void): void {
  const { rest, rows } = split(body);
  const { kind, columnDefinitions, rows: left } = (parsed(rest) ?? {}) as { kind?: unknown; columnDefinitions?: unknown; rows?: unknown };
  // Go writes an empty list as null here and there.
  if (kind !== 'Table' || !Array.isArray(columnDefinitions) || !Array.isArray(left ?? [])) throw new Error('the answer is no table');
  const names = columnDefinitions.map((column) => column?.name);
  const missing = columns.filter((column) => !names.includes(column));
  if (missing.length) throw new Error(`the table has no column ${missing.join(', ')}`);
  const places = columns.map((column) => names.indexOf(column));
  for (const batch of rows) {
    for (const each of parsed(Buffer.concat([OPEN, batch, CLOSE])) as { cells?: unknown }[]) {
      const cells = each?.cells;
      if (!Array.isArray(cells)) throw new Error('a row of the table has no cells');
      row(places.map((place) => (typeof cells[place] === 'string' ? cells[place] : '')));
    }
  }
}

const [OPEN, CLOSE] = [Buffer.from('['), Buffer.from(']')];
/** Bytes of rows that become objects at a time: all at once they would take three times the memory of the answer. */
const BATCH = 64 * 1024;

/** The answer without its rows, and the rows between commas, a few at a time. Only finds where they begin and end: whether that is JSON, who reads it says. */
function split(body: Buffer): { rest: Buffer; rows: Buffer[] } {
  const rows: Buffer[] = [];
  let [depth, key, from, rowsAt] = [0, '', -1, -1];
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (byte === QUOTE) {
      const end = stringEnd(body, at);
      if (depth === 1) key = body.toString('latin1', at + 1, end);
      at = end;
    } else if (byte === BRACE || byte === BRACKET) {
      if (depth++ === 1 && byte === BRACKET && key === 'rows' && rowsAt < 0) from = rowsAt = at + 1;
    } else if (byte === END_BRACE || byte === END_BRACKET) {
      depth--;
      if (depth === 1 && from >= 0) {
        if (at > from) rows.push(body.subarray(from, at));
        return { rest: Buffer.concat([body.subarray(0, rowsAt), body.subarray(at)]), rows };
      }
    } else if (byte === COMMA && depth === 2 && from >= 0 && at - from >= BATCH) {
      rows.push(body.subarray(from, at));
      from = at + 1;
    }
  }
  return { rest: body, rows };
}

const [QUOTE, COMMA, BACKSLASH] = [0x22, 0x2c, 0x5c];
const [BRACE, END_BRACE, BRACKET, END_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d];

/** Where the string that begins here ends. */
function stringEnd(body: Buffer, begin: number): number {
  let at = begin + 1;
  while (at < body.length && body[at] !== QUOTE) at += body[at] === BACKSLASH ? 2 : 1;
  return at;
}
