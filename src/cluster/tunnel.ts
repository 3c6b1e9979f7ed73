// Agents: how a connection to the server is opened, directly or through a proxy (CONNECT over http and https, SOCKS5 of RFC 1928 and 1929).
import { X509Certificate } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { bare } from './proxy.ts';

/** Small on purpose: we ask little at a time, and every connection is a TLS handshake. */
const MAX_SOCKETS = 8;
const TCP_KEEPALIVE_MS = 30_000;
/** As Go's dialer in client-go. */
export const CONNECT_MS = 30_000;

/** What proves the two sides to each other. Kept apart from node:tls, which knows a lot more. */
export interface Trust {
  ca?: string;
  cert?: string;
  key?: string;
  /** Name to ask for and to look for in the certificate, instead of the server's own. */
  servername?: string;
  /** Take any certificate. */
  insecure: boolean;
}
/** The way to the server through the proxy could not be opened. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
  readonly code = 'EPROXY';
}

/** A keep-alive agent for this server. Throws what node:tls says about a certificate or key. */
export function agentFor(server: URL, trust: Trust, proxy: URL | undefined): http.Agent {
  const keep = { keepAlive: true, keepAliveMsecs: TCP_KEEPALIVE_MS, maxSockets: MAX_SOCKETS };
  const secure = server.protocol === 'https:';
  const options = secure ? tlsOptions(trust) : {};
  if (secure) tls.createSecureContext(options);
  const agent = secure ? new https.Agent({ ...keep, ...options }) : new http.Agent(keep);
  if (!proxy || forwards(server, proxy)) return proxy ? toProxy(agent, proxy) : agent;
  const over = agent.createConnection.bind(agent) as (options: object) => Duplex;
  agent.createConnection = (options, callback) => {
    throughProxy(proxy, bare(server.hostname), portOf(server), options)
      .then((socket) => callback!(null, secure ? over({ ...options, socket }) : socket))
      .catch((error) => callback!(error, undefined as never));
    return undefined;
  };
  return agent;
}

/** A plain http request is not tunnelled by an http proxy but given to it, with the whole URL as its path. */
export function forwards(server: URL, proxy: URL | undefined): boolean {
  return server.protocol === 'http:' && /^https?:$/.test(proxy?.protocol ?? '');
}

function tlsOptions({ ca, cert, key, servername, insecure }: Trust): tls.SecureContextOptions & tls.ConnectionOptions {
  return {
    ...{ ca, cert, key, servername, rejectUnauthorized: !insecure, checkServerIdentity },
    // As Go: an intermediate authority that the kubeconfig names is trusted by itself.
    allowPartialTrustChain: true,
  } as tls.ConnectionOptions;
}

/** As Go: names count only as alternative names, never as the common name. (Also, tls.checkServerIdentity of Node.js 22.23 accepts no IPv6 address.) */
function checkServerIdentity(host: string, peer: tls.PeerCertificate): Error | undefined {
  const certificate = new X509Certificate(peer.raw);
  const name = bare(host);
  const fits = net.isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name, { subject: 'never', partialWildcards: false });
  if (fits) return undefined;
  const names = certificate.subjectAltName ?? '';
  return Object.assign(new Error(`the certificate is not for ${name}`), { code: 'ERR_TLS_CERT_ALTNAME_INVALID', names });
}

const DEFAULT_PORT: Record<string, number> = { 'http:': 80, 'https:': 443, 'socks5:': 1080, 'socks5h:': 1080 };

function portOf(url: URL): number {
  return Number(url.port) || DEFAULT_PORT[url.protocol]!;
}

/** Every connection of this agent leads to the proxy itself. */
function toProxy(agent: http.Agent, proxy: URL): http.Agent {
  agent.createConnection = (options, callback) => {
    toHost(proxy, options)
      .then((socket) => callback!(null, socket.setTimeout(0)))
      .catch((error) => callback!(error, undefined as never));
    return undefined;
  };
  return agent;
}

/** `options`: an https proxy is trusted as the server is, as Go has it. */
async function throughProxy(proxy: URL, host: string, port: number, options: object): Promise<net.Socket> {
  const socket = await toHost(proxy, options);
  try {
    await (proxy.protocol.startsWith('socks') ? socksTo(socket, proxy, host, port) : tunnelTo(socket, proxy, host, port));
    return socket.setTimeout(0);
  } catch (error) {
    socket.destroy();
    throw new ProxyError((error as Error).message);
  }
}

/** A socket with a time limit, which the code that gets the socket removes. */
function toHost(proxy: URL, options: object): Promise<net.Socket> {
  const host = bare(proxy.hostname);
  const secure = proxy.protocol === 'https:';
  const socket = secure
    ? tls.connect({ ...trustOf(options), host, port: portOf(proxy), servername: net.isIP(host) ? '' : host })
    : net.connect(portOf(proxy), host);
  socket.setTimeout(CONNECT_MS, () => socket.destroy(new Error(`no connection within ${CONNECT_MS / 1000} s`)));
  return new Promise((resolve, reject) => {
    socket.once('error', (error: NodeJS.ErrnoException) => reject(new ProxyError(error.message || error.code)));
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}

function trustOf(options: object): tls.ConnectionOptions {
  const { ca, cert, key, rejectUnauthorized, allowPartialTrustChain } = options as Record<string, never>;
  return { ca, cert, key, rejectUnauthorized, allowPartialTrustChain, checkServerIdentity } as tls.ConnectionOptions;
}

export function proxyAuthorization(proxy: URL): string | undefined {
  if (!proxy.username && !proxy.password) return undefined;
  return `Basic ${Buffer.from(`${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`).toString('base64')}`;
}

/** Longest head of an answer to CONNECT. */
const HEAD_MAX = 16 * 1024;

async function tunnelTo(socket: net.Socket, proxy: URL, host: string, port: number): Promise<void> {
  const target = `${net.isIPv6(host) ? `[${host}]` : host}:${port}`;
  const authorization = proxyAuthorization(proxy);
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${authorization ? `Proxy-Authorization: ${authorization}\r\n` : ''}\r\n`);
  const head = await until(socket, (bytes) => {
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0 && bytes.length > HEAD_MAX) throw new Error('it does not answer as a proxy');
    return end < 0 ? undefined : end + 4;
  });
  const [, status, reason] = /^HTTP\/1\.\d (\d{3}) ?([^\r\n]*)/.exec(head.toString('latin1')) ?? [];
  if (!status) throw new Error('it does not answer as a proxy');
  if (status !== '200') throw new Error(`it answers ${status} ${reason}`);
}

/** The name goes to the proxy as it is: it may mean nothing here. */
async function socksTo(socket: net.Socket, proxy: URL, host: string, port: number): Promise<void> {
  const [user, password] = [proxy.username, proxy.password].map((part) => Buffer.from(decodeURIComponent(part)));
  socket.write(Buffer.from(user!.length ? [5, 2, 0, 2] : [5, 1, 0]));
  const method = (await until(socket, () => 2))[1];
  if (method === 2 && user!.length) {
    socket.write(Buffer.concat([Buffer.from([1, user!.length]), user!, Buffer.from([password!.length]), password!]));
    if ((await until(socket, () => 2))[1] !== 0) throw new Error('it does not accept the user and password');
  } else if (method !== 0) throw new Error('it wants a user and password');
  socket.write(Buffer.concat([Buffer.from([5, 1, 0]), socksAddress(host), Buffer.from([port >> 8, port & 255])]));
  const answer = await until(socket, (bytes) => {
    if (bytes.length < 5) return undefined;
    return 6 + ({ 1: 4, 3: 1 + bytes[4]!, 4: 16 }[bytes[3]!] ?? 4);
  });
  if (answer[1] !== 0) throw new Error(`it answers: ${SOCKS_SAYS[answer[1]!] ?? `code ${answer[1]}`}`);
}

function socksAddress(host: string): Buffer {
  if (net.isIPv4(host)) return Buffer.from([1, ...host.split('.').map(Number)]);
  if (net.isIPv6(host)) return Buffer.from([4, ...groups(host).flatMap((group) => [group >> 8, group & 255])]);
  const name = Buffer.from(host);
  return Buffer.concat([Buffer.from([3, name.length]), name]);
}

/** The eight numbers of an IPv6 address as URLs write them. */
function groups(address: string): number[] {
  const [head = [], tail = []] = address.split('::').map((part) => part.split(':').filter(Boolean));
  return [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail].map((group) => Number.parseInt(group, 16));
}

/** RFC 1928, section 6. */
const SOCKS_SAYS = [
  '',
  'general failure',
  'not allowed',
  'network unreachable',
  'host unreachable',
  'connection refused',
  'TTL expired',
  'command not supported',
  'address type not supported',
];

/** Reads one message, of which `length` says how long it is as soon as that can be told. Nothing may come behind it: we speak first. */
function until(socket: net.Socket, length: (bytes: Buffer) => number | undefined): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const done = () => socket.off('data', read).off('error', failed).off('end', ended);
    const failed = (error: unknown) => {
      done();
      reject(error);
    };
    const ended = () => failed(new Error('it closed the connection'));
    const read = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      try {
        const end = length(bytes);
        if (end === undefined || bytes.length < end) return;
        if (bytes.length > end) throw new Error('it does not answer as a proxy');
      } catch (error) {
        return failed(error);
      }
      done();
      resolve(bytes);
    };
    socket.on('data', read).once('error', failed).once('end', ended);
  });
}
