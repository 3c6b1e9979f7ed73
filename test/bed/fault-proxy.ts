// A proxy between the tool and the real API server that does the killing, cutting, delaying and lying. The product has no hook for any of it.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import { Agent, createServer, request as send } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { certificateOf } from './control-plane.ts';

export interface Seen {
  method: string;
  /** With its query. */
  path: string;
  headers: IncomingHttpHeaders;
  /** Milliseconds, as Date.now(). */
  at: number;
}
/** It may change something. Asking which rights one has is a POST, and changes nothing. */
export const isWrite = ({ method, path }: Seen): boolean => method !== 'GET' && !path.includes('/selfsubjectaccessreviews');
export type Mischief =
  /** Never forwarded, never answered. `andThen`: when the request has arrived whole. */
  | { do: 'hold' }
  /** Forwarded, but the answer is swallowed. `andThen`: when the server has answered. */
  | { do: 'forward-unanswered' }
  /** Nothing is amiss. `andThen`: when the answer has been handed on whole. */
  | { do: 'answer-then' }
  /** The connection is reset instead of forwarding. `andThen`: after that. */
  | { do: 'cut' }
  /** Forwarded late. `andThen`: when it is. */
  | { do: 'delay'; ms: number }
  /** Answered without forwarding; by default with the Status that an API server sends. `andThen`: after the answer. */
  | { do: 'answer'; status: number; headers?: Record<string, string>; body?: unknown }
  /** Half of the server's answer, then the connection ends. `andThen`: after that. */
  | { do: 'truncate' };
export type Fault = Mischief & {
  /** All of these must fit; what is left out always does. */
  method?: string;
  path?: string | RegExp;
  where?(request: Seen): boolean;
  /** Of the requests that fit, the first that it happens to; 1 by default. */
  nth?: number;
  /** To how many it happens; 1 by default. */
  times?: number;
  andThen?(): void;
};
export interface FaultProxy {
  server: string;
  /** A copy of a kubeconfig that leads here; its path. */
  kubeconfigFrom(path: string): Promise<string>;
  /** Every request so far, oldest first. */
  seen: Seen[];
  /** Looked through in order; the first whose turn it is happens. Add and remove at will. */
  faults: Fault[];
  close(): Promise<void>;
}

/** Sits before the control plane under its own certificate, so that the CA of its kubeconfigs fits. */
export async function startFaultProxy(behind: { server: string; folder: string }): Promise<FaultProxy> {
  const cert = readFileSync(certificateOf(behind));
  const key = readFileSync(certificateOf(behind).replace(/crt$/, 'key'));
  const agent = new Agent({ keepAlive: true, ca: cert });
  const [seen, faults, counts]: [Seen[], Fault[], WeakMap<Fault, number>] = [[], [], new WeakMap()];
  const sockets = new Map<number, Socket>();
  const reset = (request: IncomingMessage) => void sockets.get(request.socket.remotePort ?? 0)?.resetAndDestroy();

  const proxy = createServer({ cert, key, keepAliveTimeout: 60_000 }, (request, response) => {
    const now: Seen = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, at: Date.now() };
    seen.push(now);
    const fault = faults.find((each) => fits(each, now) && isItsTurn(each, counts));
    response.on('error', () => {});
    request.on('error', () => {});
    if (fault) misbehave(fault, request, response);
    else forward(request, response);
  });
  // The raw connection, below TLS: only that one can be reset.
  proxy.on('connection', (socket: Socket) => {
    const port = socket.remotePort ?? 0;
    sockets.set(port, socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(port));
  });
  proxy.on('tlsClientError', () => {});

  /** Sends the request on; `answered` gets the server's answer instead of the client when given. */
  function forward(request: IncomingMessage, response: ServerResponse, answered?: (answer: IncomingMessage) => void): void {
    const onward = send(
      `${behind.server}${request.url}`,
      { method: request.method, agent, headers: onwardHeaders(request.headers) },
      (answer) => {
        answer.on('error', () => reset(request));
        if (answered) return answered(answer);
        response.writeHead(answer.statusCode ?? 502, pairs(answer.rawHeaders));
        response.flushHeaders();
        answer.pipe(response);
      },
    );
    // The server's end of the line broke: so does ours.
    onward.on('error', () => reset(request));
    request.pipe(onward);
    // A client that went away in the middle (a watch, a kill) ends its request at the server too, unless the answer is not meant for it.
    if (!answered) response.on('close', () => response.writableFinished || onward.destroy());
  }

  async function misbehave(fault: Fault, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const then = () => fault.andThen?.();
    switch (fault.do) {
      case 'hold':
        return whole(request, then);
      case 'forward-unanswered':
        return forward(request, response, (answer) => whole(answer, then));
      case 'answer-then':
        response.on('finish', then);
        return forward(request, response);
      case 'cut':
        return whole(request, () => {
          reset(request);
          then();
        });
      case 'delay':
        await sleep(fault.ms);
        then();
        return forward(request, response);
      case 'answer':
        return whole(request, () => {
          response.on('finish', then);
          respond(response, fault.status, fault.headers, fault.body);
        });
      case 'truncate':
        return forward(request, response, (answer) => truncate(answer, response, then));
    }
  }

  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const server = `https://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  return {
    server,
    seen,
    faults,
    async kubeconfigFrom(path) {
      const copy = join(mkdtempSync(join(behind.folder, 'proxied-')), basename(path));
      writeFileSync(copy, readFileSync(path, 'utf8').replaceAll(behind.server, server), { mode: 0o600 });
      return copy;
    },
    async close() {
      const closed = new Promise((resolve) => proxy.close(resolve));
      proxy.closeAllConnections();
      for (const socket of sockets.values()) socket.destroy();
      agent.destroy();
      await closed;
    },
  };
}

function fits(fault: Fault, { method, path, ...rest }: Seen): boolean {
  if (fault.method && fault.method !== method) return false;
  if (typeof fault.path === 'string' && fault.path !== path && fault.path !== path.replace(/\?.*$/s, '')) return false;
  if (fault.path instanceof RegExp && !fault.path.test(path)) return false;
  return fault.where?.({ method, path, ...rest }) ?? true;
}

function isItsTurn(fault: Fault, counts: WeakMap<Fault, number>): boolean {
  const count = (counts.get(fault) ?? 0) + 1;
  counts.set(fault, count);
  const first = fault.nth ?? 1;
  return count >= first && count < first + (fault.times ?? 1);
}

/** Reads to the end, keeping nothing. */
function whole(message: IncomingMessage, then: () => void): void {
  message.on('end', then);
  message.resume();
}

/** Without what belongs to one connection alone (RFC 9110, 7.6.1). */
function onwardHeaders(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { connection, 'keep-alive': keepAlive, host, ...rest } = headers;
  return rest;
}

function pairs(raw: string[]): string[] {
  const kept: string[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    if (!/^(connection|keep-alive|transfer-encoding)$/i.test(raw[at] ?? '')) kept.push(raw[at] ?? '', raw[at + 1] ?? '');
  }
  return kept;
}

/** Half of what came, under headers that promise all of it. */
function truncate(answer: IncomingMessage, response: ServerResponse, then: () => void): void {
  const chunks: Buffer[] = [];
  answer.on('data', (chunk) => chunks.push(chunk));
  answer.on('end', () => {
    const body = Buffer.concat(chunks);
    response.writeHead(answer.statusCode ?? 502, pairs(answer.rawHeaders));
    response.write(body.subarray(0, Math.floor(body.length / 2)));
    // Closed, not reset: a reset would overtake what still waits to be sent.
    response.socket?.on('close', then);
    response.socket?.destroySoon();
  });
}

const REASONS: Record<number, string> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
};

function respond(response: ServerResponse, status: number, headers: Record<string, string> = {}, body?: unknown): void {
  const failure = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: STATUS_CODES[status],
    reason: REASONS[status],
    code: status,
  };
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body ?? failure));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length, ...headers });
  response.end(bytes);
}
