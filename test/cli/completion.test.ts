// TAB, pressed in real shells: what the scripts of `completion` make of our answers. Shells that are not installed are left out, by name.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { BINARY } from '../bed/binary.ts';

const home = mkdtempSync(join(tmpdir(), 'ug-completion-'));
mkdirSync(join(home, 'bin'));
for (const name of ['upgrade-guard', 'kubectl-upgrade_guard']) symlinkSync(BINARY, join(home, 'bin', name));
writeFileSync(join(home, 'prod snapshot.tar.gz'), '');
/** A name as EKS gives them: shells cut words at colons. */
const ARN = 'arn:aws:eks:eu-1:1:cluster/x';
writeFileSync(
  join(home, 'config'),
  JSON.stringify({ contexts: [ARN, 'prod'].map((name) => ({ name, context: { cluster: 'c', user: 'u' } })), clusters: [], users: [] }),
);

const SHELLS = {
  bash: {
    command: 'bash --norc -i',
    begin: "bind 'set show-all-if-ambiguous on'; bind 'set enable-bracketed-paste off'; source <(upgrade-guard completion bash)",
  },
  zsh: {
    command: 'zsh -f -i',
    begin: 'autoload -U compinit; compinit -u -D; source <(upgrade-guard completion zsh)',
  },
  fish: { command: 'fish --no-config --private -i', begin: 'upgrade-guard completion fish | source' },
};
type Shell = keyof typeof SHELLS;
const CLEAR_LINE = '\x15';

/** What the shell shows after these keys, once it holds `until`; and all of it when that does not come. */
async function pressed(shell: Shell, keys: string, until: string): Promise<string> {
  const { command, begin } = SHELLS[shell];
  const child = spawn('script', ['-qec', `stty cols 150 rows 50; ${command}`, '/dev/null'], {
    cwd: home,
    detached: true,
    env: {
      // A shell that loses its terminal writes its history while what the test made is being removed.
      ...{ HOME: home, HISTFILE: '/dev/null' },
      ...{ TERM: 'xterm', LANG: 'C.UTF-8', KUBECONFIG: join(home, 'config'), INPUTRC: '/dev/null' },
      PATH: `${join(home, 'bin')}:${process.env.PATH}`,
    },
  });
  let shown = '';
  child.stdout.on('data', (data) => {
    shown += data;
  });
  const seen = async (text: string) => {
    for (let tries = 0; tries < 100; tries++) {
      if (plain(shown).includes(text)) return;
      await sleep(100);
    }
  };
  try {
    child.stdin.write(`${begin}; echo rea''dy\n`);
    await seen('ready');
    shown = '';
    child.stdin.write(`${CLEAR_LINE}${keys}`);
    await seen(until);
    return plain(shown);
  } finally {
    process.kill(-child.pid!, 'SIGKILL');
  }
}
// zsh writes a word, steps back and writes it again.
const plain = (text: string): string =>
  stripVTControlCharacters(text)
    .replace(/[^\n][\b]/g, '')
    .replace(/[^\P{Cc}\n\t]/gu, '');

const isThere = (shell: Shell): boolean => spawnSync('script', ['-qec', `${shell} -c true`, '/dev/null']).status === 0;
const DESCRIBES: readonly Shell[] = ['zsh', 'fish'];

describe.each(Object.keys(SHELLS) as Shell[])('%s', (shell) => {
  if (!isThere(shell)) return test.skip('pressing TAB', { meta: { leftOut: `${shell} or script is not installed` } }, () => {});
  test('lists the commands', async () => {
    const shown = await pressed(shell, 'upgrade-guard \t\t', 'version');
    for (const word of ['check', 'fix', 'undo', 'version']) expect(shown).toContain(word);
    if (DESCRIBES.includes(shell)) expect(shown).toContain('Undo the changes of a run');
  });
  test.each([
    ['upgrade-guard explain spiderpool/du\t', 'spiderpool/duplicate-pod-ip'],
    ['upgrade-guard check --fail-o\tw\t', '--fail-on warning'],
    ['upgrade-guard check --fail-on=w\t', '--fail-on=warning'],
    ['upgrade-guard check --context ar\t', ARN],
    ['kubectl-upgrade_guard snap\t', 'kubectl-upgrade_guard snapshot'],
  ])('%j', async (keys, line) => expect(await pressed(shell, keys, line)).toContain(line));
  test('a file, where a file is wanted', async () => {
    expect(await pressed(shell, 'upgrade-guard check --from pro\t', 'snapshot.tar.gz')).toMatch(/prod(\\? | ).*snapshot\.tar\.gz/);
  });
  if (DESCRIBES.includes(shell)) {
    test('checks with what should hold', async () => {
      const shown = await pressed(shell, 'upgrade-guard explain spiderpool/\t\t', 'no address is used by two live Pods');
      expect(shown).toContain('no address is used by two live Pods');
    });
  }
});
