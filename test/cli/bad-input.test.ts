// Bad input and clusters that do not answer: one clear error that says what, where and why, one next step, the right exit code, nothing on stdout; in both languages.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BINARY, type RunOptions, run } from '../bed/binary.ts';

const DEMO = join(import.meta.dirname, '../../src/cli/demo.tar.gz');
const folder = mkdtempSync(join(tmpdir(), 'ug-bad-input-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
  return path;
}
function kubeconfig(name: string, server: string, user: object = {}): string {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'here',
    clusters: [{ name: 'c', cluster: { server } }],
    contexts: ['here', 'there'].map((context) => ({ name: context, context: { cluster: 'c', user: 'u' } })),
    users: [{ name: 'u', user }],
  };
  return file(name, JSON.stringify(config));
}

// ---- servers that are none ------------------------------------------------------------------------------------------

const servers: (http.Server | net.Server)[] = [];
const answering = (status: number, type: string, body: string) =>
  http.createServer((_, response) => response.writeHead(status, { 'content-type': type }).end(body));
async function listening(server: http.Server | net.Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const sockets = new Set<net.Socket>();
const silent = () => net.createServer((socket) => void sockets.add(socket.on('error', () => {})));
const closing = () => net.createServer((socket) => socket.destroy());

const at: Record<string, string> = {};
beforeAll(async () => {
  at.expired = await listening(
    answering(401, 'application/json', '{"kind":"Status","apiVersion":"v1","message":"Unauthorized","code":401}'),
  );
  at.portal = await listening(answering(200, 'text/html', '<html><title>Log in to the Wi-Fi</title></html>'));
  at.broken = await listening(answering(502, 'text/html', '<html>Bad Gateway</html>'));
  at.silent = await listening(silent());
  at.closing = await listening(closing());
});
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers) server.close();
});

// ---- the cases ------------------------------------------------------------------------------------------------------

interface Case {
  args: () => string[];
  options?: () => RunOptions;
  /** Of the first line, without `error: `. */
  says: RegExp;
  /** Of the second, without `next: `. */
  next: RegExp;
}
const check = (...words: string[]) => ['check', '--request-timeout=2s', ...words];
const live = (name: string, server: () => string, user?: object) => ({
  args: () => check(),
  options: () => ({ kubeconfig: kubeconfig(name, server(), user) }),
});
const COMMAND_LINE: Record<string, Case> = {
  'unknown command': { args: () => ['chek'], says: /["“]chek["”]/, next: /check/ },
  'unknown flag': { args: () => ['check', '--form', 'x'], says: /--form/, next: /--from/ },
  'unknown check, of check': {
    args: () => ['check', 'duplicate-ip'],
    says: /duplicate-ip/,
    next: /spiderpool\/duplicate-pod-ip[^,、]* checks$/,
  },
  'unknown check, of fix': { args: () => ['fix', 'lekaed-ip'], says: /lekaed-ip/, next: /spiderpool\/leaked-ip[^,、]* checks$/ },
  'unknown check, of explain': {
    args: () => ['explain', 'k3s/crds'],
    says: /k3s\/crds/,
    next: /k3s\/gateway-api-crds.*spiderpool\/crds-current/,
  },
  'misspelled system': { args: () => ['check', 'spiderpol'], says: /spiderpool(, |、)?/, next: /spiderpool/ },
  'flag of another command': { args: () => ['check', '--rehearse'], says: /--rehearse/, next: /fix/ },
  'flag without value': { args: () => ['check', '--from'], says: /--from/, next: /--from=PATH/ },
  'value that is none': { args: () => ['check', '-o', 'jsn'], says: /jsn/, next: /json/ },
  'no argument': { args: () => ['explain'], says: /CHECK-ID/, next: /explain --help/ },
  'one argument too many': { args: () => ['explain', 'a/b', 'c'], says: /["“]c["”]/, next: /explain --help/ },
  'unknown system': { args: () => ['check', 'calico'], says: /calico/, next: /./ },
  'unknown check': { args: () => ['explain', 'spiderpool/nothing'], says: /spiderpool\/nothing/, next: /upgrade-guard checks/ },
  'unknown check to fix': { args: () => ['fix', 'nothing', '--from', DEMO], says: /nothing/, next: /upgrade-guard checks/ },
  'unknown check to accept': {
    args: () => ['check', '--from', DEMO, '--accept', 'nothing'],
    says: /nothing/,
    next: /upgrade-guard checks/,
  },
  'object to accept that is none': {
    args: () => ['check', '--from', DEMO, '--accept', 'spiderpool/release-deployed:web'],
    says: /KIND\/NAMESPACE\/NAME/,
    next: /--accept spiderpool\/release-deployed:/,
  },
  'target that is none': { args: () => ['check', '--from', DEMO, '--to', 'spiderpool=banana'], says: /banana/, next: /--to spiderpool=\d/ },
  'target of an unknown system': {
    args: () => ['check', '--from', DEMO, '--to', 'calico=1.0.0'],
    says: /calico=1\.0\.0/,
    next: /--to [\w-]+=v?\d/,
  },
  'target that is older': {
    args: () => ['check', '--from', DEMO, '--to', 'spiderpool=0.9.0'],
    says: /0\.9\.0.*0\.9\.4/,
    next: /check --back-to spiderpool@kube-system\/spiderpool=0\.9\.0 --from \S+demo\.tar\.gz$/,
  },
  'duration without a unit': { args: () => ['check', '--request-timeout', '5x'], says: /5x/, next: /./ },
  'a quick look at a file': { args: () => ['check', '--quick', '--from', '-'], says: /--quick.*--from/, next: /--quick/ },
  'two places at once': { args: () => ['check', '--from', DEMO, '--all-contexts'], says: /--all-contexts.*--from/, next: /--contexts/ },
};
/** What a terminal would obey; and a line that would look like ours. */
const ESC = '\x1b[31mred\u202e\nnext: rm';
const HOSTILE: Record<string, Case> = {
  'a hostile run': {
    args: () => ['undo', ESC],
    options: () => ({ kubeconfig: kubeconfig('hostile', `http://${at.portal}`) }),
    says: /./,
    next: /./,
  },
  'a hostile flag': { args: () => ['check', `--${ESC}`], says: /--red next: rm/, next: /./ },
  'a hostile check': { args: () => ['explain', ESC], says: /red next: rm/, next: /./ },
  'a hostile check to accept': { args: () => ['check', '--from', DEMO, '--accept', ESC], says: /red next/, next: /./ },
  'a hostile object to accept': {
    args: () => ['check', '--from', DEMO, '--accept', `spiderpool/release-deployed:${ESC}`],
    says: /red next: rm/,
    next: /./,
  },
  'a hostile target': { args: () => ['check', '--from', DEMO, '--to', `spiderpool=${ESC}`], says: /red next: rm/, next: /./ },
  'a hostile target of nothing': { args: () => ['check', '--from', DEMO, '--to', ESC], says: /red next: rm/, next: /./ },
  'a hostile namespace': { args: () => ['check', 'spiderpool', '--from', DEMO, '-n', ESC], says: /red next: rm/, next: /./ },
  'a hostile context': {
    args: () => check('--context', ESC),
    options: () => ({ kubeconfig: kubeconfig('hostile', 'http://127.0.0.1:9') }),
    says: /red next: rm/,
    next: /./,
  },
  'a hostile result': { args: () => ['compare', ESC, DEMO], says: /red next: rm/, next: /./ },
  'a hostile user to be': {
    args: () => check('--as', ESC),
    options: () => ({ kubeconfig: kubeconfig('hostile', 'http://127.0.0.1:9') }),
    says: /impersonate-user/,
    next: /--as/,
  },
};
const FILES: Record<string, Case> = {
  'no such file': {
    args: () => check('--from', join(folder, 'absent.tar.gz')),
    says: /absent\.tar\.gz/,
    next: /(check the path|路径是否正确).*snapshot FILE/,
  },
  'torn snapshot': {
    args: () => check('--from', file('torn.tar.gz', readFileSync(DEMO).subarray(0, 2000))),
    says: /torn\.tar\.gz/,
    next: /snapshot FILE/,
  },
  'not a snapshot': {
    args: () => check('--from', file('noise.tar.gz', 'this is no archive')),
    says: /noise\.tar\.gz/,
    next: /snapshot FILE/,
  },
  'malformed manifest': {
    args: () => check('--from', join(file('bad/a.yaml', 'kind: Pod\nmetadata: {name: ['), '..')),
    says: /a\.yaml.*[23]/,
    next: /./,
  },
  'manifest that is no object': { args: () => check('--from', file('list.yaml', '- 1\n- 2\n')), says: /list\.yaml/, next: /./ },
  'a hostile name in the error': { args: () => check('--from', join(folder, '\x1b[31mred\u202etxt')), says: /redtxt/, next: /./ },
  'no such result': { args: () => ['compare', join(folder, 'a.json'), join(folder, 'b.json')], says: /a\.json/, next: /check -o json/ },
  'no result': {
    args: () => ['compare', file('x.json', '{"kind":"Pod"}'), file('y.json', '{}')],
    says: /[xy]\.json/,
    next: /check -o json/,
  },
  'result that is no JSON': {
    args: () => ['compare', file('z.json', '{'), file('z2.json', '{')],
    says: /z2?\.json/,
    next: /check -o json/,
  },
};
/** A FIFO without a writer, in a directory of its own. */
function fifo(name: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  rmSync(path, { force: true });
  execFileSync('mkfifo', [path]);
  return path;
}
function closed(path: string): string {
  chmodSync(path, 0);
  return path;
}
const isRoot = process.getuid?.() === 0;
/** A chart of which one file is made by `odd`. */
function chartWith(odd: (name: string) => string, name: string): string {
  file(`${name}/Chart.yaml`, 'name: spiderpool\nversion: 0.9.13\n');
  return join(odd(name), '..');
}
const SPECIAL: Record<string, Case> = {
  'memory for a chart': {
    args: () => check('--from', DEMO, '--chart', '/proc/self/mem'),
    says: /chart \/proc\/self\/mem/,
    next: /helm pull/,
  },
  'a device for a chart': { args: () => check('--from', DEMO, '--chart', '/dev/zero'), says: /\/dev\/zero/, next: /helm pull/ },
  'a FIFO for a chart': { args: () => check('--from', DEMO, '--chart', fifo('fifo.tgz')), says: /fifo\.tgz/, next: /helm pull/ },
  'a FIFO in a chart': {
    args: () =>
      check(
        '--from',
        DEMO,
        '--chart',
        chartWith((name) => fifo(`${name}/values.yaml`), 'piped'),
      ),
    says: /values\.yaml/,
    next: /helm pull/,
  },
  'a folder in place of a file of a chart': {
    args: () =>
      check(
        '--from',
        DEMO,
        '--chart',
        chartWith((name) => join(file(`${name}/values.yaml/x`, ''), '..'), 'odd'),
      ),
    says: /values\.yaml/,
    next: /helm pull/,
  },
  'junk for a chart': {
    args: () => check('--from', DEMO, '--chart', join(file('junk/x', '\0'), '..')),
    says: /Chart\.yaml/,
    next: /helm pull/,
  },
  'memory to compare': { args: () => ['compare', '/proc/self/mem', DEMO], says: /\/proc\/self\/mem/, next: /check -o json/ },
  'a device to compare': { args: () => ['compare', '/dev/zero', '/dev/zero'], says: /\/dev\/zero/, next: /check -o json/ },
  'a folder to compare': { args: () => ['compare', folder, DEMO], says: /EISDIR/, next: /check -o json/ },
  'a snapshot that is a FIFO': { args: () => check('--from', fifo('fifo.tar.gz')), says: /fifo\.tar\.gz/, next: /snapshot FILE/ },
  'a snapshot that is a device': { args: () => check('--from', '/dev/zero'), says: /\/dev\/zero/, next: /snapshot FILE/ },
  'a folder with a FIFO': { args: () => check('--from', join(fifo('piped-dump/a.yaml'), '..')), says: /a\.yaml/, next: /snapshot FILE/ },
  'a kubeconfig that is a device': { args: () => check('--kubeconfig', '/dev/zero'), says: /\/dev\/zero/, next: /KUBECONFIG/ },
  'an authority that is a device': {
    args: () => check('--server', 'https://127.0.0.1:9', '--certificate-authority', '/dev/zero'),
    says: /\/dev\/zero/,
    next: /certificate-authority/,
  },
  // Root may read everything.
  ...(isRoot
    ? {}
    : {
        'a result that may not be read': {
          args: () => ['compare', closed(file('c.json', '{}')), DEMO],
          says: /EACCES/,
          next: /check -o json/,
        },
        'a chart that may not be read': {
          args: () =>
            check(
              '--from',
              DEMO,
              '--chart',
              chartWith((name) => closed(file(`${name}/values.yaml`, '')), 'shut'),
            ),
          says: /EACCES/,
          next: /helm pull/,
        },
      }),
};
const CLUSTERS: Record<string, Case> = {
  'no kubeconfig': { args: () => check(), says: /kubeconfig/, next: /--from/ },
  'kubeconfig that is not there': { args: () => check('--kubeconfig', join(folder, 'nowhere')), says: /nowhere/, next: /KUBECONFIG/ },
  'malformed kubeconfig': {
    args: () => check('--kubeconfig', file('broken-config', 'a: [')),
    says: /broken-config/,
    next: /kubectl config view/,
  },
  'kubeconfig without a context': { args: () => check('--kubeconfig', file('empty-config', '')), says: /./, next: /KUBECONFIG/ },
  'wrong context': {
    args: () => check('--context', 'prod'),
    options: () => ({ kubeconfig: kubeconfig('one', 'http://127.0.0.1:9') }),
    says: /prod/,
    next: /here \| there.* --context here$/,
  },
  'wrong context among several': {
    args: () => check('--contexts', 'here,prod'),
    options: () => ({ kubeconfig: kubeconfig('one', 'http://127.0.0.1:9') }),
    says: /prod/,
    next: /here, there/,
  },
  'dead server': { ...live('dead', () => 'http://127.0.0.1:9'), says: /http:\/\/127\.0\.0\.1:9.*here/, next: /kubectl cluster-info/ },
  'unknown name': { ...live('name', () => 'https://api.does-not-exist.invalid:6443'), says: /does-not-exist/, next: /VPN/ },
  'expired token': { ...live('expired', () => `http://${at.expired}`), says: /401/, next: /--token/ },
  'a server that never answers': { ...live('silent', () => `http://${at.silent}`), says: /127\.0\.0\.1/, next: /VPN/ },
  'a server that hangs up': { ...live('closing', () => `http://${at.closing}`), says: /127\.0\.0\.1/, next: /./ },
  'TLS where there is none': { ...live('tls', () => `https://${at.portal}`), says: /TLS/, next: /API/ },
  'a login program that is missing': {
    ...live('exec', () => 'https://127.0.0.1:9', {
      exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'no-such-login', interactiveMode: 'Never' },
    }),
    says: /no-such-login/,
    next: /./,
  },
};

describe.each([
  ['en', 'error: ', 'next: '],
  ['zh', '错误：', '下一步：'],
])('%s', (lang, error, next) => {
  test.concurrent.each(
    Object.entries({ ...COMMAND_LINE, ...HOSTILE, ...FILES, ...(process.platform === 'win32' ? {} : SPECIAL), ...CLUSTERS }),
  )('%s', async (_, each) => {
    const { code, stdout, stderr } = await run([...each.args(), '--lang', lang], each.options?.());
    const lines = stderr.trimEnd().split('\n');
    expect(code, stderr).toBe(1);
    expect(stdout).toBe('');
    expect(lines, stderr).toHaveLength(2);
    expect(lines[0]).toMatch(new RegExp(`^${error}`));
    expect(lines[0]).toMatch(each.says);
    expect(lines[1]).toMatch(new RegExp(`^${next}`));
    expect(lines[1]).toMatch(each.next);
    expect(stderr).not.toMatch(/bug|缺陷|\{tool\}|undefined|\[object|[^\P{Cc}\n]|\u202e/u);
    if (lang === 'zh') expect(lines[0]).toMatch(/\p{Script=Han}/u);
    else expect(stderr).not.toMatch(/\p{Script=Han}/u);
  });

  test.each(['portal', 'broken'])('a %s page in place of an API server is never fine, and is named', async (server) => {
    const ran = await run([...check(), '--lang', lang], { kubeconfig: kubeconfig(server, `http://${at[server]}`) });
    expect([1, 3]).toContain(ran.code);
    expect(ran.stdout + ran.stderr).toMatch(/HTTP (200|502)/);
  });

  test.skipIf(process.platform === 'win32')('full disk', async () => {
    const { code, stderr } = await run(['-c', `"${BINARY}" check --from "${DEMO}" --lang ${lang} > /dev/full`], { binary: '/bin/sh' });
    expect(code).toBe(1);
    expect(stderr).toMatch(/ENOSPC/);
    expect(stderr.trimEnd().split('\n')).toHaveLength(2);
  });
});
