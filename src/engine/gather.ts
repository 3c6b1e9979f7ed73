// Gathering: unites the declared reads of many owners, makes each list and asks for each text once, and holds only what each `keep` returns.
import { keyOf } from '../kube/refs.ts';
import type { BodiesRead, Gap, ListQuery, ListRead, Manifest, NamedRead, Raw, Read, Reads, Ref, Source, TextRead } from './contracts.ts';
import { each } from './each.ts';
import { isGap } from './gaps.ts';

/** What one owner (a system's detection, a check) declared to read. */
export interface OwnedReads {
  owner: string;
  reads: Reads;
}
/** Per name of the owner's reads: the rows that `keep` returned, or why it could not be seen. */
export type Gathered = Record<string, unknown[] | Gap>;

interface Taker<R> {
  owner: string;
  name: string;
  read: R;
  rows: unknown[];
}
interface SharedList {
  query: ListQuery;
  takers: Taker<ListRead>[];
  /** Of each read: who declares the very same one is handed the very same rows. */
  rows: Map<ListRead, unknown[]>;
}

/** Whole objects that were read, by their key. */
export type Bodies = Map<string, Raw | undefined | Gap>;

/** Two reads are served by one request when these are the same. */
export function readKey(read: Read): string {
  switch (read.read) {
    case 'list':
      return `${read.resource}?${read.labels ?? ''}`;
    case 'text':
      return `${read.path}${read.every ? ' of every server' : ''}`;
    default:
      return read.read;
  }
}

/** Every list among these reads that is known beforehand. */
export const listsIn = (reads: Reads): ListRead[] =>
  Object.values(reads).flatMap((read) => {
    if (read.read === 'bodies') return Object.values(read.lists);
    return read.read === 'list' ? [read] : read.read === 'named' ? [read.by] : [];
  });

export const textsIn = (reads: Reads): TextRead[] => Object.values(reads).filter((read) => read.read === 'text');

/** Lists of which another list tells which there are. */
export const namedIn = (reads: Reads): NamedRead[] => Object.values(reads).filter((read) => read.read === 'named');

/** The list that this read alone needs. */
export const queryOf = (read: ListRead): ListQuery => ({
  resource: read.resource,
  ...(read.labels ? { labels: read.labels } : {}),
  fields: read.fields,
  marks: marksOf(read),
});

const beside = new WeakMap<object, Gap[]>();
/** What could not be seen although there are rows: one API server of several. */
export const gapsBeside = (rows: unknown): readonly Gap[] => (typeof rows === 'object' && rows !== null ? (beside.get(rows) ?? []) : []);

const whole = new WeakSet<object>();
/** Of a bodies read: none of its lists was left out, an optional one neither. */
export const isWhole = (rows: unknown): rows is unknown[] => typeof rows === 'object' && rows !== null && whole.has(rows);

/**
 * Reads everything the owners declared, one request at a time, in a stable order.
 * `bodies`: takes the objects that were read whole.
 * @returns per owner the gathered rows by read name. What failed is a Gap for each of its takers.
 */
export async function gather(
  source: Source,
  wanted: OwnedReads[],
  began?: (what: string) => void,
  bodies: Bodies = new Map(),
): Promise<Map<string, Gathered>> {
  const gathered = new Map<string, Gathered>(wanted.map(({ owner }) => [owner, {}]));
  const put = ({ owner, name }: { owner: string; name: string }, rows: unknown[] | Gap): void => {
    gathered.get(owner)![name] = rows;
  };
  const takers = wanted.flatMap(({ owner, reads }) =>
    Object.entries(reads).map(([name, read]) => ({ owner, name, read, rows: [] as unknown[] })),
  );
  const of = <Kind extends Read['read']>(kind: Kind) =>
    takers.filter(({ read }) => read.read === kind) as Taker<Extract<Read, { read: Kind }>>[];
  const parts = of('bodies').map((taker) => ({
    ...taker,
    lists: Object.values(taker.read.lists).map((read) => listOf(taker, read)),
  }));

  const named = of('named').map((taker) => ({ ...taker, by: listOf(taker, taker.read.by) }));
  const all = [...of('list'), ...parts.flatMap(({ lists }) => lists), ...named.map(({ by }) => by)];
  const naming = new Set(named.map(({ by }) => readKey(by.read)));
  const [first, others] = [all.filter(({ read }) => naming.has(readKey(read))), all.filter(({ read }) => !naming.has(readKey(read)))];
  const failed = new Map<Taker<ListRead>, Gap>();
  const listed = async ({ query, ...list }: SharedList): Promise<void> => {
    began?.(query.resource);
    const gap = await source.list(query, { object: (object) => offer(object, list), restart: () => emptied(list.takers) });
    for (const taker of list.takers) if (gap) failed.set(taker, gap);
  };
  for (const list of unite(first)) await listed(list);
  const told = named.map((taker) => ({
    taker,
    lists: failed.has(taker.by) ? [] : taker.read.wants(taker.by.rows).map((read) => listOf(taker, read)),
  }));
  const few = told.flatMap(({ lists }) => lists);
  const keys = new Set(others.map(({ read }) => readKey(read)));
  const [shared, alone] = [few.filter(({ read }) => keys.has(readKey(read))), few.filter(({ read }) => !keys.has(readKey(read)))];
  for (const list of unite([...others, ...shared])) await listed(list);
  // Hundreds, and most of them are empty.
  await each(unite(alone), listed);
  for (const taker of of('list')) put(taker, failed.get(taker) ?? taker.rows);
  for (const { taker, lists } of told) {
    const rows = lists.flatMap((list) => (failed.has(list) ? [] : list.rows));
    const unseen = lists.flatMap((list) => failed.get(list) ?? []);
    if (unseen.length) beside.set(rows, unseen);
    put(taker, failed.get(taker.by) ?? rows);
  }
  for (const same of Map.groupBy(of('text'), ({ read }) => readKey(read)).values()) await readText(source, same, put, began);
  const manifests = (source.manifests?.() ?? []).filter(({ configuration }) => !configuration);
  for (const taker of of('manifests'))
    put(
      taker,
      manifests.flatMap((manifest: Manifest) => (manifest.part && !taker.read.parts ? [] : (taker.read.keep(manifest) ?? []))),
    );
  for (const taker of parts) put(taker, await withBodies(source, taker, failed, bodies));
  return gathered;
}

// ---- lists ----------------------------------------------------------------------------------------------------------

function unite(takers: readonly Taker<ListRead>[]): SharedList[] {
  const lists = new Map<string, SharedList>();
  for (const taker of takers) {
    const { read } = taker;
    const key = readKey(read);
    let list = lists.get(key);
    if (!list) {
      list = { query: { resource: read.resource, labels: read.labels, fields: [], marks: [] }, takers: [], rows: new Map() };
      lists.set(key, list);
    }
    list.query.fields = united(list.query.fields as string[], read.fields);
    list.query.marks = united(list.query.marks!, marksOf(read));
    list.takers.push(taker);
    taker.rows = list.rows.get(read) ?? taker.rows;
    list.rows.set(read, taker.rows);
  }
  return [...lists.keys()].sort().map((key) => lists.get(key)!);
}

const united = (a: readonly string[], b: readonly string[]): string[] => [...new Set([...a, ...b])].sort();
const marksOf = ({ columns }: ListRead): string[] => columns.flatMap(({ marks }) => marks);

const listOf = ({ owner, name }: { owner: string; name: string }, read: ListRead): Taker<ListRead> => ({ owner, name, read, rows: [] });

function offer(object: Raw, list: Pick<SharedList, 'rows'>): void {
  for (const [read, rows] of list.rows) {
    const row = read.keep(object);
    if (row !== undefined) rows.push(row);
  }
}

function emptied(takers: readonly { rows: unknown[] }[]): void {
  for (const { rows } of takers) rows.length = 0;
}

// ---- texts ----------------------------------------------------------------------------------------------------------

type Put = (taker: { owner: string; name: string }, rows: unknown[] | Gap) => void;

async function readText(source: Source, takers: readonly Taker<TextRead>[], put: Put, began?: (what: string) => void): Promise<void> {
  const { path, every } = takers[0]!.read;
  began?.(path);
  const resource = path.split('?', 1)[0]!;
  if (!source.text) {
    for (const taker of takers) put(taker, { why: 'not-collected', verb: 'get-path', resource });
    return;
  }
  let lines = 0;
  const gaps = await source.text(
    { path, ...(every ? { every } : {}) },
    {
      line: (line, server) => {
        lines++;
        const kept = takers.map(({ read, rows }) => {
          const row = read.keep(line, server);
          if (row !== undefined) rows.push(row);
          return row !== undefined;
        });
        return kept.some(Boolean);
      },
      restart: () => emptied(takers),
    },
  );
  for (const taker of takers) {
    put(taker, gaps.length && !lines ? gaps[0]! : taker.rows);
    if (gaps.length) beside.set(taker.rows, gaps);
  }
}

// ---- bodies ---------------------------------------------------------------------------------------------------------

async function withBodies(
  source: Source,
  { read, lists }: { read: BodiesRead; lists: Taker<ListRead>[] },
  failed: ReadonlyMap<Taker<ListRead>, Gap>,
  known: Bodies,
): Promise<unknown[] | Gap> {
  const gap = lists.flatMap((taker) => (taker.read.optional ? [] : (failed.get(taker) ?? [])))[0];
  if (gap) return gap;
  const rows = lists.flatMap((taker) => (failed.has(taker) ? [] : taker.rows));
  const wanted = read.wants(rows).map((ref) => ({ ref, key: keyOf(ref) }));
  const asked = wanted.filter(({ key }) => !known.has(key));
  const found = await each(asked, ({ ref }) => source.get(ref));
  for (const [at, { key }] of asked.entries()) known.set(key, found[at]);
  const made = read.make(rows, (ref: Ref) => known.get(keyOf(ref)));
  const unseen = wanted.map(({ key }) => known.get(key)).filter(isGap);
  if (unseen.length) beside.set(made, unseen);
  if (!lists.some((taker) => failed.has(taker))) whole.add(made);
  return made;
}
