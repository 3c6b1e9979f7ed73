// The Helm plugin in every Helm that it must work in: installed from each form that we publish, and what Helm takes from it and gives to it.
import { once } from 'node:events';
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { archive, type Release } from '../../scripts/archive.ts';
import { projectVersion } from '../../scripts/build.ts';
import { hostTarget } from '../../scripts/targets.ts';
import { connectionFromHelm } from '../../src/cli/caller.ts';
import { BINARY } from '../bed/binary.ts';
import { EVERY_TOOL, prepareTools } from '../bed/tools.ts';
import { HELMS, type Helm, helmAlone } from './helm.ts';

const ROOT = join(import.meta.dirname, '../..');
const OURS = `upgrade-guard ${projectVersion()} (Node.js`;

let folder: string;
/** Two contexts, each with a namespace of its own. */
let kubeconfig: string;
let release: Release;
let host: Release['platforms'][number];
beforeAll(async () => {
  const trouble = await prepareTools(() => {}, EVERY_TOOL);
  if (trouble) throw new Error(trouble);
  folder = mkdtempSync(join(tmpdir(), 'ug-helm-'));
  kubeconfig = join(folder, 'kubeconfig');
  const context = (name: string, namespace: string) => ({ name, context: { cluster: 'c', namespace } });
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'test' },
      clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
      contexts: [context('test', 'shop'), context('prod', 'ops')],
    }),
  );
  release = await archive([{ target: hostTarget(), path: BINARY }], join(folder, 'release'));
  host = release.platforms[0]!;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function installed(helm: Helm, ...source: string[]): Promise<void> {
  const { code, stderr } = await helm(['plugin', 'install', ...source]);
  expect(code, stderr).toBe(0);
  const listed = await helm(['plugin', 'list']);
  expect(listed.stdout).toMatch(new RegExp(`^spiderpool-upgrade\\s+${projectVersion().replaceAll('.', '\\.')}\\s`, 'm'));
  expect((await helm(['spiderpool-upgrade', 'version'])).stdout).toContain(OURS);
}

describe.each(HELMS)('Helm $version', ({ which, version, major }) => {
  it('is that version', async () => {
    expect((await helmAlone(which)(['version', '--short'])).stdout).toMatch(new RegExp(`^v${version.replaceAll('.', '\\.')}\\+`));
  });

  it('takes the folder, offline, without a word about verification', async () => {
    const helm = helmAlone(which);
    await installed(helm, host.helmFolder);
    expect(lstatSync(join(helm.plugins, 'spiderpool-upgrade')).isSymbolicLink()).toBe(true);
    expect((await helm(['plugin', 'uninstall', 'spiderpool-upgrade'])).code).toBe(0);
    expect((await helm(['plugin', 'list'])).stdout).not.toContain('spiderpool-upgrade');
  });

  if (major >= 4) {
    it('takes the archive as a local file', async () => {
      await installed(helmAlone(which), host.helmArchive, '--verify=false');
    });
  }

  it('takes the archive by address', async () => {
    const served = await serve([host.helmArchive, host.helm3Archive]);
    const [file, ...words] = major < 4 ? [host.helm3Archive] : [host.helmArchive, '--verify=false'];
    try {
      await installed(helmAlone(which), `${served.url}/${basename(file)}`, ...words);
    } finally {
      served.close();
    }
  });

  it('shows our help under the name that the user typed, passes our exit code on, and completes our commands', async () => {
    const helm = helmAlone(which);
    await installed(helm, host.helmFolder);
    const help = await helm(['spiderpool-upgrade', '--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('  helm spiderpool-upgrade COMMAND');
    expect((await helm(['spiderpool-upgrade', 'check', '--help'])).stdout).toMatch(/^ {2}helm spiderpool-upgrade check \[/m);
    const wrong = await helm(['spiderpool-upgrade', 'chek']);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain('did you mean "helm spiderpool-upgrade check"?');
    expect((await helm(['--help'])).stdout).toMatch(/^ +spiderpool-upgrade +find what a Spiderpool upgrade would break, and fix it$/m);
    const offered = async (...words: string[]) => (await helm(['__complete', 'spiderpool-upgrade', ...words])).stdout;
    expect(await offered('und')).toMatch(/^undo\tUndo the changes of a run/m);
    // An upgrade in helm's words: a release, then helm's flags.
    expect(await offered('sp', '--ver')).toMatch(/^--version\t/m);
    expect(await offered('sp', '--version', '0.9.13', '--reset')).toMatch(
      /^--reset-values\t[\s\S]*^--reset-then-reuse-values\t|^--reset-then-reuse-values\t[\s\S]*^--reset-values\t/m,
    );
    // A file of values, which the shell completes.
    expect(await offered('sp', '-f', '')).toMatch(/^:0$/m);
  });

  // A stand-in for our program under our plugin.yaml: says what reached it.
  const spied = async (words: string[], env: Record<string, string> = {}) => {
    const helm = helmAlone(which);
    const spy = join(helm.plugins, 'spiderpool-upgrade');
    mkdirSync(join(spy, 'bin'), { recursive: true });
    writeFileSync(join(spy, 'plugin.yaml'), readFileSync(join(ROOT, 'plugin.yaml')));
    writeFileSync(join(spy, 'bin/upgrade-guard'), '#!/bin/sh\nfor word; do echo "word $word"; done\nenv\n');
    chmodSync(join(spy, 'bin/upgrade-guard'), 0o755);
    const { code, stdout, stderr } = await helm(['spiderpool-upgrade', ...words], env);
    expect(code, stderr).toBe(0);
    const lines = stdout.split('\n');
    const given = lines.map((line) => /^([A-Z_]+)=(.*)$/.exec(line)).filter((match) => match !== null);
    return {
      words: lines.flatMap((line) => /^word (.*)$/.exec(line)?.[1] ?? []),
      env: Object.fromEntries(given.map(([, name = '', value = '']) => [name, value])),
    };
  };
  const nobody = () => undefined;

  it('takes its own connection flags out of our command line and gives them as environment, which we read', async () => {
    const helmFlags = ['--kube-context', 'prod', '--kube-apiserver=https://1.2.3.4', '--kube-token', 't', '--kube-as-user', 'jane'];
    const more = [
      '--kube-as-group=a',
      '--kube-as-group',
      'b',
      '--kube-ca-file',
      '/ca',
      '--kubeconfig',
      kubeconfig,
      '-n',
      'kube-system',
      '--debug',
    ];
    const seen = await spied(['check', ...helmFlags, '--to', 'spiderpool=1.30', ...more, '--fail-on=warning']);
    expect(seen.words).toEqual(['check', '--to', 'spiderpool=1.30', '--fail-on=warning']);
    expect(seen.env).toMatchObject({ HELM_PLUGIN_NAME: 'spiderpool-upgrade', HELM_BIN: expect.stringMatching(/helm$/) });
    expect(connectionFromHelm(seen.env, nobody)).toEqual({
      kubeconfig,
      context: 'prod',
      server: 'https://1.2.3.4',
      token: 't',
      as: 'jane',
      'as-group': ['a', 'b'],
      'certificate-authority': '/ca',
      namespace: 'kube-system',
      v: '4',
    });
  });

  // 3.9 does not have them.
  if (version !== '3.9.4') {
    it('takes those about TLS', async () => {
      const seen = await spied(['check', '--kube-tls-server-name', 'name', '--kube-insecure-skip-tls-verify=true', 'spiderpool']);
      expect(seen.words).toEqual(['check', 'spiderpool']);
      expect(connectionFromHelm(seen.env, nobody)).toEqual({ 'tls-server-name': 'name', 'insecure-skip-tls-verify': true });
    });
  }

  it('reads the same from the environment of the user', async () => {
    const env = { HELM_KUBECONTEXT: 'prod', HELM_KUBEASGROUPS: 'a,b', HELM_NAMESPACE: 'shop', KUBECONFIG: '/kube' };
    const seen = await spied(['check'], env);
    expect(connectionFromHelm(seen.env, nobody)).toEqual({
      context: 'prod',
      'as-group': ['a', 'b'],
      namespace: 'shop',
      kubeconfig: '/kube',
    });
  });

  it('gives nothing that we would take for a choice when there is none', async () => {
    const seen = await spied(['check', '-A', '--context', 'x', '-v4']);
    expect(seen.words).toEqual(['check', '-A', '--context', 'x', '-v4']);
    expect(connectionFromHelm(seen.env, nobody)).toEqual({});
  });

  it('always gives a namespace, says which it would give if none was chosen, and leaves -nNAME in our command line', async () => {
    const helm = helmAlone(which);
    const usual = async (env = {}) => (await helm(['env', 'HELM_NAMESPACE'], { KUBECONFIG: kubeconfig, ...env })).stdout;
    expect(await usual()).toBe('shop\n');
    expect(await usual({ HELM_KUBECONTEXT: 'prod' })).toBe('ops\n');
    const unchosen = await spied(['check'], { KUBECONFIG: kubeconfig });
    expect(unchosen.env.HELM_NAMESPACE).toBe('shop');
    expect(connectionFromHelm(unchosen.env, () => 'shop')).toEqual({ kubeconfig });
    expect((await spied(['check', '-nshop'], { KUBECONFIG: kubeconfig })).words).toEqual(['check', '-nshop']);
  });
});

describe('plugin.yaml', () => {
  const described = parse(readFileSync(join(ROOT, 'plugin.yaml'), 'utf8'));
  it('has what every Helm accepts: the old schema, one command per system, no hooks, the version without v', () => {
    expect(Object.keys(described).sort()).toEqual(['description', 'name', 'platformCommand', 'usage', 'version']);
    expect(described).toMatchObject({ name: 'spiderpool-upgrade', version: projectVersion() });
    expect(described.platformCommand.map(({ os }: { os: string }) => os)).toEqual(['linux', 'darwin', 'windows']);
  });
  it('starts the file that the folder holds', () => {
    const commands = described.platformCommand.map(({ command }: { command: string }) => command);
    expect(commands).toEqual([
      '$HELM_PLUGIN_DIR/bin/upgrade-guard',
      '$HELM_PLUGIN_DIR/bin/upgrade-guard',
      '$HELM_PLUGIN_DIR\\bin\\upgrade-guard.exe',
    ]);
    expect(lstatSync(join(host.helmFolder, 'bin/upgrade-guard')).mode & 0o777).toBe(0o755);
  });
});

/** On loopback. */
async function serve(files: string[]): Promise<{ url: string; close(): void }> {
  const server = createServer((request, response) => {
    const file = files.find((path) => request.url === `/${basename(path)}`);
    if (!file) return response.writeHead(404).end();
    response.writeHead(200, { 'content-type': 'application/gzip' });
    return response.end(request.method === 'HEAD' ? undefined : readFileSync(file));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}
