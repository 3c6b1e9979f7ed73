// One exchange with an API server over a keep-alive connection: bounds, patience, and what may be sent twice. Knows HTTP, not Kubernetes objects.
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { finished, pipeline, type Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { createGunzip } from 'node:zlib';
import { paced } from '../engine/pace.ts';
import { oneLine } from '../text/sanitise.ts';
import type { Credentials } from './credentials.ts';
import type { Connection } from './kubeconfig.ts';
import { CONNECT_MS } from './tunnel.ts';
import { askedOf, type Watch } from './watch.ts';

export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query below the connection's server. */
  path: string;
  accept?: string;
  body?: string;
  contentType?: string;
  /** Milliseconds for the whole exchange, where the connection's own limit is none or longer. */
  timeoutMs?: number;
  /** Being told to wait (429, 503) is an answer: the caller has a deadline of its own. */
  hurried?: true;
  /** A longer body is `too-big`, or with `tail` loses its beginning. */
  maxBytes?: number;
  tail?: boolean;
  /** Where the body goes, instead of memory of its own: it is then valid until the next call with this page. */
  page?: Page;
  /** Where the body of a 200 goes piece by piece; the answer's own is then empty. Once a piece was given the request is not repeated. */
  into?: Pieces;
  /** Milliseconds for the connection alone, where the usual patience is longer. */
  connectMs?: number;
}
export interface Pieces {
  /** Never throws. false: enough, the rest is not read. */
  take(bytes: Buffer): boolean;
  /** Set by the transport. */
  begun: boolean;
}
/** A buffer that grows and is used again: lists come in hundreds of pages of about the same length. */
export interface Page {
  bytes: Buffer;
}
export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
}
export interface Transport {
  readonly connection: Connection;
  readonly watch?: Watch;
  /** Any status is an answer; 401 has been tried with new credentials, 429 and 503 as often as is polite (once if `hurried`). Throws NoAnswer, UserError (credentials), or the signal's reason. */
  request(call: Call): Promise<Answer>;
  /** The server has answered something other than 401 before: what fails now is not a wrong address. */
  answered(): boolean;
}

/** No, or half an, answer. `sent`: the server may have got the request. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
  readonly why: 'connect' | 'cut' | 'timeout' | 'too-big';
  readonly sent: boolean;
  readonly code: string;
  /** The certificate that was not trusted. */
  readonly peer?: Peer;
  constructor(why: NoAnswer['why'], sent: boolean, code: string, message: string, peer?: Peer) {
    super(message);
    this.why = why;
    this.sent = sent;
    this.code = code;
    this.peer = peer;
  }
}
/** What the server showed of itself; sanitised. */
export interface Peer {
  issuer: string;
  names: string[];
  from: Date;
  until: Date;
}

/** A page of 500 objects of 1.5 MB (etcd's limit for one) is 750 MB; that does not occur, and would not fit into memory. */
export const PAGE_MAX = 256 * 1024 * 1024;
/** One object: etcd's limit is 1.5 MB, raised by some to 10. */
const OBJECT_MAX = 16 * 1024 * 1024;
const TRIES = 5;
const LONGEST_WAIT_MS = 10_000;
const BACKOFF_MS = [300, 1000, 3000, 5000];

export interface ClientOptions {
  /** Of this tool, for the User-Agent. */
  version: string;
  /** Hears the text of each Warning header, once of reads and once of writes. */
  warning?(text: string, about: 'read' | 'write'): void;
  watch?: Watch;
}

export function transport(connection: Connection, signal: AbortSignal, options: ClientOptions): Transport {
  const warned = new Set<string>();
  let answered = false;

  const { watch } = options;
  async function request(call: Call): Promise<Answer> {
    const asked = askedOf(call.method, connection.server, call.path);
    let answer: Answer | undefined;
    watch?.begun(asked);
    try {
      answer = await patiently(call, (...end) => watch?.tried(asked, ...end));
      return answer;
    } finally {
      watch?.ended(asked, answer !== undefined && askedToWait(answer) === undefined);
    }
  }
  async function patiently(call: Call, told: (...end: Tail<Parameters<Watch['tried']>>) => void): Promise<Answer> {
    let refreshed = false;
    for (let tried = 1; ; tried++) {
      signal.throwIfAborted();
      const credentials = await unlessAborted(connection.credentials(), signal);
      const begun = performance.now();
      const ms = () => Math.round(performance.now() - begun);
      let answer: Answer;
      try {
        answer = await exchange(connection, credentials, call, options.version, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof NoAnswer)) throw error;
        const again = tried < TRIES && mayRepeat(call, error, answered, tried) ? BACKOFF_MS[tried - 1]! : undefined;
        told(error, ms(), again);
        if (again === undefined) throw error;
        await pause(again, signal);
        continue;
      }
      const wait = tried < TRIES && !call.hurried ? askedToWait(answer) : undefined;
      told({ status: answer.status }, ms(), wait);
      if (!answered) assertApiServer(answer);
      const about = call.method === 'GET' ? 'read' : 'write';
      for (const text of warningsOf(answer.headers)) {
        if (warned.has(`${about} ${text}`)) continue;
        warned.add(`${about} ${text}`);
        options.warning?.(text, about);
      }
      if (answer.status === 401 && !refreshed) {
        refreshed = true;
        await unlessAborted(connection.credentials(true), signal);
        continue;
      }
      answered ||= answer.status !== 401;
      if (wait === undefined) return answer;
      await pause(wait, signal);
    }
  }
  return { connection, watch, request, answered: () => answered };
}

/** A plugin may wait for a person: Ctrl-C ends our wait for it; that it fails of the same key is then not its fault. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

type Tail<All extends unknown[]> = All extends [unknown, ...infer Rest] ? Rest : never;

/** On first contact only: a page for people, a redirect, or Go's word for plain HTTP at a TLS port is not what an API server says. */
function assertApiServer({ status, headers, body }: Answer): void {
  const type = headers['content-type'] ?? '';
  if (status === 400 && body.includes('HTTP request to an HTTPS server')) throw new NoAnswer('connect', true, 'EHTTPS', `HTTP ${status}`);
  if ((status >= 300 && status < 400) || type.startsWith('text/html'))
    throw new NoAnswer('connect', true, 'EFOREIGN', oneLine(`HTTP ${status} ${type}`, 100));
}

/** Failures that a second try does not mend: an unknown name, a certificate. */
const LASTING = /^(ENOTFOUND|EPROXY|CERT_|ERR_TLS|ERR_SSL|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO|ERR_INVALID)/;

/** A request that never left may be sent again, whatever it is; one that did only if it reads. A server that never answered is not tried again, or once: the address is probably wrong. */
function mayRepeat(call: Call, error: NoAnswer, answered: boolean, tried: number): boolean {
  if (error.why === 'connect') return answered && !LASTING.test(error.code);
  return error.why === 'cut' && call.method === 'GET' && !call.into?.begun && (answered || tried === 1);
}

/** Milliseconds, if the answer asks to be tried again. A 429 was not executed; a 503 without Retry-After may be anything. */
function askedToWait({ status, headers }: Answer): number | undefined {
  if (status !== 429 && status !== 503) return undefined;
  const given = headers['retry-after'];
  if (given === undefined) return status === 429 ? 1000 : undefined;
  const ms = /^\d+$/.test(given) ? Number(given) * 1000 : Date.parse(given) - Date.now();
  return Number.isNaN(ms) ? 1000 : Math.min(Math.max(ms, 0), LONGEST_WAIT_MS);
}

/** Resolves after `ms`; throws the signal's reason when aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(paced(ms), undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

/** Sockets that a request can leave on. On one that is not yet connected, nothing of the request has left. */
const ready = new WeakSet<Socket>();

async function exchange(
  connection: Connection,
  credentials: Credentials,
  call: Call,
  version: string,
  signal: AbortSignal,
): Promise<Answer> {
  const secure = connection.server.startsWith('https:');
  const limit = Math.min(connection.timeoutMs || Number.POSITIVE_INFINITY, call.timeoutMs || Number.POSITIVE_INFINITY);
  let sent = false;
  let ended: NoAnswer | undefined;
  const request = begun(() =>
    (secure ? https : http).request(connection.server + call.path, {
      method: call.method,
      agent: credentials.agent,
      ...(credentials.forwarded ? { path: connection.server + call.path } : {}),
      headers: headersOf(connection, credentials, call, version),
      signal,
    }),
  );
  const giveUp = (why: string) => {
    ended = new NoAnswer('timeout', sent, 'ETIMEDOUT', why);
    request.destroy(ended);
  };
  let peer: Peer | undefined;
  const { connectMs = CONNECT_MS, into } = call;
  const timers = [setTimeout(() => sent || giveUp(`no connection within ${connectMs / 1000} s`), connectMs)];
  if (Number.isFinite(limit)) timers.push(setTimeout(() => giveUp(`no answer within ${limit / 1000} s`), limit));
  request.on('socket', (socket) => {
    const isReady = () => {
      ready.add(socket);
      sent = true;
    };
    // `reusedSocket` does not tell: a request that waited for a place gets another's socket without it.
    if (ready.has(socket) || (!secure && !socket.connecting)) return isReady();
    socket.once(secure ? 'secureConnect' : 'connect', isReady);
    // Before Node.js looks whether to trust it and, if not, ends the connection.
    if (secure)
      socket.prependOnceListener('secure', () => {
        peer = peerOf(socket as TLSSocket);
      });
  });
  try {
    const response = await answerOf(request, call.body);
    const body = into && response.statusCode === 200 ? await pour(unpacked(response), into) : await collect(unpacked(response), call);
    return { status: response.statusCode ?? 0, headers: response.headers, body };
  } catch (error) {
    if (error instanceof NoAnswer) throw error;
    if (ended) throw ended;
    const { code = 'EUNKNOWN', message } = error as NodeJS.ErrnoException;
    throw new NoAnswer(sent ? 'cut' : 'connect', sent, code, oneLine(message), peer);
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
}

/** Node.js refuses what no header can hold before anything is sent. */
function begun(request: () => http.ClientRequest): http.ClientRequest {
  try {
    return request();
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_INVALID_CHAR') throw error;
    throw new NoAnswer('connect', false, code, oneLine(message, 100));
  }
}

/** Certificates name more hosts than a message can. */
const NAMES_MAX = 8;

function peerOf(socket: TLSSocket): Peer | undefined {
  const { issuer, subjectaltname = '', valid_from, valid_to } = socket.getPeerCertificate();
  if (!issuer) return undefined;
  const names = subjectaltname.split(', ').map((name) => oneLine(name.replace(/^(DNS|IP Address):/, ''), 100));
  return {
    issuer: oneLine(String(issuer.CN ?? issuer.O ?? ''), 100),
    names: names.filter(Boolean).slice(0, NAMES_MAX),
    from: new Date(valid_from),
    until: new Date(valid_to),
  };
}

function headersOf(connection: Connection, credentials: Credentials, call: Call, version: string): http.OutgoingHttpHeaders {
  return {
    accept: call.accept ?? 'application/json',
    'user-agent': `upgrade-guard/${version}`,
    ...(connection.compress ? { 'accept-encoding': 'gzip' } : {}),
    ...(call.body === undefined
      ? {}
      : { 'content-type': call.contentType ?? 'application/json', 'content-length': Buffer.byteLength(call.body) }),
    ...credentials.headers,
  };
}

function answerOf(request: http.ClientRequest, body: string | undefined): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    // Stays on: an error after the answer's head also arrives here, and unheard it would end the process.
    request.on('error', reject);
    request.once('response', resolve);
    request.end(body);
  });
}

function unpacked(response: http.IncomingMessage): Readable {
  if (response.headers['content-encoding'] !== 'gzip') return response;
  return pipeline(response, createGunzip(), () => {});
}

/** By events: `for await` makes several promises for each piece, and an API server sends a page in hundreds of them. */
function collect(stream: Readable, call: Call): Promise<Buffer> {
  const max = call.maxBytes ?? OBJECT_MAX;
  const page = call.page ?? { bytes: Buffer.allocUnsafe(0) };
  let length = 0;
  const take = (chunk: Buffer) => {
    if (length + chunk.length > max) {
      if (!call.tail) return void stream.destroy(new NoAnswer('too-big', true, 'ETOOBIG', `the answer is longer than ${max} bytes`));
      // Keeps the last half of what there is: `max` is twice what a reader of a tail asks for.
      const kept = Math.min(length, max >> 1);
      page.bytes.copyWithin(0, length - kept, length);
      length = kept;
    }
    if (length + chunk.length > page.bytes.length) page.bytes = grown(page.bytes, length, length + chunk.length);
    chunk.copy(page.bytes, length);
    length += chunk.length;
  };
  return new Promise((resolve, reject) => {
    stream.on('data', take);
    // Also where the connection ends before the answer does.
    finished(stream, (error) => (error ? reject(error) : resolve(page.bytes.subarray(0, length))));
  });
}

function pour(stream: Readable, into: Pieces): Promise<Buffer> {
  let enough = false;
  return new Promise((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => {
      if (enough) return;
      into.begun = true;
      enough = !into.take(chunk);
      if (enough) stream.destroy();
    });
    finished(stream, (error) => (error && !enough ? reject(error) : resolve(Buffer.alloc(0))));
  });
}

function grown(bytes: Buffer, used: number, needed: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(Math.max(bytes.length * 2, needed, 64 * 1024));
  bytes.copy(larger, 0, 0, used);
  return larger;
}

/** `299 - "text"`, several joined by commas. */
function warningsOf(headers: http.IncomingHttpHeaders): string[] {
  if (!headers.warning) return [];
  // Go writes UTF-8 into headers, Node reads bytes.
  const all = Buffer.from(headers.warning, 'latin1').toString('utf8');
  return [...all.matchAll(/\b\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, quoted]) => oneLine(quoted!.replace(/\\(.)/g, '$1'), 300));
}
