// Which API server, as whom: kubeconfig files, kubectl's connection flags and the environment make one Connection.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import path from 'node:path';
import type { Text } from '../engine/contracts.ts';
import { shellWord } from '../text/shell.ts';
import { UserError } from '../text/user-error.ts';
import { type Credentials, credentialsOf, issuing, type Login } from './credentials.ts';
import { requestTimeout } from './duration.ts';
import { type Env, type Fields, isFields, isTrue, type Kubeconfig, readKubeconfig, text } from './kubeconfig-files.ts';
import { pluginPolicy } from './kuberc.ts';
import { isLoopback, proxyFor } from './proxy.ts';
import { assertCluster, assertUser, faulty, type Place, pemOf } from './usable.ts';

/** kubectl's connection flags, named as cac names them. */
export interface ConnectionFlags {
  kubeconfig?: string;
  kuberc?: string;
  context?: string;
  cluster?: string;
  user?: string;
  namespace?: string;
  server?: string;
  token?: string;
  certificateAuthority?: string;
  tlsServerName?: string;
  insecureSkipTlsVerify?: boolean;
  as?: string;
  asGroup?: string[];
  asUid?: string;
  requestTimeout?: string;
}

/** One cluster as one user. Nothing is sent until credentials are asked for. */
export interface Connection {
  /** Base URL without a trailing slash; may hold a path. */
  server: string;
  /** Names as in the kubeconfig; empty for a server named only by --server. */
  context: string;
  cluster: string;
  namespace: string;
  /** The proxy on the way, without user and password. */
  proxy?: string;
  /** A certificate authority was named; else the system's are trusted. */
  hasAuthority: boolean;
  /** Impersonated user. */
  as?: string;
  /** Milliseconds for one whole exchange; 0 = no limit. */
  timeoutMs: number;
  /** Whether to ask for gzip: it costs the server time and saves nothing on a loopback. */
  compress: boolean;
  /** `sha256:` of server and CA: names a cluster whose kube-system cannot be read. */
  fingerprint: string;
  /** What was passed over in the files that led here, as kubectl does; to be said. */
  warnings: Text[];
  /** Headers and keep-alive agent for the next request; `refresh` after a 401 asks an exec plugin or token file again. Throws UserError. */
  credentials(refresh?: boolean): Promise<Credentials>;
  /** Who we are to the server and what was shown for it, for the message after a 401. */
  login(): { shown: Text; next: Text };
  /** The same user at this address of the same cluster. Throws UserError where nothing would prove that it is this cluster's. */
  direct(host: string, port: number): Connection;
  /** Closes idle connections. */
  close(): void;
}

interface Chosen {
  place: Place;
  namespace: string;
  at: Fields;
  user: Fields;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Every context of the kubeconfig, in its order, and the current one; for --all-contexts and completion. Throws UserError. */
export function contexts(flags: Pick<ConnectionFlags, 'kubeconfig'>, env: Env): { names: string[]; current: string } {
  const config = readKubeconfig(flags.kubeconfig, env);
  return { names: [...config.contexts.keys()], current: config.current };
}

/** Settles where to connect and as whom; reads files, sends nothing. Throws UserError for whatever is missing or contradictory. */
export async function connect(flags: ConnectionFlags, env: Env): Promise<Connection> {
  const timeoutMs = requestTimeout(flags.requestTimeout);
  const config = readKubeconfig(flags.kubeconfig, env);
  const { place, namespace, ...chosen } = choose(config, flags, env);
  const at = withClusterFlags(chosen.at, flags);
  const user = withUserFlags(chosen.user, flags);
  const server = serverUrl(text(at.server), place);
  const secure = server.protocol === 'https:';
  assertCluster(place, at, secure);
  assertUser(place, user, secure);
  if (secure && !identifies(user) && place.user && !config.users.has(place.user)) throw notThere('user', place.user, place.context, config);
  const warnings: Text[] = [];
  // Who logs in without a plugin has no use for it, but a file that was named must be there.
  const plugins = isFields(user.exec) || flags.kuberc ? pluginPolicy(flags.kuberc, env, (text) => warnings.push(text)) : undefined;
  const proxy = proxyFor(server, text(at['proxy-url']), env);
  const login: Login = { server, cluster: at, user, proxy, env, place, plugins };
  const fetched = issuing(login);
  const ca = pemOf(place, 'cluster', at, 'certificate-authority');
  return made(login);

  function made(login: Login): Connection {
    const { server, cluster, proxy } = login;
    const credentials = credentialsOf(login, fetched);
    const address = `${server.origin}${server.pathname}`.replace(/\/$/, '');
    const others = new Set<Connection>();
    return {
      server: address,
      context: place.context,
      cluster: place.cluster,
      namespace: flags.namespace || namespace || 'default',
      proxy: proxy && `${proxy.protocol}//${proxy.host}`,
      hasAuthority: ca !== undefined,
      as: text(user.as) || undefined,
      timeoutMs,
      compress: (proxy !== undefined || !isLoopback(server.hostname)) && !isTrue(cluster['disable-compression']),
      fingerprint: fingerprint(address, ca),
      warnings,
      credentials: credentials.get,
      login: credentials.login,
      direct(host, port) {
        const other = made(atAddress(login, host, port));
        others.add(other);
        return other;
      },
      close() {
        credentials.close();
        for (const other of others) other.close();
      },
    };
  }
}

/** Every certificate of an API server is for this name, whichever its address: it is how Pods may call it. */
const SERVICE_NAME = 'kubernetes.default.svc';

/** Anyone with the right to write EndpointSlices chooses the address, so credentials go only to a server that proves to be an API server of this cluster. */
function atAddress(login: Login, host: string, port: number): Login {
  const { cluster, env } = login;
  const server = new URL(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`);
  if (login.server.protocol !== 'https:' || isTrue(cluster['insecure-skip-tls-verify'])) throw unproven(server.host);
  return {
    ...login,
    server,
    cluster: { ...cluster, 'tls-server-name': SERVICE_NAME },
    proxy: proxyFor(server, text(cluster['proxy-url']), env),
  };
}

function unproven(address: string): UserError {
  return new UserError(
    {
      en: `no request sent to ${address}: with this kubeconfig the API server is not authenticated, so credentials could be sent to another program at that address`,
      zh: `未向 ${address} 发送请求：此 kubeconfig 不校验 API 服务器的身份，凭据可能会发送给该地址上的其他程序`,
    },
    {
      en: 'use a kubeconfig with https and certificate-authority',
      zh: '请使用带有 https 与 certificate-authority 的 kubeconfig',
    },
  );
}

/** Something that kubectl would not ask for a name and password after. */
function identifies(user: Fields): boolean {
  const given = ['username', 'client-certificate', 'client-certificate-data', 'token', 'tokenFile'].some((key) => text(user[key]));
  return given || isFields(user.exec) || isFields(user['auth-provider']);
}

function choose(config: Kubeconfig, flags: ConnectionFlags, env: Env): Chosen {
  const context = flags.context || config.current;
  const found = config.contexts.get(context);
  if (context && !found) throw noContext(context, config);
  if (!context && !flags.server && !flags.cluster) {
    const inside = inCluster(env);
    if (inside) return flags.token ? { ...inside, user: {} } : inside;
    if (!env.KUBERNETES_MASTER) throw config.files.length ? noCurrentContext(config) : noKubeconfig();
  }
  const cluster = flags.cluster || text(found?.cluster);
  const user = flags.user || text(found?.user);
  // kubectl's oldest default; a cluster of the kubeconfig that names a server goes before it.
  const standard: Fields = env.KUBERNETES_MASTER ? { server: env.KUBERNETES_MASTER } : {};
  const at = config.clusters.get(cluster) ?? (!flags.cluster && (flags.server || standard.server) ? {} : undefined);
  if (!at) throw notThere('cluster', cluster, context, config);
  const as = config.users.get(user);
  // A context may name a user that is not there, as long as flags say who it is.
  if (!as && flags.user) throw notThere('user', user, context, config);
  const place = { context, cluster, user, clusterFile: config.origin.get(at), userFile: as && config.origin.get(as) };
  return { place, namespace: text(found?.namespace), at: text(at.server) ? at : { ...at, ...standard }, user: as ?? {} };
}

/** A Pod's own service account, as client-go finds it; undefined outside of a cluster. */
export function inCluster(env: Env, root: string = SERVICE_ACCOUNT): Chosen | undefined {
  const host = env.KUBERNETES_SERVICE_HOST;
  const port = env.KUBERNETES_SERVICE_PORT;
  if (!host || !port || !existsSync(path.join(root, 'token'))) return undefined;
  const ca = path.join(root, 'ca.crt');
  const namespaceFile = path.join(root, 'namespace');
  return {
    place: { context: '', cluster: 'in-cluster', user: 'service account' },
    namespace: existsSync(namespaceFile) ? readFileSync(namespaceFile, 'utf8').trim() : '',
    at: { server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`, ...(existsSync(ca) ? { 'certificate-authority': ca } : {}) },
    user: { tokenFile: path.join(root, 'token') },
  };
}

function withClusterFlags(cluster: Fields, flags: ConnectionFlags): Fields {
  const at: Fields = { ...cluster };
  if (flags.server) at.server = flags.server;
  // As kubectl: another server has another name, so the kubeconfig's no longer counts.
  if (flags.server || flags.tlsServerName) at['tls-server-name'] = flags.tlsServerName ?? '';
  // And each of these two takes the place of all that the kubeconfig says about trust. `--insecure-skip-tls-verify=false` undoes nothing.
  if (flags.certificateAuthority || flags.insecureSkipTlsVerify) {
    delete at['certificate-authority-data'];
    at['certificate-authority'] = flags.certificateAuthority ? path.resolve(flags.certificateAuthority) : '';
    at['insecure-skip-tls-verify'] = flags.insecureSkipTlsVerify ?? false;
  }
  return at;
}

/** A tokenFile that can be read wins over --token, and a client certificate goes along with it, as in kubectl. */
function withUserFlags(user: Fields, flags: ConnectionFlags): Fields {
  const as: Fields = { ...user };
  if (flags.token) as.token = flags.token;
  if (flags.as) as.as = flags.as;
  if (flags.asGroup?.length) as['as-groups'] = flags.asGroup;
  if (flags.asUid) as['as-uid'] = flags.asUid;
  return as;
}

/** As kubectl: without a scheme it is http; what stands behind the path is dropped. */
function serverUrl(server: string, place: Place): URL {
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(server) ? server : `http://${server}`;
  if (!server || !URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw faulty(
      place,
      'cluster',
      server
        ? { en: `${server} is not a valid server URL`, zh: `${server} 不是有效的服务器地址` }
        : { en: 'it names no server', zh: '没有 server' },
      { en: 'set one: --server https://HOST:6443', zh: '请指定：--server https://HOST:6443' },
    );
  }
  const { protocol, username, password, host, pathname } = new URL(url);
  const login = username || password ? `${username}:${password}@` : '';
  return new URL(`${protocol}//${login}${host}${pathname}`);
}

function fingerprint(server: string, ca = ''): string {
  return `sha256:${createHash('sha256').update(`${server}\n${ca}`).digest('hex')}`;
}

function noContext(context: string, config: Kubeconfig): UserError {
  const where = config.files.join(path.delimiter);
  const there = some([...config.contexts.keys()]);
  return new UserError(
    {
      en: `connecting: no context ${context} in ${where || 'any kubeconfig'}`,
      zh: `连接集群：${where || 'kubeconfig'} 中没有上下文 ${context}`,
    },
    there ? chooseContext(config) : { en: 'check --kubeconfig and $KUBECONFIG', zh: '请检查 --kubeconfig 与 $KUBECONFIG' },
  );
}

function noCurrentContext(config: Kubeconfig): UserError {
  const where = config.files.join(path.delimiter);
  const there = some([...config.contexts.keys()]);
  return new UserError(
    { en: `connecting: ${where} has no current context`, zh: `连接集群：${where} 没有当前上下文` },
    there
      ? chooseContext(config)
      : {
          en: 'the file has no contexts; check --kubeconfig and $KUBECONFIG',
          zh: '该文件没有任何上下文；请检查 --kubeconfig 与 $KUBECONFIG',
        },
  );
}

function chooseContext({ contexts }: Kubeconfig): Text {
  const names = [...contexts.keys()];
  const first = shellWord(names[0]!);
  return {
    en: `its contexts: ${some(names)}; for example: {retry:context} --context ${first}`,
    zh: `现有上下文：${some(names)}；例如：{retry:context} --context ${first}`,
  };
}

/** Nothing at all says where a cluster is. */
export const isWithoutKubeconfig = (error: unknown): boolean => error instanceof UserError && error.text.en === NO_KUBECONFIG.en;
const NO_KUBECONFIG: Text = {
  en: 'connecting: no kubeconfig found, and this is not a Pod with a service account',
  zh: '连接集群：没有找到 kubeconfig，当前也不是在带有 ServiceAccount 令牌的 Pod 中运行',
};

function noKubeconfig(): UserError {
  return new UserError(NO_KUBECONFIG, { en: 'set $KUBECONFIG or --kubeconfig', zh: '请设置 $KUBECONFIG 或 --kubeconfig' });
}

function notThere(what: 'cluster' | 'user', name: string, context: string, config: Kubeconfig): UserError {
  const there = some([...config[what === 'cluster' ? 'clusters' : 'users'].keys()]);
  const named = { cluster: { en: 'cluster', zh: '集群' }, user: { en: 'user', zh: '用户' } }[what];
  return new UserError(
    {
      en: `connecting with context ${context}: no ${named.en} ${name || '(unnamed)'} in the kubeconfig`,
      zh: `用上下文 ${context} 连接：kubeconfig 中没有${named.zh} ${name || '（未命名）'}`,
    },
    there
      ? { en: `choose one: --${what} ${there}`, zh: `请选择一个：--${what} ${there}` }
      : { en: `add the ${named.en} to the kubeconfig`, zh: `请在 kubeconfig 中添加该${named.zh}` },
  );
}

/** At most 12 names: a message, not a listing. */
function some(names: string[]): string {
  return names.slice(0, 12).join(' | ') + (names.length > 12 ? ' | …' : '');
}
