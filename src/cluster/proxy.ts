// Which proxy a server is reached through: the kubeconfig's, else HTTPS_PROXY, HTTP_PROXY and NO_PROXY as Go reads them
// (golang.org/x/net/http/httpproxy), because kubectl does.
import { BlockList, isIP } from 'node:net';
import { oneLine } from '../text/sanitise.ts';
import { UserError } from '../text/user-error.ts';

type Env = Record<string, string | undefined>;

/** The proxy for requests to this server, or undefined. `configured`: the kubeconfig's proxy-url, which nothing overrides. Throws UserError. */
export function proxyFor(server: URL, configured: string, env: Env): URL | undefined {
  return configured ? new URL(configured) : proxyFromEnv(server, env);
}

export function proxyFromEnv(server: URL, env: Env): URL | undefined {
  const name = server.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const chosen = env[name] || env[name.toLowerCase()];
  if (!chosen) return undefined;
  const host = bare(server.hostname);
  const port = server.port || (server.protocol === 'https:' ? '443' : '80');
  if (isLoopback(host) || excluded(host, port, env.NO_PROXY || env.no_proxy || '')) return undefined;
  const url = chosen.includes('://') ? chosen : `http://${chosen}`;
  if (!URL.canParse(url) || !/^(https?|socks5h?):$/.test(new URL(url).protocol)) throw noProxy(name, chosen);
  return new URL(url);
}

function noProxy(name: string, chosen: string): UserError {
  const shown = oneLine(chosen.replace(/\/\/[^/]*@/, '//'), 200);
  return new UserError(
    { en: `${name}: ${shown} is not an http, https or socks5 URL`, zh: `${name}：${shown} 不是 http、https 或 socks5 地址` },
    {
      en: `correct it, for example ${name}=http://proxy.example.com:3128, or name the server in NO_PROXY`,
      zh: `请更正，例如 ${name}=http://proxy.example.com:3128；或把该服务器写入 NO_PROXY`,
    },
  );
}

/** `localhost` and loopback addresses; no proxy and no compression for these. */
export function isLoopback(hostname: string): boolean {
  const host = bare(hostname);
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function excluded(host: string, port: string, noProxy: string): boolean {
  return noProxy
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry === '*' || (entry !== '' && matches(host, port, entry)));
}

function matches(host: string, port: string, entry: string): boolean {
  if (isIP(host)) {
    if (entry.includes('/')) return inSubnet(host, entry);
    return bare(entry) === host || entry === `${host}:${port}` || entry === `[${host}]:${port}`;
  }
  const [name = '', onlyPort] = entry.split(':');
  if (onlyPort !== undefined && onlyPort !== port) return false;
  // `example.com` covers itself and everything below; `.example.com` and `*.example.com` only what is below.
  const below = name.replace(/^\*?\./, '.');
  return below.startsWith('.') ? host.endsWith(below) : host === below || host.endsWith(`.${below}`);
}

function inSubnet(address: string, cidr: string): boolean {
  const [net = '', prefix = ''] = cidr.split('/');
  const family = isIP(net) === 6 ? 'ipv6' : 'ipv4';
  if (!isIP(net) || isIP(net) !== isIP(address) || !/^\d+$/.test(prefix) || Number(prefix) > (family === 'ipv6' ? 128 : 32)) return false;
  const list = new BlockList();
  list.addSubnet(net, Number(prefix), family);
  return list.check(address, family);
}

/** Of a URL's host name: without brackets. */
export function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase();
}
