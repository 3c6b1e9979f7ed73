// Servers that write down who came and how: API server addresses of every kind, and HTTP, HTTPS and SOCKS5 proxies in front of them.
// It is not an API server: it answers `kubectl version` and the first questions of `upgrade-guard runs`, without authentication.
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type Authority, authority, type Certificate } from './certificates.ts';

/** What the first request of a client looked like. */
export interface Seen {
  /** Which of the servers. */
  at: ServerName;
  /** Name that the client asked TLS for; '' for an address, or without TLS. */
  sni: string;
  /** Common name of the client's certificate. */
  client: string;
  host: string;
  /** Path in front of what was asked for. */
  base: string;
  authorization: string;
  /** Impersonation headers in lower case and as they came, sorted by name. */
  impersonate: string[];
  gzip: boolean;
  /** The way here: `direct`, or kind of proxy, what was asked of it, and as whom. */
  via: string;
}
/**
 * `good` is also reached by IPv6. `foreign`: of an unknown authority. `chained`: sends the intermediate authority that signed it.
 * `future`: not valid yet. `nameless`: has a common name only. `deaf` never answers; `strict` answers 401 to any token but `fresh`.
 */
export type ServerName = 'good' | 'http' | 'foreign' | 'chained' | 'expired' | 'future' | 'nameless' | 'deaf' | 'strict';
export type ProxyName = 'http' | 'https' | 'socks5' | 'refusing';
export interface RecordingServer {
  /** host:port. */
  servers: Record<ServerName, string>;
  /** host:port of `good` over IPv6; undefined where there is none. */
  ipv6?: string;
  proxies: Record<ProxyName, string>;
  root: Authority;
  intermediate: Authority;
  /** An address without a listener. */
  closed: string;
  /** Everything since the last call. */
  seen(): Seen[];
  close(): Promise<void>;
}

const HOSTS = ['127.0.0.1', '::1', 'localhost', 'other.example', 'api.other.example'];
const HOUR = 3_600_000;

export async function recordingServer(): Promise<RecordingServer> {
  const root = authority('test root');
  const intermediate = root.delegate('test intermediate');
  const good = root.issue({ name: 'server', hosts: HOSTS });
  const chained = intermediate.issue({ name: 'server', hosts: HOSTS });
  const certificates: Record<Exclude<ServerName, 'http'>, Certificate> = {
    ...{ good, deaf: good, strict: good },
    foreign: authority('somebody else').issue({ name: 'server', hosts: HOSTS }),
    chained: { ...chained, cert: chained.cert + intermediate.cert },
    expired: root.issue({ name: 'server', hosts: HOSTS, until: new Date(Date.now() - HOUR) }),
    future: root.issue({ name: 'server', hosts: HOSTS, from: new Date(Date.now() + HOUR) }),
    nameless: root.issue({ name: '127.0.0.1' }),
  };
  const open: net.Server[] = [];
  const seen: Seen[] = [];
  const ways: Ways = new Map();
  const listening = async (server: net.Server, host = '127.0.0.1') => {
    open.push(server);
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, host, resolve));
    const { port } = server.address() as net.AddressInfo;
    return `${host.includes(':') ? `[${host}]` : host}:${port}`;
  };
  const recorder = (at: ServerName) => (request: http.IncomingMessage, response: http.ServerResponse) => {
    if (/^\/(\.well-known|token)/.test(request.url!)) return issuer(`https://${request.headers.host}`, request, response);
    seen.push(lookedAt(at, request, ways));
    if (at === 'strict' && request.headers.authorization !== 'Bearer fresh') return answer(response, 401, UNAUTHORIZED);
    if (at !== 'deaf') answer(response, 200, request.url!.includes('version') ? VERSION : NAMESPACE);
  };
  const secure = (at: Exclude<ServerName, 'http'>) => https.createServer({ ...certificates[at], ...ASK_FOR_CERTIFICATE }, recorder(at));
  const servers = { http: await listening(http.createServer(recorder('http'))) } as Record<ServerName, string>;
  for (const at of Object.keys(certificates) as (keyof typeof certificates)[]) servers[at] = await listening(secure(at));
  const proxies = {
    http: await listening(proxy('http', http.createServer(), ways)),
    https: await listening(proxy('https', https.createServer(good), ways)),
    refusing: await listening(http.createServer(refuse).on('connect', refuseTunnel)),
    socks5: await listening(net.createServer((socket) => socks5(socket, ways))),
  };
  const ipv6 = await listening(secure('good'), '::1').catch(() => undefined);
  const closed = await addressOfNobody();
  return {
    ...{ servers, ipv6, proxies, root, intermediate, closed },
    seen: () => seen.splice(0),
    close: async () => {
      for (const server of open) {
        if (server instanceof http.Server || server instanceof https.Server) server.closeAllConnections();
        server.close();
      }
    },
  };
}

async function addressOfNobody(): Promise<string> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}

// ---- what is seen and answered --------------------------------------------------------------------------------------

/** Any certificate will do, and so will none. */
const ASK_FOR_CERTIFICATE = { requestCert: true, rejectUnauthorized: false };
const ASKED = /(\/version|\/api\/v1\/namespaces\/kube-system)(\?.*)?$/;
const VERSION = { major: '1', minor: '36', gitVersion: 'v1.36.3', gitCommit: '', buildDate: '', platform: 'linux/amd64' };
const NAMESPACE = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-system', uid: '11111111-2222-3333-4444-555555555555' } };
const UNAUTHORIZED = { apiVersion: 'v1', kind: 'Status', status: 'Failure', message: 'Unauthorized', reason: 'Unauthorized', code: 401 };

/** Ways here, by the local port of the proxy's connection. */
type Ways = Map<number, string>;

function lookedAt(at: ServerName, request: http.IncomingMessage, ways: Ways): Seen {
  const socket = request.socket as Partial<TLSSocket> & net.Socket;
  const raw = request.rawHeaders;
  const pairs = raw.flatMap((name, index) => (index % 2 === 0 ? [`${name.toLowerCase()}: ${raw[index + 1]}`] : []));
  return {
    at,
    sni: (socket.servername as string | false | undefined) || '',
    client: String(socket.getPeerCertificate?.().subject?.CN ?? ''),
    host: request.headers.host ?? '',
    base: request.url!.replace(ASKED, ''),
    authorization: request.headers.authorization ?? '',
    // Stable: values of one name stay in their order.
    impersonate: pairs.filter((pair) => pair.startsWith('impersonate-')).sort((a, b) => nameOf(a).localeCompare(nameOf(b))),
    gzip: /\bgzip\b/.test(request.headers['accept-encoding'] ?? ''),
    via: ways.get(socket.remotePort!) ?? 'direct',
  };
}

const nameOf = (pair: string) => pair.slice(0, pair.indexOf(':'));

function answer(response: http.ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

// ---- an issuer of OpenID Connect ------------------------------------------------------------------------------------

export function jwt(claims: object): string {
  return `${[{ alg: 'RS256' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.c2ln`;
}

/** Takes any refresh token and gives another. */
function issuer(self: string, request: http.IncomingMessage, response: http.ServerResponse): void {
  const asksWhere = request.url!.startsWith('/.well-known');
  const now = Math.floor(Date.now() / 1000);
  const token = jwt({ iss: self, aud: 'me', sub: 'alice', iat: now, exp: now + 3600 });
  const tokens = { access_token: 'a', token_type: 'bearer', id_token: token, refresh_token: 'second' };
  answer(response, 200, asksWhere ? { issuer: self, token_endpoint: `${self}/token` } : tokens);
}

// ---- proxies --------------------------------------------------------------------------------------------------------

/** Whatever name is asked for, the servers are here. */
function toServer(target: string, way: string, ways: Ways): net.Socket {
  const upstream = net.connect(Number(target.slice(target.lastIndexOf(':') + 1)), '127.0.0.1');
  upstream.on('connect', () => {
    const port = upstream.localPort!;
    ways.set(port, way);
    // The kernel gives the port to the next one who connects, who may come by no proxy at all.
    upstream.on('close', () => ways.delete(port));
  });
  return upstream;
}

function joined(a: net.Socket, b: net.Socket): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.pipe(to);
    from.on('error', () => to.destroy());
    // A pipe leaves its source open when its target goes away; then the way of its port would stay, for the next one who gets that port.
    from.on('close', () => to.destroySoon());
    if (from.destroyed) to.destroy();
  }
}

const asWhom = (request: http.IncomingMessage) => {
  const basic = /^Basic (.*)$/.exec(request.headers['proxy-authorization'] ?? '')?.[1];
  return basic ? ` as ${Buffer.from(basic, 'base64')}` : '';
};

/** Tunnels and forwards. */
function proxy(kind: 'http' | 'https', server: http.Server, ways: Ways): http.Server {
  server.on('connect', (request: http.IncomingMessage, socket: net.Socket, head: Buffer) => {
    const upstream = toServer(request.url!, `${kind} proxy, CONNECT ${request.url}${asWhom(request)}`, ways);
    upstream.on('connect', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.write(head);
      joined(socket, upstream);
    });
    upstream.on('error', () => socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
  });
  server.on('request', (request: http.IncomingMessage, response: http.ServerResponse) => {
    const url = new URL(request.url!);
    const { 'proxy-authorization': _, ...headers } = request.headers;
    const upstream = toServer(url.host, `${kind} proxy, ${request.method} ${url.origin}${asWhom(request)}`, ways);
    const onward = http.request({ createConnection: () => upstream, method: request.method, path: url.pathname + url.search, headers });
    onward.on('response', (back) => back.pipe(response.writeHead(back.statusCode!, back.headers)));
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  return server;
}

function refuse(_: http.IncomingMessage, response: http.ServerResponse): void {
  response.writeHead(407, { 'proxy-authenticate': 'Basic realm="proxy"' }).end();
}

function refuseTunnel(_: http.IncomingMessage, socket: net.Socket): void {
  socket.on('error', () => {});
  socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="proxy"\r\n\r\n');
}

/** RFC 1928 with the user and password of RFC 1929. Trusts the client to send one message at a time. */
function socks5(socket: net.Socket, ways: Ways): void {
  let user = '';
  socket.on('error', () => {});
  const next = (then: (message: Buffer) => void) => socket.once('data', then);
  const connect = (message: Buffer) => {
    const named = message[3] === 3;
    const end = named ? 5 + message[4]! : message[3] === 1 ? 8 : 20;
    const name = named ? message.toString('latin1', 5, end) : `address ${[...message.subarray(4, end)].join('.')}`;
    const target = `${name}:${message.readUInt16BE(end)}`;
    const upstream = toServer(target, `socks5 proxy, ${target}${user}`, ways);
    upstream.on('connect', () => {
      socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
      joined(socket, upstream);
    });
    upstream.on('error', () => socket.end(Buffer.from([5, 5, 0, 1, 0, 0, 0, 0, 0, 0])));
  };
  next((methods) => {
    if (!methods.subarray(2).includes(2)) {
      socket.write(Buffer.from([5, 0]));
      return next(connect);
    }
    socket.write(Buffer.from([5, 2]));
    next((login) => {
      const length = login[1]!;
      user = ` as ${login.toString('utf8', 2, 2 + length)}:${login.toString('utf8', 3 + length, 3 + length + login[2 + length]!)}`;
      socket.write(Buffer.from([1, 0]));
      next(connect);
    });
  });
}
