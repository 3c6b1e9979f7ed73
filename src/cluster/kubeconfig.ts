// Which API server, as whom: kubeconfig files, kubectl's connection flags and the environment make one Connection.
// Loaded at first use: client-node costs about 80 ms to load.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import path from 'node:path';
import { UserError } from '../text/user-error.ts';
import { type Credentials, credentialsOf, type Login } from './credentials.ts';
import { requestTimeout } from './duration.ts';
import { type Env, type Fields, type Kubeconfig, readKubeconfig, text } from './kubeconfig-files.ts';
import { isLoopback, proxyFromEnv } from './proxy.ts';

/** kubectl's connection flags, named as cac names them. */
export interface ConnectionFlags {
  kubeconfig?: string;
  context?: string;
  cluster?: string;
  user?: string;
  namespace?: string;
  server?: string;
  token?: string;
  certificateAuthority?: string;
  clientCertificate?: string;
  clientKey?: string;
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
  /** Impersonated user. */
  as?: string;
  /** Milliseconds for one whole exchange; 0 = no limit. */
  timeoutMs: number;
  /** Whether to ask for gzip: it costs the server time and saves nothing on a loopback. */
  compress: boolean;
  /** `sha256:` of server and CA: names a cluster whose kube-system cannot be read. */
  fingerprint: string;
  /** Headers and keep-alive agent for the next request; `refresh` after a 401 asks an exec plugin or token file anew. Throws UserError. */
  credentials(refresh?: boolean): Promise<Credentials>;
  /** Closes idle connections. */
  close(): void;
}

interface Chosen {
  context: string;
  cluster: string;
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
  const chosen = choose(config, flags, env);
  const at = withClusterFlags(chosen.at, flags);
  const user = withUserFlags(chosen.user, flags);
  const server = serverUrl(text(at.server), at, user);
  const login: Login = {
    server: server.href.replace(/\/$/, ''),
    cluster: at,
    user,
    proxy: text(at['proxy-url']) || proxyFromEnv(server, env),
  };
  const credentials = credentialsOf(login);
  return {
    server: login.server,
    context: chosen.context,
    cluster: chosen.cluster,
    namespace: flags.namespace || chosen.namespace || 'default',
    as: text(user.as) || undefined,
    timeoutMs,
    compress: !isLoopback(server.hostname) && text(at['disable-compression']) !== 'true',
    fingerprint: fingerprint(login.server, at),
    credentials: credentials.get,
    close: credentials.close,
  };
}

function choose(config: Kubeconfig, flags: ConnectionFlags, env: Env): Chosen {
  const context = flags.context || config.current;
  const found = config.contexts.get(context);
  if (context && !found) throw noContext(context, config);
  if (!context && !flags.server && !flags.cluster) {
    const inside = inCluster(env);
    if (inside) return inside;
    throw config.files.length ? noCurrentContext(config) : noKubeconfig();
  }
  const cluster = flags.cluster || text(found?.cluster);
  const user = flags.user || text(found?.user);
  const at = config.clusters.get(cluster) ?? (flags.server && !flags.cluster ? {} : undefined);
  if (!at) throw notThere('cluster', cluster, context, config);
  const as = config.users.get(user) ?? (user === '' ? {} : undefined);
  if (!as) throw notThere('user', user, context, config);
  return { context, cluster, namespace: text(found?.namespace), at, user: as };
}

/** A Pod's own service account, as client-go finds it; undefined outside of a cluster. */
export function inCluster(env: Env, root: string = SERVICE_ACCOUNT): Chosen | undefined {
  const host = env.KUBERNETES_SERVICE_HOST;
  const port = env.KUBERNETES_SERVICE_PORT;
  if (!host || !port || !existsSync(path.join(root, 'token'))) return undefined;
  const ca = path.join(root, 'ca.crt');
  const namespaceFile = path.join(root, 'namespace');
  return {
    context: '',
    cluster: 'in-cluster',
    namespace: existsSync(namespaceFile) ? readFileSync(namespaceFile, 'utf8').trim() : '',
    at: { server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`, ...(existsSync(ca) ? { 'certificate-authority': ca } : {}) },
    user: { tokenFile: path.join(root, 'token') },
  };
}

function withClusterFlags(cluster: Fields, flags: ConnectionFlags): Fields {
  const at: Fields = { ...cluster };
  if (flags.server) at.server = flags.server;
  if (flags.tlsServerName) at['tls-server-name'] = flags.tlsServerName;
  if (flags.certificateAuthority) {
    at['certificate-authority'] = path.resolve(flags.certificateAuthority);
    delete at['certificate-authority-data'];
  }
  if (flags.insecureSkipTlsVerify !== undefined) at['insecure-skip-tls-verify'] = flags.insecureSkipTlsVerify;
  // As kubectl: the flag drops the kubeconfig's CA, otherwise the two contradict each other.
  if (flags.insecureSkipTlsVerify) {
    delete at['certificate-authority'];
    delete at['certificate-authority-data'];
  }
  return at;
}

function withUserFlags(user: Fields, flags: ConnectionFlags): Fields {
  const as: Fields = { ...user };
  if (flags.clientCertificate) {
    as['client-certificate'] = path.resolve(flags.clientCertificate);
    delete as['client-certificate-data'];
  }
  if (flags.clientKey) {
    as['client-key'] = path.resolve(flags.clientKey);
    delete as['client-key-data'];
  }
  if (flags.token) {
    // A token given by hand wins over everything that would fetch one.
    for (const key of ['tokenFile', 'exec', 'auth-provider', 'username', 'password']) delete as[key];
    as.token = flags.token;
  }
  if (flags.as) as.as = flags.as;
  if (flags.asGroup?.length) as['as-groups'] = flags.asGroup;
  if (flags.asUid) as['as-uid'] = flags.asUid;
  if (!text(as.as) && (as['as-groups'] || as['as-uid'] || as['as-user-extra'])) {
    throw new UserError(
      { en: 'impersonating: a group, uid or extra without a user', zh: '身份模拟：指定了组、uid 或附加信息，却没有指定用户' },
      { en: 'add --as USER', zh: '请加上 --as USER' },
    );
  }
  return as;
}

/** As client-go: without a scheme, https where anything speaks of TLS. */
function serverUrl(server: string, at: Fields, user: Fields): URL {
  const tls =
    ['certificate-authority', 'certificate-authority-data', 'insecure-skip-tls-verify'].some((key) => at[key]) ||
    user['client-certificate'] ||
    user['client-certificate-data'];
  const url = URL.canParse(server) && /^https?:\/\//.test(server) ? server : `${tls ? 'https' : 'http'}://${server}`;
  if (!server || /^[a-z]+:\/\//.test(server.replace(/^https?:\/\//, '')) || !URL.canParse(url)) {
    throw new UserError(
      {
        en: `connecting: ${server ? `${server} is not the address of a server` : 'the cluster entry of the kubeconfig names no server'}`,
        zh: `连接集群：${server ? `${server} 不是有效的服务器地址` : 'kubeconfig 中的 cluster 条目没有 server'}`,
      },
      { en: 'give one: --server https://HOST:6443', zh: '请指定：--server https://HOST:6443' },
    );
  }
  return new URL(url);
}

function fingerprint(server: string, at: Fields): string {
  const file = text(at['certificate-authority']);
  const ca = text(at['certificate-authority-data']) || (file && existsSync(file) ? readFileSync(file).toString('base64') : '');
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
    there
      ? { en: `choose one: --context ${there}`, zh: `请选择一个：--context ${there}` }
      : { en: 'check --kubeconfig and $KUBECONFIG', zh: '请检查 --kubeconfig 与 $KUBECONFIG' },
  );
}

function noCurrentContext(config: Kubeconfig): UserError {
  const where = config.files.join(path.delimiter);
  const there = some([...config.contexts.keys()]);
  return new UserError(
    { en: `connecting: ${where} has no current context`, zh: `连接集群：${where} 没有当前上下文` },
    there
      ? { en: `choose one: --context ${there}`, zh: `请选择一个：--context ${there}` }
      : {
          en: 'the file has no contexts; check --kubeconfig and $KUBECONFIG',
          zh: '该文件没有任何上下文；请检查 --kubeconfig 与 $KUBECONFIG',
        },
  );
}

function noKubeconfig(): UserError {
  return new UserError(
    {
      en: 'connecting: no kubeconfig found, and this is not a Pod with a service account',
      zh: '连接集群：没有找到 kubeconfig，也不在带有服务账号的 Pod 中',
    },
    {
      en: 'set $KUBECONFIG or --kubeconfig; without a cluster: --from SNAPSHOT|DIR, or -f FILE --offline',
      zh: '请设置 $KUBECONFIG 或 --kubeconfig；没有集群时可用 --from SNAPSHOT|DIR，或 -f FILE --offline',
    },
  );
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
