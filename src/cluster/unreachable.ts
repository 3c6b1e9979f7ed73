// Why a server could not be reached, and what to do next: words for each failure that operators meet.
import type { Text } from '../engine/contracts.ts';
import { oneLine } from '../text/sanitise.ts';
import { minute } from './duration.ts';
import type { Connection } from './kubeconfig.ts';
import { type Answer, NoAnswer } from './transport.ts';

const LONGEST = 300;

interface Explained {
  is: Text;
  next: Text;
}

/** What went wrong, and what to do about it. `error` is a NoAnswer or the 401. */
export function explained(connection: Connection, error: NoAnswer | Answer): Explained {
  if (!(error instanceof NoAnswer)) return unauthorized(connection);
  const known = KINDS.find(([code]) => code.test(error.code));
  return known ? known[1](connection, error) : otherwise(error);
}

function unauthorized(connection: Connection): Explained {
  const { shown, next } = connection.login();
  return {
    is: { en: `the API server rejected ${shown.en} (401 Unauthorized)`, zh: `API 服务器拒绝了${shown.zh}（401 Unauthorized）` },
    next,
  };
}

const KINDS: [RegExp, (connection: Connection, error: NoAnswer) => Explained][] = [
  [/^EPROXY$/, proxyFails],
  [/^ECONNREFUSED$/, refused],
  [/^(ENOTFOUND|EAI_AGAIN)$/, unknownName],
  [/^CERT_HAS_EXPIRED$/, expired],
  [/^CERT_NOT_YET_VALID$/, notYetValid],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, otherName],
  [/^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA|CERT_)/, untrusted],
  [/ALERT/, rejected],
  [/^(EPROTO|ERR_SSL_|ERR_OSSL_)/, noTls],
  [/^HPE_/, noHttp],
  [/^ERR_INVALID_CHAR$/, noHeader],
  [/^EHTTPS$/, wantsTls],
  [/^EFOREIGN$/, foreign],
  [/^(ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN)$/, unreachable],
  [/^(ECONNRESET|EPIPE)$/, closed],
];

function otherwise(error: NoAnswer): Explained {
  const said = oneLine(error.message, LONGEST);
  return {
    is: { en: `${said} (${error.code})`, zh: `${said}（${error.code}）` },
    next: {
      en: 'check that the URL is an API server; compare with: kubectl cluster-info',
      zh: '请确认该地址是 API 服务器；可用 kubectl cluster-info 验证',
    },
  };
}

// ---- the way there --------------------------------------------------------------------------------------------------

function proxyFails(_: Connection, { message }: NoAnswer): Explained {
  const said = oneLine(message, LONGEST);
  const wantsLogin = /\b407\b|user and password/.test(said);
  return {
    is: { en: `the proxy refused the connection: ${said}`, zh: `代理拒绝连接：${said}` },
    next: wantsLogin
      ? {
          en: 'add user and password to its URL (http://USER:PASSWORD@HOST:PORT) in proxy-url or HTTPS_PROXY',
          zh: '请在 proxy-url 或 HTTPS_PROXY 的地址中写入用户名和密码（http://USER:PASSWORD@HOST:PORT）',
        }
      : {
          en: 'check proxy-url in the kubeconfig, or HTTPS_PROXY; add servers that need no proxy to NO_PROXY',
          zh: '请检查 kubeconfig 中的 proxy-url，或环境变量 HTTPS_PROXY；无需代理的服务器请写入 NO_PROXY',
        },
  };
}

function refused(): Explained {
  return {
    is: { en: 'connection refused', zh: '连接被拒绝（connection refused）' },
    next: {
      en: 'check that the API server is running and the URL is right. Another cluster: --context; compare with: kubectl cluster-info',
      zh: '请确认 API 服务器正在运行且地址正确；若要连接其他集群，请用 --context；可用 kubectl cluster-info 验证',
    },
  };
}

function unknownName({ server }: Connection, { code }: NoAnswer): Explained {
  const host = oneLine(new URL(server).hostname, LONGEST);
  const later = code === 'EAI_AGAIN';
  return {
    is: later
      ? { en: `DNS lookup of ${host} failed (no answer)`, zh: `DNS 查询 ${host} 失败（没有应答）` }
      : { en: `DNS lookup of ${host} failed (no such host)`, zh: `DNS 查询 ${host} 失败（没有这个主机名）` },
    next: {
      en: 'check the VPN, DNS, and the server URL in the kubeconfig',
      zh: '请检查 VPN 是否已连接、DNS 是否正常，以及 kubeconfig 中的服务器地址',
    },
  };
}

function unreachable(_: Connection, { message, code }: NoAnswer): Explained {
  const noRoute = code !== 'ETIMEDOUT';
  return {
    is: noRoute
      ? { en: `no route to host (${code})`, zh: `无法到达主机（${code}）` }
      : { en: oneLine(message, LONGEST), zh: `超时（${oneLine(message, LONGEST)}）` },
    next: {
      en: 'check the VPN, network, firewall and proxy; a slow server may need a longer --request-timeout',
      zh: '请检查 VPN 是否已连接，以及网络、防火墙与代理；服务器较慢时可加大 --request-timeout',
    },
  };
}

function closed(): Explained {
  return {
    is: { en: 'connection closed without a response', zh: '连接被关闭，没有收到响应' },
    next: {
      en: 'check that host and port belong to an API server, and that the VPN, proxy and load balancer forward the connection',
      zh: '请确认主机和端口是 API 服务器，并检查沿途的 VPN、代理、负载均衡是否放行',
    },
  };
}

function noHttp(): Explained {
  return {
    is: { en: 'not an HTTP server', zh: '该地址的服务不是 HTTP 协议' },
    next: {
      en: 'check that the port belongs to an API server, and whether the URL must start with https://',
      zh: '请确认该端口是 API 服务器，以及地址是否应以 https:// 开头',
    },
  };
}

function noHeader(_: Connection, { message }: NoAnswer): Explained {
  const header = /"([^"]*)"/.exec(message)?.[1] ?? '';
  return {
    is: { en: `invalid character in the value of header ${header}`, zh: `请求头 ${header} 的值含有无效字符` },
    next: {
      en: 'check --as, --as-group, --as-uid and the token for control characters and non-Latin letters',
      zh: '请检查 --as、--as-group、--as-uid 以及令牌中是否有控制字符或非拉丁字母',
    },
  };
}

function wantsTls({ server }: Connection): Explained {
  return {
    is: { en: 'the server expects HTTPS, but the URL is http://', zh: '服务器要求 HTTPS，而地址为 http://' },
    next: {
      en: `use the URL ${oneLine(server.replace(/^http:/, 'https:'), LONGEST)}`,
      zh: `请将地址改为：${oneLine(server.replace(/^http:/, 'https:'), LONGEST)}`,
    },
  };
}

function foreign(_: Connection, { message }: NoAnswer): Explained {
  const said = oneLine(message, LONGEST);
  return {
    is: { en: `not an API server (${said})`, zh: `应答的不是 API 服务器（${said}）` },
    next: {
      en: 'a VPN portal, proxy or load balancer may answer in its place: log in there, or correct the URL; compare with: kubectl cluster-info',
      zh: '可能是 VPN 门户、代理或负载均衡在应答：请先在其上登录，或更正地址；可用 kubectl cluster-info 验证',
    },
  };
}

// ---- trust ----------------------------------------------------------------------------------------------------------

function noTls(_: Connection, { message }: NoAnswer): Explained {
  const said = oneLine(message, LONGEST);
  return {
    is: { en: `TLS: the server does not support TLS (${said})`, zh: `TLS 错误：该地址的服务不支持 TLS（${said}）` },
    next: {
      en: 'check that the port belongs to an API server, and whether the URL must start with http://',
      zh: '请确认该端口是 API 服务器，以及地址是否应以 http:// 开头',
    },
  };
}

function rejected(_: Connection, { message }: NoAnswer): Explained {
  const said = oneLine(message, LONGEST);
  return {
    is: { en: `TLS: the server aborted the handshake (${said})`, zh: `TLS 错误：服务器中止了握手（${said}）` },
    next: {
      en: 'check client-certificate and client-key in the kubeconfig: expired, or for another cluster?',
      zh: '请检查 kubeconfig 中的 client-certificate 与 client-key 是否已过期或属于其他集群',
    },
  };
}

function expired(_: Connection, { peer }: NoAnswer): Explained {
  const now = minute(new Date());
  const itself = peer && peer.until.getTime() < Date.now();
  const is: Text = itself
    ? {
        en: `TLS: the server certificate expired on ${minute(peer.until)} (local time: ${now})`,
        zh: `TLS 错误：服务器证书已于 ${minute(peer.until)} 过期；本机时间为 ${now}`,
      }
    : {
        en: `TLS: a certificate in the server's chain has expired (local time: ${now})`,
        zh: `TLS 错误：服务器证书链中有证书已过期；本机时间为 ${now}`,
      };
  return {
    is,
    next: {
      en: 'renew it on the server (kubeadm certs renew, or restart k3s), or correct the local clock',
      zh: '请在服务器上续期（kubeadm certs renew，k3s 则重启）；若本机时钟有误，请先校准',
    },
  };
}

function notYetValid(_: Connection, { peer }: NoAnswer): Explained {
  const now = minute(new Date());
  const from = peer && peer.from.getTime() > Date.now() ? peer.from : undefined;
  return {
    is: from
      ? {
          en: `TLS: the server certificate is not valid before ${minute(from)} (local time: ${now})`,
          zh: `TLS 错误：服务器证书在 ${minute(from)} 之前无效；本机时间为 ${now}`,
        }
      : {
          en: `TLS: a certificate in the server's chain is not yet valid (local time: ${now})`,
          zh: `TLS 错误：服务器证书链中有证书尚未生效；本机时间为 ${now}`,
        },
    next: {
      en: 'compare the clocks: correct the local clock, or the clock of the machine that issued the certificate',
      zh: '请核对时钟：校准本机，或校准签发该证书的机器',
    },
  };
}

function otherName({ server }: Connection, { message, peer }: NoAnswer): Explained {
  const names = peer?.names.join(', ') || '';
  const first = peer?.names[0] ?? 'NAME';
  const said = oneLine(message, LONGEST);
  return {
    is: names
      ? { en: `TLS: ${said}, but for ${names}`, zh: `TLS 错误：证书与所用名称不符（${said}），它属于 ${peer?.names.join('、')}` }
      : { en: `TLS: ${said}; it contains no host name`, zh: `TLS 错误：证书与所用名称不符（${said}），其中没有任何主机名` },
    next: {
      en: `connect to one of these names, or set the expected name: --tls-server-name ${first}; check that ${oneLine(server, LONGEST)} is the right server`,
      zh: `请改用其中的名称连接，或指明应匹配的名称：--tls-server-name ${first}；并确认 ${oneLine(server, LONGEST)} 是正确的服务器`,
    },
  };
}

function untrusted({ hasAuthority }: Connection, { peer, message }: NoAnswer): Explained {
  const issuer = peer?.issuer ? { en: ` (issued by ${peer.issuer})`, zh: `（由 ${peer.issuer} 签发）` } : { en: '', zh: '' };
  const said = oneLine(message, LONGEST);
  return {
    is: hasAuthority
      ? {
          en: `TLS: certificate signed by unknown authority${issuer.en}, not by the one in the kubeconfig (${said})`,
          zh: `TLS 错误：证书${issuer.zh}不是由 kubeconfig 中的证书颁发机构签发（${said}）`,
        }
      : {
          en: `TLS: certificate signed by unknown authority${issuer.en} (${said})`,
          zh: `TLS 错误：证书${issuer.zh}不受本机系统信任（${said}）`,
        },
    next: {
      en: 'another cluster, or a proxy that decrypts TLS, may answer at this URL; otherwise get a new kubeconfig, or set --certificate-authority FILE',
      zh: '请确认该地址背后是否为另一个集群或会解密 TLS 的代理；否则请重新获取 kubeconfig，或指定证书颁发机构：--certificate-authority FILE',
    },
  };
}
