// helm's words for the plugin: which are an upgrade, and what helm's flags become.
import { describe, expect, test } from 'vitest';
import { parseArgv } from '../../src/cli/argv.ts';
import { pluginWords } from '../../src/cli/plugin.ts';

const read = (line: string) => parseArgv(pluginWords(line.split(' ').filter(Boolean)), 'helm spiderpool-upgrade');

describe('helm spiderpool-upgrade', () => {
  test.each([
    ['--to 0.9.13 --chart c.tgz', [], { to: ['0.9.13'], chart: 'c.tgz' }],
    ['sp --version 0.9.13 --repo https://r.example', ['sp'], { to: ['0.9.13'], repo: 'https://r.example' }],
    ['--version=0.9.13 sp --atomic --wait', ['sp'], { to: ['0.9.13'], 'rollback-on-failure': true }],
    ['sp --to 0.9.13 --rollback-on-failure --timeout 10m', ['sp'], { to: ['0.9.13'], 'rollback-on-failure': true, timeout: '10m' }],
    ['sp --to 0.9.13 --dry-run', ['sp'], { to: ['0.9.13'], 'dry-run': 'client' }],
    ['--dry-run=none sp --to 0.9.13', ['sp'], { to: ['0.9.13'] }],
    ['sp --to 0.9.13 -f a.yaml -fb.yaml --set x=1', ['sp'], { to: ['0.9.13'], values: ['a.yaml', 'b.yaml'], set: ['x=1'] }],
  ])('%s', (line, release, flags) => {
    expect(read(line)).toEqual({ verb: 'upgrade', args: ['spiderpool', ...release], flags });
  });
  test.each([
    ['check spiderpool --to spiderpool=0.9.13', 'check'],
    ['--version', 'version'],
    ['--help', 'help'],
    ['', 'help'],
    ['--lang zh runs', 'runs'],
    ['upgrade spiderpool --to 0.9.13', 'upgrade'],
  ])('%s is our own command %s', (line, verb) => {
    expect(read(line).verb).toBe(verb);
  });
  test.each(['sp', '--lang zh sp'])('%s: a release alone is no upgrade', (line) => {
    expect(() => read(line)).toThrow(/unknown command "sp"/);
  });
  test('--wait=false is refused: we always wait', () => {
    expect(() => read('sp --to 0.9.13 --wait=false')).toThrow(/unknown flag: --wait/);
  });
});
