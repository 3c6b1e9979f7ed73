// What a request carries to be let in: client-node fetches tokens and certificates (exec plugins, OIDC, token files); the rest of kubectl's rules is ours.
import { accessSync, constants, readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import { oneLine } from '../text/sanitise.ts';
import { UserError } from '../text/user-error.ts';
import { type Fields, isFields, text } from './kubeconfig-files.ts';

export interface Login {
  server: string;
  /** Fields as in a kubeconfig, paths absolute. */
  cluster: Fields;
  user: Fields;
  proxy?: string;
}
export interface Credentials {
  headers: http.OutgoingHttpHeaders;
  agent: http.Agent;
}

/** Small on purpose: we ask little at a time, and every connection is a TLS handshake. */
const MAX_SOCKETS = 8;
/** How long an answer of client-node is used before files and expiry dates are looked at again. */
const FRESH_MS = 30_000;
const TCP_KEEPALIVE_MS = 30_000;

/** The ways in that client-node returns for one request; `agent` is its proxy agent where there is a proxy. */
type Material = https.RequestOptions & { agent?: http.Agent };

/** `get` is single-flight: parallel first requests start one exec plugin. */
export function credentialsOf(login: Login): { get(refresh?: boolean): Promise<Credentials>; close(): void } {
  let config = clientNode(login);
  let current: { credentials: Credentials; key: string; until: number } | undefined;
  let pending: Promise<Credentials> | undefined;
  const impersonation = impersonationHeaders(login.user);

  const fetch = async (refresh: boolean): Promise<Credentials> => {
    // A new KubeConfig has empty token caches.
    if (refresh) config = clientNode(login);
    const material = await materialOf(config, login);
    const key = JSON.stringify([material.ca, material.cert, material.key, material.servername].map(String));
    const agent = current?.key === key ? current.credentials.agent : agentFor(login, material);
    if (current && current.credentials.agent !== agent) current.credentials.agent.destroy();
    const credentials = { headers: { ...authorization(login.user, material), ...impersonation }, agent };
    current = { credentials, key, until: Date.now() + FRESH_MS };
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
    close: () => current?.credentials.agent.destroy(),
  };
}

function clientNode(login: Login): KubeConfig {
  const config = new KubeConfig();
  const { cluster, user } = login;
  config.loadFromOptions({
    clusters: [
      {
        name: 'cluster',
        server: login.server,
        caData: text(cluster['certificate-authority-data']) || undefined,
        caFile: text(cluster['certificate-authority-data']) ? undefined : text(cluster['certificate-authority']) || undefined,
        tlsServerName: text(cluster['tls-server-name']) || undefined,
        // client-node refuses http: otherwise.
        skipTLSVerify: skipsVerification(login),
        proxyUrl: login.proxy,
      },
    ],
    users: [
      {
        name: 'user',
        certData: text(user['client-certificate-data']) || undefined,
        certFile: text(user['client-certificate-data']) ? undefined : text(user['client-certificate']) || undefined,
        keyData: text(user['client-key-data']) || undefined,
        keyFile: text(user['client-key-data']) ? undefined : text(user['client-key']) || undefined,
        ...tokens(login),
      },
    ],
    contexts: [{ name: 'context', cluster: 'cluster', user: 'user' }],
    currentContext: 'context',
  });
  return config;
}

function skipsVerification({ server, cluster }: Login): boolean {
  return server.startsWith('http:') || text(cluster['insecure-skip-tls-verify']) === 'true';
}

/** A readable tokenFile wins over a token (client-go reads it again and again); then exec, then auth-provider. */
function tokens(login: Login): { token?: string; exec?: unknown; authProvider?: unknown } {
  const { user } = login;
  const tokenFile = text(user.tokenFile);
  if (tokenFile && (readable(tokenFile) || !text(user.token))) return { authProvider: { name: 'tokenFile', config: { tokenFile } } };
  if (text(user.token)) return { token: text(user.token) };
  if (isFields(user.exec)) return { exec: execPlugin(login, user.exec) };
  return isFields(user['auth-provider']) ? { authProvider: user['auth-provider'] } : {};
}

function readable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/** client-node does not tell a plugin what client-go tells it: which API version to answer in, and about which cluster. */
function execPlugin(login: Login, exec: Fields): Fields {
  const given = Array.isArray(exec.env) ? exec.env : [];
  const info = {
    apiVersion: text(exec.apiVersion),
    kind: 'ExecCredential',
    spec: { interactive: false, ...(text(exec.provideClusterInfo) === 'true' ? { cluster: clusterInfo(login) } : {}) },
  };
  const args = Array.isArray(exec.args) ? exec.args.map(text) : [];
  return { ...exec, args, env: [...given, { name: 'KUBERNETES_EXEC_INFO', value: JSON.stringify(info) }] };
}

function clusterInfo({ server, cluster, proxy }: Login): Fields {
  const file = text(cluster['certificate-authority']);
  const ca = text(cluster['certificate-authority-data']) || (file && readable(file) ? readFileSync(file).toString('base64') : '');
  return {
    server,
    ...(text(cluster['tls-server-name']) ? { 'tls-server-name': text(cluster['tls-server-name']) } : {}),
    ...(text(cluster['insecure-skip-tls-verify']) === 'true' ? { 'insecure-skip-tls-verify': true } : {}),
    ...(ca ? { 'certificate-authority-data': ca } : {}),
    ...(proxy ? { 'proxy-url': proxy } : {}),
  };
}

async function materialOf(config: KubeConfig, login: Login): Promise<Material> {
  const material: Material = {};
  try {
    await config.applyToHTTPSOptions(material as Parameters<KubeConfig['applyToHTTPSOptions']>[0]);
  } catch (error) {
    throw noCredentials(login, error as NodeJS.ErrnoException);
  }
  return material;
}

function noCredentials({ user }: Login, error: NodeJS.ErrnoException): UserError {
  const why = oneLine(error.message || String(error), 300);
  if (!isFields(user.exec)) {
    return new UserError(
      { en: `getting credentials: ${why}`, zh: `获取凭据失败：${why}` },
      { en: 'check the certificate, key and token files that the kubeconfig names', zh: '请检查 kubeconfig 中指定的证书、私钥和令牌文件' },
    );
  }
  const command = text(user.exec.command);
  const hint = oneLine(text(user.exec.installHint), 300);
  return new UserError(
    {
      en: `getting credentials from ${command}: ${error.code === 'ENOENT' ? 'not installed' : why}`,
      zh: `通过 ${command} 获取凭据失败：${error.code === 'ENOENT' ? '未安装' : why}`,
    },
    {
      en: hint || `run ${command} by hand; it is not given a terminal here, so log in first`,
      zh: hint || `请手动运行 ${command}；此处不向它提供终端，请先登录`,
    },
  );
}

function authorization(user: Fields, material: Material): http.OutgoingHttpHeaders {
  const given = (material.headers as http.OutgoingHttpHeaders | undefined)?.Authorization;
  // A token file may end in a newline, which no header may hold.
  if (given !== undefined) return { authorization: headerValue(String(given).trim()) };
  const name = text(user.username);
  return name ? { authorization: `Basic ${Buffer.from(`${name}:${text(user.password)}`).toString('base64')}` } : {};
}

/** client-node sends only the user, so groups would be lost and answers be those of fewer rights. */
function impersonationHeaders(user: Fields): http.OutgoingHttpHeaders {
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

function agentFor(login: Login, material: Material): http.Agent {
  if (login.proxy && material.agent) {
    // client-node's agent tunnels, but opens a connection for each request unless told otherwise.
    material.agent.maxSockets = MAX_SOCKETS;
    return Object.assign(material.agent, { keepAlive: true });
  }
  const keep = { keepAlive: true, keepAliveMsecs: TCP_KEEPALIVE_MS, maxSockets: MAX_SOCKETS };
  if (login.server.startsWith('http:')) return new http.Agent(keep);
  const { ca, cert, key, passphrase, servername } = material;
  return new https.Agent({ ...keep, ca, cert, key, passphrase, servername, rejectUnauthorized: !skipsVerification(login) });
}
