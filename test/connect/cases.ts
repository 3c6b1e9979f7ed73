// The cases in which our way in is held against kubectl's. One line each; what kubectl does is found out by running it.
import { authority } from '../bed/certificates.ts';
import { jwt, type RecordingServer, type Seen } from '../bed/recording-server.ts';
import type { Case } from './as-kubectl.ts';

export interface Compared extends Case {
  /** Both refuse; ours says this. Without it both reach a server, and the same things are seen there. */
  says?: RegExp;
  /** kubectl and we both say this, in refusing or in a warning. */
  both?: RegExp;
  /** kubectl refuses and we do not, on purpose: why, and what is seen of us. */
  differs?: { why: string; ours: Partial<Seen> };
}
type Fields = Record<string, unknown>;

export function casesOf(bed: RecordingServer): Record<string, Compared[]> {
  const { servers, proxies, root, intermediate } = bed;
  const https = (at: keyof typeof servers) => `https://${servers[at]}`;
  const good = https('good');
  const portOf = (address: string) => address.slice(address.lastIndexOf(':'));
  /** Reached only through a proxy that resolves the name. */
  const far = `https://other.example${portOf(servers.good)}`;
  const below = `https://api.other.example${portOf(servers.good)}`;
  const data = (pem: string) => Buffer.from(pem).toString('base64');
  const CA = { 'certificate-authority-data': data(root.cert) };
  const K = { server: good, ...CA };
  const T = { token: 'secret' };
  const alice = root.issue({ name: 'alice', organisation: 'devs' });
  const bob = root.issue({ name: 'bob' });
  const certOf = (pair: { cert: string; key: string }) => ({
    'client-certificate-data': data(pair.cert),
    'client-key-data': data(pair.key),
  });
  const named = (all: Record<string, unknown>, key: string) => Object.entries(all).map(([name, fields]) => ({ name, [key]: fields }));
  const config = (clusters: Record<string, Fields>, users: Record<string, Fields>, contexts: Record<string, Fields>, current?: string) => ({
    ...{ apiVersion: 'v1', kind: 'Config', clusters: named(clusters, 'cluster'), users: named(users, 'user') },
    ...{ contexts: named(contexts, 'context'), ...(current === undefined ? {} : { 'current-context': current }) },
  });
  /** One context `c`. */
  const one = (cluster: Fields = {}, user: Fields = T) =>
    config({ k: { ...K, ...cluster } }, { u: user }, { c: { cluster: 'k', user: 'u' } }, 'c');
  const two = (current?: string) =>
    config(
      { k: K, foreign: { server: https('foreign'), ...CA } },
      { u: T, v: { token: 'other' } },
      { c: { cluster: 'k', user: 'u' }, d: { cluster: 'k', user: 'v' } },
      current,
    );
  /** Not as JSON, for what only YAML can say. */
  const yaml = (user: string, cluster = `server: "${good}", certificate-authority-data: ${CA['certificate-authority-data']}`) =>
    `clusters: [{name: k, cluster: {${cluster}}}]\nusers: [{name: u, user: {${user}}}]\ncontexts: [{name: c, context: {cluster: k, user: u}}]\ncurrent-context: c\n`;
  const execAnswer = (status: object, version = 'v1') =>
    `cat <<'END'\n${JSON.stringify({ apiVersion: `client.authentication.k8s.io/${version}`, kind: 'ExecCredential', status })}\nEND`;
  const exec = (more: Fields = {}) => ({
    exec: { apiVersion: 'client.authentication.k8s.io/v1', command: '../plugin', interactiveMode: 'IfAvailable', ...more },
  });
  const plugin = (body: string) => ({ plugin: `#!/bin/sh\n${body}\n` });
  const token = plugin(execAnswer({ token: 'from-plugin' }));
  /** Its token is what it was told. */
  const teller = plugin(
    `printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"info.%s"}}' "$(printf %s "$KUBERNETES_EXEC_INFO" | base64 -w0)"`,
  );
  /** `kuberc` is ~/.kube/kuberc; the plugin is {dir}/plugin. */
  const withKuberc = (name: string, kuberc: object | string | undefined, more: Partial<Compared> = {}): Compared => ({
    name,
    config: one({}, exec()),
    ...more,
    files: { ...token, ...(kuberc === undefined ? {} : { '.kube/kuberc': kuberc }), ...more.files },
  });
  const preference = (more: Fields = {}, version = 'v1beta1') => ({
    ...{ apiVersion: `kubectl.config.k8s.io/${version}`, kind: 'Preference' },
    ...more,
  });
  const denied = preference({ credentialPluginPolicy: 'DenyAll' });
  const allowing = (...commands: unknown[]) =>
    preference({
      credentialPluginPolicy: 'Allowlist',
      credentialPluginAllowlist: commands.map((command) => (typeof command === 'string' ? { command } : command)),
    });
  const both = (words: RegExp): Partial<Compared> => ({ says: words, both: words });
  const onPath = { config: one({}, exec({ command: 'plugin' })), env: { PATH: '{dir}:/usr/bin:/bin' } };
  const notAllowed = both(/plugin "\/\S+\/plugin" not allowed: policy set to "DenyAll"/);
  const notPermitted = both(/plugin path "\/\S+\/plugin" is not permitted by the credential plugin allowlist/);
  const anonymous = {
    why: 'kubectl asks for a name and password on standard input, which API servers since 1.19 know nothing of; we go without',
    ours: { authorization: '', client: '' },
  };
  const later = Math.floor(Date.now() / 1000) + 3600;
  const oidc = (more: Fields) => ({ 'auth-provider': { name: 'oidc', config: { 'idp-issuer-url': good, 'client-id': 'me', ...more } } });
  const through = (proxy: string, server = far) => ({ server, 'proxy-url': proxy });
  const env = (HTTPS_PROXY: string, NO_PROXY = '') => ({ HTTPS_PROXY, ...(NO_PROXY ? { NO_PROXY } : {}) });
  const noProxy = (entry: string, server = far): Compared => ({
    name: `NO_PROXY ${entry} for ${new URL(server).hostname}`,
    config: one({ server, 'tls-server-name': 'other.example' }),
    env: env(`http://${proxies.http}`, entry),
  });

  return {
    'which files': [
      { name: '~/.kube/config', config: one() },
      { name: 'KUBECONFIG', files: { a: one() }, env: { KUBECONFIG: '{dir}/a' } },
      { name: 'a relative KUBECONFIG', files: { 'x/a': one() }, env: { KUBECONFIG: 'x/a' } },
      {
        name: '--kubeconfig before KUBECONFIG',
        files: { a: one({}, { token: 'a' }), b: one({}, { token: 'b' }) },
        env: { KUBECONFIG: '{dir}/a' },
        flags: ['--kubeconfig', '{dir}/b'],
      },
      { name: '--kubeconfig of a file that is not there', config: one(), flags: ['--kubeconfig', '{dir}/none'], says: /none: .*ENOENT/ },
      { name: 'KUBECONFIG of a file that is not there', config: one(), env: { KUBECONFIG: '{dir}/none' }, says: /no kubeconfig found/ },
      { name: 'KUBECONFIG of separators only', config: one(), env: { KUBECONFIG: ':' }, says: /no kubeconfig found/ },
      { name: 'an empty KUBECONFIG', config: one(), env: { KUBECONFIG: '' } },
      { name: 'one of several files is missing', files: { b: one() }, env: { KUBECONFIG: '{dir}/none:{dir}/b' } },
      { name: 'one of several files is empty', files: { a: '', b: one() }, env: { KUBECONFIG: '{dir}/a:{dir}/b' } },
      { name: 'one of several files holds a comment only', files: { a: '# nothing\n', b: one() }, env: { KUBECONFIG: '{dir}/a:{dir}/b' } },
      {
        name: 'one of several files is broken',
        files: { a: one(), b: 'clusters: [' },
        env: { KUBECONFIG: '{dir}/a:{dir}/b' },
        says: /b: /,
      },
      {
        name: 'one of several files is a folder',
        files: { a: one(), 'b/x': '' },
        env: { KUBECONFIG: '{dir}/a:{dir}/b' },
        says: /b: .*EISDIR/,
      },
      {
        name: 'the first of conflicting entries',
        files: { a: one({}, { token: 'first' }), b: one({ server: https('foreign') }, { token: 'second' }) },
        env: { KUBECONFIG: '{dir}/a:{dir}/b' },
      },
      {
        name: 'the first of conflicting users is not completed by the second',
        files: { a: one({}, { as: 'x', token: 't' }), b: one({}, { 'as-groups': ['g'], as: 'y' }) },
        env: { KUBECONFIG: '{dir}/a:{dir}/b' },
      },
      { name: 'current-context in the first', files: { a: two('d'), b: two('c') }, env: { KUBECONFIG: '{dir}/a:{dir}/b' } },
      { name: 'current-context in the last only', files: { a: two(), b: two('d') }, env: { KUBECONFIG: '{dir}/a:{dir}/b' } },
      {
        name: 'a context in one file, its cluster in another',
        files: { a: config({}, {}, { c: { cluster: 'k', user: 'u' } }, 'c'), b: config({ k: K }, { u: T }, {}) },
        env: { KUBECONFIG: '{dir}/a:{dir}/b' },
      },
      {
        name: 'paths are relative to their file',
        files: {
          'x/a': one(
            { 'certificate-authority-data': undefined, 'certificate-authority': 'ca.pem' },
            { tokenFile: 'token', 'client-certificate': '../c.pem', 'client-key': '../k.pem' },
          ),
          'x/ca.pem': root.cert,
          'x/token': 'of-file\n',
          'c.pem': alice.cert,
          'k.pem': alice.key,
        },
        env: { KUBECONFIG: 'x/a' },
      },
      { name: 'JSON with tabs', config: JSON.stringify(one(), null, '\t') },
      { name: 'two documents', config: `${JSON.stringify(one())}\n---\nclusters: []\n` },
      {
        name: 'a key twice',
        config: `current-context: nope\n${yaml('token: secret')}`,
      },
      {
        name: 'a name twice',
        config: {
          ...one(),
          users: [
            { name: 'u', user: T },
            { name: 'u', user: T },
          ],
        },
        says: /user u is there twice/,
      },
      {
        name: 'yes is true, as in YAML 1.1',
        config: yaml('token: t', `server: "${https('foreign')}", insecure-skip-tls-verify: yes`),
      },
      {
        name: 'a token that YAML takes for a number',
        config: yaml('token: 0012'),
        differs: { why: 'kubectl refuses the file; what is written there can mean only one thing', ours: { authorization: 'Bearer 0012' } },
      },
      {
        name: 'anchors and merge keys',
        config: `x: &u {token: merged}\n${yaml('<<: *u')}`,
      },
      { name: 'base64 that is none', config: one({ 'certificate-authority-data': '***' }), says: /certificate-authority-data/ },
    ],
    'which context, cluster and user': [
      { name: '--context', config: two('c'), flags: ['--context', 'd'] },
      { name: '--context that is not there', config: two('c'), flags: ['--context', 'e'], says: /no context e / },
      { name: 'a current context that is not there', config: two('e'), says: /no context e / },
      { name: '--cluster', config: two('c'), flags: ['--cluster', 'foreign'], says: /TLS/ },
      { name: '--cluster that is not there', config: two('c'), flags: ['--cluster', 'e'], says: /no cluster e/ },
      { name: '--user', config: two('c'), flags: ['--user', 'v'] },
      { name: '--user that is not there', config: two('c'), flags: ['--user', 'e'], says: /no user e/ },
      { name: 'no current context, --context', config: two(), flags: ['--context', 'd'] },
      { name: 'no current context, --cluster and --user', config: two(), flags: ['--cluster', 'k', '--user', 'v'] },
      { name: 'no current context', config: two(), says: /no current context/ },
      { name: 'no kubeconfig', says: /no kubeconfig found/ },
      { name: 'no kubeconfig, KUBERNETES_MASTER', env: { KUBERNETES_MASTER: `http://${servers.http}` } },
      { name: 'KUBERNETES_MASTER and a kubeconfig', config: one(), env: { KUBERNETES_MASTER: `http://${servers.http}` } },
      {
        name: 'a context whose cluster is not there',
        config: config({}, { u: T }, { c: { cluster: 'gone', user: 'u' } }, 'c'),
        says: /no cluster gone/,
      },
      {
        name: 'a context whose cluster is not there, and --server',
        config: config({}, { u: T }, { c: { cluster: 'gone', user: 'u' } }, 'c'),
        flags: ['--server', good, '--certificate-authority', '{dir}/ca.pem'],
        files: { 'ca.pem': root.cert },
      },
      {
        name: 'a context whose user is not there',
        config: config({ k: K }, {}, { c: { cluster: 'k', user: 'gone' } }, 'c'),
        says: /no user gone/,
      },
      {
        name: 'a context whose user is not there, and --token',
        config: config({ k: K }, {}, { c: { cluster: 'k', user: 'gone' } }, 'c'),
        flags: ['--token', 'x'],
      },
      { name: 'a context without a user', config: config({ k: K }, {}, { c: { cluster: 'k' } }, 'c'), differs: anonymous },
      { name: 'a context without a user, --token', config: config({ k: K }, {}, { c: { cluster: 'k' } }, 'c'), flags: ['--token', 'x'] },
      {
        name: 'a context without a user, http',
        config: config({ k: { server: `http://${servers.http}` } }, {}, { c: { cluster: 'k' } }, 'c'),
      },
      { name: 'a user without anything', config: one({}, {}), differs: anonymous },
      { name: 'a cluster without a server', config: one({ server: undefined }), says: /names no server/ },
    ],
    'which server': [
      { name: 'http', config: one({ server: `http://${servers.http}` }) },
      { name: 'http and impersonation', config: one({ server: `http://${servers.http}` }, { token: 't', as: 'x', 'as-groups': ['g'] }) },
      { name: 'http and a broken exec plugin', config: one({ server: `http://${servers.http}` }, exec()) },
      { name: 'a path in front', config: one({ server: `${good}/k8s/clusters/c-1` }) },
      { name: 'a path in front with a slash behind', config: one({ server: `${good}/k8s/` }) },
      { name: 'a query behind the path', config: one({ server: `${good}/k8s?x=1` }) },
      { name: 'a slash behind', config: one({ server: `${good}/` }) },
      ...(bed.ipv6 ? [{ name: 'IPv6', config: one({ server: `https://${bed.ipv6}` }) }] : []),
      { name: 'a name', config: one({ server: `https://localhost${portOf(servers.good)}` }) },
      { name: 'a scheme in capitals', config: one({ server: `HTTPS://${servers.good}` }) },
      { name: 'no scheme, with a CA', config: one({ server: servers.good }), says: /./ },
      { name: 'no scheme, no CA', config: one({ server: servers.http, 'certificate-authority-data': undefined }) },
      {
        name: 'no scheme, --insecure-skip-tls-verify',
        config: one({ server: servers.good }),
        flags: ['--insecure-skip-tls-verify'],
        says: /./,
      },
      { name: 'another scheme', config: one({ server: `ftp://${servers.good}` }), says: /ftp/ },
      { name: 'user and password in the address', config: one({ server: `https://me:pw@${servers.good}` }, certOf(alice)) },
      { name: 'user and password in the address, and a token', config: one({ server: `https://me:pw@${servers.good}` }) },
      { name: '--server', config: one({ server: https('foreign') }), flags: ['--server', good] },
      { name: '-s', config: one({ server: https('foreign') }), flags: ['-s', good] },
      {
        name: '--server without kubeconfig',
        files: { 'ca.pem': root.cert },
        flags: ['--server', good, '--token', 'x', '--certificate-authority', '{dir}/ca.pem'],
      },
      { name: '--server of http without kubeconfig', flags: ['--server', `http://${servers.http}`] },
      {
        name: '--server drops the tls-server-name of the kubeconfig',
        config: one({ server: https('foreign'), 'tls-server-name': 'nobody.example' }),
        flags: ['--server', good],
      },
      { name: 'disable-compression', config: one({ ...through(`http://${proxies.http}`), 'disable-compression': true }) },
      { name: 'compression', config: one(through(`http://${proxies.http}`)) },
    ],
    'whom we trust': [
      { name: 'another authority', config: one({ server: https('foreign') }), says: /TLS/ },
      { name: 'expired', config: one({ server: https('expired') }), says: /expired on .*local time/ },
      { name: 'not valid yet', config: one({ server: https('future') }), says: /not valid before .*local time/ },
      { name: 'a common name only', config: one({ server: https('nameless') }), says: /TLS/ },
      { name: 'a name that the certificate does not hold', config: one({ 'tls-server-name': 'nobody.example' }), says: /nobody\.example/ },
      { name: 'tls-server-name', config: one({ 'tls-server-name': 'other.example' }) },
      { name: '--tls-server-name', config: one({ 'tls-server-name': 'nobody.example' }), flags: ['--tls-server-name', 'other.example'] },
      {
        name: 'an authority of the same name',
        config: one({ 'certificate-authority-data': data(authority('test root').cert) }),
        says: /not by the one in the kubeconfig/,
      },
      { name: 'a chain to a root', config: one({ server: https('chained') }) },
      {
        name: 'only the intermediate authority is trusted',
        config: one({ server: https('chained'), 'certificate-authority-data': data(intermediate.cert) }),
      },
      {
        name: 'root and intermediate are trusted',
        config: one({ server: https('chained'), 'certificate-authority-data': data(root.cert + intermediate.cert) }),
      },
      {
        name: 'a bundle of several authorities',
        config: one({ 'certificate-authority-data': data(`${intermediate.cert}\n# the root\n${root.cert}`) }),
      },
      {
        name: 'CA as file and as data',
        config: one({ 'certificate-authority': '../ca.pem' }),
        files: { 'ca.pem': root.cert },
        says: /certificate-authority/,
      },
      {
        name: 'a CA file that is not there',
        config: one({ 'certificate-authority-data': undefined, 'certificate-authority': '/no/such.pem' }),
        says: /no\/such\.pem/,
      },
      { name: 'a CA that is none', config: one({ 'certificate-authority-data': data('hello') }), says: /certificate-authority/ },
      {
        name: '--certificate-authority instead of data',
        config: one({ 'certificate-authority-data': data(intermediate.cert) }),
        files: { 'ca.pem': root.cert },
        flags: ['--certificate-authority', 'ca.pem'],
      },
      {
        name: '--certificate-authority ends insecure-skip-tls-verify',
        config: one({ server: https('foreign'), 'certificate-authority-data': undefined, 'insecure-skip-tls-verify': true }),
        files: { 'ca.pem': root.cert },
        flags: ['--certificate-authority', 'ca.pem'],
        says: /TLS/,
      },
      {
        name: 'insecure-skip-tls-verify',
        config: one({ server: https('foreign'), 'certificate-authority-data': undefined, 'insecure-skip-tls-verify': true }),
      },
      { name: 'insecure-skip-tls-verify with a CA', config: one({ 'insecure-skip-tls-verify': true }), says: /insecure-skip-tls-verify/ },
      { name: 'insecure-skip-tls-verify: false with a CA', config: one({ 'insecure-skip-tls-verify': false }) },
      { name: '--insecure-skip-tls-verify drops the CA', config: one({ server: https('foreign') }), flags: ['--insecure-skip-tls-verify'] },
      {
        name: '--insecure-skip-tls-verify with --certificate-authority',
        config: one(),
        files: { 'ca.pem': root.cert },
        flags: ['--insecure-skip-tls-verify', '--certificate-authority', 'ca.pem'],
        says: /insecure-skip-tls-verify/,
      },
      {
        name: '--insecure-skip-tls-verify=false',
        config: one({ server: https('foreign'), 'certificate-authority-data': undefined, 'insecure-skip-tls-verify': true }),
        flags: ['--insecure-skip-tls-verify=false'],
      },
      {
        name: 'no CA: the system knows it',
        config: one({ 'certificate-authority-data': undefined }),
        files: { 'ca.pem': root.cert },
        env: { SSL_CERT_FILE: '{dir}/ca.pem' },
      },
      {
        name: 'no CA: a folder of the system knows it',
        config: one({ 'certificate-authority-data': undefined }),
        files: { 'certs/ca.pem': root.cert },
        env: { SSL_CERT_DIR: '{dir}/certs' },
      },
      { name: 'no CA: the system does not know it', config: one({ 'certificate-authority-data': undefined }), says: /TLS/ },
      {
        name: 'a CA ends the trust in the system',
        config: one({ server: https('chained'), 'certificate-authority-data': data(alice.cert) }),
        files: { 'ca.pem': root.cert },
        env: { SSL_CERT_FILE: '{dir}/ca.pem' },
        says: /TLS/,
      },
    ],
    'as whom': [
      { name: 'token', config: one() },
      { name: '--token', config: one(), flags: ['--token', 'given'] },
      { name: 'token and tokenFile', config: one({}, { token: 'old', tokenFile: '../token' }), files: { token: 'of-file\n' } },
      { name: 'token and a tokenFile that is not there', config: one({}, { token: 'old', tokenFile: '/no/such' }) },
      { name: 'token and an empty tokenFile', config: one({}, { token: 'old', tokenFile: '../token' }), files: { token: '' } },
      { name: 'tokenFile', config: one({}, { tokenFile: '../token' }), files: { token: ' of-file \n' } },
      { name: 'a tokenFile that is not there', config: one({}, { tokenFile: '/no/such' }), says: /no\/such/ },
      { name: 'an empty tokenFile', config: one({}, { tokenFile: '../token' }), files: { token: '\n' }, says: /token is empty/ },
      {
        name: '--token and a tokenFile',
        config: one({}, { tokenFile: '../token' }),
        files: { token: 'of-file' },
        flags: ['--token', 'given'],
      },
      { name: '--token and a client certificate', config: one({}, certOf(alice)), flags: ['--token', 'given'] },
      { name: '--token and basic auth', config: one({}, { username: 'me', password: 'pw' }), flags: ['--token', 'given'], says: /./ },
      { name: 'basic auth', config: one({}, { username: 'me', password: 'p:w' }) },
      { name: 'basic auth without a password', config: one({}, { username: 'me' }) },
      {
        name: 'basic auth and a token',
        config: one({}, { username: 'me', password: 'pw', token: 't' }),
        says: /token and username\/password/,
      },
      {
        name: 'basic auth and a tokenFile',
        config: one({}, { username: 'me', password: 'pw', tokenFile: '../token' }),
        files: { token: 'of-file' },
        says: /tokenFile and username\/password/,
      },
      { name: 'a client certificate', config: one({}, certOf(alice)) },
      { name: 'a client certificate and a token', config: one({}, { ...certOf(alice), ...T }) },
      {
        name: 'a client certificate in files',
        config: one({}, { 'client-certificate': '../c.pem', 'client-key': '../k.pem' }),
        files: { 'c.pem': bob.cert, 'k.pem': bob.key },
      },
      {
        name: 'a client certificate as file and as data',
        config: one({}, { ...certOf(alice), 'client-certificate': '../c.pem' }),
        files: { 'c.pem': bob.cert },
        says: /client-certificate/,
      },
      {
        name: 'a client key as file and as data',
        config: one({}, { ...certOf(alice), 'client-key': '../k.pem' }),
        files: { 'k.pem': alice.key },
        says: /client-key/,
      },
      {
        name: 'a client certificate file that is not there',
        config: one({}, { 'client-certificate': '/no/such.pem', 'client-key': '/no/such.key' }),
        says: /no\/such\.pem/,
      },
      { name: 'a client certificate without a key', config: one({}, { 'client-certificate-data': data(alice.cert) }), says: /client-key/ },
      { name: 'a client key without a certificate', config: one({}, { 'client-key-data': data(alice.key), ...T }) },
      {
        name: "a client certificate with another's key",
        config: one({}, { ...certOf(alice), 'client-key-data': data(bob.key) }),
        says: /client-key/,
      },
      {
        name: 'a client certificate that is none',
        config: one({}, { ...certOf(alice), 'client-certificate-data': data('hello') }),
        says: /client-certificate/,
      },
    ],
    impersonation: [
      { name: 'as', config: one({}, { ...T, as: 'x' }) },
      {
        name: 'as, groups, uid, extra',
        config: one(
          {},
          { ...T, as: 'jörg', 'as-groups': ['a', 'b'], 'as-uid': '7', 'as-user-extra': { 'example.com/Scope%': ['x', 'y'], z: ['1'] } },
        ),
      },
      { name: 'flags', config: one(), flags: ['--as', 'x', '--as-group', 'a', '--as-group', 'b', '--as-uid', '7'] },
      { name: 'a group with a comma', config: one(), flags: ['--as', 'x', '--as-group', 'a,b'] },
      { name: '--as over as', config: one({}, { ...T, as: 'x', 'as-groups': ['g'], 'as-uid': '7' }), flags: ['--as', 'y'] },
      { name: '--as-group over as-groups', config: one({}, { ...T, as: 'x', 'as-groups': ['g', 'h'] }), flags: ['--as-group', 'i'] },
      { name: '--as over as-user-extra', config: one({}, { ...T, as: 'x', 'as-user-extra': { k: ['v'] } }), flags: ['--as', 'y'] },
      { name: 'a group without a user', config: one(), flags: ['--as-group', 'g'], says: /impersonating/ },
      { name: 'a uid without a user', config: one(), flags: ['--as-uid', '7'], says: /impersonating/ },
      { name: 'as-groups without a user', config: one({}, { ...T, 'as-groups': ['g'] }), says: /impersonating/ },
      { name: 'as-user-extra without a user', config: one({}, { ...T, 'as-user-extra': { a: ['b'] } }), says: /impersonating/ },
      { name: 'a service account', config: one(), flags: ['--as', 'system:serviceaccount:default:me'] },
    ],
    'proxies of the kubeconfig': [
      { name: 'http', config: one(through(`http://${proxies.http}`)) },
      { name: 'http to 127.0.0.1', config: one(through(`http://${proxies.http}`, good)) },
      { name: 'http with user and password', config: one(through(`http://me:p%40w@${proxies.http}`)) },
      { name: 'http to an http server', config: one(through(`http://${proxies.http}`, `http://other.example${portOf(servers.http)}`)) },
      { name: 'https', config: one(through(`https://${proxies.https}`)) },
      {
        // The authority of an http server is not looked at, so the system's have to know the proxy.
        name: 'https to an http server',
        config: one(through(`https://${proxies.https}`, `http://other.example${portOf(servers.http)}`)),
        says: /proxy refused the connection/,
      },
      {
        name: 'https to an http server, known to the system',
        config: one(through(`https://${proxies.https}`, `http://other.example${portOf(servers.http)}`)),
        files: { 'ca.pem': root.cert },
        env: { SSL_CERT_FILE: '{dir}/ca.pem' },
      },
      { name: 'socks5', config: one(through(`socks5://${proxies.socks5}`)) },
      { name: 'socks5 with user and password', config: one(through(`socks5://me:p%40w@${proxies.socks5}`)) },
      { name: 'socks5 to an address', config: one(through(`socks5://${proxies.socks5}`, good)) },
      {
        name: 'socks5 to an http server',
        config: one(through(`socks5://${proxies.socks5}`, `http://other.example${portOf(servers.http)}`)),
      },
      { name: 'socks5h', config: one(through(`socks5h://${proxies.socks5}`)), says: /proxy-url/ },
      { name: 'socks4', config: one(through(`socks4://${proxies.socks5}`)), says: /proxy-url/ },
      { name: 'no scheme', config: one(through(proxies.http)), says: /proxy-url/ },
      { name: 'a client certificate goes through', config: one(through(`http://${proxies.http}`), certOf(alice)) },
      {
        name: 'before HTTPS_PROXY and NO_PROXY',
        config: one(through(`http://${proxies.http}`)),
        env: env(`http://${bed.closed}`, 'other.example'),
      },
      { name: '--server keeps it', config: one(through(`http://${proxies.http}`, https('foreign'))), flags: ['--server', far] },
      { name: 'one that refuses', config: one(through(`http://${proxies.refusing}`)), says: /proxy refused the connection: .*407/ },
      { name: 'no listener', config: one(through(`http://${bed.closed}`)), says: /proxy refused the connection: .*ECONNREFUSED/ },
    ],
    'proxies of the environment': [
      { name: 'HTTPS_PROXY', config: one({ server: far }), env: { HTTPS_PROXY: `http://${proxies.http}` } },
      { name: 'https_proxy', config: one({ server: far }), env: { https_proxy: `http://${proxies.http}` } },
      {
        name: 'HTTPS_PROXY before https_proxy',
        config: one({ server: far }),
        env: { HTTPS_PROXY: `http://${proxies.http}`, https_proxy: `http://${bed.closed}` },
      },
      { name: 'HTTPS_PROXY without a scheme', config: one({ server: far }), env: env(proxies.http) },
      { name: 'HTTPS_PROXY with user and password', config: one({ server: far }), env: env(`http://me:pw@${proxies.http}`) },
      { name: 'HTTPS_PROXY of socks5', config: one({ server: far }), env: env(`socks5://${proxies.socks5}`) },
      { name: 'HTTPS_PROXY of socks5h', config: one({ server: far }), env: env(`socks5h://${proxies.socks5}`) },
      { name: 'HTTPS_PROXY of https', config: one({ server: far }), env: env(`https://${proxies.https}`) },
      { name: 'HTTPS_PROXY of another kind', config: one({ server: far }), env: env(`ftp://${proxies.https}`), says: /HTTPS_PROXY/ },
      {
        name: 'HTTP_PROXY for an http server',
        config: one({ server: `http://other.example${portOf(servers.http)}` }),
        env: { HTTP_PROXY: `http://${proxies.http}`, HTTPS_PROXY: `http://${bed.closed}` },
      },
      { name: 'HTTP_PROXY is not for https', config: one(), env: { HTTP_PROXY: `http://${bed.closed}` } },
      { name: 'ALL_PROXY is not looked at', config: one(), env: { ALL_PROXY: `http://${bed.closed}` } },
      { name: '127.0.0.1 goes direct', config: one(), env: env(`http://${bed.closed}`) },
      {
        name: 'localhost goes direct',
        config: one({ server: `https://localhost${portOf(servers.good)}` }),
        env: env(`http://${bed.closed}`),
      },
      {
        name: 'NO_PROXY of another',
        config: one({ server: far }),
        env: env(`http://${proxies.http}`, 'example.org,.api.other.example,10.0.0.0/8'),
      },
      ...['other.example', '.example', '*.example', 'example', 'OTHER.example', `other.example${portOf(servers.good)}`, '*'].map(
        (entry) => ({ ...noProxy(entry), says: /other\.example/ }),
      ),
      ...['.other.example', '*.other.example', 'ther.example', 'other.example:1'].map((entry) => noProxy(entry)),
      { ...noProxy('other.example', below), says: /api\.other\.example/ },
      // Directly, nothing of ours is at these addresses.
      ...['10.1.2.0/24', '10.1.2.3', `10.1.2.3${portOf(servers.good)}`, '[fd00::1]:1,10.1.2.3'].map((entry) => ({
        ...noProxy(entry, `https://10.1.2.3${portOf(servers.good)}`),
        flags: ['--request-timeout', '1s'],
        says: /10\.1\.2\.3/,
      })),
      ...['10.2.0.0/16', '10.1.2.3:1', '10.1.2.4', '10.1.2.0/33'].map((entry) => noProxy(entry, `https://10.1.2.3${portOf(servers.good)}`)),
    ],
    'exec plugins': [
      { name: 'v1', config: one({}, exec()), files: token },
      {
        name: 'v1beta1',
        config: one({}, exec({ apiVersion: 'client.authentication.k8s.io/v1beta1' })),
        files: plugin(execAnswer({ token: 'beta' }, 'v1beta1')),
      },
      {
        name: 'v1beta1 without interactiveMode',
        config: one({}, exec({ apiVersion: 'client.authentication.k8s.io/v1beta1', interactiveMode: undefined })),
        files: plugin(execAnswer({ token: 'beta' }, 'v1beta1')),
      },
      {
        name: 'v1alpha1',
        config: one({}, exec({ apiVersion: 'client.authentication.k8s.io/v1alpha1' })),
        files: plugin(execAnswer({ token: 'alpha' }, 'v1alpha1')),
        says: /apiVersion/,
      },
      { name: 'v1 without interactiveMode', config: one({}, exec({ interactiveMode: undefined })), files: token, says: /interactiveMode/ },
      { name: 'another interactiveMode', config: one({}, exec({ interactiveMode: 'Sometimes' })), files: token, says: /interactiveMode/ },
      {
        name: 'interactiveMode Always without a terminal',
        config: one({}, exec({ interactiveMode: 'Always' })),
        files: token,
        says: /terminal/,
      },
      { name: 'interactiveMode Never', config: one({}, exec({ interactiveMode: 'Never' })), files: token },
      ...(
        [
          ['nothing', {}, {}],
          ['provideClusterInfo', {}, { provideClusterInfo: true }],
          ['provideClusterInfo: false', {}, { provideClusterInfo: false }],
          ['a name and a path', { 'tls-server-name': 'other.example', server: `${good}/base/` }, { provideClusterInfo: true }],
          ['no verification', { 'certificate-authority-data': undefined, 'insecure-skip-tls-verify': true }, { provideClusterInfo: true }],
          ['a proxy', { ...through(`http://${proxies.http}`), 'disable-compression': true }, { provideClusterInfo: true }],
          [
            'an extension',
            { extensions: [{ name: 'client.authentication.k8s.io/exec', extension: { audience: 'x', list: [1, true] } }] },
            { provideClusterInfo: true },
          ],
        ] as [string, Fields, Fields][]
      ).map(([name, cluster, more]): Compared => ({ name: `what it is told: ${name}`, config: one(cluster, exec(more)), files: teller })),
      {
        name: 'what it is told: a CA in a file',
        config: one({ 'certificate-authority-data': undefined, 'certificate-authority': '../ca.pem' }, exec({ provideClusterInfo: true })),
        files: { ...teller, 'ca.pem': root.cert },
      },
      {
        name: 'what it is told: a proxy of the environment',
        config: one({ server: far }, exec({ provideClusterInfo: true })),
        files: teller,
        env: env(`http://${proxies.http}`),
      },
      {
        name: 'an answer in YAML',
        config: one({}, exec()),
        files: plugin("printf 'apiVersion: client.authentication.k8s.io/v1\\nkind: ExecCredential\\nstatus: {token: x}\\n'"),
      },
      { name: 'no command', config: one({}, exec({ command: undefined })), says: /command/ },
      { name: 'no apiVersion', config: one({}, exec({ apiVersion: undefined })), files: token, says: /apiVersion/ },
      {
        name: 'args and env',
        config: one(
          {},
          exec({
            args: ['a', 'b c'],
            env: [
              { name: 'X', value: 'y' },
              { name: 'HOME', value: '/h' },
            ],
          }),
        ),
        files: plugin(
          `echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"'"$#-$1-$2-$X-$HOME-$Y"'"}}'`,
        ),
        env: { Y: 'inherited' },
      },
      { name: 'env without a name', config: one({}, exec({ env: [{ value: 'y' }] })), files: token, says: /env/ },
      { name: 'a command on PATH', config: one({}, exec({ command: 'sh', args: ['-c', execAnswer({ token: 'sh' })] })) },
      {
        name: 'a command in the working folder is not found',
        config: one({}, exec({ command: 'plugin' })),
        files: token,
        says: /not (found|installed)/,
      },
      {
        name: 'a command that is not installed',
        config: one({}, exec({ command: 'no-such-plugin', installHint: 'brew install it' })),
        says: /brew install it/,
      },
      {
        name: 'a command that may not be run',
        config: one({}, exec({ command: '../ca.pem' })),
        files: { 'ca.pem': root.cert },
        says: /ca\.pem/,
      },
      {
        name: 'a command that fails',
        config: one({}, exec()),
        files: plugin('echo please log in >&2; exit 3'),
        says: /please log in[\s\S]*plugin/,
      },
      { name: 'an answer that is no JSON', config: one({}, exec()), files: plugin('echo hello'), says: /plugin/ },
      {
        name: 'an answer of another version',
        config: one({}, exec()),
        files: plugin(execAnswer({ token: 'x' }, 'v1beta1')),
        says: /v1beta1/,
      },
      { name: 'an answer without credentials', config: one({}, exec()), files: plugin(execAnswer({})), says: /neither|no token/ },
      {
        name: 'an answer without status',
        config: one({}, exec()),
        files: plugin(`echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential"}'`),
        says: /plugin/,
      },
      {
        name: 'a client certificate',
        config: one({}, exec()),
        files: plugin(execAnswer({ clientCertificateData: alice.cert, clientKeyData: alice.key })),
      },
      {
        name: 'a client certificate and a token',
        config: one({}, exec()),
        files: plugin(execAnswer({ token: 'both', clientCertificateData: alice.cert, clientKeyData: alice.key })),
      },
      {
        name: 'a client certificate without a key',
        config: one({}, exec()),
        files: plugin(execAnswer({ clientCertificateData: alice.cert })),
        says: /clientKeyData/,
      },
      { name: 'token and exec', config: one({}, { ...exec(), ...T }), files: token },
      { name: '--token and exec', config: one({}, exec()), files: token, flags: ['--token', 'given'] },
      { name: 'basic auth and exec', config: one({}, { ...exec(), username: 'me', password: 'pw' }), files: token },
      { name: 'a client certificate and exec', config: one({}, { ...exec(), ...certOf(bob) }), files: token },
      { name: 'tokenFile and exec', config: one({}, { ...exec(), tokenFile: '../t' }), files: { ...token, t: 'of-file' } },
      {
        name: 'exec and auth-provider',
        config: one({}, { ...exec(), ...oidc({ 'id-token': jwt({ exp: later }) }) }),
        files: token,
        says: /auth-provider/,
      },
      { name: 'impersonation', config: one({}, { ...exec(), as: 'x', 'as-groups': ['a'] }), files: token },
      {
        name: 'through a proxy',
        config: one(through(`http://${proxies.http}`), exec()),
        files: plugin(execAnswer({ clientCertificateData: alice.cert, clientKeyData: alice.key })),
      },
      {
        name: 'a token that has expired already',
        config: one({}, exec()),
        files: plugin(execAnswer({ token: 'x', expirationTimestamp: '2020-01-01T00:00:00Z' })),
      },
      {
        name: 'an expiry that is no time',
        config: one({}, exec()),
        files: plugin(execAnswer({ token: 'x', expirationTimestamp: 'soon' })),
        says: /plugin/,
      },
      {
        name: 'asked again after a 401',
        config: one({ server: https('strict') }, exec()),
        files: plugin(
          `if [ -e asked ]; then T=fresh; else T=old; fi; echo > asked\necho '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"'$T'"}}'`,
        ),
        differs: {
          why: 'kubectl fails although the next call would work; we ask the plugin once more',
          ours: { at: 'strict', authorization: 'Bearer old' },
        },
      },
    ],
    'kuberc: which file': [
      withKuberc('none', undefined),
      withKuberc('~/.kube/kuberc', denied, notAllowed),
      withKuberc('KUBERC', undefined, { files: { k: denied }, env: { KUBERC: '{dir}/k' }, ...notAllowed }),
      withKuberc('a relative KUBERC before ~/.kube/kuberc', denied, { files: { k: preference() }, env: { KUBERC: 'k' } }),
      withKuberc('an empty KUBERC', denied, { env: { KUBERC: '' }, ...notAllowed }),
      withKuberc('--kuberc before KUBERC', preference(), {
        files: { k: denied },
        env: { KUBERC: '{dir}/.kube/kuberc' },
        flags: ['--kuberc', '{dir}/k'],
        ...notAllowed,
      }),
      withKuberc('KUBERC=off', denied, { env: { KUBERC: 'off' } }),
      withKuberc('KUBECTL_KUBERC=False', denied, { env: { KUBECTL_KUBERC: 'False' } }),
      withKuberc('KUBECTL_KUBERC=0', denied, { env: { KUBECTL_KUBERC: '0' }, ...notAllowed }),
      withKuberc('KUBERC=off and --kuberc', denied, {
        env: { KUBERC: 'off' },
        flags: ['--kuberc={dir}/.kube/kuberc'],
        ...both(/disabling kuberc via KUBERC=off and passing kuberc flag are mutually exclusive/),
      }),
      withKuberc('KUBERC of a file that is not there', undefined, { env: { KUBERC: '{dir}/none' }, says: /kuberc \S+none: .*ENOENT/ }),
      withKuberc('--kuberc of a file that is not there', undefined, { flags: ['--kuberc={dir}/none'], says: /kuberc \S+none: .*ENOENT/ }),
      withKuberc('--kuberc of a file that is not there, with a token', undefined, {
        config: one(),
        flags: ['--kuberc={dir}/none'],
        says: /kuberc \S+none: .*ENOENT/,
      }),
    ],
    'kuberc: what is in it': [
      withKuberc('nothing', ''),
      withKuberc('a comment only', '# nothing\n', { both: /no preferences loaded from \S+kuberc: no valid preferences found/ }),
      withKuberc('no policy', preference()),
      withKuberc('AllowAll', preference({ credentialPluginPolicy: 'AllowAll' })),
      withKuberc('a policy of null', preference({ credentialPluginPolicy: null, credentialPluginAllowlist: null })),
      withKuberc(
        'another kind',
        { ...denied, kind: 'Config' },
        { both: /no preferences loaded from \S+kuberc: no valid preferences found/ },
      ),
      withKuberc('another group', { ...denied, apiVersion: 'v1' }, { both: /no valid preferences found/ }),
      withKuberc('no apiVersion', { ...denied, apiVersion: undefined }, { both: /no valid preferences found/ }),
      withKuberc('v1alpha1, which has no policy', preference({ credentialPluginPolicy: 'DenyAll' }, 'v1alpha1'), {
        both: /ignoring strict decoding error in \S+kuberc: .*unknown field "credentialPluginPolicy"/,
      }),
      withKuberc(
        'v1alpha1 with overrides',
        preference({ overrides: [{ command: 'get', flags: [{ name: 'output', default: 'wide' }] }] }, 'v1alpha1'),
      ),
      withKuberc('a field in another case', preference({ CredentialPluginPolicy: 'DenyAll' }), {
        both: /ignoring strict decoding error in \S+kuberc: .*unknown field "CredentialPluginPolicy"/,
      }),
      withKuberc('a field that is not known, and a policy', { ...denied, other: 1 }, { ...notAllowed }),
      withKuberc('a key twice', `${JSON.stringify(denied).slice(0, -1)},"kind":"Preference"}`, notAllowed),
      withKuberc(
        'a policy that YAML takes for a boolean',
        'apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\ncredentialPluginPolicy: off\n',
        {
          both: /no valid preferences found/,
        },
      ),
      withKuberc(
        'defaults and aliases beside it',
        {
          ...denied,
          defaults: [{ command: 'get', options: [{ name: 'output', default: 'wide' }] }],
          aliases: [
            { name: 'gp', command: 'get', prependArgs: ['pods'], appendArgs: null, options: [{ name: 'output', default: 'wide' }] },
          ],
        },
        notAllowed,
      ),
      withKuberc('a wrong type elsewhere', { ...denied, defaults: 'none' }, { both: /no valid preferences found/ }),
      withKuberc(
        'a wrong type in a list',
        { ...denied, aliases: [{ name: 'gp', command: 'get', appendArgs: [1] }] },
        {
          both: /no valid preferences found/,
        },
      ),
      withKuberc('broken YAML', 'apiVersion: [', { both: /no preferences loaded from/ }),
      withKuberc('broken YAML in KUBERC', undefined, {
        files: { k: 'apiVersion: [' },
        env: { KUBERC: '{dir}/k' },
        ...both(/no valid preferences found/),
      }),
      withKuberc(
        'the first document that can be read',
        `kind: [\n---\n${JSON.stringify(denied)}\n--- # more\n${JSON.stringify(preference())}\n`,
        notAllowed,
      ),
      withKuberc('a separator that is none', `${JSON.stringify(denied)}\n---x\n`, {}),
      withKuberc('an odd separator first', `--- x\n${JSON.stringify(denied)}\n`, { both: /invalid Yaml document separator: x/ }),
      withKuberc('a folder', undefined, { files: { '.kube/kuberc/x': '' }, both: /no preferences loaded from/ }),
    ],
    'kuberc: which plugins': [
      withKuberc('DenyAll, with a token', denied, { config: one({}, { ...exec(), ...T }) }),
      withKuberc('DenyAll, with --token', denied, { flags: ['--token', 'given'] }),
      withKuberc('DenyAll, a command on PATH', denied, { ...onPath, ...both(/plugin "plugin" not allowed: policy set to "DenyAll"/) }),
      withKuberc('its path', allowing('{dir}/plugin')),
      withKuberc('its path, named as it was in 1.35', allowing({ name: '{dir}/plugin' })),
      withKuberc('the same name and command', allowing({ name: '{dir}/plugin', command: '{dir}/plugin' })),
      withKuberc('another name than command', allowing({ name: 'x', command: '{dir}/plugin' }), { both: /no valid preferences found/ }),
      withKuberc('one of several', allowing('x', '/x/plugin', '{dir}/plugin')),
      withKuberc('another path', allowing('/x/plugin'), notPermitted),
      withKuberc('its name, where PATH leads elsewhere', allowing('plugin'), notPermitted),
      withKuberc('its name, where PATH leads to it', allowing('plugin'), { env: onPath.env }),
      withKuberc('its name, where PATH leads to another', allowing('plugin'), {
        files: { 'bin/plugin': token.plugin },
        env: { PATH: '{dir}/bin:{dir}:/usr/bin:/bin' },
        ...notPermitted,
      }),
      withKuberc('a command on PATH by its name', allowing('plugin'), onPath),
      withKuberc('a command on PATH by its path', allowing('{dir}/plugin'), onPath),
      withKuberc('a command on PATH by another path', allowing('/usr/bin/plugin'), { ...onPath, ...notPermitted }),
      withKuberc('a name that is not on PATH', allowing('other'), {
        config: one({}, exec({ command: 'no-such-plugin' })),
        ...both(
          /plugin path "no-such-plugin" cannot be resolved for credential plugin allowlist check: exec: "no-such-plugin": executable file not found in \$PATH/,
        ),
      }),
      withKuberc('a path that is not there', allowing('other'), {
        config: one({}, exec({ command: '/none/plugin' })),
        ...both(
          /plugin path "\/none\/plugin" cannot be resolved for credential plugin allowlist check: exec: "\/none\/plugin": stat \/none\/plugin: no such file or directory/,
        ),
      }),
      withKuberc('a path that may not be run', allowing('other'), {
        config: one({}, exec({ command: '../text' })),
        files: { text: 'x' },
        ...both(/cannot be resolved for credential plugin allowlist check: exec: "\S+text": permission denied/),
      }),
      withKuberc('what the kubeconfig gives as PATH does not count', allowing('plugin'), {
        config: one({}, exec({ command: 'plugin', env: [{ name: 'PATH', value: '{dir}/bin:/usr/bin:/bin' }] })),
        files: { 'bin/plugin': plugin(execAnswer({ token: 'of another' })).plugin },
        env: onPath.env,
      }),
      withKuberc(
        'Allowlist without a list',
        preference({ credentialPluginPolicy: 'Allowlist' }),
        both(/credential plugin policy set to "Allowlist", but allowlist is unspecified/),
      ),
      withKuberc(
        'an empty list',
        allowing(),
        both(/credential plugin policy set to "Allowlist", but allowlist is empty; use "DenyAll" policy instead/),
      ),
      withKuberc('an empty entry', allowing('x', {}), both(/misconfigured credential plugin allowlist: empty allowlist entry #2/)),
      withKuberc('an entry of null', allowing(null), both(/misconfigured credential plugin allowlist: empty allowlist entry #1/)),
      withKuberc('a path that is not normal', allowing('/usr/../x/'), both(/non-normalized file path: "\/usr\/..\/x\/" vs "\/x"/)),
      withKuberc(
        'a list without a policy',
        preference({ credentialPluginAllowlist: [] }),
        both(/misconfigured credential plugin allowlist: plugin policy is "" but allowlist is non-nil/),
      ),
      withKuberc(
        'a list with DenyAll',
        { ...denied, credentialPluginAllowlist: [{ command: 'x' }] },
        both(/misconfigured credential plugin allowlist: plugin policy is "DenyAll" but allowlist is non-nil/),
      ),
      withKuberc('another policy', preference({ credentialPluginPolicy: 'AllowSome' }), both(/unknown plugin policy: "AllowSome"/)),
      withKuberc('another policy, with a token', preference({ credentialPluginPolicy: 'AllowSome' }), {
        config: one({}, { ...exec(), ...T }),
        ...both(/unknown plugin policy: "AllowSome"/),
      }),
    ],
    'exec plugins: which command': [
      {
        name: 'the PATH of the kubeconfig does not count',
        config: one({}, exec({ command: 'plugin', env: [{ name: 'PATH', value: '{dir}:/usr/bin:/bin' }] })),
        files: token,
        says: /not installed/,
      },
      {
        name: 'a command below a relative entry of PATH is not run',
        ...onPath,
        files: token,
        env: { PATH: '.:/usr/bin:/bin' },
        says: /cannot be run: exec: "plugin": cannot run executable found relative to current directory/,
      },
    ],
    '--request-timeout': [
      ...['0', '0s', '30', '30s', '1m30s', '1.5h', '.5m', '+30s', '1h2m3.5s', '60000ms', '9000000µs', '9000000μs'].map((time) => ({
        name: time,
        config: one(),
        flags: [`--request-timeout=${time}`],
      })),
      ...['-1', '1d', '5 s', 's', '1s2', 'ten', '1e3', '0x10'].map((time) => ({
        name: time,
        config: one(),
        flags: [`--request-timeout=${time}`],
        says: /not a duration/,
      })),
      { name: 'too short', config: one({ server: https('deaf') }), flags: ['--request-timeout', '500ms'], says: /no answer within 0\.5 s/ },
    ],
    'auth-provider': [
      { name: 'oidc with a token', config: one({}, oidc({ 'id-token': jwt({ exp: later }) })) },
      { name: 'oidc with an expired token', config: one({}, oidc({ 'id-token': jwt({ exp: 1 }) })), says: /oidc/ },
      { name: 'oidc without a token', config: one({}, oidc({})), says: /oidc/ },
      {
        name: 'oidc without an issuer',
        config: one({}, oidc({ 'idp-issuer-url': undefined, 'id-token': jwt({ exp: later }) })),
        says: /idp-issuer-url/,
      },
      {
        name: 'oidc without a client',
        config: one({}, oidc({ 'client-id': undefined, 'id-token': jwt({ exp: later }) })),
        says: /client-id/,
      },
      { name: 'oidc and a token', config: one({}, { ...oidc({ 'id-token': jwt({ exp: later }) }), ...T }) },
      { name: 'gcp', config: one({}, { 'auth-provider': { name: 'gcp' } }), says: /gcp/ },
      { name: 'azure', config: one({}, { 'auth-provider': { name: 'azure' } }), says: /azure/ },
      { name: '--token and gcp', config: one({}, { 'auth-provider': { name: 'gcp' } }), flags: ['--token', 'given'], says: /gcp/ },
    ],
  };
}
