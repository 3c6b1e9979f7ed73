// Help: every page in both languages and several widths, nothing too wide, nothing of one language in the other; and completion, which shows the same tables.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SYSTEM_NAMES } from '../../src/cli/command-spec.ts';
import { COMMANDS } from '../../src/cli/commands.ts';
import { complete, completionScript, type LookUp } from '../../src/cli/completion.ts';
import { FLAGS, type FlagName, specOf } from '../../src/cli/flags.ts';
import { helpPage } from '../../src/cli/help.ts';
import { width as columns } from '../../src/text/width.ts';

const TOPICS = [undefined, ...COMMANDS.map(({ name }) => name)];
const page = (topic: string | undefined, language: 'en' | 'zh', width = 80) =>
  helpPage(topic, { usage: 'kubectl upgrade-guard', language, width, bold: (text) => text });

/** Cells that are names and never cut: usage lines, examples, first columns. */
const mayBeWide = (line: string) => /^\s*(kubectl|#|-)|^ {6}--/.test(line);

describe('help', () => {
  it.each(TOPICS)('%s fits 60, 80 and 200 columns in both languages', (topic) => {
    for (const width of [60, 80, 200]) {
      for (const language of ['en', 'zh'] as const) {
        const wide = page(topic, language, width)
          .split('\n')
          .filter((line) => columns(line) > width && !mayBeWide(line));
        expect(wide).toEqual([]);
      }
    }
  });

  it.each(TOPICS)('%s speaks one language at a time', (topic) => {
    expect(page(topic, 'en')).not.toMatch(/\p{Script=Han}/u);
    const sentences = page(topic, 'zh')
      .split('\n')
      .filter((line) => !mayBeWide(line));
    for (const line of sentences) expect(line).not.toMatch(/\b(the|is|are|and|with|of|to|not) /);
  });

  it('lists every command, and on its own page every flag of it', () => {
    const overview = page(undefined, 'en');
    for (const command of COMMANDS) {
      expect(overview).toContain(`  ${command.name} `);
      for (const flag of command.flags) expect(page(command.name, 'en')).toContain(`--${flag}`);
    }
    for (const flag of ['kubeconfig', 'as-group', 'lang']) expect(page('options', 'en')).toContain(`--${flag}`);
  });

  it('calls us as the user does, with its headings in bold', () => {
    expect(helpPage('check', { usage: 'helm spiderpool-upgrade', language: 'en', width: 80, bold: (text) => `<b>${text}</b>` })).toContain(
      '<b>Usage:</b>\n  helm spiderpool-upgrade check [SYSTEM|CHECK-ID...] [flags]',
    );
  });

  it('moves the second column under the first when there is no room', () => {
    expect(page('snapshot', 'en', 40)).toMatch(/--force\n {10}Overwrite FILE/);
  });

  it('knows no other topic', () => expect(() => page('chek', 'en')).toThrow('unknown command "chek"'));
});

it('the systems of the command line are those of the folders', () => {
  const folders = readdirSync(join(import.meta.dirname, '../../src/systems'), { withFileTypes: true });
  const systems = folders.filter(({ name, parentPath }) => existsSync(join(parentPath, name, 'index.ts'))).map(({ name }) => name);
  expect([...SYSTEM_NAMES].sort()).toEqual(systems.sort());
});

describe('completion', () => {
  const known = {
    ...{ checks: ['a/one', 'a/two'], contexts: ['prod', 'test'], namespaces: ['default', 'shop'] },
    ...{ releases: ['sp', 'undone'], runs: ['20260102-030405-abcd'] },
  };
  const lookUp: LookUp = async (asked) => known[asked].map((word) => [word, '']);
  const offered = async (...words: string[]) =>
    (await complete(words, 'en', lookUp))
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split('\t')[0]);

  it.each([
    [['che'], ['check', 'checks', ':4']],
    [
      ['check', 's'],
      ['spiderpool', ':4'],
    ],
    [
      ['check', 'spiderpool', 's'],
      ['spiderpool', ':4'],
    ],
    [
      ['check', '--fail-on', ''],
      ['blocker', 'warning', 'notice', ':4'],
    ],
    [
      ['check', '--fail-on=w'],
      ['--fail-on=warning', ':4'],
    ],
    [
      ['check', '-o', ''],
      ['table', 'wide', 'json', 'yaml', 'markdown', 'html', 'sarif', 'junit', ':4'],
    ],
    [
      ['-n', 'x', 'ver'],
      ['version', ':4'],
    ],
    [['check', '--from', ''], [':0']],
    [['snapshot', ''], [':0']],
    [
      ['fix', '--reh'],
      ['--rehearse', ':4'],
    ],
    [['check', '--reh'], [':4']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish', ':4'],
    ],
    [
      ['help', 'ru'],
      ['runs', ':4'],
    ],
    [['nonsense', ''], [':4']],
    [
      ['explain', 'a/'],
      ['a/one', 'a/two', ':4'],
    ],
    [
      ['fix', 'a/one', 'a/t'],
      ['a/two', ':4'],
    ],
    [
      ['check', '--accept=a/o'],
      ['--accept=a/one', ':4'],
    ],
    [
      ['check', '--context', 'p'],
      ['prod', ':4'],
    ],
    [
      ['check', '--contexts', 'prod,t'],
      ['prod,test', ':4'],
    ],
    [
      ['check', '-n', ''],
      ['default', 'shop', ':4'],
    ],
    [
      ['undo', ''],
      ['20260102-030405-abcd', ':4'],
    ],
  ])('%j', async (words, candidates) => expect(await offered(...words)).toEqual(candidates));

  it('asks where the flags on the line point', async () => {
    const asked: unknown[] = [];
    const words = ['--kubeconfig', 'k', '--context=c', '--as-group', 'a', '--as-group=b', 'check', '-n', ''];
    await complete(words, 'en', async (what, flags) => {
      asked.push(what, flags);
      return [];
    });
    expect(asked).toEqual(['namespaces', { kubeconfig: 'k', context: 'c', 'as-group': ['a', 'b'] }]);
  });

  it('offers every command and every long flag', async () => {
    expect(await offered('')).toEqual([...COMMANDS.map(({ name }) => name), ':4']);
    const flags = (await Promise.all(COMMANDS.map(({ name }) => offered(name, '--')))).flat();
    for (const flag of Object.keys(FLAGS) as FlagName[]) if (specOf(flag).short !== flag) expect(flags).toContain(`--${flag}`);
  });

  it('offers releases where helm calls, and of upgrade', async () => {
    expect(await complete(['und'], 'en', lookUp, {})).toMatch(/^undo\t.*\nundone\n:4\n$/);
    expect(await complete(['und'], 'en', lookUp)).not.toContain('undone');
    expect(await offered('upgrade', 'spiderpool', '')).toEqual(['sp', 'undone', ':4']);
  });
  it('describes in the language of the user', async () => expect(await complete(['und'], 'zh', lookUp)).toContain('undo\t撤销'));

  it.each(['bash', 'zsh', 'fish'])('has a script for %s that asks us', (shell) => {
    expect(completionScript(shell)).toContain('__complete');
    expect(completionScript(shell)).toContain('kubectl-upgrade_guard');
  });
});
