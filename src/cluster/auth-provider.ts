// `auth-provider` users: OpenID Connect, the only one that kubectl still has. As kubectl, we store a renewed token, because many issuers take a
// refresh token only once. (client-node 2.0.1 cannot renew: it hands the issuer on in a form that its own library refuses.)
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { isMap, isSeq, parseAllDocuments, type YAMLMap } from 'yaml';
import type { Text } from '../engine/contracts.ts';
import { oneLine } from '../text/sanitise.ts';
import type { UserError } from '../text/user-error.ts';
import type { Login } from './credentials.ts';
import type { Issued } from './exec-plugin.ts';
import { type Fields, isFields, text } from './kubeconfig-files.ts';
import { proxyFromEnv } from './proxy.ts';
import { agentFor, forwards } from './tunnel.ts';
import { faulty, pemOf } from './usable.ts';

/** What took the place of the providers that kubectl no longer has. */
const INSTEAD: Record<string, string> = { gcp: 'gke-gcloud-auth-plugin', azure: 'kubelogin' };
/** client-go's expiryDelta: a token this close to its end is renewed. */
const EXPIRY_MARGIN_MS = 10_000;

/** undefined: `wanted` is false, since something else logs us in; the provider must be usable all the same. Throws UserError. */
export async function tokenOfProvider(login: Login, provider: Fields, wanted: boolean): Promise<Issued | undefined> {
  const name = text(provider.name);
  if (name !== 'oidc') throw unknownProvider(login, name);
  const config = isFields(provider.config) ? provider.config : {};
  for (const field of ['idp-issuer-url', 'client-id']) if (!text(config[field])) throw missing(login, field);
  if (!wanted) return undefined;
  const token = text(config['id-token']);
  const until = token ? expiryOf(token) : 0;
  if (until - EXPIRY_MARGIN_MS > Date.now()) return { token, until };
  if (!text(config['refresh-token'])) throw expired(login, { en: 'and there is no refresh-token', zh: '且没有 refresh-token' });
  return renew(login, config);
}

/** Milliseconds since the epoch at which a JSON Web Token ends; 0 where that cannot be told. */
export function expiryOf(token: string): number {
  return momentOf(token, 'exp');
}

/** From when a token is valid, or when it was issued; in milliseconds, 0 where it does not say. */
export function beginOf(token: string): number {
  return Math.max(momentOf(token, 'nbf'), momentOf(token, 'iat'));
}

function momentOf(token: string, claim: 'exp' | 'nbf' | 'iat'): number {
  try {
    const { [claim]: seconds } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    return typeof seconds === 'number' ? seconds * 1000 : 0;
  } catch {
    return 0;
  }
}

async function renew(login: Login, config: Fields): Promise<Issued> {
  let answer: Fields;
  try {
    answer = await refreshed(login, config);
  } catch (error) {
    const why = oneLine((error as Error).message, 200);
    throw expired(login, { en: `and it was not renewed: ${why}`, zh: `续期失败：${why}` });
  }
  const token = text(answer.id_token);
  if (expiryOf(token) <= Date.now()) throw expired(login, { en: 'and the issuer returned no new token', zh: '签发方没有给出新令牌' });
  const tokens = { 'id-token': token, 'refresh-token': text(answer.refresh_token) || text(config['refresh-token']) };
  store(login, tokens);
  Object.assign(config, tokens);
  return { token, until: expiryOf(token) - EXPIRY_MARGIN_MS };
}

/** OpenID Connect Core, section 12: the issuer says where, and gives new tokens for the refresh token. */
async function refreshed(login: Login, config: Fields): Promise<Fields> {
  const ask = (url: string, form?: URLSearchParams, authorization?: string) => exchange(login, config, url, form, authorization);
  const issuer = text(config['idp-issuer-url']).replace(/\/$/, '');
  const found = await ask(`${issuer}/.well-known/openid-configuration`);
  const endpoint = text(found.body.token_endpoint);
  if (found.status !== 200 || !URL.canParse(endpoint)) throw new Error(`${issuer} answers ${found.status} and names no token endpoint`);
  const [id, secret] = [text(config['client-id']), text(config['client-secret'])];
  const form = { grant_type: 'refresh_token', refresh_token: text(config['refresh-token']) };
  // Issuers differ in how they want to be told who asks; kubectl tries both, too.
  let answer = await ask(endpoint, new URLSearchParams({ ...form, client_id: id, ...(secret ? { client_secret: secret } : {}) }));
  if (answer.body.error === 'invalid_client') {
    const basic = Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64');
    answer = await ask(endpoint, new URLSearchParams(form), `Basic ${basic}`);
  }
  if (answer.status !== 200) {
    const why = [text(answer.body.error), text(answer.body.error_description)].filter(Boolean).join(': ');
    throw new Error(`${new URL(endpoint).host} answers ${answer.status}${why ? ` ${why}` : ''}`);
  }
  return answer.body;
}

const ANSWER_MAX = 1024 * 1024;
const EXCHANGE_MS = 30_000;

async function exchange(login: Login, config: Fields, url: string, form?: URLSearchParams, authorization?: string) {
  const to = new URL(url);
  const proxy = proxyFromEnv(to, login.env);
  const agent = agentFor(to, { ca: pemOf(login.place, 'user', config, 'idp-certificate-authority'), insecure: false }, proxy);
  try {
    const request = (to.protocol === 'https:' ? https : http).request(to, {
      agent,
      method: form ? 'POST' : 'GET',
      signal: AbortSignal.timeout(EXCHANGE_MS),
      ...(forwards(to, proxy) ? { path: url } : {}),
      headers: {
        accept: 'application/json',
        ...(form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
        ...(authorization ? { authorization } : {}),
      },
    });
    request.end(form?.toString());
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    let body = '';
    for await (const chunk of response.setEncoding('utf8')) {
      body += chunk;
      if (body.length > ANSWER_MAX) throw new Error(`${to.host} does not stop answering`);
    }
    return { status: response.statusCode ?? 0, body: objectOf(body) };
  } finally {
    agent.destroy();
  }
}

function objectOf(body: string): Fields {
  try {
    const found: unknown = JSON.parse(body);
    return isFields(found) ? found : {};
  } catch {
    return {};
  }
}

/** Into the file that the user is from, with client-go's lock file beside it. Comments and everything else stay (kubectl drops comments). */
function store({ place }: Login, tokens: Record<string, string>): void {
  if (!place.userFile) return;
  const file = realpathSync(place.userFile);
  const lock = `${file}.lock`;
  try {
    closeSync(openSync(lock, 'wx', 0o600));
  } catch (error) {
    throw notStored(file, lock, error as NodeJS.ErrnoException, place);
  }
  try {
    const documents = parseAllDocuments(readFileSync(file, 'utf8'), { keepSourceTokens: true });
    const users = Array.isArray(documents) ? documents[0]?.get('users') : undefined;
    const user = isSeq(users) ? users.items.find((one): one is YAMLMap => isMap(one) && String(one.get('name')) === place.user) : undefined;
    for (const [field, value] of Object.entries(tokens)) user?.setIn(['user', 'auth-provider', 'config', field], value);
    const fresh = `${file}.${process.pid}`;
    writeFileSync(fresh, documents.map((one) => one.toString({ lineWidth: 0 })).join(''), { mode: statSync(file).mode });
    renameSync(fresh, file);
  } catch (error) {
    throw notStored(file, lock, error as NodeJS.ErrnoException, place);
  } finally {
    rmSync(lock, { force: true });
  }
}

function notStored(file: string, lock: string, error: NodeJS.ErrnoException, place: Login['place']): UserError {
  const why = error.code ?? oneLine(error.message, 200);
  return faulty(
    place,
    'user',
    { en: `storing the renewed token in ${file}: ${why}`, zh: `把续期的令牌写入 ${file} 失败：${why}` },
    error.code === 'EEXIST'
      ? { en: `another kubectl may be running; if not, delete ${lock}`, zh: `可能有另一个 kubectl 正在运行；若没有，请删除 ${lock}` }
      : { en: 'make the file writable: issuers take a refresh token only once', zh: '请让该文件可写：签发方通常只接受 refresh-token 一次' },
  );
}

function unknownProvider({ place }: Login, name: string): UserError {
  const instead = INSTEAD[name];
  return faulty(
    place,
    'user',
    {
      en: `auth-provider ${name || '(none)'} was removed from kubectl and is not supported here either`,
      zh: `auth-provider ${name || '（空）'} 已被 kubectl 移除，upgrade-guard 同样不支持`,
    },
    instead
      ? {
          en: `log in with the exec plugin ${instead} instead; your cloud's command line writes such a kubeconfig`,
          zh: `请改用 exec 插件 ${instead}；云厂商的命令行可生成这样的 kubeconfig`,
        }
      : { en: 'use an exec plugin or a token instead', zh: '请改用 exec 插件或令牌' },
  );
}

function missing({ place }: Login, field: string): UserError {
  return faulty(
    place,
    'user',
    { en: `auth-provider oidc has no ${field}`, zh: `auth-provider oidc 没有 ${field}` },
    { en: `add ${field} to the kubeconfig; kubectl refuses this too`, zh: `请在 kubeconfig 中补上 ${field}；kubectl 同样会拒绝` },
  );
}

function expired({ place }: Login, why: Text): UserError {
  return faulty(
    place,
    'user',
    {
      en: `auth-provider oidc has no id-token that is still valid, ${why.en}`,
      zh: `auth-provider oidc 没有仍然有效的 id-token，${why.zh}`,
    },
    {
      en: 'log in again as you did for this kubeconfig, or choose another user: --user, --token',
      zh: '请按获取该 kubeconfig 的方式重新登录，或改用其他用户：--user、--token',
    },
  );
}
