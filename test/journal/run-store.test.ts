// The run store on real files: what was acknowledged is there, what was torn is not, and what cannot be stored is refused in words.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Entry, Run } from '../../src/engine/contracts.ts';
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
  schema: 1,
  id,
  tool: 'upgrade-guard 0.1.0',
  what: 'fix',
  at,
  checks: [],
  steps: [],
  cluster: { uid, certain: true, server: 'https://example.test', context: 'c' },
});
const intent = (step: string): Entry => ({
  at: '2025-01-01T00:00:01Z',
  is: 'intent',
  way: 'do',
  step,
  before: { kind: 'Pod', metadata: { name: step } },
});
const journalOf = (id: string) => path.join(folder, UID, id, 'journal.jsonl');
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
    await Promise.all([journal.append(intent('s1')), journal.append(intent('s2'))]);
    await journal.close();
    expect(await store.read('a1')).toEqual({ run: run('a1'), entries: [intent('s1'), intent('s2')] });
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(path.dirname(journalOf('a1'))).mode & 0o777).toBe(0o700);
    expect(statSync(journalOf('a1')).mode & 0o777).toBe(0o600);
    expect(statSync(path.join(path.dirname(journalOf('a1')), 'run.json')).mode & 0o777).toBe(0o600);
    expect(readdirSync(path.dirname(journalOf('a1'))).sort()).toEqual(['journal.jsonl', 'run.json']);
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
    writeFileSync(path.join(folder, UID, 'newer', 'run.json'), JSON.stringify({ ...run('newer'), schema: 2 }));
    const { runs, unreadable } = await store.list();
    expect(runs.map((stored) => stored.run.id)).toEqual(['a', 'b', 'c']);
    expect(unreadable.map(({ id }) => id).sort()).toEqual(['empty', 'newer']);
    expect(unreadable.find(({ id }) => id === 'newer')?.why).toMatch(/newer upgrade-guard \(schema 2/);
    expect((await failure(store.reopen('newer'))).text.zh).toContain('更新版本');
  });

  it('ignores a torn last line and cuts it before it appends', async () => {
    const store = runStore(folder, UID);
    const journal = await store.create(run('t'));
    await journal.append(intent('s1'));
    await journal.close();
    appendFileSync(journalOf('t'), '{"at":"2025","is":"int');
    expect((await store.read('t'))?.entries).toEqual([intent('s1')]);
    const again = await store.reopen('t');
    await again.append(intent('s2'));
    await again.close();
    expect((await store.read('t'))?.entries).toEqual([intent('s1'), intent('s2')]);
  });

  it('reads every beginning of a journal as the entries that are whole in it', async () => {
    const store = runStore(folder, UID);
    const journal = await store.create(run('cut'));
    for (const step of ['s1', 's2', '步骤三']) await journal.append(intent(step));
    await journal.close();
    const bytes = readFileSync(journalOf('cut'));
    for (let end = 0; end <= bytes.length; end += 7) {
      const beginning = bytes.subarray(0, end);
      const whole = beginning.filter((byte) => byte === 10).length;
      // A power cut may leave zeros where the file had grown already.
      for (const tail of ['', '\0'.repeat(50)]) {
        writeFileSync(journalOf('cut'), Buffer.concat([beginning, Buffer.from(tail)]));
        expect((await store.read('cut'))?.entries).toHaveLength(whole);
      }
    }
  });

  it('names file and line of any other damage', async () => {
    const store = runStore(folder, UID);
    await (await store.create(run('d'))).close();
    for (const bad of ['not json', '{"at":"x","is":"other","way":"do"}', '[]', `${'['.repeat(5000)}`]) {
      writeFileSync(journalOf('d'), `${JSON.stringify(intent('s1'))}\n${bad}\n${JSON.stringify(intent('s2'))}\n`);
      expect((await failure(store.read('d'))).message).toContain(`${journalOf('d')}, line 2, is damaged`);
      expect((await failure(store.reopen('d'))).text.zh).toContain('第 2 行');
    }
    expect(readdirSync(path.dirname(journalOf('d'))).sort()).toEqual(['journal.jsonl', 'run.json']);
  });

  it.each(['../../etc', 'a/b', '..', '.', 'A', 'con', 'x.', '', 'a\0b', 'a\\b'])('never makes a path of the id %j', async (id) => {
    const store = runStore(folder, UID);
    expect(await store.read(id)).toBeUndefined();
    expect((await failure(store.reopen(id))).message).toContain('there is no run');
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
    expect((await failure(store.read('a1'))).text.en).toMatch(new RegExp(`${name}.*no regular file`));
    expect((await store.list()).unreadable.map(({ id }) => id)).toEqual(['a1']);
  });

  it('does not take over a run of the same id', async () => {
    const store = runStore(folder, UID);
    await (await store.create(run('r'))).close();
    expect((await failure(store.create(run('r')))).message).toMatch(/could not store run r: it exists already/);
  });

  it('lets one process at a time work on a journal', async () => {
    const store = runStore(folder, UID);
    const journal = await store.create(run('l'));
    expect((await failure(store.reopen('l'))).message).toContain(`Process ${process.pid} on`);
    await journal.close();
    const attempts = await Promise.allSettled(Array.from({ length: 5 }, () => store.reopen('l')));
    expect(attempts.filter(({ status }) => status === 'fulfilled').length).toBe(1);
    for (const attempt of attempts) if (attempt.status === 'fulfilled') await attempt.value.close();

    const lock = (pid: number, started: string, host = encodeURIComponent(hostname())) =>
      path.join(folder, UID, 'l', ['lock', pid, started, host].join(','));
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)']);
    await once(child, 'spawn');
    writeFileSync(lock(child.pid as number, 'unknown'), '');
    expect((await failure(store.reopen('l'))).message).toContain(`Process ${child.pid} on`);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await (await store.reopen('l')).close();
    expect(readdirSync(path.join(folder, UID, 'l')).sort()).toEqual(['journal.jsonl', 'run.json']);

    writeFileSync(lock(1, '0'), '');
    if (process.platform === 'linux') await (await store.reopen('l')).close();
    writeFileSync(lock(1, '0', 'elsewhere'), '');
    expect((await failure(store.reopen('l'))).message).toContain('on elsewhere');
  });
});

it('lets in at most one of several processes that come at once', async () => {
  await (await runStore(folder, UID).create(run('race'))).close();
  const script = `
    import { existsSync } from 'node:fs';
    import { runStore } from ${JSON.stringify(path.resolve('src/journal/run-store.ts'))};
    console.log('ready');
    while (!existsSync(${JSON.stringify(`${folder}/go`)})) await new Promise((resolve) => setTimeout(resolve, 2));
    const journal = await runStore(${JSON.stringify(folder)}, ${JSON.stringify(UID)}).reopen('race').catch((error) => error.message);
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
  for (const text of said) if (!text.endsWith('in\n')) expect(text).toMatch(/Process \d+ on .* is working on run race/);
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
    const entries = appender(file as never, 0, () => new Error());
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
    const entries = appender(file as never, 0, (cause) => cause as Error);
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
    const entries = appender(full, 0, (cause) => {
      causes.push((cause as NodeJS.ErrnoException).code);
      return new Error('refused');
    });
    const results = await Promise.allSettled([entries.append(intent('a')), entries.append(intent('b')), entries.append(intent('c'))]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    await expect(entries.append(intent('d'))).rejects.toThrow('refused');
    expect(causes).toEqual(['ENOSPC', 'ENOSPC', 'ENOSPC', 'ENOSPC']);
    await full.close();
  });

  it('acknowledges nothing beyond a limit on file size (real EFBIG), and what it acknowledged is there', async () => {
    if (process.platform === 'win32') return;
    // The limit holds for the whole process, so the store runs in one of its own.
    const script = `
      import { runStore } from ${JSON.stringify(path.resolve('src/journal/run-store.ts'))};
      process.on('SIGXFSZ', () => {});
      const store = runStore(${JSON.stringify(folder)}, ${JSON.stringify(UID)});
      const journal = await store.create(${JSON.stringify(run('f'))});
      let stored = 0;
      try { for (;; stored++) await journal.append({ at: '2025', is: 'intent', way: 'do', step: 's' + stored, before: { x: 'y'.repeat(500) } }); }
      catch (error) { console.log(JSON.stringify({ stored, en: error.message, zh: error.text.zh, next: error.next.en })); }
      await journal.append({ at: '2025', is: 'end', way: 'do', state: 'stopped' }).catch((error) => console.log(JSON.stringify(error.message)));
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
    expect((await runStore(folder, UID).read('f'))?.entries.length).toBe(stored);
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
});

it('keeps the file readable by line tools', async () => {
  const journal = await runStore(folder, UID).create(run('x'));
  await journal.append({ ...intent('s'), before: { text: 'two\nlines' } } as Entry);
  await journal.close();
  expect(readFileSync(journalOf('x'), 'utf8').split('\n').length).toBe(2);
});
