// A cluster that cannot be reached: the real binary says what, where, why and what next, in both languages.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { connectionError } from '../../src/cluster/answers.ts';
import { connect } from '../../src/cluster/kubeconfig.ts';
import { NoAnswer } from '../../src/cluster/transport.ts';
import { authority } from '../bed/certificates.ts';
import { jwt, recordingServer } from '../bed/recording-server.ts';
import { type Case, connecting } from './as-kubectl.ts';

vi.setConfig({ testTimeout: 60_000 });
const bed = await recordingServer();
afterAll(() => bed.close());

const { servers, proxies, root } = bed;
const data = (pem: string) => Buffer.from(pem).toString('base64');
const CA = { 'certificate-authority-data': data(root.cert) };
function config(cluster: object, user: object = { token: 't' }): object {
  return {
    clusters: [{ name: 'k', cluster: { server: `https://${servers.good}`, ...CA, ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'prod', context: { cluster: 'k', user: 'u' } }],
    'current-context': 'prod',
  };
}
const old = root.issue({ name: 'old', from: new Date('2020-01-01'), until: new Date('2021-01-01') });
const tomorrow = new Date(Date.now() + 86_400_000);
const early = root.issue({ name: 'early', from: tomorrow, until: new Date(Date.now() + 9 * 86_400_000) });
const https = (at: keyof typeof servers) => ({ server: `https://${servers[at]}` });
const plugin = (token: string) => ({
  exec: {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: 'sh',
    args: ['-c', `echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"${token}"}}'`],
    interactiveMode: 'Never',
  },
});

/** name, case, where it failed, why, what next. */
const FAILURES: [string, Omit<Case, 'name'>, RegExp, RegExp, RegExp][] = [
  ['wrong context', { config: config({}), flags: ['--context', 'test'] }, /\.kube\/config/, /no context test/, /--context prod/],
  [
    'wrong token',
    { config: config(https('strict')) },
    /context prod/,
    /the API server rejected the token of user u \(401 Unauthorized\)/,
    /log in again/,
  ],
  [
    'expired token',
    { config: config(https('strict'), { token: jwt({ exp: 1_600_000_000 }) }) },
    /context prod/,
    /the token of user u, expired since 2020-09-13 \(401 Unauthorized\)/,
    /log in again/,
  ],
  [
    'expired client certificate',
    { config: config(https('strict'), { 'client-certificate-data': data(old.cert), 'client-key-data': data(old.key) }) },
    /context prod/,
    /the client certificate of user u, expired since 2021-01-01 \(401 Unauthorized\)/,
    /new kubeconfig/,
  ],
  [
    'clock skew: a token of the future',
    { config: config(https('strict'), { token: jwt({ iat: tomorrow.getTime() / 1000, exp: 9_999_999_999 }) }) },
    /context prod/,
    /the token of user u, not valid before \d{4}-\d\d-\d\d \d\d:\d\d UTC \(local time: \d{4}-.* \(401 /,
    /compare the clocks/,
  ],
  [
    'clock skew: a client certificate of the future',
    { config: config(https('strict'), { 'client-certificate-data': data(early.cert), 'client-key-data': data(early.key) }) },
    /context prod/,
    /the client certificate of user u, not valid before .* \(local time: \d{4}-/,
    /compare the clocks/,
  ],
  [
    'a token that a plugin gave',
    { config: config(https('strict'), plugin('x')) },
    /context prod/,
    /the token from sh of user u/,
    /with sh/,
  ],
  [
    'VPN down: no answer',
    { config: config(https('deaf')), flags: ['--request-timeout', '1s'] },
    /context prod/,
    /no answer within 1 s/,
    /VPN.*--request-timeout/,
  ],
  [
    'VPN down: the name is unknown',
    { config: config({ server: 'https://api.nowhere.invalid:6443' }) },
    /api\.nowhere\.invalid:6443 \(context prod\)/,
    /DNS lookup of api\.nowhere\.invalid failed/,
    /VPN/,
  ],
  ['refused', { config: config({ server: `https://${bed.closed}` }) }, /context prod/, /connection refused/, /--context/],
  [
    'wrong CA',
    { config: config(https('foreign')) },
    /context prod/,
    /certificate signed by unknown authority \(issued by somebody else\), not by the one in the kubeconfig/,
    /--certificate-authority/,
  ],
  [
    'a cluster that was created again',
    { config: config({ 'certificate-authority-data': data(authority('test root').cert) }) },
    /context prod/,
    /certificate signed by unknown authority \(issued by test root\), not by the one in the kubeconfig/,
    /new kubeconfig/,
  ],
  [
    'no CA',
    { config: config({ 'certificate-authority-data': undefined }) },
    /context prod/,
    /certificate signed by unknown authority \(issued by test root\) \(/,
    /--certificate-authority/,
  ],
  [
    'expired certificate',
    { config: config(https('expired')) },
    /context prod/,
    /expired on \d{4}-\d\d-\d\d \d\d:\d\d UTC \(local time: \d{4}-/,
    /renew.*clock/,
  ],
  [
    'clock skew',
    { config: config(https('future')) },
    /context prod/,
    /not valid before \d{4}-\d\d-\d\d \d\d:\d\d UTC \(local time: \d{4}-/,
    /clocks/,
  ],
  [
    'another name',
    { config: config({ 'tls-server-name': 'nobody.example' }) },
    /context prod/,
    /not for nobody\.example, but for 127\.0\.0\.1, .*other\.example/,
    /--tls-server-name/,
  ],
  [
    'a proxy that refuses',
    { config: config({ 'proxy-url': `http://${proxies.refusing}` }) },
    /context prod, through the proxy http:\/\/127/,
    /the proxy refused the connection: it answers 407/,
    /USER:PASSWORD/,
  ],
  [
    'a proxy that is not there, its password unsaid',
    { config: config({ 'proxy-url': `http://me:secret@${bed.closed}` }) },
    /through the proxy http:\/\/127[^@]*\)/,
    /the proxy refused the connection: .*ECONNREFUSED/,
    /HTTPS_PROXY/,
  ],
  [
    'a SOCKS proxy that is something else',
    { config: config({ 'proxy-url': `socks5://${servers.http}` }) },
    /through the proxy socks5/,
    /the proxy refused the connection/,
    /proxy-url/,
  ],
  [
    'exec plugin missing',
    { config: config({}, { exec: { ...plugin('x').exec, command: 'no-such-plugin', installHint: 'brew install it' } }) },
    /context prod: user u in .*config/,
    /getting credentials from no-such-plugin: it is not installed/,
    /brew install it/,
  ],
  [
    'exec plugin that says nothing of itself',
    { config: config({}, { exec: { ...plugin('x').exec, args: ['-c', 'echo {}'] } }) },
    /context prod/,
    /it returned an object without apiVersion and kind instead of client/,
    /sh manually/,
  ],
  [
    'https to an http server',
    { config: config({ server: `https://${servers.http}` }) },
    /context prod/,
    /TLS: the server does not support TLS/,
    /http:\/\//,
  ],
  [
    'http to an https server',
    { config: config({ server: `http://${servers.good}` }) },
    /context prod/,
    /closed without a response/,
    /API server/,
  ],
  ['no kubeconfig', {}, /connecting/, /no kubeconfig found/, /--kubeconfig/],
];

describe('in both languages', () => {
  test.each(FAILURES)('%s', async (name, one, where, why, next) => {
    const en = await connecting('ours', { name, ...one }, bed);
    const [error = '', then = ''] = en.stderr.split('\n');
    expect(en.code).toBe(1);
    expect(error).toMatch(/^error: connecting[ :]/);
    expect(error).toMatch(where);
    expect(error).toMatch(why);
    expect(then).toMatch(next);
    expect(then).toMatch(/^next: /);
    expect(en.stderr).not.toContain('secret');
    const zh = await connecting('ours', { name, ...one, flags: [...(one.flags ?? []), '--lang', 'zh'] }, bed);
    expect(zh.stderr).toMatch(/^错误：.*\p{Script=Han}.*\n下一步：.+\n$/u);
    if (name.startsWith('clock skew')) expect(zh.stderr).toMatch(/本机时间.*\n下一步：请核对时钟/);
    expect(zh.code).toBe(1);
  });
});

/** `answer`: the head and body of what is sent whatever is asked. */
async function errorOf(status: number, type: string, body: string): Promise<string> {
  const server = createServer((_, response) => response.writeHead(status, { 'content-type': type }).end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { stderr } = await connecting('ours', { name: 'foreign', flags: ['--server', `http://${address}`] }, bed);
  server.close();
  return stderr;
}

test('what answers is no API server', async () => {
  expect(await errorOf(200, 'text/html; charset=utf-8', '<h1>log in</h1>')).toMatch(
    /not an API server \(HTTP 200 text\/html; charset=utf-8\)/,
  );
  expect(await errorOf(200, 'application/json', '{}')).toMatch(
    /not an API server \(GET \/api\/v1\/namespaces\/kube-system: HTTP 200 \{\}\)/,
  );
  expect(await errorOf(404, 'text/plain', '404 page not found')).toMatch(/not an API server \(GET .*: HTTP 404 404 page not found\)/);
  // A login proxy that does not say that it answers with a page.
  expect(await errorOf(200, 'text/plain', ' <html>proxy login</html>')).toMatch(/not an API server \(GET .*next: .*log in there/s);
  expect(await errorOf(302, 'text/plain', '')).toMatch(/not an API server \(HTTP 302 /);
  expect(await errorOf(400, 'text/plain', 'Client sent an HTTP request to an HTTPS server.\n')).toMatch(/expects HTTPS.*\n.*https:\/\/127/);
});

test.each(['EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT'])('VPN down: %s', async (code) => {
  const connection = await connect({ server: 'https://10.0.0.1:6443', token: 't' }, { HOME: '/nonexistent' });
  const error = connectionError(connection, new NoAnswer('connect', false, code, `connect ${code} 10.0.0.1:6443`));
  expect(error.text.en).toMatch(/^connecting to https:\/\/10\.0\.0\.1:6443: /);
  expect(error.text.en).toContain(code);
  expect(error.next?.en).toContain('VPN');
  expect(error.text.zh).toMatch(/^连接 .* 失败：/);
});
