// What a request carries to be let in: kubectl's rules choose among certificates, tokens and plugins, client-node makes of it what the request carries.
// What is fetched once is kept until it expires.
import { X509Certificate } from 'node:crypto';
import type http from 'node:http';
import type { Text } from '../engine/contracts.ts';
import { readInput } from '../files/input.ts';
import { oneLine } from '../text/sanitise.ts';
import { beginOf, expiryOf, tokenOfProvider } from './auth-provider.ts';
import { minute } from './duration.ts';
import { askPlugin, type Issued } from './exec-plugin.ts';
import { type Env, type Fields, isFields, isTrue, text } from './kubeconfig-files.ts';
import type { PluginPolicy } from './kuberc.ts';
import { agentFor, forwards, proxyAuthorization, type Trust } from './tunnel.ts';
import { faulty, type Place, pemOf, readNamed } from './usable.ts';

export interface Login {
  /** May hold a user and password. */
  server: URL;
  /** Fields as in a kubeconfig, paths absolute. */
  cluster: Fields;
  user: Fields;
  proxy?: URL;
  env: Env;
  place: Place;
  /** Which exec plugins may run; undefined: all. */
  plugins?: PluginPolicy;
}
export interface Credentials {
  headers: http.OutgoingHttpHeaders;
  agent: http.Agent;
  /** The request's path must be the whole URL: it goes to an http proxy. */
  forwarded: boolean;
}

interface Carried {
  trust: Trust;
  authorization?: string;
}

/** How long files are used before they are looked at again; client-go: a minute for tokens, five for certificates. */
const FRESH_MS = 30_000;

/** What has to be fetched for a user, whichever address of the cluster it is shown to. */
type Issuing = (refresh: boolean) => Promise<Issued>;

/** Single-flight: parallel first requests start one exec plugin. */
export function issuing(login: Login): Issuing {
  let issued: Issued | undefined;
  let pending: Promise<Issued> | undefined;
  return async (refresh) => {
    if (!refresh && issued && issued.until > Date.now()) return issued;
    pending ??= issue(login).finally(() => {
      pending = undefined;
    });
    issued = await pending;
    return issued;
  };
}

/** `get` is single-flight. */
export function credentialsOf(
  login: Login,
  fetched: Issuing,
): {
  get(refresh?: boolean): Promise<Credentials>;
  login(): { shown: Text; next: Text };
  close(): void;
} {
  const agents = new Set<http.Agent>();
  let issued: Issued | undefined;
  let current: { credentials: Credentials; trust: string; until: number; cert?: string } | undefined;
  let pending: Promise<Credentials> | undefined;

  const fetch = async (refresh: boolean): Promise<Credentials> => {
    issued = await fetched(refresh);
    const { trust, authorization } = await carried(login, issued);
    const key = JSON.stringify(trust);
    const agent = current?.trust === key ? current.credentials.agent : newAgent(login, trust);
    if (current && current.credentials.agent !== agent) retire(current.credentials.agent);
    agents.add(agent);
    const headers = { ...(authorization ? { authorization } : {}), ...impersonation(login.user), ...toForwarder(login) };
    const credentials = { headers, agent, forwarded: forwards(login.server, login.proxy) };
    current = { credentials, trust: key, cert: trust.cert, until: Math.min(Date.now() + FRESH_MS, issued.until) };
    return credentials;
  };
  return {
    async get(refresh = false) {
      if (!refresh && current && Date.now() < current.until) return current.credentials;
      pending ??= fetch(refresh).finally(() => {
        pending = undefined;
      });
      return pending;
    },
    login: () => shownBy(login, issued, current?.cert),
    close: () => {
      for (const agent of agents) agent.destroy();
    },
  };
}

/** Requests that are under way on it end as they should. */
function retire(agent: http.Agent): void {
  agent.maxFreeSockets = 0;
  for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
}

// ---- which way to log in --------------------------------------------------------------------------------------------

/** As kubectl, which sends neither tokens nor certificates to an http server. */
const isSecure = ({ server }: Login) => server.protocol === 'https:';
const hasBasic = (user: Fields) => Boolean(text(user.username) || text(user.password));
const hasCertificate = (user: Fields) => Boolean(text(user['client-certificate']) || text(user['client-certificate-data']));
const hasToken = (user: Fields) => Boolean(text(user.token) || text(user.tokenFile));

/** What has to be fetched. A plugin is asked only by who has nothing else. */
async function issue(login: Login): Promise<Issued> {
  const { user } = login;
  const nothing: Issued = { until: Number.POSITIVE_INFINITY };
  if (!isSecure(login)) return nothing;
  if (isFields(user['auth-provider'])) {
    const token = await tokenOfProvider(login, user['auth-provider'], !hasToken(user) && !hasBasic(user));
    return token ?? nothing;
  }
  return isFields(user.exec) && !hasToken(user) && !hasBasic(user) && !hasCertificate(user) ? askPlugin(login) : nothing;
}

/** A token or a certificate goes into the request as it stands. What client-node alone knows to carry costs a third of a start, and is loaded when the first request is due. */
async function carried(login: Login, issued: Issued): Promise<Carried> {
  const { server, user } = login;
  const { username, password } = server;
  if (!isSecure(login)) return { trust: { insecure: false }, authorization: username || password ? basic(username, password) : undefined };
  const made = hasBasic(user) ? await withPassword(login, issued) : withToken(login, issued);
  if (username || password) return { ...made, authorization: basic(username, password) };
  return { ...made, authorization: made.authorization && headerValue(made.authorization) };
}

function withToken(login: Login, issued: Issued): Carried {
  const token = tokenOf(login) ?? issued.token;
  return { trust: trustOf(login, issued), authorization: token && `Bearer ${token}` };
}

async function withPassword(login: Login, issued: Issued): Promise<Carried> {
  const { requestOptions } = await import('./client-node.ts');
  const { server, user } = login;
  return requestOptions({ server: server.origin, ...trustOf(login, issued), name: text(user.username), password: text(user.password) });
}

/** Of a URL that holds them, percent-encoded. */
function basic(name: string, password: string): string {
  return `Basic ${Buffer.from(`${decodeURIComponent(name)}:${decodeURIComponent(password)}`).toString('base64')}`;
}

/** A tokenFile that holds something wins over a token, and is read again and again. */
function tokenOf({ user, place }: Login): string | undefined {
  const [token, file] = [text(user.token), text(user.tokenFile)];
  const inFile = readToken(file);
  if (inFile || token) return inFile || token;
  if (!file) return undefined;
  readNamed(place, 'user', 'tokenFile', file);
  throw faulty(
    place,
    'user',
    { en: `tokenFile ${file} is empty`, zh: `tokenFile ${file} 是空的` },
    { en: 'write a token into it, or pass one: --token', zh: '请写入令牌，或直接指定：--token' },
  );
}

/** Bytes. */
const TOKEN_MAX = 1024 * 1024;

function readToken(file: string): string {
  try {
    return file ? readInput(file, TOKEN_MAX, { substituted: true }).toString('utf8').trim() : '';
  } catch {
    return '';
  }
}

// ---- TLS ------------------------------------------------------------------------------------------------------------

function trustOf(login: Login, issued: Issued): Trust {
  const { cluster, user, place } = login;
  return {
    ca: pemOf(place, 'cluster', cluster, 'certificate-authority'),
    cert: issued.cert ?? pemOf(place, 'user', user, 'client-certificate'),
    key: issued.key ?? (hasCertificate(user) ? pemOf(place, 'user', user, 'client-key') : undefined),
    servername: text(cluster['tls-server-name']) || undefined,
    insecure: isTrue(cluster['insecure-skip-tls-verify']),
  };
}

function newAgent(login: Login, trust: Trust): http.Agent {
  try {
    return agentFor(login.server, trust, login.proxy);
  } catch (error) {
    const why = oneLine((error as Error).message, 200);
    const part = trust.cert ? 'user' : 'cluster';
    const fields = trust.cert ? 'client-certificate, client-key' : 'certificate-authority';
    throw faulty(
      login.place,
      part,
      { en: `${fields}: ${why}`, zh: `${fields}：${why}` },
      {
        en: 'certificate and key must be a matching PEM pair; get a new kubeconfig for this cluster',
        zh: '证书与私钥必须是成对的 PEM；请重新获取该集群的 kubeconfig',
      },
    );
  }
}

// ---- headers --------------------------------------------------------------------------------------------------------

function toForwarder({ server, proxy }: Login): http.OutgoingHttpHeaders {
  const authorization = forwards(server, proxy) ? proxyAuthorization(proxy!) : undefined;
  return authorization ? { 'proxy-authorization': authorization } : {};
}

function impersonation(user: Fields): http.OutgoingHttpHeaders {
  if (!text(user.as)) return {};
  const headers: http.OutgoingHttpHeaders = { 'impersonate-user': headerValue(text(user.as)) };
  const groups = values(user['as-groups']);
  if (groups.length) headers['impersonate-group'] = groups;
  if (text(user['as-uid'])) headers['impersonate-uid'] = headerValue(text(user['as-uid']));
  for (const [key, value] of Object.entries(isFields(user['as-user-extra']) ? user['as-user-extra'] : {})) {
    headers[`impersonate-extra-${extraKey(key)}`] = values(value);
  }
  return headers;
}

function values(list: unknown): string[] {
  return (Array.isArray(list) ? list : []).map((value) => headerValue(text(value)));
}

/** Bytes as Go sends them: UTF-8. A control character is left for Node to refuse. */
function headerValue(value: string): string {
  return Buffer.from(value, 'utf8').toString('latin1');
}

/** client-go's headerKeyEscape: what a header name may not hold, and `%`, percent-encoded. */
function extraKey(key: string): string {
  return [...Buffer.from(key.toLowerCase(), 'utf8')]
    .map((byte) => String.fromCharCode(byte))
    .map((char) => (/[!#$&'*+.^_`|~0-9a-z-]/.test(char) ? char : `%${char.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`))
    .join('');
}

// ---- after a 401 ----------------------------------------------------------------------------------------------------

/** What the server did not accept, and how to get something better. */
function shownBy(login: Login, issued: Issued | undefined, cert: string | undefined): { shown: Text; next: Text } {
  const { user, place } = login;
  const command = isFields(user.exec) && issued?.token ? oneLine(text(user.exec.command), 200) : '';
  const token = issued?.token ?? (hasToken(user) ? readToken(text(user.tokenFile)) || text(user.token) : '');
  const expired = token ? pastDay(expiryOf(token)) : cert && pastDay(validityOf(cert).until);
  const early = future(token ? beginOf(token) : cert ? validityOf(cert).from : 0);
  const kinds: [unknown, Text][] = [
    [hasBasic(user), { en: 'the name and password', zh: '用户名和密码' }],
    [command, { en: `the token from ${command}`, zh: `${command} 给出的令牌` }],
    [text(user.tokenFile), { en: `the token in ${text(user.tokenFile)}`, zh: `${text(user.tokenFile)} 中的令牌` }],
    [token, { en: 'the token', zh: '令牌' }],
    [cert, { en: 'the client certificate', zh: '客户端证书' }],
  ];
  const kind = kinds.find(([is]) => is)?.[1];
  const other: Text = { en: 'or choose another user: --user, --token, --context', zh: '或改用其他用户：--user、--token、--context' };
  if (!kind)
    return {
      shown: { en: 'a request without credentials', zh: '不带凭据的请求' },
      next: { en: `log in, ${other.en}`, zh: `请登录，${other.zh}` },
    };
  const shown: Text = {
    en: `${kind.en}${place.user ? ` of user ${place.user}` : ''}${expired ? `, expired since ${expired}` : ''}`,
    zh: `${place.user ? `用户 ${place.user} 的` : ''}${kind.zh}${expired ? `（已于 ${expired} 过期）` : ''}`,
  };
  if (early) {
    const now = minute(new Date());
    return {
      shown: {
        en: `${shown.en}, not valid before ${early} (local time: ${now})`,
        zh: `${shown.zh}（在 ${early} 之前无效；本机时间为 ${now}）`,
      },
      next: {
        en: `compare the clocks: correct the local clock, or the clock of the machine that issued it; ${other.en}`,
        zh: `请核对时钟：校准本机，或校准签发它的机器；${other.zh}`,
      },
    };
  }
  const next: Text = command
    ? { en: `log in again with ${command}, ${other.en}`, zh: `请用 ${command} 重新登录，${other.zh}` }
    : {
        en: `log in again or get a new kubeconfig for this cluster, ${other.en}`,
        zh: `请重新登录或重新获取该集群的 kubeconfig，${other.zh}`,
      };
  return { shown, next };
}

/** As a date, if it is past. */
function pastDay(end: number): string | undefined {
  return end > 0 && end < Date.now() ? new Date(end).toISOString().slice(0, 10) : undefined;
}

/** Milliseconds by which clocks may differ; API servers allow as much for tokens. */
const SKEW = 60_000;

/** The last moment that a Date can hold. */
const END_OF_TIME = 8.64e15;

/** To the minute, if it is still to come. */
function future(begin: number): string | undefined {
  return begin > Date.now() + SKEW && begin <= END_OF_TIME ? minute(new Date(begin)) : undefined;
}

function validityOf(pem: string): { from: number; until: number } {
  try {
    const { validFromDate, validToDate } = new X509Certificate(pem);
    return { from: validFromDate.getTime(), until: validToDate.getTime() };
  } catch {
    return { from: 0, until: 0 };
  }
}
