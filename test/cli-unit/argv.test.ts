// Command lines: what comes out, and what every wrong one says.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { languageAsked, type Parsed, parseArgv } from '../../src/cli/argv.ts';
import { COMMANDS } from '../../src/cli/commands.ts';
import { FLAGS, type FlagName, GLOBAL, specOf } from '../../src/cli/flags.ts';
import { UserError } from '../../src/text/user-error.ts';

const parse = (line: string): Parsed => parseArgv(line.split(' ').filter(Boolean), 'upgrade-guard');

function errorOf(line: string): UserError {
  try {
    parse(line);
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error(`"${line}" was taken`);
}

describe('what comes out', () => {
  it.each<[string, Parsed]>([
    ['check', { verb: 'check', args: [], flags: {} }],
    ['check spiderpool --to spiderpool=1.30', { verb: 'check', args: ['spiderpool'], flags: { to: ['spiderpool=1.30'] } }],
    ['check --to a=1 --to=b=2e3', { verb: 'check', args: [], flags: { to: ['a=1', 'b=2e3'] } }],
    ['check --from -', { verb: 'check', args: [], flags: { from: '-' } }],
    ['check -n 007', { verb: 'check', args: [], flags: { namespace: '007' } }],
    ['check -nfoo -ojson', { verb: 'check', args: [], flags: { namespace: 'foo', output: 'json' } }],
    ['check -Ao=wide -v4', { verb: 'check', args: [], flags: { 'all-namespaces': true, output: 'wide', v: '4' } }],
    ['-n x check', { verb: 'check', args: [], flags: { namespace: 'x' } }],
    ['check --context a --context b', { verb: 'check', args: [], flags: { context: 'b' } }],
    ['check --as-group a --as-group b', { verb: 'check', args: [], flags: { 'as-group': ['a', 'b'] } }],
    [
      'check --no-color --insecure-skip-tls-verify=false',
      { verb: 'check', args: [], flags: { 'no-color': true, 'insecure-skip-tls-verify': false } },
    ],
    ['check a/b c/d --reuse-values', { verb: 'check', args: ['a/b', 'c/d'], flags: { 'reuse-values': true } }],
    ['check --insecure-skip-tls-verify k3s', { verb: 'check', args: ['k3s'], flags: { 'insecure-skip-tls-verify': true } }],
    ['check --set a=-1,b=x --set-string c=007', { verb: 'check', args: [], flags: { set: ['a=-1,b=x'], 'set-string': ['c=007'] } }],
    ['fix --yes a/b c/d', { verb: 'fix', args: ['a/b', 'c/d'], flags: { yes: true } }],
    ['fix --dry-run server', { verb: 'fix', args: [], flags: { 'dry-run': 'server' } }],
    ['undo 20261123', { verb: 'undo', args: ['20261123'], flags: {} }],
    ['undo 1e3', { verb: 'undo', args: ['1e3'], flags: {} }],
    ['compare -- -a.json --b', { verb: 'compare', args: ['-a.json', '--b'], flags: {} }],
    ['snapshot -', { verb: 'snapshot', args: ['-'], flags: {} }],
    ['version -o json', { verb: 'version', args: [], flags: { output: 'json' } }],
    ['--version', { verb: 'version', args: [], flags: {} }],
    ['', { verb: 'help', args: [], flags: {} }],
    ['-h', { verb: 'help', args: [], flags: {} }],
    ['--lang zh --help', { verb: 'help', args: [], flags: { lang: 'zh' } }],
    ['check -h', { verb: 'help', args: ['check'], flags: {} }],
    ['check --from x --help', { verb: 'help', args: ['check'], flags: {} }],
    ['help check', { verb: 'help', args: ['check'], flags: {} }],
  ])('%s', (line, parsed) => expect(parse(line)).toEqual(parsed));
});

describe('what is wrong, and what to do next', () => {
  it.each([
    ['chek', 'unknown command "chek"', 'did you mean "upgrade-guard check"?'],
    ['frobnicate', 'unknown command "frobnicate"', 'upgrade-guard --help'],
    ['plan', 'plan: missing SYSTEM', 'upgrade-guard plan --help'],
    ['check --form x', 'unknown flag: --form', 'did you mean --from?'],
    ['check -x', 'unknown flag: -x', 'upgrade-guard check --help'],
    // --for is a flag of rbac alone.
    ['check --fo x', 'unknown flag: --fo', 'did you mean --to?'],
    ['rbac --fo x', 'unknown flag: --fo', 'did you mean --for?'],
    ['--nonesuch check', 'unknown flag: --nonesuch', 'upgrade-guard check --help'],
    ['-x', 'unknown flag: -x', 'upgrade-guard --help'],
    ['check --lang fr', 'invalid value "fr" for --lang', 'see: upgrade-guard check --help'],
    ['check --__proto__', 'unknown flag: --__proto__', '--help'],
    ['check --constructor=1', 'unknown flag: --constructor', '--help'],
    ['check --rehearse', 'check: unknown flag --rehearse', '--rehearse belongs to: fix'],
    // What is doubtful was confirmed when the run began.
    ['resume --confirm Node/a', 'resume: unknown flag --confirm', '--confirm belongs to: fix, upgrade'],
    ['undo --confirm Node/a', 'undo: unknown flag --confirm', '--confirm belongs to: fix, upgrade'],
    ['check --to', 'flag --to needs a value', '--to=SYSTEM=VERSION'],
    ['check --from --to a=1', 'flag --from needs a value', '--from=PATH'],
    ['check -o toml', 'invalid value "toml" for --output', 'see: upgrade-guard check --help'],
    ['fix -o wide', 'fix: unknown flag --output', 'belongs to: check'],
    ['check --fail-on blockr', 'invalid value "blockr" for --fail-on', 'did you mean blocker?'],
    ['check --yes=maybe', 'invalid value "maybe" for --yes', 'see:'],
    ['check -v 11', 'invalid value "11" for -v', 'see:'],
    ['check --from=', 'value of --from is empty', 'omit --from'],
    ['completion tcsh', 'invalid value "tcsh" for SHELL', 'see:'],
    ['compare a.json', 'compare: missing AFTER', 'compare --help'],
    ['compare', 'compare: missing BEFORE and AFTER', 'compare --help'],
    ['compare a b c', 'compare: unexpected argument "c"', 'compare --help'],
    ['-n x', 'no command, only flags', '--help'],
  ])('%s', (line, says, next) => {
    const error = errorOf(line);
    expect(error.text.en).toContain(says);
    expect(error.next?.en).toContain(next);
    expect(error.exit).toBe(1);
  });

  it('is said in Chinese without English sentences', () => {
    for (const line of [
      'chek',
      'check --form x',
      'check --rehearse',
      'check --to',
      'check -o toml',
      'compare a',
      'compare a b c',
      '-n x',
      'check --from=',
    ]) {
      const { text, next } = errorOf(line);
      expect(text.zh + (next?.zh ?? '')).not.toMatch(/[a-z]+ [a-z]+ [a-z]+ [a-z]+/);
    }
  });

  it('repeats no control characters and no endless words', () => {
    const error = errorOf(`\u001b[31mred${'x'.repeat(10_000)}`);
    expect(error.text.en).not.toContain('\u001b');
    expect(error.text.en.length).toBeLessThan(200);
  });
});

describe('whatever is typed', () => {
  const words = fc.array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.constantFrom(...Object.keys(FLAGS).map((flag) => `--${flag}`), 'check', '--', '-'),
    ),
    { maxLength: 8 },
  );

  it('is taken, or refused with a UserError', () => {
    fc.assert(
      fc.property(words, (line) => {
        try {
          parseArgv(line, 'upgrade-guard');
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
        }
      }),
    );
  });

  it('values come out as they went in', () => {
    const value = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
    const flag = fc.constantFrom<FlagName>('from', 'kubeconfig', 'context', 'namespace', 'token', 'to', 'accept');
    fc.assert(
      fc.property(flag, value, value, (name, given, argument) => {
        const { flags, args } = parseArgv(['check', `--${name}=${given}`], 'upgrade-guard');
        expect(flags[name]).toEqual(specOf(name).kind === 'list' ? [given] : given);
        expect(args).toEqual([]);
        expect(parseArgv(['explain', '--', argument], 'upgrade-guard').args).toEqual([argument]);
      }),
    );
  });
});

describe('the tables', () => {
  it('name every flag in a command or among the global ones, and no flag in both', () => {
    const own = new Set<FlagName>(COMMANDS.flatMap((command) => [...command.flags]));
    for (const flag of Object.keys(FLAGS) as FlagName[])
      expect([flag, Number(own.has(flag)) + Number(GLOBAL.includes(flag))]).toEqual([flag, 1]);
  });
  it('give no letter to two flags', () => {
    const letters = (Object.keys(FLAGS) as FlagName[]).map((flag) => specOf(flag).short).filter((letter) => letter !== undefined);
    expect(new Set(letters).size).toBe(letters.length);
  });
  it('give every -o its formats', () => {
    for (const command of COMMANDS)
      expect([command.name, command.output !== undefined]).toEqual([command.name, command.flags.includes('output')]);
  });
  it('hold examples that are taken', () => {
    for (const { examples } of COMMANDS) for (const { words } of examples) expect(() => parse(words)).not.toThrow();
  });
});

describe('the language', () => {
  it.each([
    [['check', '--lang', 'zh'], {}, 'zh'],
    [['check', '--lang=en'], { LANG: 'zh_CN.UTF-8' }, 'en'],
    [['check'], { LANG: 'zh_CN.UTF-8' }, 'zh'],
    [['check', '--lang', 'fr'], {}, 'en'],
  ] as const)('%s %o: %s', (words, env, language) => expect(languageAsked(words, env)).toBe(language));
});

describe('no command', () => {
  it.each([
    [['--lang', 'zh'], { lang: 'zh' }],
    [['--no-color', '-v', '2'], { 'no-color': true }],
    [['--lang=en', '--help'], { lang: 'en' }],
  ])('%j: the list of commands, spoken so', (words, flags) =>
    expect(parseArgv(words, 'upgrade-guard')).toEqual({ verb: 'help', args: [], flags }),
  );
});
