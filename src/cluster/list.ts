// One list, page by page: narrow requests, flat memory, and what to do when a list expires or fails for a moment.
import { setImmediate } from 'node:timers/promises';
import type { ApiResource, Gap, Json, ListQuery, ListSink, Raw, Text } from '../engine/contracts.ts';
import { inOurWords } from '../engine/gaps.ts';
import { isRaw } from '../kube/json.ts';
import { oneLine } from '../text/sanitise.ts';
import { gapOf } from './answers.ts';
import { collectionPath } from './discovery.ts';
import { metadataOnly } from './fields.ts';
import { readItems, type Wanted, wantedOf } from './json-reader.ts';
import { type Reader, readerFor, readList, tokenAhead, Unfamiliar } from './protobuf.ts';
import { type Answer, type Call, PAGE_MAX, type Page, pause, type Transport } from './transport.ts';
import { holdYoung } from './young.ts';

/** kubectl's page. */
const PAGE_SIZE = 500;
/** Of what may be a megabyte each (Helm releases): 500 of them would be one answer of hundreds of megabytes. */
const HEAVY_PAGE_SIZE = 50;
const HEAVY = ['secrets', 'configmaps'];
/** A list that expires again and again is longer than the server remembers; etcd is compacted every five minutes. */
const RESTARTS = 3;
/** A list fails for a second or two after its CRD changed (seen on 1.37), and while a server restarts. */
const PATIENCE_MS = [300, 1000, 3000];
const MOMENTARY = new Set([404, 429, 500, 502, 503, 504]);

const JSON_TYPE = 'application/json';
const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf';
const METADATA = ';as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

/** Lets at most `width` of its tasks run at a time. */
export type Gate = <T>(task: () => Promise<T>) => Promise<T>;
export interface Gates {
  /** First pages: most lists have no other. */
  lists: Gate;
  /** Held from the second page on: one big list at a time. */
  big: Gate;
  /** Buffers that wait for their next page. */
  spare: Page[];
}

export function listGates(): Gates {
  return { lists: gate(4), big: gate(1), spare: [] };
}

function gate(width: number): Gate {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (task) => {
    if (running >= width) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      // The place goes straight to the next task.
      if (next) next();
      else running--;
    }
  };
}

/** `missing`: the server knows no such list any more. Throws NoAnswer, or the signal's reason. */
export function list(
  transport: Transport,
  api: ApiResource,
  query: ListQuery,
  sink: ListSink,
  gates: Gates,
  signal: AbortSignal,
): Promise<undefined | Gap | 'missing'> {
  const one = { transport, api, query, sink, gates, signal, ask: asking(api, query) };
  return gates.lists(async () => {
    for (let begun = 0; begun <= RESTARTS; begun++) {
      if (begun) sink.restart();
      const first = await nextPage(one, '');
      const end = typeof first === 'string' && first !== '' ? await gates.big(() => furtherPages(one, first)) : first;
      if (end === '') return undefined;
      if (end === UNFAMILIAR) one.ask = inJson(one.ask);
      else if (end !== EXPIRED) return end as Gap | 'missing';
    }
    return { why: 'failed', ...asked(query), ...inOurWords(EXPIRES) };
  });
}

interface Listing {
  transport: Transport;
  api: ApiResource;
  query: ListQuery;
  sink: ListSink;
  gates: Gates;
  signal: AbortSignal;
  ask: Asking;
}
interface Asking {
  accept: string;
  /** Reads protobuf; absent where the resource has none. */
  reader?: Reader;
  /** What is read of JSON. */
  wanted: Wanted;
  metadata: boolean;
}
const EXPIRED = Symbol('the continue token expired');
const UNFAMILIAR = Symbol('the protobuf holds what we do not know');
/** Continue token (empty on the last page), or why there is none. */
type PageEnd = string | Gap | 'missing' | typeof EXPIRED | typeof UNFAMILIAR;

function asking(api: ApiResource, { fields }: ListQuery): Asking {
  const metadata = metadataOnly(fields);
  const reader = readerFor(api, fields);
  const as = metadata ? METADATA : '';
  const types = [...(reader ? [PROTOBUF_TYPE + as] : []), ...(metadata ? [JSON_TYPE + as] : []), JSON_TYPE];
  return { accept: types.join(','), reader, wanted: wantedOf(fields), metadata };
}

const inJson = ({ accept, wanted, metadata }: Asking): Asking => ({
  accept: accept
    .split(',')
    .filter((type) => !type.startsWith(PROTOBUF_TYPE))
    .join(','),
  wanted,
  metadata,
});

function asked({ resource }: ListQuery): Pick<Gap, 'verb' | 'resource'> {
  return { verb: 'list', resource };
}

/** A page that was asked for. */
interface Asked {
  token: string;
  page: Page;
  answer: Promise<Answer>;
}

function askFor(one: Listing, token: string): Asked {
  const page = one.gates.spare.pop() ?? { bytes: Buffer.alloc(0) };
  const answer = pageOf(one, token, page);
  // Its failure is thrown where it is awaited; that of a page that turns out not to be needed is dropped.
  answer.catch(() => {});
  return { token, page, answer };
}

/** Its buffer serves the next page, but not before the last byte was written into it. */
function release({ gates }: Listing, { page, answer }: Asked): void {
  const spare = () => void gates.spare.push(page);
  answer.then(spare, spare);
}

async function nextPage(one: Listing, token: string): Promise<PageEnd> {
  const current = askFor(one, token);
  try {
    return pageEnd(one, token, await current.answer);
  } finally {
    release(one, current);
  }
}

/** Asks for the next page before this one is read: the server works meanwhile. */
async function furtherPages(one: Listing, from: string): Promise<PageEnd> {
  let current: Asked | undefined = askFor(one, from);
  let ahead: Asked | undefined;
  try {
    for (;;) {
      const answer: Answer = await current.answer;
      const guess = tokenIn(answer);
      if (guess !== '' && guess !== current.token) {
        ahead = askFor(one, guess);
        // Reading holds the thread: without this turn the request would leave after it.
        await setImmediate();
      }
      const end = pageEnd(one, current.token, answer);
      if (typeof end !== 'string' || end === '' || end === 'missing') return end;
      release(one, current);
      current = undefined;
      // What was guessed counts only when reading the page found the same.
      if (ahead && ahead.token !== end) release(one, ahead);
      current = ahead?.token === end ? ahead : askFor(one, end);
      ahead = undefined;
    }
  } finally {
    if (current) release(one, current);
    if (ahead) release(one, ahead);
  }
}

/** In the last bytes of a list of custom resources, whose keys are sorted. */
const LAST_BYTES = 4096;

/** The continue token, found without reading the page; empty where it is not where Kubernetes writes it. */
function tokenIn({ status, headers, body }: Answer): string {
  if (status !== 200) return '';
  try {
    if (headers['content-type']?.startsWith(PROTOBUF_TYPE)) return tokenAhead(body);
  } catch {
    return '';
  }
  const tail = body.toString('latin1', Math.max(0, body.length - LAST_BYTES));
  const begin = tail.lastIndexOf('"metadata":{"');
  return begin < 0 ? '' : (/"continue":"([\w=-]+)"/.exec(tail.slice(begin))?.[1] ?? '');
}

function pageEnd(one: Listing, token: string, answer: Answer): PageEnd {
  const { query } = one;
  holdYoung();
  if (answer.status === 410) return EXPIRED;
  if (answer.status === 404) return 'missing';
  if (answer.status !== 200) return gapOf(asked(query), answer);
  const read = decoded(one, answer);
  if (read === UNFAMILIAR || 'why' in read) return read;
  if (read.token !== '' && read.token === token) return endless(query);
  one.transport.watch?.page(query.resource, read.objects);
  return read.token;
}

/** A server that hands out the token it was given would be listed for ever. */
const endless = ({ resource }: ListQuery): Gap => ({
  why: 'failed',
  verb: 'list',
  resource,
  ...inOurWords({ en: 'the server repeats the same page endlessly', zh: '服务器不断重复同一页' }),
});
const EXPIRES: Text = {
  en: `the list expired ${RESTARTS + 1} times before its end`,
  zh: `列表在读完之前已过期 ${RESTARTS + 1} 次`,
};

async function pageOf(one: Listing, token: string, page: Page): Promise<Answer> {
  const { transport, signal, ask } = one;
  const call: Call = { method: 'GET', path: pathOf(one, token), accept: ask.accept, maxBytes: PAGE_MAX, page };
  const answer = await patiently(transport, call, signal);
  if (answer.status !== 406 || ask.accept === JSON_TYPE) return answer;
  // An aggregated server that knows JSON alone.
  one.ask = { ...inJson(ask), accept: JSON_TYPE };
  return pageOf(one, token, page);
}

/** Asks again while the server is only in trouble for a moment. */
export async function patiently(transport: Transport, call: Call, signal: AbortSignal): Promise<Answer> {
  for (let tried = 0; ; tried++) {
    const answer = await transport.request(call);
    const wait = MOMENTARY.has(answer.status) ? PATIENCE_MS[tried] : undefined;
    if (wait === undefined) return answer;
    await pause(wait, signal);
  }
}

/** resourceVersion stays unset: 0 makes the server ignore the limit and answer with everything at once. */
function pathOf({ api, query }: Listing, token: string): string {
  const heavy = HEAVY.includes(query.resource) && !metadataOnly(query.fields);
  const parameters = new URLSearchParams({ limit: String(heavy ? HEAVY_PAGE_SIZE : PAGE_SIZE) });
  if (query.labels) parameters.set('labelSelector', query.labels);
  if (token) parameters.set('continue', token);
  return `${collectionPath(api)}?${parameters}`;
}

/** Each object goes to the sink as soon as it is read: those of a whole page, held together, outlive the collector's young generation, and a list of 150,000 becomes 100 MB of old garbage. */
function decoded(one: Listing, answer: Answer): { objects: number; token: string } | Gap | typeof UNFAMILIAR {
  const { api, ask, query, sink } = one;
  const apiVersion = apiVersionOf(api);
  let objects = 0;
  let inSink = false;
  const give = (item: Raw) => {
    // A metadata-only item calls itself PartialObjectMetadata; items of built-in lists have neither.
    const object = { apiVersion, kind: api.kind, ...item };
    if (ask.metadata) Object.assign(object, { apiVersion, kind: api.kind });
    objects++;
    inSink = true;
    sink.object(object);
    inSink = false;
  };
  const giveNamed = (item: Json) => {
    assertNamed(item);
    give(item);
  };
  try {
    if (ask.reader && answer.headers['content-type']?.startsWith(PROTOBUF_TYPE)) {
      const token = readList(answer.body, ask.reader, giveNamed);
      return { objects, token };
    }
    const { kind, items, metadata } = readItems(answer.body, 'items', ask.wanted, giveNamed);
    if (typeof kind !== 'string' || kind === 'Status') throw new Error('not a list');
    assertItems(items);
    return { objects, token: isRaw(metadata) ? String(metadata.continue ?? '') : '' };
  } catch (error) {
    // A bug in the code that takes the objects is not a fault of the server.
    if (inSink) throw error;
    if (error instanceof Unfamiliar) return UNFAMILIAR;
    const why = oneLine((error as Error).message);
    const words = { en: `unreadable list: ${why}`, zh: `列表无法解析：${why}` };
    return { why: 'failed', verb: 'decode', resource: query.resource, ...inOurWords(words) };
  }
}

export const apiVersionOf = ({ group, version }: ApiResource): string => (group ? `${group}/${version}` : version);

/** Of a list that was read item by item. Go writes an empty one as null here and there. */
export function assertItems(items: Json | undefined): void {
  if (items !== null && !Array.isArray(items)) throw new Error('not a list');
}

export const isNamed = (item: Json): item is Raw => isRaw(item) && isRaw(item.metadata) && typeof item.metadata.name === 'string';

export function assertNamed(item: Json): asserts item is Raw {
  if (!isNamed(item)) throw new Error('an item without a name');
}
