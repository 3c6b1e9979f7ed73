// What kubectl refuses in a cluster or user before it connects: contradictions, files that cannot be read, plugins that are not described.

import type { Text } from '../engine/contracts.ts';
import { readInput } from '../files/input.ts';
import { oneLine } from '../text/sanitise.ts';
import { whyOf } from '../text/system-error.ts';
import { UserError } from '../text/user-error.ts';
import { type Fields, isFields, isTrue, text } from './kubeconfig-files.ts';

/** Where a cluster and a user come from, for messages. */
export interface Place {
  context: string;
  cluster: string;
  user: string;
  clusterFile?: string;
  userFile?: string;
}
type Part = 'cluster' | 'user';

/** Longest name or path in a message. */
const NAME_MAX = 200;

/** `connecting with context C: user U in FILE: WHY`. */
export function faulty(place: Place, part: Part, why: Text, next: Text): UserError {
  const short = (value: string) => oneLine(value, NAME_MAX);
  const file = part === 'cluster' ? place.clusterFile : place.userFile;
  const name = short(place[part]);
  const en = [
    place.context && `connecting with context ${short(place.context)}`,
    name && `${part} ${name}${file ? ` in ${short(file)}` : ''}`,
  ];
  const zh = [
    place.context && `用上下文 ${short(place.context)} 连接`,
    name && `${file ? `${short(file)} 中的` : ''}${part === 'user' ? '用户' : '集群'} ${name}`,
  ];
  const joined = (parts: (string | undefined)[], first: string, between: string) =>
    [...(place.context ? [] : [first]), ...parts.filter(Boolean)].join(between);
  return new UserError({ en: `${joined(en, 'connecting', ': ')}: ${why.en}`, zh: `${joined(zh, '连接集群', '：')}：${why.zh}` }, next);
}

/** Bytes; the bundles of all public authorities have less than one MiB. */
const LARGEST = 16 * 1024 * 1024;

/** Text of a file that a field names. */
export function readNamed(place: Place, part: Part, field: string, file: string): string {
  try {
    return readInput(file, LARGEST, { substituted: true }).toString('utf8');
  } catch (error) {
    const why = whyOf(error);
    throw faulty(
      place,
      part,
      { en: `reading ${field} ${file}: ${why.en}`, zh: `读取 ${field} ${file} 失败：${why.zh}` },
      { en: `check that the file exists and is readable, or correct ${field}`, zh: `请确认该文件存在且可读，或更正 ${field}` },
    );
  }
}

/** PEM in `<field>-data` (base64) or in the file that `<field>` names; undefined: neither. */
export function pemOf(place: Place, part: Part, fields: Fields, field: string): string | undefined {
  const [data, file] = [text(fields[`${field}-data`]), text(fields[field])];
  if (data && file) throw twice(place, part, `${field}-data`, field);
  if (!data && !file) return undefined;
  if (data && !isBase64(data)) throw noPem(place, part, `${field}-data`);
  const pem = data ? Buffer.from(data, 'base64').toString('latin1') : readNamed(place, part, field, file);
  if (!pem.includes('-----BEGIN ')) throw noPem(place, part, data ? `${field}-data` : `${field} ${file}`);
  return pem;
}

function isBase64(data: string): boolean {
  const packed = data.replace(/[\r\n]/g, '');
  return packed.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(packed);
}

function twice(place: Place, part: Part, one: string, other: string): UserError {
  return faulty(
    place,
    part,
    { en: `${one} and ${other} are both set`, zh: `同时设置了 ${one} 和 ${other}` },
    { en: `remove one of them; kubectl refuses this too`, zh: '请去掉其中一个；kubectl 同样会拒绝' },
  );
}

function noPem(place: Place, part: Part, field: string): UserError {
  return faulty(
    place,
    part,
    { en: `${field} contains no PEM`, zh: `${field} 中没有 PEM 内容` },
    { en: 'get a new kubeconfig for this cluster', zh: '请重新获取该集群的 kubeconfig' },
  );
}

/** Throws UserError. `secure`: the server is an https one; with others kubectl looks at neither trust nor tokens. */
export function assertCluster(place: Place, cluster: Fields, secure: boolean): void {
  const proxy = text(cluster['proxy-url']);
  if (proxy && (!URL.canParse(proxy) || !/^(https?|socks5):$/.test(new URL(proxy).protocol) || !new URL(proxy).host)) {
    throw faulty(
      place,
      'cluster',
      {
        en: `proxy-url ${oneLine(proxy, NAME_MAX)} is not an http, https or socks5 URL`,
        zh: `proxy-url ${oneLine(proxy, NAME_MAX)} 不是 http、https 或 socks5 地址`,
      },
      { en: 'for example: proxy-url: http://proxy.example.com:3128', zh: '例如：proxy-url: http://proxy.example.com:3128' },
    );
  }
  const ca = pemOf(place, 'cluster', cluster, 'certificate-authority');
  if (secure && ca !== undefined && isTrue(cluster['insecure-skip-tls-verify'])) {
    throw faulty(
      place,
      'cluster',
      {
        en: 'a certificate authority and insecure-skip-tls-verify cannot be used together',
        zh: '证书颁发机构与 insecure-skip-tls-verify 不能同时使用',
      },
      { en: 'remove insecure-skip-tls-verify; kubectl refuses this too', zh: '请去掉 insecure-skip-tls-verify；kubectl 同样会拒绝' },
    );
  }
}

/** Throws UserError. */
export function assertUser(place: Place, user: Fields, secure: boolean): void {
  const hasBasic = Boolean(text(user.username) || text(user.password));
  if (hasBasic && text(user.token)) throw twoWays(place, 'token', 'username/password');
  if (secure && hasBasic && text(user.tokenFile)) throw twoWays(place, 'tokenFile', 'username/password');
  const cert = pemOf(place, 'user', user, 'client-certificate');
  if (cert !== undefined && pemOf(place, 'user', user, 'client-key') === undefined) {
    throw faulty(
      place,
      'user',
      {
        en: 'a client certificate is set without client-key or client-key-data',
        zh: '设置了客户端证书，却没有 client-key 或 client-key-data',
      },
      { en: 'add the key, or get a new kubeconfig for this cluster', zh: '请补上私钥，或重新获取该集群的 kubeconfig' },
    );
  }
  if (isFields(user.exec)) assertExec(place, user.exec, user);
  if (!text(user.as) && (user['as-groups'] || user['as-uid'] || user['as-user-extra'])) {
    throw new UserError(
      { en: 'impersonating: a group, uid or extra without a user', zh: '身份模拟：指定了组、uid 或附加信息，却没有指定用户' },
      { en: 'add --as USER', zh: '请加上 --as USER' },
    );
  }
  if (secure && !text(user.token) && text(user.tokenFile)) readNamed(place, 'user', 'tokenFile', text(user.tokenFile));
}

function twoWays(place: Place, one: string, other: string): UserError {
  return faulty(
    place,
    'user',
    { en: `${one} and ${other} are both set`, zh: `同时设置了 ${one} 和 ${other}` },
    { en: 'keep one way to log in; kubectl refuses this too', zh: '请只保留一种登录方式；kubectl 同样会拒绝' },
  );
}

const EXEC_VERSIONS = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'];
const INTERACTIVE_MODES = ['Never', 'IfAvailable', 'Always'];

/** v1 must say its interactiveMode; for v1beta1 it is IfAvailable. */
export function interactiveModeOf(exec: Fields): string {
  return text(exec.interactiveMode) || (text(exec.apiVersion) === EXEC_VERSIONS[1] ? 'IfAvailable' : '');
}

function assertExec(place: Place, exec: Fields, user: Fields): void {
  const mode = interactiveModeOf(exec);
  const nameless = (Array.isArray(exec.env) ? exec.env : []).some((one) => !isFields(one) || !text(one.name));
  const wrong: [boolean, Text][] = [
    [isFields(user['auth-provider']), { en: 'exec and auth-provider are both set', zh: '同时设置了 exec 和 auth-provider' }],
    [!text(exec.command), { en: 'exec names no command', zh: 'exec 没有 command' }],
    [
      !EXEC_VERSIONS.includes(text(exec.apiVersion)),
      {
        en: `exec has the apiVersion ${text(exec.apiVersion) || '(none)'}, which must be one of ${EXEC_VERSIONS.join(', ')}`,
        zh: `exec 的 apiVersion 是 ${text(exec.apiVersion) || '（空）'}，只能是 ${EXEC_VERSIONS.join('、')} 之一`,
      },
    ],
    [nameless, { en: 'exec has an env entry without a name', zh: 'exec 的 env 中有一项没有 name' }],
    [
      !INTERACTIVE_MODES.includes(mode),
      {
        en: `exec has the interactiveMode ${mode || '(none)'}, which must be one of ${INTERACTIVE_MODES.join(', ')}`,
        zh: `exec 的 interactiveMode 是 ${mode || '（空）'}，只能是 ${INTERACTIVE_MODES.join('、')} 之一`,
      },
    ],
  ];
  const first = wrong.find(([is]) => is);
  if (first)
    throw faulty(place, 'user', first[1], {
      en: 'correct the kubeconfig, or generate it again; kubectl refuses this too',
      zh: '请更正 kubeconfig，或用生成它的工具重新生成；kubectl 同样会拒绝',
    });
}
