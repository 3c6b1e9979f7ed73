// The packed binary as its callers start it: kubectl, kubectl's completion, and directly; helm.test.ts has Helm.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectVersion } from '../../scripts/build.ts';
import { BINARY, run } from '../bed/binary.ts';
import { recordingServer } from '../bed/recording-server.ts';
import { tools } from '../bed/tools.ts';

const exec = promisify(execFile);
const version = `upgrade-guard ${projectVersion()} (Node.js`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ug-callers-'));
  // As krew does it: a link, and nothing else of the archive on PATH.
  for (const name of ['kubectl-upgrade_guard', 'kubectl_complete-upgrade_guard']) symlinkSync(BINARY, join(folder, name));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('directly', () => {
  it('says its version, and what it is called', async () => {
    expect((await run(['version'])).stdout).toContain(version);
    expect((await run(['--help'])).stdout).toContain('  upgrade-guard COMMAND');
    expect(JSON.parse((await run(['version', '-o', 'json'])).stdout)).toMatchObject({
      version: projectVersion(),
      node: process.versions.node,
    });
  });
  it('says what is wrong on stderr, in the language of the user, with exit code 1', async () => {
    expect(await run(['chek'])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('did you mean "upgrade-guard check"?'),
    });
    const chinese = await run(['chek'], { env: { LANG: 'zh_CN.UTF-8' } });
    expect(chinese.stderr).toMatch(/^错误：没有命令“chek”\n下一步：/);
  });
  it('starts whatever NODE_OPTIONS says', async () => {
    expect(await run(['version'], { env: { NODE_OPTIONS: '--no-such-option' } })).toMatchObject({ code: 0, stderr: '' });
  });
  it('sends the token, and prints none, whatever NODE_DEBUG says', async () => {
    const server = await recordingServer();
    try {
      const words = ['runs', '--server', `https://${server.servers.good}`, '--insecure-skip-tls-verify', '--token', 'kept-to-ourselves'];
      const { stdout, stderr } = await run(words, { env: { NODE_DEBUG: 'http,https,net,tls', NODE_DEBUG_NATIVE: 'tls' } });
      expect(server.seen().map(({ authorization }) => authorization)).toContain('Bearer kept-to-ourselves');
      expect(stdout + stderr).not.toMatch(/kept-to-ourselves|^(?:HTTP|HTTPS|NET|TLS) \d/m);
    } finally {
      await server.close();
    }
  });
  it('runs the core without a word of Node.js on stderr', async () => {
    expect(await run(['checks'])).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining('spiderpool/owner-controller-type'),
    });
  });
});

describe('kubectl', () => {
  const kubectl = (...words: string[]) =>
    exec(tools().kubectl, words, {
      env: { PATH: `${folder}:${dirname(tools().kubectl)}:/usr/bin:/bin`, HOME: folder, LANG: 'en_US.UTF-8' },
    });

  it('finds the plugin under its name', async () => {
    expect((await kubectl('plugin', 'list')).stdout).toContain('kubectl-upgrade_guard');
    expect((await kubectl('upgrade-guard', 'version')).stdout).toContain(version);
  });
  it('is what the help says to type', async () => {
    expect((await kubectl('upgrade-guard', 'check', '--help')).stdout).toMatch(/^ {2}kubectl upgrade-guard check \[/m);
  });
  it('passes our exit code on', async () => {
    await expect(kubectl('upgrade-guard', 'chek')).rejects.toMatchObject({ code: 1 });
  });
  it('completes our commands', async () => {
    const { stdout } = await kubectl('__complete', 'upgrade-guard', 'und');
    expect(stdout).toMatch(/^undo\tUndo the changes of a run/);
  });
});
