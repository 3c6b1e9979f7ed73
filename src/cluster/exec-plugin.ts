// Exec credential plugins as client-go runs them (KEP-541): told about the cluster, with the terminal if they may have it, what they say on stderr shown at once.
// stderr is handed on as it is, with its control characters, as kubectl does: a prompt, a login code or a progress bar needs the terminal itself, and whoever may name a program
// in the kubeconfig can have it do more than write to the terminal. There is no time limit, as in kubectl: a login waits for a person.
import { spawn } from 'node:child_process';
import { parse } from 'yaml';
import type { Text } from '../engine/contracts.ts';
import { oneLine } from '../text/sanitise.ts';
import type { UserError } from '../text/user-error.ts';
import type { Login } from './credentials.ts';
import { type Fields, isFields, isTrue, text } from './kubeconfig-files.ts';
import { refusal } from './kuberc.ts';
import { type Found, isPath, lookPath } from './look-path.ts';
import { faulty, interactiveModeOf, pemOf } from './usable.ts';

export interface Issued {
  token?: string;
  /** PEM. */
  cert?: string;
  key?: string;
  /** Milliseconds since the epoch. */
  until: number;
}

/** An ExecCredential is a token or a certificate; nothing sensible comes near this. */
const ANSWER_MAX = 1024 * 1024;

/** Throws UserError. */
export async function askPlugin(login: Login): Promise<Issued> {
  const exec = login.user.exec as Fields;
  const mode = interactiveModeOf(exec);
  const interactive = mode !== 'Never' && process.stdin.isTTY === true;
  if (mode === 'Always' && !interactive) {
    throw trouble(login, { en: 'it needs a terminal, and standard input is not one', zh: '它需要终端，而标准输入不是终端' }, undefined, {
      en: 'run this in a terminal, or use non-interactive credentials: --token, --user, --context',
      zh: '请在终端中运行，或改用非交互式凭据：--token、--user、--context',
    });
  }
  const why = login.plugins && refusal(login.plugins, text(exec.command), login.env);
  if (why) throw refused(login, why);
  return issued(login, await run(login, exec, interactive));
}

/** What the owner of this machine has set; a kubeconfig must not override it. */
function refused(login: Login, why: string): UserError {
  const file = login.plugins!.file;
  const words = oneLine(why, 500);
  return trouble(
    login,
    { en: `${words} (credentialPluginPolicy in ${file})`, zh: `${words}（见 ${file} 的 credentialPluginPolicy）` },
    undefined,
    {
      en: `if you trust the plugin, allow it there: credentialPluginAllowlist; or use other credentials: --token, --user, --context`,
      zh: '如果信任该插件，请在其 credentialPluginAllowlist 中允许它；或改用其他凭据：--token、--user、--context',
    },
  );
}

function run(login: Login, exec: Fields, interactive: boolean): Promise<string> {
  const info = {
    apiVersion: text(exec.apiVersion),
    kind: 'ExecCredential',
    spec: { interactive, ...(isTrue(exec.provideClusterInfo) ? { cluster: clusterInfo(login) } : {}) },
  };
  const given = (Array.isArray(exec.env) ? exec.env : []).map((one) => [text(one.name), text(one.value)]);
  const env = { ...login.env, ...Object.fromEntries(given), KUBERNETES_EXEC_INFO: JSON.stringify(info) };
  const args = Array.isArray(exec.args) ? exec.args.map(text) : [];
  const command = text(exec.command);
  // What was looked up is what is run: by itself Node.js would search the PATH that the kubeconfig may give to the plugin.
  const found = isPath(command) ? { path: command } : lookPath(command, login.env);
  return new Promise((resolve, reject) => {
    if (!found.path || found.error) return reject(notFound(login, exec, found));
    const child = spawn(found.path, args, {
      argv0: command,
      env,
      stdio: [interactive ? 'inherit' : 'ignore', 'pipe', 'inherit'],
      windowsHide: true,
    });
    // It must not outlive us: without a terminal, only we get the signal that ends us. After SIGKILL nothing of ours is left to end it: as with kubectl it runs on until it writes its answer, into a pipe
    // that is closed by then. A pipe as its stdin would tell it no sooner (none reads it, and one that does would wait for its end), and another process that watches us would be one more for each login.
    const kill = () => void child.kill();
    process.once('exit', kill);
    child.once('close', () => process.off('exit', kill));
    let said = Buffer.alloc(0);
    child.stdout!.on('data', (chunk: Buffer) => {
      if (said.length < ANSWER_MAX) said = Buffer.concat([said, chunk]);
    });
    child.on('error', (error: NodeJS.ErrnoException) => reject(notRun(login, exec, error)));
    child.on('close', (code, signal) => {
      if (code === 0) resolve(said.toString('utf8'));
      else
        reject(trouble(login, { en: `it failed (${signal ?? `exit code ${code}`})`, zh: `它执行失败（${signal ?? `退出码 ${code}`}）` }));
    });
  });
}

/** As in the kubeconfig; a proxy of the environment is the plugin's own to find. */
function clusterInfo({ cluster, place }: Login): Fields {
  const ca = pemOf(place, 'cluster', cluster, 'certificate-authority');
  const extensions = Array.isArray(cluster.extensions) ? cluster.extensions : [];
  const config = extensions.find((one) => isFields(one) && one.name === 'client.authentication.k8s.io/exec')?.extension ?? null;
  return {
    server: text(cluster.server).replace(/[?#].*$/, ''),
    ...(text(cluster['tls-server-name']) ? { 'tls-server-name': text(cluster['tls-server-name']) } : {}),
    ...(isTrue(cluster['insecure-skip-tls-verify']) ? { 'insecure-skip-tls-verify': true } : {}),
    ...(ca ? { 'certificate-authority-data': Buffer.from(ca, 'latin1').toString('base64') } : {}),
    ...(text(cluster['proxy-url']) ? { 'proxy-url': text(cluster['proxy-url']) } : {}),
    ...(isTrue(cluster['disable-compression']) ? { 'disable-compression': true } : {}),
    config,
  };
}

function issued(login: Login, answer: string): Issued {
  let found: unknown;
  try {
    found = parse(answer, { logLevel: 'silent', maxAliasCount: 0 });
  } catch {
    throw trouble(login, { en: 'its output is neither JSON nor YAML', zh: '它的输出既不是 JSON 也不是 YAML' });
  }
  const wanted = text((login.user.exec as Fields).apiVersion);
  if (!isFields(found) || found.kind !== 'ExecCredential' || found.apiVersion !== wanted) {
    const is = said(found);
    throw trouble(login, {
      en: `it returned ${is.en} instead of ${wanted} ExecCredential`,
      zh: `它返回的是${is.zh}，而不是 ${wanted} ExecCredential`,
    });
  }
  const status = isFields(found.status) ? found.status : {};
  const [token, cert, key] = [text(status.token), text(status.clientCertificateData), text(status.clientKeyData)];
  if (!token && !cert && !key)
    throw trouble(login, { en: 'it returned neither a token nor a certificate', zh: '它既没有给出令牌，也没有给出证书' });
  if (!cert !== !key)
    throw trouble(login, {
      en: 'it returned only one of clientCertificateData and clientKeyData',
      zh: '它只给出了 clientCertificateData 与 clientKeyData 之一',
    });
  const expires = text(status.expirationTimestamp);
  const until = expires ? Date.parse(expires) : Number.POSITIVE_INFINITY;
  if (Number.isNaN(until))
    throw trouble(login, {
      en: `its expirationTimestamp ${oneLine(expires, 60)} is not a time`,
      zh: `它的 expirationTimestamp ${oneLine(expires, 60)} 不是时间`,
    });
  return { token: token || undefined, cert: cert || undefined, key: key || undefined, until };
}

/** What a plugin answered with, by the two words that an object has to say of itself. */
function said(found: unknown): Text {
  if (!isFields(found)) return { en: 'a value that is not an object', zh: '非对象内容' };
  const words = oneLine(`${text(found.apiVersion)} ${text(found.kind)}`, 100);
  return words ? { en: words, zh: ` ${words}` } : { en: 'an object without apiVersion and kind', zh: '没有 apiVersion 和 kind 的对象' };
}

function notFound(login: Login, exec: Fields, { path, error = '' }: Found): UserError {
  return notRun(login, exec, Object.assign(new Error(error), path ? {} : { code: 'ENOENT' }));
}

function notRun(login: Login, exec: Fields, error: NodeJS.ErrnoException): UserError {
  const hint = oneLine(text(exec.installHint), 500);
  const missing = error.code === 'ENOENT';
  return trouble(
    login,
    missing
      ? { en: 'it is not installed', zh: '它没有安装' }
      : { en: `it cannot be run: ${error.code ?? oneLine(error.message)}`, zh: `无法运行它：${error.code ?? oneLine(error.message)}` },
    missing && hint ? { en: hint, zh: hint } : undefined,
    {
      en: 'install it and add it to PATH, or correct the kubeconfig',
      zh: '请安装它并确保它在 PATH 中，或更正 kubeconfig',
    },
  );
}

const BY_HAND = (command: string): Text => ({
  en: `run ${command} manually to see its output; log in again if it asks for it`,
  zh: `请手动运行 ${command} 查看其输出；如有要求，请重新登录`,
});

function trouble({ place, user }: Login, why: Text, hint?: Text, next?: Text): UserError {
  const command = oneLine(text((user.exec as Fields).command), 200);
  return faulty(
    place,
    'user',
    { en: `getting credentials from ${command}: ${why.en}`, zh: `通过 ${command} 获取凭据：${why.zh}` },
    hint ?? next ?? BY_HAND(command),
  );
}
