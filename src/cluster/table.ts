// What an API server answers at once, out of its watch cache (resourceVersion=0): a whole list as a table of short cells, and the objects that have one value.
// 150,000 Pods are 28 MB so, and 1.3 GB as objects: those are never asked for like this, since with resourceVersion=0 a server ignores every limit.
import type { ApiResource, Field, Gap, Json, Raw, TableQuery } from '../engine/contracts.ts';
import { isRaw } from '../kube/json.ts';
import { resourceName } from '../kube/resources.ts';
import { oneLine } from '../text/sanitise.ts';
import { gapOf } from './answers.ts';
import { collectionPath } from './discovery.ts';
import { readItems, type Wanted, wantedKeys } from './json-reader.ts';
import { apiVersionOf, assertItems, assertNamed, patiently } from './list.ts';
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
    const { items } = readItems(answer.body, 'items', 'whole', (item) => {
      assertNamed(item);
      objects.push({ apiVersion: apiVersionOf(api), kind: api.kind, ...item });
    });
    assertItems(items);
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

/** Throws on what is not a table, and on one without these columns: their order and number differ between versions. */
export function eachRow(body: Buffer, columns: readonly string[], row: (cells: readonly string[]) => void): void {
  let places: number[] | undefined;
  const answer = readItems(body, 'rows', CELLS, (each, before) => {
    places ??= placesOf(before, columns);
    const cells = isRaw(each) ? each.cells : undefined;
    if (!Array.isArray(cells)) throw new Error('a row of the table has no cells');
    row(places.map((place) => text(cells[place])));
  });
  placesOf(answer, columns);
  if (!Array.isArray(answer.rows ?? [])) throw new Error('the answer is not a table');
}

const CELLS: Wanted = wantedKeys(['cells']);
const text = (cell: Json | undefined): string => (typeof cell === 'string' ? cell : '');

/** Columns come before rows, as Go writes a Table. */
function placesOf({ kind, columnDefinitions }: Raw, columns: readonly string[]): number[] {
  if (kind !== 'Table' || !Array.isArray(columnDefinitions)) throw new Error('the answer is not a table');
  const names = columnDefinitions.map((column) => (isRaw(column) ? column.name : undefined));
  const missing = columns.filter((column) => !names.includes(column));
  if (missing.length) throw new Error(`the table has no column ${missing.join(', ')}`);
  return columns.map((column) => names.indexOf(column));
}
