// kubectl's rules for kubeconfig files and connection flags, without a server.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { stringify } from 'yaml';
import { type ConnectionFlags, connect, contexts, inCluster } from '../../src/cluster/kubeconfig.ts';
import { authority } from '../bed/certificates.ts';

const CA = authority('root').cert;
const CA_DATA = Buffer.from(CA).toString('base64');

let dir = '';
let env: Record<string, string>;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'kubeconfig-'));
  env = { HOME: dir };
});

type Parts = { clusters?: Record<string, object>; users?: Record<string, object>; contexts?: Record<string, object>; current?: string };
function config({ clusters = {}, users = {}, contexts = {}, current }: Parts): string {
  const named = (all: Record<string, object>, key: string) => Object.entries(all).map(([name, fields]) => ({ name, [key]: fields }));
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: named(clusters, 'cluster'),
    users: named(users, 'user'),
    contexts: named(contexts, 'context'),
    ...(current ? { 'current-context': current } : {}),
  });
}
function file(name: string, content: string): string {
  const full = path.join(dir, name);
  mkdirSync(path.dirname(full), { recursive: true });
  writeFileSync(full, content);
  return full;
}
/** One context `c` to cluster `k` as user `u`. */
function one(cluster: object, user: object = {}): string {
  return config({
    clusters: { k: { server: 'https://one:6443', ...cluster } },
    users: { u: user },
    contexts: { c: { cluster: 'k', user: 'u', namespace: 'ns' } },
    current: 'c',
  });
}
const connected = (content: string, flags: ConnectionFlags = {}) => connect({ kubeconfig: file('config', content), ...flags }, env);
const headersOf = async (content: string, flags: ConnectionFlags = {}) => (await (await connected(content, flags)).credentials()).headers;
const madeWith = (agent: unknown) => (agent as { options: Record<string, unknown> }).options;
const tlsOf = async (content: string, flags: ConnectionFlags = {}) =>
  madeWith((await (await connected(content, flags)).credentials()).agent);

describe('files', () => {
  test('~/.kube/config is the default', async () => {
    file('.kube/config', one({}));
    expect(await connect({}, env)).toMatchObject({ server: 'https://one:6443', context: 'c', cluster: 'k', namespace: 'ns', timeoutMs: 0 });
  });

  test('of several in KUBECONFIG the first value wins; missing and empty ones are passed over', async () => {
    const first = file('a', config({ clusters: { k: { server: 'https://first:1' } } }));
    const second = file(
      'b',
      config({
        clusters: { k: { server: 'https://second:2' }, other: { server: 'https://other:3' } },
        contexts: { c: { cluster: 'k' }, d: { cluster: 'other' } },
        current: 'c',
      }),
    );
    const third = file('c', config({ contexts: { c: { cluster: 'other' } }, current: 'd' }));
    env.KUBECONFIG = [path.join(dir, 'missing'), file('empty', ''), first, second, third].join(path.delimiter);
    expect(await connect({}, env)).toMatchObject({ server: 'https://first:1', context: 'c' });
    expect(await connect({ context: 'd' }, env)).toMatchObject({ server: 'https://other:3', context: 'd' });
    expect(contexts({}, env)).toEqual({ names: ['c', 'd'], current: 'c' });
  });

  test('paths are relative to the file that names them', async () => {
    file('sub/ca.pem', CA);
    file('sub/token', 'from-file\n');
    const kubeconfig = file('sub/config', one({ 'certificate-authority': 'ca.pem' }, { tokenFile: 'token' }));
    const { headers, agent } = await (await connect({ kubeconfig }, env)).credentials();
    expect(headers.authorization).toBe('Bearer from-file');
    expect(madeWith(agent).ca).toBe(CA);
  });

  test('a name or token that looks like a number is text', async () => {
    const content =
      'clusters: [{name: 1e3, cluster: {server: "https://n:1"}}]\nusers: [{name: 007, user: {token: 0012}}]\ncontexts: [{name: 1.30, context: {cluster: 1e3, user: 007}}]\ncurrent-context: 1.30\n';
    expect(await connected(content)).toMatchObject({ context: '1.30', cluster: '1e3' });
    expect((await headersOf(content)).authorization).toBe('Bearer 0012');
  });
});

describe('errors name what is wrong and what to try', () => {
  test.each([
    ['clusters: [\n', /失败：第 \d 行不是有效的 YAML（缩进或语法有误；Flow .*）$/],
    ['- a\n', /失败：内容不是映射（map）$/],
    ['contexts: [{name: a, context: {}}, {name: a, context: {}}]', /失败：有两个名为 a 的上下文$/],
  ])('a file that is not a kubeconfig is named in Chinese, with its line: %j', async (content, message) => {
    const error = await connect({ kubeconfig: file('config', content) }, env).catch((thrown) => thrown);
    expect(error.text.zh).toMatch(message);
  });

  test.each<[string, string | undefined, ConnectionFlags, RegExp, RegExp]>([
    ['a file that is not there', undefined, { kubeconfig: '/no/such/file' }, /reading kubeconfig .*no.such.file: .*ENOENT/, /--kubeconfig/],
    ['malformed YAML', 'clusters: [\n', {}, /reading kubeconfig .*config: /, /correct the file/],
    ['a list', '- a\n', {}, /not a mapping/, /correct the file/],
    ['a name twice', 'contexts: [{name: a, context: {}}, {name: a, context: {}}]', {}, /the context a is there twice/, /correct the file/],
    ['a context that is not there', one({}), { context: 'nope' }, /no context nope in .*config/, /--context c/],
    ['no current context', config({ contexts: { a: {}, b: {} } }), {}, /no current context/, /its contexts: a \| b.* --context a$/],
    [
      'no cluster',
      config({ contexts: { c: { cluster: 'gone' } }, clusters: { k: {} }, current: 'c' }),
      {},
      /no cluster gone/,
      /--cluster k/,
    ],
    [
      'no user',
      config({ contexts: { c: { cluster: 'k', user: 'gone' } }, clusters: { k: { server: 'https://a' } }, users: { u: {} }, current: 'c' }),
      {},
      /no user gone/,
      /--user u/,
    ],
    ['no server', config({ contexts: { c: { cluster: 'k' } }, clusters: { k: {} }, current: 'c' }), {}, /names no server/, /--server/],
    ['a server of another kind', one({ server: 'ftp://a' }), {}, /ftp:\/\/a is not a valid server URL/, /--server/],
    ['groups without a user', one({}), { asGroup: ['g'] }, /impersonating/, /--as USER/],
    ['a duration that is none', one({}), { requestTimeout: '5 minutes' }, /--request-timeout/, /30s/],
    ['no kubeconfig at all', undefined, {}, /no kubeconfig found/, /--kubeconfig/],
  ])('%s', async (_, content, flags, message, next) => {
    const kubeconfig = content === undefined ? undefined : file('config', content);
    const error = await connect({ kubeconfig, ...flags }, env).catch((thrown) => thrown);
    expect(error.name).toBe('UserError');
    expect(error.text.en).toMatch(message);
    expect(error.next.en).toMatch(next);
    expect(error.text.zh).toMatch(/\p{Script=Han}/u);
    expect(error.next.zh).toMatch(/\p{Script=Han}/u);
  });
});

describe('flags', () => {
  test('override what the context says', async () => {
    const content = config({
      clusters: { k: { server: 'https://one' }, l: { server: 'https://two/base/' } },
      users: { u: { token: 't' }, v: { token: 'w' } },
      contexts: { c: { cluster: 'k', user: 'u' } },
      current: 'c',
    });
    expect(await connected(content, { cluster: 'l', namespace: 'x', requestTimeout: '1m30s' })).toMatchObject({
      server: 'https://two/base',
      cluster: 'l',
      namespace: 'x',
      timeoutMs: 90_000,
    });
    expect((await headersOf(content, { user: 'v' })).authorization).toBe('Bearer w');
    expect((await headersOf(content, { token: 'given' })).authorization).toBe('Bearer given');
  });

  test('a server alone needs no kubeconfig', async () => {
    const connection = await connect({ server: 'https://alone:1', token: 't', insecureSkipTlsVerify: true }, env);
    expect(connection).toMatchObject({ server: 'https://alone:1', context: '', namespace: 'default' });
  });

  test('--insecure-skip-tls-verify drops the CA, --tls-server-name reaches TLS, a context without user keeps both', async () => {
    expect(await tlsOf(one({ 'certificate-authority-data': CA_DATA }), { insecureSkipTlsVerify: true })).toMatchObject({
      rejectUnauthorized: false,
      ca: undefined,
    });
    const userless = config({
      clusters: { k: { server: 'https://one', 'certificate-authority-data': CA_DATA, 'tls-server-name': 'x.y' } },
      contexts: { c: { cluster: 'k' } },
      current: 'c',
    });
    expect(await tlsOf(userless)).toMatchObject({ rejectUnauthorized: true, ca: CA, servername: 'x.y' });
    expect(await tlsOf(one({ 'certificate-authority-data': CA_DATA }), { tlsServerName: 'z' })).toMatchObject({ servername: 'z' });
  });

  test('a password in the address goes into the header and nowhere else', async () => {
    const connection = await connected(one({ server: 'https://me:secret@one/base' }));
    expect(JSON.stringify(connection)).not.toContain('secret');
    expect(connection.server).toBe('https://one/base');
    expect((await connection.credentials()).headers.authorization).toBe(`Basic ${Buffer.from('me:secret').toString('base64')}`);
  });

  test('loopback servers are not asked for gzip', async () => {
    expect((await connected(one({}))).compress).toBe(true);
    expect((await connected(one({ 'disable-compression': true }))).compress).toBe(false);
    for (const server of ['https://127.0.0.1:1', 'https://localhost', 'https://[::1]:1'])
      expect((await connected(one({ server }))).compress).toBe(false);
  });
});

describe('credentials', () => {
  test('impersonation: user, every group, uid and extras, in the bytes that Go sends', async () => {
    const user = { token: 't', as: 'jörg', 'as-groups': ['a', 'b'], 'as-uid': '7', 'as-user-extra': { 'example.com/Scope%': ['x', 'y'] } };
    expect(await headersOf(one({}, user))).toEqual({
      authorization: 'Bearer t',
      'impersonate-user': Buffer.from('jörg').toString('latin1'),
      'impersonate-group': ['a', 'b'],
      'impersonate-uid': '7',
      'impersonate-extra-example.com%2Fscope%25': ['x', 'y'],
    });
    expect(await headersOf(one({}, user), { as: 'other', asGroup: ['c'] })).toMatchObject({
      'impersonate-user': 'other',
      'impersonate-group': ['c'],
    });
  });

  test('basic authentication; a readable tokenFile wins over a token', async () => {
    expect((await headersOf(one({}, { username: 'a', password: 'b:c' }))).authorization).toBe(
      `Basic ${Buffer.from('a:b:c').toString('base64')}`,
    );
    const tokenFile = file('token', 'new');
    expect((await headersOf(one({}, { token: 'old', tokenFile }))).authorization).toBe('Bearer new');
    expect((await headersOf(one({}, { token: 'old', tokenFile: '/no/such' }))).authorization).toBe('Bearer old');
  });

  test('a missing certificate file is named', async () => {
    const connection = connected(one({}, { 'client-certificate': '/no/such.crt', 'client-key': '/no/such.key' }));
    await expect(connection).rejects.toMatchObject({
      name: 'UserError',
      message: expect.stringMatching(
        /^connecting with context c: user u in .*config: reading client-certificate .*such.crt: .*\(ENOENT\)$/,
      ),
    });
  });

  describe.skipIf(process.platform === 'win32')('of an exec plugin', () => {
    function plugin(body: string): string {
      const script = file('bin/plugin', `#!/bin/sh\necho run >> ${dir}/runs\n${body}\n`);
      chmodSync(script, 0o755);
      return script;
    }
    const answer = `echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"'$TOKEN'"}}'`;
    const exec = (more: object = {}) => ({
      exec: {
        apiVersion: 'client.authentication.k8s.io/v1',
        command: './bin/plugin',
        interactiveMode: 'IfAvailable',
        args: null,
        env: [{ name: 'TOKEN', value: 'abc' }],
        ...more,
      },
    });
    const runs = () => readFileSync(path.join(dir, 'runs'), 'utf8').split('\n').length - 1;

    test('it runs once for parallel requests, is found beside the file, and again after a 401', async () => {
      plugin(answer);
      const connection = await connected(one({}, exec()));
      const all = await Promise.all([connection.credentials(), connection.credentials(), connection.credentials()]);
      expect(all.map(({ headers }) => headers.authorization)).toEqual(['Bearer abc', 'Bearer abc', 'Bearer abc']);
      expect(runs()).toBe(1);
      await connection.credentials();
      expect(runs()).toBe(1);
      await connection.credentials(true);
      expect(runs()).toBe(2);
    });

    test('it is told about the cluster when it asks to be', async () => {
      plugin(`echo "$KUBERNETES_EXEC_INFO" > ${dir}/info\n${answer}`);
      await headersOf(one({ 'certificate-authority-data': CA_DATA, 'tls-server-name': 'n' }, exec({ provideClusterInfo: true })));
      expect(JSON.parse(readFileSync(path.join(dir, 'info'), 'utf8'))).toEqual({
        apiVersion: 'client.authentication.k8s.io/v1',
        kind: 'ExecCredential',
        spec: {
          interactive: false,
          cluster: { server: 'https://one:6443', 'tls-server-name': 'n', 'certificate-authority-data': CA_DATA, config: null },
        },
      });
    });

    test('its failure is told; one that is not installed shows how to install it', async () => {
      plugin('exit 3');
      const failing = await connected(one({}, exec()));
      await expect(failing.credentials()).rejects.toMatchObject({
        name: 'UserError',
        message: expect.stringMatching(/user u in .*config: getting credentials from .*plugin: it failed \(exit code 3\)$/),
      });
      const missing = await connected(one({}, exec({ command: 'no-such-plugin-here', installHint: 'brew install it' })));
      await expect(missing.credentials()).rejects.toMatchObject({
        message: expect.stringContaining('not installed'),
        next: { en: 'brew install it' },
      });
    });

    test('it runs again when what it gave has expired, and a new certificate does not cut requests that are under way', async () => {
      const root = authority('root');
      const pair = () => root.issue({ name: 'alice' });
      const status = (expires: number, { cert, key }: { cert: string; key: string }) =>
        JSON.stringify({
          apiVersion: 'client.authentication.k8s.io/v1',
          kind: 'ExecCredential',
          status: { clientCertificateData: cert, clientKeyData: key, expirationTimestamp: new Date(expires).toISOString() },
        });
      const [first, second] = [pair(), pair()];
      file('first', status(Date.now() + 300, first));
      file('second', status(Date.now() + 60_000, second));
      plugin(`[ "$(wc -l < ${dir}/runs)" = 1 ] && exec cat ${dir}/first; cat ${dir}/second`);
      const connection = await connected(one({ server: 'https://127.0.0.1:1' }, exec()));
      const { agent } = await connection.credentials();
      const busy = { destroyed: false, destroy: () => Object.assign(busy, { destroyed: true }) };
      Object.assign(agent.sockets, { one: [busy] });
      const later = await vi.waitUntil(
        async () => {
          const now = await connection.credentials();
          return now.agent === agent ? undefined : now;
        },
        { timeout: 3000 },
      );
      expect(madeWith(later!.agent).cert).toBe(second.cert);
      expect(runs()).toBe(2);
      expect(busy.destroyed).toBe(false);
      connection.close();
      expect(busy.destroyed).toBe(true);
    });

    test('with --token it is not run', async () => {
      const script = plugin('exit 1');
      expect((await headersOf(one({}, exec({ command: script })), { token: 'mine' })).authorization).toBe('Bearer mine');
    });
  });
});

test('inside of a cluster: the service account of the Pod', () => {
  const root = path.join(dir, 'account');
  const pod = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
  expect(inCluster(pod, root)).toBeUndefined();
  file('account/token', 't');
  file('account/ca.crt', 'CA');
  file('account/namespace', 'here');
  expect(inCluster({}, root)).toBeUndefined();
  expect(inCluster(pod, root)).toEqual({
    place: { context: '', cluster: 'in-cluster', user: 'service account' },
    namespace: 'here',
    at: { server: 'https://[fd00::1]:443', 'certificate-authority': path.join(root, 'ca.crt') },
    user: { tokenFile: path.join(root, 'token') },
  });
});
