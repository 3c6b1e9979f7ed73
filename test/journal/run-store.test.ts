// The run store on real files: what was acknowledged is there, what was torn is not, and what cannot be stored is refused in words.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { hostname, tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Entry, Run, Step, StepOf } from '../../src/engine/contracts.ts';
import { stepsOf } from '../../src/engine/plan.ts';
import { progressOf } from '../../src/engine/progress.ts';
import { appender } from '../../src/journal/append.ts';
import { runStore } from '../../src/journal/run-store.ts';
import { stateFolder } from '../../src/journal/state-folder.ts';
import { UserError } from '../../src/text/user-error.ts';

const UID = '200ed6aa-af09-4698-aa28-d3f2c25ccdbb';
let folder: string;
beforeEach(() => {
  folder = path.join(mkdtempSync(path.join(tmpdir(), 'journal-')), 'state', 'upgrade-guard');
});
afterEach(() => rmSync(path.dirname(path.dirname(folder)), { recursive: true, force: true }));

const run = (id: string, at = '2025-01-01T00:00:00Z', uid = UID): Run => ({
  schema: 2,
  id,
  tool: 'upgrade-guard 0.1.0',
  what: 'fix',
  at,
  checks: ['spiderpool/owner-controller-type'],
  stages: staged(['s1', 's2', '步骤三'].map((name, i) => patch(`s${i + 1}`, name))),
  cluster: { uid, certain: true, server: 'https://example.test', context: 'c' },
});
const patch = (id: string, name = id): StepOf<'patch'> => ({
  id,
  do: 'patch',
  on: { apiVersion: 'v1', kind: 'Pod', name },
  changes: [{ path: '/metadata/labels/x', after: 'y' }],
  guard: [],
  text: { en: name, zh: name },
  undo: 'exact',
  after: [],
  reasons: ['f'],
});
const begin: Entry = { at: '2025-01-01T00:00:00Z', is: 'begin', direction: 'apply', pid: 7 };
const intent = (step: string): Entry => ({
  at: '2025-01-01T00:00:01Z',
  is: 'intent',
  direction: 'apply',
  step,
  before: { apiVersion: 'v1', kind: 'Pod', metadata: { name: step } },
});
const done = (step: string): Entry => ({ at: '2025-01-01T00:00:02Z', is: 'outcome', direction: 'apply', step, result: 'done' });
/** A run that was begun and ended, with all of its steps done. */
const whole = async (id: string) => {
  const journal = await runStore(folder, UID).create(run(id));
  for (const entry of [begin, intent('s1'), done('s1'), intent('s2'), done('s2')]) await journal.append(entry);
  await journal.append({ at: '2025-01-01T00:00:03Z', is: 'end', direction: 'apply', state: 'stopped' });
  await journal.close();
};
/** Opens it where it is now. */
const reopened = async (id: string) => {
  const store = runStore(folder, UID);
  return store.reopen(id, (await store.read(id))!.end);
};
const NOTHING = { size: 0, lines: 0 };
const journalOf = (id: string) => path.join(folder, UID, id, 'journal.jsonl');
const lengthOf = (id: string) => path.join(folder, UID, id, 'journal.length');
const staged = (steps: Step[]): Run['stages'] => [{ id: '1', title: { en: 'a stage', zh: '阶段' }, steps }];
const withStep = (run: Run, more: object) => {
  const steps = stepsOf(run);
  return { ...run, stages: staged(steps.with(1, { ...steps[1], ...more } as never)) };
};
const failure = async (promise: Promise<unknown>): Promise<UserError> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UserError);
  return error as UserError;
};

describe('run store', () => {
  it('gives back what was stored, private to the user', async () => {
    const store = runStore(folder, UID);
    const journal = await store.create(run('a1'));
    await Promise.all([begin, intent('s1'), intent('s2')].map((entry) => journal.append(entry)));
    await journal.close();
    expect(await store.read('a1')).toEqual({
      run: run('a1'),
      progress: progressOf([begin, intent('s1'), intent('s2')]),
      end: { size: statSync(journalOf('a1')).size, lines: 3 },
    });
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(path.dirname(journalOf('a1'))).mode & 0o777).toBe(0o700);
    expect(statSync(journalOf('a1')).mode & 0o777).toBe(0o600);
    expect(statSync(path.join(path.dirname(journalOf('a1')), 'run.json')).mode & 0o777).toBe(0o600);
    expect(readdirSync(path.dirname(journalOf('a1'))).sort()).toEqual(['journal.jsonl', 'journal.length', 'run.json']);
  });

  it('a run that was killed before its journal was opened has done nothing; one that was not yet whole is none', async () => {
    const store = runStore(folder, UID);
    await (await store.create(run('unbegun'))).close();
    rmSync(journalOf('unbegun'));
    expect(await runStore(folder, UID).read('unbegun')).toEqual({ run: run('unbegun'), progress: progressOf([]), end: NOTHING });
    mkdirSync(path.join(folder, UID, '.half.new'));
    const { runs, unreadable } = await runStore(folder, UID).list();
    expect([runs.map(({ id, lengthUnknown }) => [id, lengthUnknown]), unreadable]).toEqual([[['unbegun', undefined]], []]);
  });

  it.each<[string, (run: Run) => void, string]>([
    [
      'a name that is empty',
      ({ stages }) => Object.assign((stages[0]!.steps[1] as StepOf<'patch'>).on, { name: '' }),
      'stages[0].steps[1].on.name',
    ],
    ['a step behind a later one', ({ stages }) => stages[0]!.steps[0]!.after.push('s2'), 'stages[0].steps[0].after'],
    ['a check that has no id', ({ checks }) => checks.push(''), 'checks[1]'],
  ])('refuses what it could not read back, before anything is sent: %s', async (_, spoil, at) => {
    const spoilt = run('spoilt');
    spoil(spoilt);
    const error = await failure(runStore(folder, UID).create(spoilt));
    expect(error.text.en).toContain(`could not store run spoilt: ${at} has an unexpected format`);
    expect(error.text.zh).toContain(at);
    expect(error.next?.en).toContain('report it');
    expect(readdirSync(path.join(folder, UID))).toEqual([]);
    expect(await runStore(folder, UID).list()).toEqual({ runs: [], unreadable: [] });
  });

  it('lists newest first and names what it cannot read', async () => {
    const store = runStore(folder, UID);
    expect(await store.list()).toEqual({ runs: [], unreadable: [] });
    for (const [id, at] of [
      ['b', '2025-01-02T00:00:00Z'],
      ['a', '2025-01-03T00:00:00Z'],
      ['c', '2025-01-01T00:00:00Z'],
    ] as const)
      await (await store.create(run(id, at))).close();
    mkdirSync(path.join(folder, UID, 'empty'));
    await (await store.create(run('newer'))).close();
    writeFileSync(path.join(folder, UID, 'newer', 'run.json'), JSON.stringify({ ...run('newer'), schema: 3 }));
    symlinkSync(path.join(folder, UID, 'a'), path.join(folder, UID, 'link'));
    symlinkSync(path.join(folder, 'nowhere'), path.join(folder, UID, 'link-to-nothing'));
    writeFileSync(path.join(folder, UID, 'note'), '');
    const { runs, unreadable } = await store.list();
    expect(runs.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    expect(unreadable.map(({ id, why }) => `${id}: ${why.en}`).sort()).toEqual([
      'empty: no run.json of this cluster',
      expect.stringMatching(/^link-to-nothing: .*or a symbolic link$/),
      expect.stringMatching(/^link: reading .*: writable by other users, or a symbolic link$/),
      expect.stringMatching(/^newer: reading .* newer upgrade-guard \(schema 3/),
      expect.stringMatching(/^note: reading .*note: not a run directory \(it is a file\)$/),
    ]);
    expect((await failure(store.read('newer'))).text.zh).toContain('更新版本');
    expect((await failure(store.read('note'))).text.zh).toContain('却是一个文件');
    expect((await failure(store.read('link-to-nothing'))).message).toContain('or a symbolic link');
  });

  // chown is root's alone; for other users the process claims to be another.
  const giveAway = (at: string) =>
    process.getuid!() === 0 ? chownSync(at, OTHER, OTHER) : vi.spyOn(process, 'getuid').mockReturnValue(OTHER);
  const OTHER = 4242;
  afterEach(() => vi.restoreAllMocks());

  it.each(['', 'run.json', 'journal.jsonl', 'journal.length', 'objects.json'])(
    'refuses a run of which another user owns /%s',
    async (name) => {
      await whole('theirs');
      writeFileSync(path.join(folder, UID, 'theirs', 'objects.json'), '{}', { mode: 0o600 });
      expect((await runStore(folder, UID).list()).unreadable).toEqual([]);
      const at = path.join(folder, UID, 'theirs', name);
      giveAway(at);
      const { text } = await failure(runStore(folder, UID).read('theirs'));
      expect(text.en).toMatch(/owned by another user \(uid \d+\)$/);
      expect(text.zh).toContain('属于其他用户');
    },
  );

  it.each([0, 1])(
    'neither reads nor writes below a state directory (level %i) that is a link or owned by another user, nor changes its mode',
    async (level) => {
      const at = level ? path.join(folder, UID) : folder;
      const elsewhere = path.join(path.dirname(folder), 'elsewhere');
      mkdirSync(elsewhere, { recursive: true });
      chmodSync(elsewhere, 0o755);
      mkdirSync(path.dirname(at), { recursive: true });
      symlinkSync(elsewhere, at);
      const all = async () => {
        const store = runStore(folder, UID);
        return [await failure(store.create(run('a'))), await failure(store.read('a')), await failure(store.list())].map(
          ({ text }) => text.en,
        );
      };
      for (const said of await all()) expect(said).toBe(`opening ${at}: a symbolic link`);
      rmSync(at);
      mkdirSync(at);
      chmodSync(at, 0o755);
      giveAway(at);
      for (const said of await all()) expect(said).toMatch(/owned by another user/);
      expect([statSync(elsewhere), statSync(at)].map(({ mode }) => mode & 0o777)).toEqual([0o755, 0o755]);
      expect(readdirSync(elsewhere)).toEqual([]);
    },
  );

  it('keeps the mode of a state directory that is there already', async () => {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o750);
    await whole('a');
    expect(statSync(folder).mode & 0o777).toBe(0o750);
    expect(statSync(path.join(folder, UID)).mode & 0o777).toBe(0o700);
  });

  it('ignores a torn last line and cuts it before it appends', async () => {
    const store = runStore(folder, UID);
    const journal = await store.create(run('t'));
    for (const entry of [begin, intent('s1')]) await journal.append(entry);
    await journal.close();
    appendFileSync(journalOf('t'), '{"at":"2025","is":"int');
    expect((await store.read('t'))?.progress).toEqual(progressOf([begin, intent('s1')]));
    const again = await reopened('t');
    await again.append(intent('s2'));
    await again.close();
    expect((await store.read('t'))?.progress).toEqual(progressOf([begin, intent('s1'), intent('s2')]));
  });

  it('reads every beginning of a journal as the entries that are whole in it', async () => {
    const store = runStore(folder, UID);
    await whole('cut');
    const bytes = readFileSync(journalOf('cut'));
    // As after a power cut that came before the length was on disk.
    rmSync(lengthOf('cut'));
    for (let end = 0; end <= bytes.length; end += 7) {
      const beginning = bytes.subarray(0, end);
      const lines = beginning.filter((byte) => byte === 10).length;
      // A power cut may leave zeros where the file had grown already.
      for (const tail of ['', '\0'.repeat(50)]) {
        writeFileSync(journalOf('cut'), Buffer.concat([beginning, Buffer.from(tail)]));
        expect((await store.read('cut'))?.end.lines).toBe(lines);
      }
    }
  });

  it('names file and line of any other damage', async () => {
    const store = runStore(folder, UID);
    await (await store.create(run('d'))).close();
    const other = { ...intent('s1'), before: { apiVersion: 'v1', kind: 'Node', metadata: { name: 's1' } } };
    for (const bad of [
      ...['not json', '{"at":"x","is":"other","direction":"apply"}', '[]', `${'['.repeat(5000)}`],
      // Of a step that the run has not; about another object; done without an intent; with an unknown field.
      ...[intent('s9'), other, done('s1'), { ...intent('s1'), more: 1 }].map((entry) => JSON.stringify(entry)),
    ]) {
      writeFileSync(journalOf('d'), `${JSON.stringify(begin)}\n${bad}\n${JSON.stringify(intent('s2'))}\n`);
      const { text, message } = await failure(store.read('d'));
      expect(message).toContain(`reading ${journalOf('d')}, line 2: damaged: `);
      expect(text.zh).toContain('第 2 行');
    }
    writeFileSync(journalOf('d'), `${JSON.stringify(intent('s1'))}\n`);
    expect((await failure(store.read('d'))).message).toContain('line 1: damaged');
  });

  it('misses every entry that is not there any more, in the middle and at the end', async () => {
    const store = runStore(folder, UID);
    await whole('m');
    const lines = readFileSync(journalOf('m'), 'utf8').split('\n').slice(0, -1);
    const without = (from: number, count: number) => lines.toSpliced(from, count).map((line) => `${line}\n`);
    for (let at = 0; at < lines.length - 1; at++) {
      writeFileSync(journalOf('m'), without(at, 1).join(''));
      expect((await failure(store.read('m'))).message).toContain(`line ${at + 1}: damaged: entries before it are missing`);
      writeFileSync(journalOf('m'), without(at + 1, lines.length).join(''));
      expect((await failure(store.read('m'))).message).toContain(`damaged: truncated after entry ${at + 1}, `);
    }
    for (const rest of ['', lines[0]!.slice(0, 20)]) {
      writeFileSync(journalOf('m'), rest);
      const { text } = await failure(store.read('m'));
      expect(text.en).toContain('truncated after entry 0, 0 of ');
      expect(text.zh).toContain('内容在第 0 条记录之后中断');
    }
    rmSync(journalOf('m'));
    expect((await failure(store.read('m'))).message).toContain('truncated after entry 0');
    expect((await store.list()).unreadable.map(({ id }) => id)).toEqual(['m']);
  });

  it('knows how long a journal was also of a process that was killed', async () => {
    const journal = await runStore(folder, UID).create(run('k'));
    for (const entry of [begin, intent('s1'), done('s1')]) await journal.append(entry);
    // Not closed.
    const lines = readFileSync(journalOf('k'), 'utf8').split('\n');
    writeFileSync(journalOf('k'), `${lines.slice(0, 2).join('\n')}\n`);
    expect((await failure(runStore(folder, UID).read('k'))).message).toContain('truncated after entry 2');
    await journal.close();
  });

  it('says where that is lost: a journal that was cut then looks like a whole one', async () => {
    const journal = await runStore(folder, UID).create(run('u'));
    const known = async () => {
      const store = runStore(folder, UID);
      const answers = [(await store.read('u'))!.lengthUnknown, (await store.list()).runs.find(({ id }) => id === 'u')!.lengthUnknown];
      return answers.map((unknown) => !unknown);
    };
    // Killed before its first entry, or behind one: known.
    expect(await known()).toEqual([true, true]);
    for (const entry of [begin, intent('s1'), done('s1')]) await journal.append(entry);
    expect(await known()).toEqual([true, true]);
    for (const lose of [
      () => writeFileSync(lengthOf('u'), ''),
      () => writeFileSync(lengthOf('u'), '\0'.repeat(17)),
      () => rmSync(lengthOf('u')),
    ]) {
      lose();
      expect(await known()).toEqual([false, false]);
    }
    await journal.close();
    await (await reopened('u')).close();
    expect(await known()).toEqual([true, true]);
  });

  it('reads journals of builds that neither numbered entries nor kept the length, and goes on in them', async () => {
    const store = runStore(folder, UID);
    await whole('old');
    const old = [begin, intent('s1'), done('s1')];
    writeFileSync(journalOf('old'), old.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    rmSync(lengthOf('old'));
    expect(await store.read('old')).toMatchObject({ progress: progressOf(old), lengthUnknown: true });
    const journal = await reopened('old');
    await journal.append({ ...begin, direction: 'undo' });
    await journal.append({ ...intent('s1'), direction: 'undo' });
    await journal.close();
    expect((await store.read('old'))?.progress.last?.direction).toBe('undo');
    const lines = readFileSync(journalOf('old'), 'utf8').split('\n');
    writeFileSync(journalOf('old'), lines.toSpliced(1, 1).join('\n'));
    expect((await failure(store.read('old'))).message).toContain('damaged');
  });

  it('does not continue where another process has continued meanwhile', async () => {
    const store = runStore(folder, UID);
    await whole('two');
    const { end } = (await store.read('two'))!;
    const other = await reopened('two');
    await other.append({ ...begin, direction: 'undo' });
    await other.close();
    expect((await failure(store.reopen('two', end))).text.en).toContain('was resumed by another process in the meantime');
    await (await reopened('two')).close();
  });

  it('keeps a run as one JSON text with a line for each step, and reads it laid out in any other way too', async () => {
    const store = runStore(folder, UID);
    // More than are written at once.
    const long: Run = { ...run('w'), stages: staged(Array.from({ length: 1201 }, (_, i) => patch(`s${i}`, `步骤-${i}"]}`))) };
    const two = {
      ...long,
      id: 'two-stages',
      stages: [
        { ...long.stages[0]!, hop: '1.2.3' },
        { ...staged([patch('t0')])[0]!, id: '2' },
      ],
    };
    for (const each of [long, two, { ...long, id: 'empty', stages: staged([]) }, { ...long, id: 'none', stages: [] }]) {
      await (await store.create(each)).close();
      const file = path.join(folder, UID, each.id, 'run.json');
      const text = readFileSync(file, 'utf8');
      expect(JSON.parse(text)).toEqual(each);
      expect(text.split('\n')).toHaveLength(3 + 2 * each.stages.length + stepsOf(each).length);
      for (const spaces of [0, 2]) {
        expect((await store.read(each.id))?.run).toEqual(each);
        writeFileSync(file, JSON.stringify(each, null, spaces));
      }
      expect((await store.read(each.id))?.run).toEqual(each);
      for (const cut of [text.slice(0, -4), `${text}]}\n`, text.slice(0, 50)]) {
        writeFileSync(file, cut);
        expect((await failure(store.read(each.id))).message).toContain(`reading ${file}: damaged: `);
      }
    }
  });

  it('gives the run that a list read last at once, and no other day what it was then', async () => {
    const store = runStore(folder, UID);
    await whole('x1');
    await whole('x2');
    await store.list();
    rmSync(path.join(folder, UID, 'x1'), { recursive: true });
    rmSync(path.join(folder, UID, 'x2'), { recursive: true });
    expect(await store.read('x1')).toBeUndefined();
    await whole('x2');
    await store.list();
    rmSync(path.join(folder, UID, 'x2'), { recursive: true });
    expect((await store.read('x2'))?.run.id).toBe('x2');
    expect(await store.read('x2')).toBeUndefined();
    expect((await store.list()).runs).toEqual([]);
  });

  const bent: [string, (run: Run) => unknown][] = [
    ['id', (run) => ({ ...run, id: 'other' })],
    ['checks[0]', (run) => ({ ...run, checks: ['../../x'] })],
    ['cluster.certain', (run) => ({ ...run, cluster: { ...run.cluster, certain: 'no' } })],
    ['shell', (run) => ({ ...run, shell: 'sh' })],
    ['steps', (run) => ({ ...run, steps: {} })],
    ['stages[0].steps[1].do', (run) => withStep(run, { do: 'exec' })],
    ['stages[0].steps[1].do', (run) => withStep(run, { do: 'constructor' })],
    ['stages[0].steps[1].id', (run) => withStep(run, { id: 's1' })],
    ['stages[0].steps[1].after', (run) => withStep(run, { after: ['s3'] })],
    ['stages[0].steps[1].undo', (run) => withStep(run, { undo: 'maybe' })],
    ['stages[0].steps[1].text.zh', (run) => withStep(run, { text: { en: 'x' } })],
    ['stages[0].steps[1].subresource', (run) => withStep(run, { subresource: 'exec' })],
    ['stages[0].steps[1].changes[0].path', (run) => withStep(run, { changes: [{ path: '', after: {} }] })],
    ['stages[0].steps[1].changes[0].op', (run) => withStep(run, { changes: [{ path: '/a', op: 'move' }] })],
    ['stages[0].steps[1].on.name', (run) => withStep(run, { on: { apiVersion: 'v1', kind: 'Pod', name: '../x' } })],
    ['stages[0].steps[1].on.name', (run) => withStep(run, { on: { apiVersion: 'v1', kind: 'Pod', name: 'a\u202eb' } })],
    ['stages[0].steps[1].on.namespace', (run) => withStep(run, { on: { apiVersion: 'v1', kind: 'Pod', name: 'x', namespace: 'a/b' } })],
    ['stages[0].steps[1].on.apiVersion', (run) => withStep(run, { on: { apiVersion: 'v1/../..', kind: 'Pod', name: 'x' } })],
    [
      'stages[0].steps[1].guard[0].must',
      (run) => withStep(run, { guard: [{ on: { apiVersion: 'v1', kind: 'Pod', name: 'x' }, must: 'not' }] }),
    ],
    ['stages[0].steps[1].object', (run) => withStep(run, { do: 'create', on: undefined, changes: undefined, object: { kind: 'Pod' } })],
    ['stages[0].steps[1].object', (run) => withStep(run, { object: {} })],
    ['stages[0].steps[1].within', (run) => withStep(run, { do: 'evict', changes: undefined, within: -1 })],
  ];
  it.each(bent)('does not believe a run whose %s is not as this tool writes it', async (place, bend) => {
    const store = runStore(folder, UID);
    await whole('b');
    const file = path.join(path.dirname(journalOf('b')), 'run.json');
    writeFileSync(file, JSON.stringify(bend(run('b'))));
    const { text, next } = await failure(store.read('b'));
    expect(text.en).toBe(`reading ${file}: damaged: ${place} has an unexpected format`);
    expect(text.zh).toContain(`文件已损坏：${place} 的格式不符`);
    expect(next?.en).toMatch(/^keep the directory\. /);
    expect((await store.list()).unreadable.map(({ id }) => id)).toEqual(['b']);
  });

  it.each(['../../etc', 'a/b', '..', '.', 'A', 'con', 'x.', '', 'a\0b', 'a\\b'])('never makes a path of the id %j', async (id) => {
    const store = runStore(folder, UID);
    expect(await store.read(id)).toBeUndefined();
    await expect(store.create(run(id))).rejects.toThrow('not a run id');
    expect(existsSync(folder)).toBe(false);
  });

  it.each(['../../../escape', 'sha256:abc', '', '.', 'X'.repeat(5000), UID.toUpperCase()])(
    'keeps the cluster uid %j inside its folder',
    async (uid) => {
      await (await runStore(folder, uid).create(run('r', undefined, uid))).close();
      expect(readdirSync(folder)).toEqual([expect.stringMatching(/^other-[0-9a-f]{40}$/)]);
      expect(await runStore(folder, uid).read('r')).toBeDefined();
      expect(await runStore(folder, UID).read('r')).toBeUndefined();
    },
  );

  it.skipIf(process.platform === 'win32').each(['run.json', 'journal.jsonl'])('does not wait at a FIFO in place of %s', async (name) => {
    const store = runStore(folder, UID);
    await (await store.create(run('a1'))).close();
    const place = path.join(path.dirname(journalOf('a1')), name);
    rmSync(place);
    spawnSync('mkfifo', ['-m', '600', place]);
    expect((await failure(store.read('a1'))).text.en).toMatch(new RegExp(`${name}.*not a regular file`));
    expect((await store.list()).unreadable.map(({ id }) => id)).toEqual(['a1']);
  });

  it('does not take over a run of the same id', async () => {
    const store = runStore(folder, UID);
    await (await store.create(run('r'))).close();
    expect((await failure(store.create(run('r')))).message).toMatch(/could not store run r: (file exists|directory not empty)/);
  });

  it('lets one process at a time work on a journal', async () => {
    const store = runStore(folder, UID);
    const journal = await store.create(run('l'));
    expect((await failure(reopened('l'))).message).toContain(`process ${process.pid} on this machine`);
    await journal.close();
    const attempts = await Promise.allSettled(Array.from({ length: 5 }, () => reopened('l')));
    expect(attempts.filter(({ status }) => status === 'fulfilled').length).toBe(1);
    for (const attempt of attempts) if (attempt.status === 'fulfilled') await attempt.value.close();

    const lock = (pid: number, started: string, host = encodeURIComponent(hostname())) =>
      path.join(folder, UID, 'l', ['lock', pid, started, host].join(','));
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)']);
    await once(child, 'spawn');
    writeFileSync(lock(child.pid as number, 'unknown'), '');
    const by = { pid: child.pid, here: true, host: hostname() };
    // Of a system that does not tell when a process started: the pid may be another's by now.
    const mine = await failure(reopened('l'));
    expect(mine.message).toBe(`run l is in use by process ${child.pid} on this machine; nothing was sent`);
    expect(mine.next?.en).toContain(`if process ${child.pid} is another program by now, delete the lock and retry: rm `);
    expect((await runStore(folder, UID).read('l'))?.by).toMatchObject(by);
    expect((await runStore(folder, UID).list()).runs[0]?.by).toMatchObject(by);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect((await runStore(folder, UID).read('l'))?.by).toBeUndefined();
    await (await reopened('l')).close();
    expect(readdirSync(path.join(folder, UID, 'l')).sort()).toEqual(['journal.jsonl', 'journal.length', 'run.json']);

    writeFileSync(lock(1, '0'), '');
    if (process.platform === 'linux') await (await reopened('l')).close();
    writeFileSync(lock(1, '0', 'elsewhere'), '');
    const held = await failure(reopened('l'));
    expect(held.message).toContain('on machine elsewhere');
    expect(held.next?.en).not.toContain('lock,1,0,elsewhere');
    expect((await runStore(folder, UID).read('l'))?.by).toMatchObject({ pid: 1, host: 'elsewhere', here: false });
    // As it is said.
    execFileSync('sh', ['-c', held.next!.en.split('delete the lock and retry: ')[1]!]);
    await (await reopened('l')).close();
  });
});

it('lets in at most one of several processes that come at once', async () => {
  await (await runStore(folder, UID).create(run('race'))).close();
  const script = `
    import { existsSync } from 'node:fs';
    import { runStore } from ${JSON.stringify(path.resolve('src/journal/run-store.ts'))};
    console.log('ready');
    while (!existsSync(${JSON.stringify(`${folder}/go`)})) await new Promise((resolve) => setTimeout(resolve, 2));
    const journal = await runStore(${JSON.stringify(folder)}, ${JSON.stringify(UID)}).reopen('race', { size: 0, lines: 0 }).catch((error) => error.message);
    console.log(typeof journal === 'string' ? journal : 'in');
    process.stdin.on('end', () => process.exit()).resume();`;
  const children = Array.from({ length: 3 }, () => spawn(process.execPath, ['--input-type=module', '-e', script]));
  const said = children.map(() => '');
  children.forEach((child, at) => {
    child.stdout.on('data', (text) => {
      said[at] += String(text);
    });
  });
  const all = async (pattern: RegExp) => {
    while (!said.every((text) => pattern.test(text))) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  await all(/ready\n/);
  writeFileSync(`${folder}/go`, '');
  await all(/ready\n.+\n/);
  for (const child of children) child.stdin.end();
  await Promise.all(children.map((child) => once(child, 'exit')));
  expect(said.filter((text) => text.endsWith('in\n')).length).toBeLessThanOrEqual(1);
  for (const text of said) if (!text.endsWith('in\n')) expect(text).toMatch(/run race is in use by process \d+ on this machine/);
});

describe('group commit', () => {
  it('shares one sync among entries that wait together', async () => {
    let syncs = 0;
    let bytes = 0;
    const file = {
      write: async (_: Buffer, __: number, length: number) => {
        bytes += length;
        return { bytesWritten: length };
      },
      datasync: async () => void syncs++,
      truncate: async () => undefined,
    };
    const entries = appender(
      file as never,
      NOTHING,
      () => new Error(),
      async () => {},
    );
    await Promise.all(Array.from({ length: 100 }, (_, n) => entries.append(intent(`s${n}`))));
    expect(syncs).toBe(1);
    await entries.append(intent('later'));
    expect(syncs).toBe(2);
    expect(bytes).toBeGreaterThan(100 * 50);
  });

  it('acknowledges only after the sync, and nothing when that fails', async () => {
    let finish: (error?: Error) => void = () => undefined;
    const file = {
      write: async (_: Buffer, __: number, length: number) => ({ bytesWritten: Math.ceil(length / 2) }),
      datasync: () =>
        new Promise<void>((resolve, reject) => {
          finish = (error) => (error ? reject(error) : resolve());
        }),
      truncate: async () => undefined,
    };
    const entries = appender(
      file as never,
      NOTHING,
      (cause) => cause as Error,
      async () => {},
    );
    let stored = false;
    const first = entries.append(intent('a')).then(() => {
      stored = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(stored).toBe(false);
    finish();
    await first;
    const second = entries.append(intent('b'));
    await new Promise((resolve) => setTimeout(resolve, 20));
    finish(new Error('EIO'));
    await expect(second).rejects.toThrow('EIO');
    await expect(entries.append(intent('c'))).rejects.toThrow('EIO');
  });

  it('refuses every waiting and every later entry once the disk is full, and says what to do', async () => {
    if (!existsSync('/dev/full')) return;
    const full = await open('/dev/full', 'r+');
    const causes: unknown[] = [];
    const entries = appender(
      full,
      NOTHING,
      (cause) => {
        causes.push((cause as NodeJS.ErrnoException).code);
        return new Error('refused');
      },
      async () => {},
    );
    const results = await Promise.allSettled([entries.append(intent('a')), entries.append(intent('b')), entries.append(intent('c'))]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    await expect(entries.append(intent('d'))).rejects.toThrow('refused');
    expect(causes).toEqual(['ENOSPC', 'ENOSPC', 'ENOSPC', 'ENOSPC']);
    await full.close();
  });

  it('acknowledges nothing beyond a limit on file size (real EFBIG), and what it acknowledged is there', async () => {
    if (process.platform === 'win32') return;
    const many: Run = { ...run('f'), stages: staged(Array.from({ length: 20 }, (_, i) => patch(`s${i}`))) };
    // The limit holds for the whole process, so the store runs in one of its own.
    const script = `
      import { runStore } from ${JSON.stringify(path.resolve('src/journal/run-store.ts'))};
      process.on('SIGXFSZ', () => {});
      const store = runStore(${JSON.stringify(folder)}, ${JSON.stringify(UID)});
      const journal = await store.create(${JSON.stringify(many)});
      await journal.append(${JSON.stringify(begin)});
      let stored = 0;
      try { for (;; stored++) await journal.append({ at: '2025', is: 'intent', direction: 'apply', step: 's' + stored, before: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 's' + stored }, x: 'y'.repeat(500) } }); }
      catch (error) { console.log(JSON.stringify({ stored, en: error.message, zh: error.text.zh, next: error.next.en })); }
      await journal.append({ at: '2025', is: 'end', direction: 'apply', state: 'stopped' }).catch((error) => console.log(JSON.stringify(error.message)));
      await journal.close();`;
    const command = `ulimit -f 8; exec "$0" --input-type=module -e "$1"`;
    const child = spawnSync('bash', ['-c', command, process.execPath, script], { encoding: 'utf8' });
    const [first = '', second = ''] = child.stdout.trim().split('\n');
    const { stored, en, zh, next } = JSON.parse(first) as { stored: number; en: string; zh: string; next: string };
    expect(stored).toBeGreaterThan(5);
    expect(en).toMatch(
      new RegExp(`could not store the intent of step s${stored} in the journal of run f .*EFBIG.*Nothing was sent for it`),
    );
    expect(zh).toContain('没有发出');
    expect(next).toContain('resume f');
    expect(second).toContain('the end of the run');
    expect((await runStore(folder, UID).read('f'))?.end.lines).toBe(stored + 1);
  });
});

describe('state folder', () => {
  it.each([
    [{ XDG_STATE_HOME: '/s' }, 'linux', '/s/upgrade-guard'],
    [{ XDG_STATE_HOME: 'relative' }, 'linux', '/home/u/.local/state/upgrade-guard'],
    [{}, 'darwin', '/home/u/.local/state/upgrade-guard'],
    [{ LOCALAPPDATA: 'C:\\L' }, 'win32', 'C:\\L\\upgrade-guard'],
  ] as const)('%j on %s: %s', (env, platform, expected) => {
    expect(stateFolder(env, platform, '/home/u')).toBe(expected);
  });
  it.skipIf(process.platform === 'win32').each(['', 'home', './x'])('never in the working directory: HOME=%s', (home) => {
    expect(stateFolder({}, 'linux', home)).toBe(path.join(userInfo().homedir, '.local/state/upgrade-guard'));
  });
});

it('keeps the file readable by line tools', async () => {
  const journal = await runStore(folder, UID).create(run('x'));
  await journal.append({ ...intent('s'), before: { text: 'two\nlines' } } as Entry);
  await journal.close();
  expect(readFileSync(journalOf('x'), 'utf8').split('\n').length).toBe(2);
});
