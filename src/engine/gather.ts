// Gathering: unites the declared reads of many owners, lists each resource once, and holds only what each `keep` returns.
import type { Gap, ListQuery, Raw, Read, Reads, Source } from './contracts.ts';

/** What one owner (a system's detection, a check) declared to read. */
export interface OwnedReads {
  owner: string;
  reads: Reads;
}
/** Per name of the owner's reads: the rows that `keep` returned, or why the list could not be seen. */
export type Gathered = Record<string, unknown[] | Gap>;

interface SharedList {
  query: ListQuery;
  takers: { owner: string; name: string; read: Read; rows: unknown[] }[];
}

/** Two reads are served by one list when resource and selector are the same. */
export const listKey = (read: Pick<Read, 'resource' | 'labels'>): string => `${read.resource}?${read.labels ?? ''}`;

/**
 * Lists everything the owners declared, one list at a time, in a stable order.
 * @returns per owner the gathered rows by read name. A list that failed is a Gap for each of its takers.
 */
export async function gather(source: Source, wanted: OwnedReads[], began?: (resource: string) => void): Promise<Map<string, Gathered>> {
  const gathered = new Map<string, Gathered>(wanted.map(({ owner }) => [owner, {}]));
  for (const list of unite(wanted)) {
    began?.(list.query.resource);
    const gap = await source.list(list.query, {
      object: (object) => offer(object, list),
      restart: () => {
        for (const taker of list.takers) taker.rows.length = 0;
      },
    });
    for (const { owner, name, rows } of list.takers) gathered.get(owner)![name] = gap ?? rows;
  }
  return gathered;
}

function unite(wanted: OwnedReads[]): SharedList[] {
  const lists = new Map<string, SharedList>();
  for (const { owner, reads } of wanted) {
    for (const [name, read] of Object.entries(reads)) {
      const key = listKey(read);
      let list = lists.get(key);
      if (!list) {
        list = { query: { resource: read.resource, labels: read.labels, fields: [], marks: [] }, takers: [] };
        lists.set(key, list);
      }
      list.query.fields = united(list.query.fields as string[], read.fields);
      list.query.marks = united(list.query.marks!, marksOf(read));
      list.takers.push({ owner, name, read, rows: [] });
    }
  }
  return [...lists.keys()].sort().map((key) => lists.get(key)!);
}

const united = (a: readonly string[], b: readonly string[]): string[] => [...new Set([...a, ...b])].sort();
const marksOf = ({ columns }: Read): string[] => columns.flatMap(({ marks }) => marks);

/** The list that this read alone needs. */
export const queryOf = (read: Read): ListQuery => ({
  resource: read.resource,
  ...(read.labels ? { labels: read.labels } : {}),
  fields: read.fields,
  marks: marksOf(read),
});

function offer(object: Raw, list: SharedList): void {
  for (const { read, rows } of list.takers) {
    const row = read.keep(object);
    if (row !== undefined) rows.push(row);
  }
}
