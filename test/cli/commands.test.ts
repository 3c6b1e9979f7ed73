// Every command of the built binary that needs no cluster, in both languages and every format, with its exit code.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import schema from '../../docs/check-result.schema.json' with { type: 'json' };
import listSchema from '../../docs/check-result-list.schema.json' with { type: 'json' };
import { COMMANDS, choicesOf } from '../../src/cli/commands.ts';
import { SEVERITIES } from '../../src/engine/verdict.ts';
import { run } from '../bed/binary.ts';

const DEMO = join(import.meta.dirname, '../../src/cli/demo.tar.gz');
const CHECK = 'spiderpool/owner-controller-type';
const folder = mkdtempSync(join(tmpdir(), 'ug-commands-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const ajv = new Ajv({ strict: false }).addSchema(schema);
const valid = ajv.compile(schema);
const validList = ajv.compile(listSchema);

/** Words of each command that can be run here, with the exit code; every other command needs a cluster. */
const OFFLINE: Record<string, { words: string[]; code: number }[]> = {
  check: [{ words: ['check', '--from', DEMO], code: 2 }],
  compare: [],
  fix: [
    { words: ['fix', 'spiderpool', '--from', DEMO], code: 0 },
    { words: ['fix', CHECK, '--from', DEMO, '--rehearse'], code: 0 },
  ],
  rbac: [
    { words: ['rbac'], code: 0 },
    { words: ['rbac', '--for', 'fix'], code: 0 },
    { words: ['rbac', '--for', 'upgrade'], code: 0 },
  ],
  demo: [{ words: ['demo'], code: 0 }],
  checks: [{ words: ['checks'], code: 0 }],
  explain: [{ words: ['explain', CHECK], code: 0 }],
  version: [{ words: ['version'], code: 0 }],
  completion: ['bash', 'zsh', 'fish'].map((shell) => ({ words: ['completion', shell], code: 0 })),
  options: [{ words: ['options'], code: 0 }],
  help: [
    { words: ['help'], code: 0 },
    { words: ['help', 'check'], code: 0 },
  ],
};
/** Shows what another command saved: below, with such a file. */
const NEEDS_FILE = ['render'];
const NEEDS_CLUSTER = ['runs', 'resume', 'undo', 'snapshot'];
/** What is the same in every language. */
const NO_PROSE = ['rbac', 'version', 'completion'];

test('every command is tried here or needs a cluster', () =>
  expect([...Object.keys(OFFLINE), ...NEEDS_FILE, ...NEEDS_CLUSTER].toSorted()).toEqual(
    expect.arrayContaining(COMMANDS.map(({ name }) => name).filter((name) => !LATER.has(name))),
  ));
/** Commands that another suite tries. */
const LATER = new Set<string>(['plan', 'upgrade']);

describe.each(['en', 'zh'])('%s', (lang) => {
  test.each(Object.values(OFFLINE).flat())('$words', async ({ words, code }) => {
    const ran = await run([...words, '--lang', lang]);
    expect(ran.code, ran.stderr).toBe(code);
    expect(ran.stdout).not.toBe('');
    expect(ran.stdout + ran.stderr).not.toMatch(/\{tool\}|undefined|\[object/);
    expect(ran.stdout + ran.stderr).not.toContain('\x1b');
    if (NO_PROSE.includes(words[0]!)) return;
    const han = /\p{Script=Han}/u;
    if (lang === 'zh') expect(ran.stdout).toMatch(han);
    else expect(ran.stdout).not.toMatch(han);
  });

  test.each(['blocker', 'warning', 'notice'])('check --fail-on %s: the exit code is what the result says', async (severity) => {
    for (const accepted of [[], ['--accept', 'spiderpool/release-deployed']]) {
      const words = ['check', 'spiderpool', '--from', DEMO, '--fail-on', severity, ...accepted, '--lang', lang];
      const { summary, complete } = JSON.parse((await run([...words, '-o', 'json'])).stdout);
      const counted = SEVERITIES.slice(0, SEVERITIES.indexOf(severity as 'blocker') + 1).some((each) => summary.findings[each] > 0);
      expect(summary.accepted).toBe(accepted.length / 2);
      expect((await run(words)).code).toBe(counted ? 2 : complete ? 0 : 3);
    }
  });

  test('compare: what is new, and its exit codes', async () => {
    const save = async (name: string, ...words: string[]) => {
      const file = join(folder, `${lang}-${name}.json`);
      writeFileSync(file, (await run(['check', '--from', DEMO, '-o', 'json', ...words])).stdout);
      return file;
    };
    const all = await save('all');
    const none = join(folder, `${lang}-none.json`);
    writeFileSync(none, JSON.stringify({ apiVersion: 'upgrade-guard/v1', kind: 'CheckResult', checks: [] }));
    const same = await run(['compare', all, all, '--lang', lang]);
    expect(same).toMatchObject({ code: 0, stderr: '' });
    expect(same.stdout).toContain(lang === 'zh' ? '= 仍存在：spiderpool/release-deployed' : '= still there: spiderpool/release-deployed');
    expect(same.stdout.trimEnd().split('\n').at(-1)).toMatch(lang === 'zh' ? /^仍存在 \d+ 个。$/ : /^\d+ still there\.$/);
    const elsewhere = await run(['compare', all, await save('elsewhere', '--to', 'spiderpool=0.9.8'), '--lang', lang]);
    expect(elsewhere.stderr).toMatch(
      lang === 'zh'
        ? /前一个结果针对 \S+ → \S+，后一个针对 \S+ → 0\.9\.8/
        : /the first result is of \S+ → \S+, the second of \S+ → 0\.9\.8/,
    );
    expect((await run(['compare', none, all, '--lang', lang])).code).toBe(2);
    expect((await run(['compare', all, none, '--lang', lang])).code).toBe(3);
    const yaml = join(folder, `${lang}-all.yaml`);
    writeFileSync(yaml, (await run(['check', '--from', DEMO, '-o', 'yaml'])).stdout);
    expect((await run(['compare', yaml, all, '--lang', lang])).stdout).toBe(same.stdout);
    const list = (name: string, ...items: string[]) => {
      const file = join(folder, `${lang}-${name}.json`);
      const read = items.map((text) => JSON.parse(text));
      writeFileSync(
        file,
        JSON.stringify({ apiVersion: 'upgrade-guard/v1', kind: 'CheckResultList', items: read, failed: [], complete: true }),
      );
      return file;
    };
    const here = readFileSync(all, 'utf8');
    const there = JSON.stringify({ ...JSON.parse(here), cluster: { uid: 'other', context: 'other' } });
    const mixedUp = join(folder, `${lang}-there.json`);
    writeFileSync(mixedUp, there);
    expect((await run(['compare', all, mixedUp, '--lang', lang])).stderr).toMatch(
      lang === 'zh'
        ? /^警告：两个结果来自不同的集群：.* 和 other other$/m
        : /^warning: the results are of different clusters: .* and other other$/m,
    );
    // Where one does not say of which it is, nothing is said.
    writeFileSync(mixedUp, JSON.stringify({ ...JSON.parse(here), cluster: { context: 'other' } }));
    expect((await run(['compare', all, mixedUp, '--lang', lang])).stderr).not.toMatch(/^(?:warning|警告)/m);
    const [two, one] = [list('two', here, there), list('one', here)];
    expect((await run(['compare', two, two, '--lang', lang])).code).toBe(0);
    expect((await run(['compare', two, one, '--lang', lang])).code).toBe(3);
    expect((await run(['compare', one, two, '--lang', lang])).code).toBe(2);
    const { clusters } = JSON.parse((await run(['compare', one, two, '-o', 'json'])).stdout);
    expect(clusters.map((cluster: { in: string }) => cluster.in)).toEqual(['both', 'after']);
    expect(parse((await run(['compare', all, all, '-o', 'yaml'])).stdout).still).toHaveLength(
      JSON.parse(readFileSync(all, 'utf8')).checks.flatMap(({ findings }: { findings: object[] }) => findings).length,
    );
  });

  test('render: a saved result looks as the check did, whatever it was saved as and in which language', async () => {
    const said = async (output: string, from = 'table') => {
      const file = join(folder, `${lang}-render.${output}`);
      writeFileSync(file, (await run(['check', 'spiderpool', '--from', DEMO, '-o', output])).stdout);
      const ran = await run(['render', file, '-o', from, '--lang', lang]);
      expect(ran).toMatchObject({ code: 0, stderr: '' });
      return ran.stdout;
    };
    const found = async (output: string) => (await run(['check', 'spiderpool', '--from', DEMO, '-o', output, '--lang', lang])).stdout;
    const table = await said('json');
    expect(table).toBe(await said('yaml'));
    const heading = /^[✗!i] spiderpool\/\S+.*$/gmu;
    expect(table.match(heading)?.length).toBeGreaterThan(1);
    expect(table.match(heading)).toEqual((await found('table')).match(heading));
    expect(JSON.parse(await said('yaml', 'json'))).toEqual(JSON.parse(await found('json')));
  });

  test('fix on a snapshot without a rehearsal sends nothing, and a live one without a terminal stops', async () => {
    const ran = await run(['fix', '--from', DEMO, '--lang', lang]);
    expect(ran.stdout).toMatch(lang === 'zh' ? /演练，仅在内存中进行/ : /Rehearsal, in memory/);
  });
});

describe('formats', () => {
  const choices = (name: string) =>
    choicesOf(
      COMMANDS.find((each) => each.name === name),
      'output',
    ) ?? [];
  test.each(['check', 'demo', 'checks', 'explain', 'version'].flatMap((name) => choices(name).map((format) => [name, format])))(
    '%s -o %s',
    async (name, format) => {
      const { words } = OFFLINE[name!]![0]!;
      const { stdout, stderr } = await run([...words, '-o', format!]);
      expect(stderr).toBe('');
      if (format === 'json') expect(() => JSON.parse(stdout)).not.toThrow();
      else if (format === 'sarif') expect(JSON.parse(stdout).runs).toHaveLength(1);
      else if (format === 'junit') expect(stdout).toMatch(/^<\?xml [\s\S]*<\/testsuites>\n$/);
      else if (format === 'yaml')
        expect(parse(stdout, { version: '1.1' })).toEqual(JSON.parse((await run([...words, '-o', 'json'])).stdout));
      else if (format === 'html') expect(stdout).toMatch(/^<!doctype html>[\s\S]*<\/html>\n$/);
      else expect(stdout).not.toMatch(/^[{<]/);
    },
  );
  test('check -o json and yaml are as the published schema has them', async () => {
    for (const format of ['json', 'yaml']) {
      const { stdout } = await run(['check', '--from', DEMO, '-o', format]);
      expect(valid(parse(stdout, { version: '1.1' })), JSON.stringify(valid.errors)).toBe(true);
    }
  });
  test('explain says why, how it is found, the remedy, the undo and the sources', async () => {
    const { stdout } = await run(['explain', CHECK]);
    for (const part of ['Impact', 'Applies to', 'Permissions (read)', 'Fix', 'Undo', 'Sources', `fix ${CHECK} --dry-run=client`])
      expect(stdout).toContain(part);
    expect((await run(['explain', CHECK, '-o', 'markdown'])).stdout).toMatch(/^# spiderpool\/owner-controller-type\n\n[\s\S]*\n## Undo\n/);
  });
  test('the next command leads to the same place', async () => {
    const { stdout } = await run(['check', '--from', DEMO, '--to', 'spiderpool=0.9.13']);
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(
      /Next: upgrade-guard fix --from \S+demo\.tar\.gz --to spiderpool=0\.9\.13 --rehearse$/,
    );
  });
});

describe('several contexts', () => {
  const config = join(folder, 'kubeconfig');
  const contexts = ['a', 'b'].map((name) => ({ name, context: { cluster: 'c', user: 'u' } }));
  writeFileSync(
    config,
    JSON.stringify({ clusters: [{ name: 'c', cluster: { server: 'http://127.0.0.1:9' } }], contexts, users: [{ name: 'u', user: {} }] }),
  );
  test('none answers: exit 1, each named once, one result', async () => {
    const { code, stdout } = await run(['check', '--all-contexts', '-o', 'json'], { kubeconfig: config });
    const result = JSON.parse(stdout);
    expect(code).toBe(1);
    expect(validList(result), JSON.stringify(validList.errors)).toBe(true);
    expect(result).toMatchObject({ kind: 'CheckResultList', items: [], complete: false, failed: [{ context: 'a' }, { context: 'b' }] });
    const table = await run(['check', '--contexts', 'a,b'], { kubeconfig: config });
    expect(table.code).toBe(1);
    expect(table.stdout).toContain('2 clusters not checked.');
  });
});

describe('completion of what only the core knows', () => {
  test.each([
    [['explain', 'spiderpool/o'], 'spiderpool/owner-controller-type\tno SpiderEndpoint'],
    [['check', '--accept', 'spiderpool/rel'], 'spiderpool/release-deployed\t'],
  ])('%j', async (words, line) => expect((await run(['__complete', ...words])).stdout).toContain(line));
  test('a cluster that does not answer costs at most a moment, and no error', async () => {
    const config = join(folder, 'dead');
    writeFileSync(
      config,
      JSON.stringify({
        'current-context': 'a',
        clusters: [{ name: 'c', cluster: { server: 'https://203.0.113.1:6443' } }],
        contexts: [{ name: 'a', context: { cluster: 'c', user: 'u' } }],
        users: [{ name: 'u', user: {} }],
      }),
    );
    for (const words of [
      ['check', '-n', ''],
      ['undo', ''],
    ]) {
      expect(await run(['__complete', ...words], { kubeconfig: config })).toMatchObject({ code: 0, stdout: ':4\n', stderr: '' });
    }
    expect((await run(['__complete', 'check', '--context', ''], { kubeconfig: config })).stdout).toBe('a\n:4\n');
  });
});
