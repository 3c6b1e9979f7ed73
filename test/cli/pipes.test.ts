// Files that kubectl and helm also read from a pipe, `<(command)` or a FIFO: each is read once, however often its content is needed; what has no end is refused by its size.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { BINARY, hastened, newHome, run, start, startTyped } from '../bed/binary.ts';
import { layOut } from '../fixtures.ts';

const folder = mkdtempSync(join(tmpdir(), 'ug-pipes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A FIFO into which `command` writes, a moment later. */
function fifo(name: string, command: string): string {
  const path = join(folder, name);
  execFileSync('mkfifo', [path]);
  spawn('sh', ['-c', `sleep 0.2; ${command} > "$0"`, path], { stdio: 'ignore' });
  return path;
}
const file = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
/** As a person types it: bash puts a pipe in place of `<(…)`. */
const typed = (line: string) => run(['-c', `"$0" ${line}`, BINARY], { binary: 'bash' });

const CONFIG = JSON.stringify({
  ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'here' },
  clusters: [{ name: 'c', cluster: { server: 'http://127.0.0.1:9' } }],
  contexts: [{ name: 'here', context: { cluster: 'c', user: 'u' } }],
  users: [{ name: 'u', user: {} }],
});
const KNOWLEDGE = join(import.meta.dirname, '../../src/systems/spiderpool/knowledge/versions.json');
const knowledge = () => ({
  ...{ apiVersion: 'upgrade-guard/v1', kind: 'Knowledge' },
  tables: { 'spiderpool/versions': JSON.parse(readFileSync(KNOWLEDGE, 'utf8')) },
});
/** Its target changes the default of a value that is not set; with it set, the check passes. */
const from = layOut('spiderpool/values-defaults', { fixture: 'found' });
afterAll(() => rmSync(from, { recursive: true, force: true }));
const CHECK = [
  'check',
  'spiderpool/values-defaults',
  '--from',
  from,
  '--to',
  'spiderpool=0.9.13',
  '--reset-then-reuse-values',
  '-o',
  'json',
];
const SET = 'spiderpoolAgent: {tuneSysctlConfig: false}\n';
const outcome = ({ stdout, stderr }: { stdout: string; stderr: string }): string =>
  JSON.parse(stdout || JSON.stringify(stderr)).checks[0].outcome;

describe.skipIf(process.platform === 'win32')('read from a pipe', () => {
  test('--kubeconfig', async () => {
    const [config, reached] = [file('config', CONFIG), /http:\/\/127\.0\.0\.1:9.*here/];
    expect((await run(['check', '--kubeconfig', fifo('config.fifo', `cat ${config}`)])).stderr).toMatch(reached);
    expect((await typed(`check --kubeconfig <(cat ${config})`)).stderr).toMatch(reached);
    expect((await run(['check'], { kubeconfig: fifo('env.fifo', `cat ${config}`) })).stderr).toMatch(reached);
    // All contexts, and then each: it is looked at more than once.
    const { stdout, stderr } = await typed(`check --all-contexts --kubeconfig <(cat ${config})`);
    expect(stdout + stderr).toMatch(/127\.0\.0\.1:9/);
  });
  test('--knowledge', async () => {
    const tables = file('knowledge.json', JSON.stringify(knowledge()));
    for (const ran of [
      await run(['version', '-o', 'json', '--knowledge', fifo('knowledge.fifo', `cat ${tables}`)]),
      await typed(`version -o json --knowledge <(cat ${tables})`),
    ])
      expect(JSON.parse(ran.stdout || JSON.stringify(ran.stderr)).replaced).toEqual(['spiderpool/versions']);
  });
  test('--values and --set-file', async () => {
    expect(outcome(await run(CHECK))).toBe('found');
    const values = file('values.yaml', SET);
    expect(outcome(await run([...CHECK, '--values', fifo('values.fifo', `cat ${values}`)]))).toBe('passed');
    const set = file('false', 'false');
    expect(outcome(await run([...CHECK, '--set-file', `spiderpoolAgent.tuneSysctlConfig=${fifo('set.fifo', `cat ${set}`)}`]))).toBe(
      'passed',
    );
    expect(outcome(await typed(`${CHECK.join(' ')} --set-file spiderpoolAgent.tuneSysctlConfig=<(cat ${set})`))).toBe('passed');
  });
  test('saved results, of compare and render', async () => {
    const saved = file('saved.json', (await run(CHECK)).stdout);
    const [command, zero] = [`compare ${saved}`, 'head -c 300000000 /dev/zero'];
    const compared = await run(['compare', saved, saved]);
    expect(compared.stdout).toContain('1 still there.');
    for (const words of [
      `${command} <(cat ${saved})`,
      `compare <(cat ${saved}) <(cat ${saved})`,
      `${command} ${fifo('saved', `cat ${saved}`)}`,
    ])
      expect(await typed(words), words).toMatchObject({ code: compared.code, stdout: compared.stdout });
    expect((await typed(`render <(cat ${saved}) -o json`)).stdout).toBe((await run(['render', saved, '-o', 'json'])).stdout);
    const { code, stderr } = await typed(`${command} <(${zero})`);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/reading \/dev\/fd\/\d+: larger than 256 MiB/)]);
  });
  test('what has no end is refused by its size, and a writer that never comes ends with Ctrl-C', async () => {
    const { code, stderr } = await run(['check', '--kubeconfig', fifo('endless', 'cat /dev/zero')]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/kubeconfig .*endless: larger than \d+ MiB/)]);
    const alone = join(folder, 'alone');
    execFileSync('mkfifo', [alone]);
    const home = newHome();
    const started = start(['check', '--kubeconfig', alone], { home });
    setTimeout(() => started.child.kill('SIGINT'), 1500);
    expect((await started.ended).code).toBe(130);
    rmSync(home, { recursive: true });
  });
  test
    .skipIf(process.platform !== 'linux')
    .each(['check --kubeconfig', 'check --offline --to kubernetes=1.37 -f', 'version --knowledge', 'render'])(
    '%s: a terminal is told what is waited for, nothing else is, and Ctrl-C ends the wait',
    async (words) => {
      const alone = join(folder, `${words.replace(/\W+/g, '-')}.alone`);
      execFileSync('mkfifo', [alone]);
      const said = `Waiting for ${alone}, a named pipe`;
      const shown = startTyped(`"$UG" ${words} ${alone}`, { env: hastened(20) });
      const seen = new Promise<void>((resolve) => {
        let text = '';
        shown.child.stdout.on('data', (chunk) => {
          text += chunk;
          if (text.includes(said)) resolve();
        });
      });
      await Promise.race([seen, shown.ended]);
      // As the terminal's driver does for the key.
      shown.child.stdin.write('\x03');
      const { code, stdout } = await shown.ended;
      expect(stdout).toContain(said);
      expect(code).toBe(130);
      const silent = start([...words.split(' '), alone], { env: hastened(20) });
      // It has begun when it warns of the clock; a terminal would be told soon after.
      await once(silent.child.stderr, 'data');
      await sleep(500);
      silent.child.kill('SIGTERM');
      const ended = await silent.ended;
      expect([ended.code, ended.stderr]).toEqual([130, expect.not.stringContaining('Waiting')]);
    },
  );
});
