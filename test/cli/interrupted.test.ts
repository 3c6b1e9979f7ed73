// Ctrl-C, SIGTERM and keys pressed too early: what a person types in a terminal, or a supervisor sends, while the tool waits for something.
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { newHome, type Started, start, startTyped } from '../bed/binary.ts';

const folder = mkdtempSync(join(tmpdir(), 'ug-interrupted-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

/** Until this is shown; a process that ends without it fails the test by what it showed. */
async function shows({ child, ended }: Started, wanted: string): Promise<void> {
  let text = '';
  const seen = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        text += chunk;
        if (text.includes(wanted)) resolve();
      });
  });
  await Promise.race([seen, ended]);
  expect(text).toContain(wanted);
}

describe.skipIf(process.platform !== 'linux')('while an exec plugin waits for a person', () => {
  /** This one waits; the other answers once it is let. */
  const plugin = file('plugin', '#!/bin/sh\necho $$ > "$0.pid"\nprintf "log in with code \\033[1m1234\\033[0m\\n" >&2\nexec sleep 600\n');
  const answering = file(
    'answering',
    '#!/bin/sh\necho $$ > "$0.pid"\necho "log in" >&2\nuntil [ -e "$0.let" ]; do sleep 0.1; done\necho "{}"\necho > "$0.wrote"\n',
  );
  for (const each of [plugin, answering]) chmodSync(each, 0o700);
  const configOf = (command: string) =>
    file(
      'config',
      JSON.stringify({
        ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'here' },
        clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:9' } }],
        contexts: [{ name: 'here', context: { cluster: 'c', user: 'u' } }],
        users: [{ name: 'u', user: { exec: { apiVersion: 'client.authentication.k8s.io/v1', command, interactiveMode: 'IfAvailable' } } }],
      }),
    );
  /** As `kill -0` sees it; a process that has just been killed takes a moment to go. */
  async function isGone(of = plugin): Promise<boolean> {
    const pid = Number(readFileSync(`${of}.pid`, 'utf8'));
    for (let tried = 0; tried < 500; tried++) {
      try {
        process.kill(pid, 0);
      } catch {
        return true;
      }
      await sleep(20);
    }
    return false;
  }

  test.each(['SIGTERM', 'SIGINT'] as const)('%s ends both; what the plugin said went through as it was', async (signal) => {
    const started = start(['check'], { kubeconfig: configOf(plugin) });
    await shows(started, 'log in with code');
    started.child.kill(signal);
    expect(await started.ended).toMatchObject({ code: 130, stdout: '', stderr: 'log in with code \x1b[1m1234\x1b[0m\n' });
    expect(await isGone()).toBe(true);
  });
  test('SIGKILL leaves it behind, as with kubectl, until it answers: nothing reads that any more', async () => {
    const started = start(['check'], { kubeconfig: configOf(answering) });
    await shows(started, 'log in');
    const gone = once(started.child, 'exit');
    started.child.kill('SIGKILL');
    await gone;
    writeFileSync(`${answering}.let`, '');
    expect(await isGone(answering)).toBe(true);
    expect(existsSync(`${answering}.wrote`)).toBe(false);
    await started.ended;
  });
  test('Ctrl-C in a terminal, which the plugin gets too, is not a failure of the plugin', async () => {
    const started = startTyped('"$UG" check', { kubeconfig: configOf(plugin) });
    await shows(started, 'log in with code');
    started.child.stdin.write('\x03');
    const { code, stdout } = await started.ended;
    expect([code, stdout]).toEqual([130, expect.not.stringContaining('error:')]);
    expect(await isGone()).toBe(true);
  });
});

test.skipIf(process.platform !== 'linux')('keys pressed before a question do not answer it', async () => {
  const home = newHome();
  const text =
    'apiVersion: spiderpool.spidernet.io/v2beta1\nkind: SpiderCoordinator\nmetadata: {name: default}\nspec: {detectGateway: true}\n';
  const manifest = file('coordinator.yaml', text);
  const demo = join(import.meta.dirname, '../../src/cli/demo.tar.gz');
  const typed = () => startTyped(`"$UG" fix spiderpool/removed-fields -f ${manifest} --from ${demo} --to spiderpool=1.0.6`, { home });
  const question = 'Change 1 file as shown? [y/N]';
  const early = typed();
  early.child.stdin.write('y\ny\n');
  await shows(early, question);
  expect(readFileSync(manifest, 'utf8')).toBe(text);
  early.child.stdin.write('n\n');
  expect(await early.ended).toMatchObject({ code: 130, stdout: expect.stringContaining('Nothing was changed.') });
  expect(readFileSync(manifest, 'utf8')).toBe(text);
  // In time it is an answer.
  const late = typed();
  await shows(late, question);
  late.child.stdin.write('y\n');
  expect((await late.ended).code).toBe(0);
  expect(readFileSync(manifest, 'utf8')).not.toContain('detectGateway');
  rmSync(home, { recursive: true });
});
