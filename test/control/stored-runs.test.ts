// What undo and resume make of runs on disk: the built binary, a real API server, and directories that were changed, cut or lost since.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { newHome, run, start } from '../bed/binary.ts';
import type { Body } from '../bed/client.ts';
import { type Fault, isWrite, type Seen, startFaultProxy } from '../bed/fault-proxy.ts';
import { bed } from '../bed/index.ts';
import { CHECK, scene } from './scene.ts';

const cluster = bed();
const stage = await scene(cluster);
const proxy = await startFaultProxy(cluster);
const { kubeconfig } = cluster;
const through = await proxy.kubeconfigFrom(kubeconfig);
const ZH = { LANG: 'zh_CN.UTF-8' };
const [FIXED, BROKEN] = [
  ['Pod', 'Pod', 'Pod'],
  ['None', 'None', 'None'],
];

beforeEach(async () => {
  proxy.faults.length = 0;
  proxy.seen.length = 0;
  await stage.reset();
});
afterAll(() => proxy.close());

/** The folder of the only run of a home. */
function folderOf(home: string): string {
  const state = join(home, 'state', 'upgrade-guard');
  const at = join(state, readdirSync(state)[0]!);
  return join(at, readdirSync(at)[0]!);
}
const idOf = (home: string) => folderOf(home).split('/').at(-1)!;
async function fixed(): Promise<string> {
  const home = newHome();
  const ran = await run(['fix', CHECK, '--yes'], { kubeconfig, home });
  expect(ran.code, ran.stderr).toBe(0);
  return home;
}
/** Rewrites run.json. */
function edited(home: string, edit: (run: Body) => void): void {
  const file = join(folderOf(home), 'run.json');
  const stored = JSON.parse(readFileSync(file, 'utf8'));
  edit(stored);
  writeFileSync(file, JSON.stringify(stored));
}
const FORBIDDEN = { kind: 'Status', status: 'Failure', reason: 'Forbidden', code: 403, message: 'not today' };
const refuse = (path: RegExp) => proxy.faults.push({ method: 'PATCH', path, do: 'answer', status: 403, body: FORBIDDEN });
const writes = () => proxy.seen.filter(isWrite);
/** A run that was refused one of its three writes. They are sent together: where the refusal comes before the others have left, nothing was changed, and it is tried again. */
async function stoppedAtTheThird(): Promise<string> {
  for (let tries = 0; ; tries++) {
    const home = newHome();
    refuse(/bare-c/);
    const { code, stderr } = await run(['fix', CHECK, '--yes'], { kubeconfig: through, home });
    if (code === 4) return home;
    expect([code, tries < 10], stderr).toEqual([1, true]);
    proxy.faults.length = 0;
    await stage.reset();
  }
}

describe('a run that was changed on disk', () => {
  test.each([
    ['another object', (step: Body) => Object.assign(step.on, { apiVersion: 'v1', kind: 'Node', namespace: undefined, uid: undefined })],
    ['another resource of the same group', (step: Body) => Object.assign(step.on, { kind: 'SpiderCoordinator' })],
  ])('%s: refused, in words, nothing sent', async (_, edit) => {
    const home = await fixed();
    // As a user would who knows the format: the journal speaks of the same object.
    edited(home, ({ stages: [{ steps }] }) => edit(steps[1]));
    const journal = join(folderOf(home), 'journal.jsonl');
    const entries = readFileSync(journal, 'utf8').trim().split('\n');
    const bent = entries.map((line) => {
      const { before, after, ...entry } = JSON.parse(line);
      return `${JSON.stringify(entry)}\n`;
    });
    writeFileSync(journal, bent.join(''));
    rmSync(join(folderOf(home), 'journal.length'));
    for (const args of [
      ['undo', '--yes'],
      ['undo', '--dry-run=server'],
    ]) {
      const ran = await run(args, { kubeconfig: through, home });
      expect(ran.code, ran.stderr).toBe(1);
      expect(ran.stderr).toMatch(
        /refusing to run step 2 of run \S+: patch \S+ bare-b( in default)? is not part of any fix of spiderpool\/owner-controller-type/,
      );
    }
    expect((await run(['undo', '--yes'], { kubeconfig, home, env: ZH })).stderr).toContain('的修复。没有发出任何请求');
    expect(writes()).toEqual([]);
    expect(await stage.types()).toEqual(FIXED);
  });
  test('a check that this build does not know: told which build made it', async () => {
    const home = await fixed();
    edited(home, (stored) => Object.assign(stored, { checks: ['spiderpool/forgotten'], tool: 'upgrade-guard 0.0.9' }));
    const ran = await run(['undo', '--yes'], { kubeconfig, home });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('this version of upgrade-guard has no check spiderpool/forgotten');
    expect(ran.stderr).toContain('use the version that started the run: upgrade-guard 0.0.9');
    expect(await stage.types()).toEqual(FIXED);
  });
  test('resumed beside such a check: what is known is done, and the rest is not called repaired', async () => {
    const home = await stoppedAtTheThird();
    edited(home, (stored) => stored.checks.push('spiderpool/forgotten'));
    const ran = await run(['resume', '--yes'], { kubeconfig, home });
    expect(ran.code, ran.stderr).toBe(3);
    expect(ran.stderr).toContain('Not checked again: spiderpool/forgotten (not in this version of upgrade-guard).');
    expect(await stage.types()).toEqual(FIXED);
  });
  test('its words may lie; object and change stand beside them', async () => {
    const home = await fixed();
    edited(home, ({ stages: [{ steps }] }) => Object.assign(steps[0].text, { en: 'nothing at all', zh: '什么也不做' }));
    for (const env of [{}, ZH]) {
      const { stderr } = await run(['undo'], { kubeconfig, home, env });
      for (const name of ['bare-a', 'bare-b', 'bare-c'])
        expect(stderr).toContain(`SpiderEndpoint default/${name} /status/ownerControllerType: Pod → None`);
    }
  });
  test('a step that resume would do is held to the same', async () => {
    const home = await stoppedAtTheThird();
    edited(home, ({ stages: [{ steps }] }) =>
      Object.assign(steps[2], {
        do: 'delete',
        changes: undefined,
        subresource: undefined,
        on: { apiVersion: 'v1', kind: 'Node', name: 'n1' },
      }),
    );
    const ran = await run(['resume', '--yes'], { kubeconfig, home });
    expect([ran.code, ran.stderr]).toEqual([1, expect.stringContaining('damaged')]);
    const journal = join(folderOf(home), 'journal.jsonl');
    const lines = readFileSync(journal, 'utf8').split('\n');
    writeFileSync(
      journal,
      lines.map((line) => line.replace(/"before":.*$/, (found) => (line.includes('bare-c') ? '"at":""}' : found))).join('\n'),
    );
    rmSync(join(folderOf(home), 'journal.length'));
    const again = await run(['resume', '--yes'], { kubeconfig, home });
    expect([again.code, again.stderr]).toEqual([1, expect.stringMatching(/step 3 of run \S+: delete nodes n1 is not part of any fix of/)]);
  });
});

describe('a run that was damaged', () => {
  const cuts: [string, (journal: string) => void][] = [
    ['emptied', (journal) => writeFileSync(journal, '')],
    ['lost', (journal) => rmSync(journal)],
    ['cut in the middle', (journal) => writeFileSync(journal, readFileSync(journal).subarray(0, 900))],
    [
      'short of a line',
      (journal) => {
        const lines = readFileSync(journal, 'utf8').split('\n');
        writeFileSync(journal, lines.toSpliced(3, 1).join('\n'));
      },
    ],
  ];
  test.each(cuts)('journal %s: said, and nothing half done', async (_, damage) => {
    const home = await fixed();
    damage(join(folderOf(home), 'journal.jsonl'));
    for (const args of [
      ['undo', '--yes'],
      ['undo', idOf(home), '--yes'],
      ['resume', '--yes'],
    ]) {
      const ran = await run(args, { kubeconfig: through, home });
      expect(ran.code, args.join(' ')).toBe(1);
      expect(ran.stderr).toContain('damaged');
      expect((await run(args, { kubeconfig: through, home, env: ZH })).stderr).toContain('文件已损坏');
    }
    expect((await run(['runs'], { kubeconfig, home })).stderr).toContain(`run ${idOf(home)} cannot be read`);
    expect(writes()).toEqual([]);
    expect(await stage.types()).toEqual(FIXED);
  });
  test('journal cut, and its length lost: that entries may be missing is said', async () => {
    const home = await fixed();
    const journal = join(folderOf(home), 'journal.jsonl');
    writeFileSync(journal, `${readFileSync(journal, 'utf8').split('\n')[0]}\n`);
    rmSync(join(folderOf(home), 'journal.length'));
    const id = idOf(home);
    for (const args of [['runs'], ['runs', id], ['undo', '--yes'], ['undo', id, '--dry-run=client']]) {
      const { stderr } = await run(args, { kubeconfig, home });
      expect(stderr.split(`warning: run ${id}: journal.length is missing, so the journal may be truncated`), args.join(' ')).toHaveLength(
        2,
      );
      expect((await run(args, { kubeconfig, home, env: ZH })).stderr).toContain(`警告：运行 ${id} 缺少 journal.length，运行日志可能不完整`);
    }
    expect((await run(['resume', '--yes'], { kubeconfig, home })).stderr).toContain(
      'journal.length is missing, so the journal may be truncated',
    );
    expect(await stage.types()).toEqual(FIXED);
  });
  test('a torn last line is none: what was acknowledged is undone', async () => {
    const home = await fixed();
    const journal = join(folderOf(home), 'journal.jsonl');
    writeFileSync(journal, `${readFileSync(journal, 'utf8')}{"n":99,"at":"20`);
    const ran = await run(['undo', '--yes'], { kubeconfig, home });
    expect(ran.code, ran.stderr).toBe(0);
    expect(await stage.types()).toEqual(BROKEN);
  });
  test('a link, and a file, where a folder should be: named', async () => {
    const home = await fixed();
    const folder = folderOf(home);
    renameSync(folder, join(home, 'elsewhere'));
    symlinkSync(join(home, 'elsewhere'), folder);
    writeFileSync(join(folder, '..', 'note'), '');
    const { code, stderr } = await run(['undo', '--yes'], { kubeconfig, home });
    expect(code).toBe(1);
    expect(stderr).toMatch(/cannot be read: .*or a symbolic link/);
    expect(stderr).toMatch(/run note cannot be read: .*it is a file/);
    expect((await run(['runs'], { kubeconfig, home, env: ZH })).stderr).toMatch(/无法读取运行 note：.*却是一个文件/);
    expect(await stage.types()).toEqual(FIXED);
  });
});

describe('a run that was killed before it changed anything', () => {
  test('undo closes it, and another may begin', async () => {
    const home = newHome();
    let leased = false;
    const begun = start(['fix', CHECK, '--yes'], { kubeconfig: through, home, input: '' });
    const where = ({ method, path }: Seen) => {
      leased ||= method === 'POST' && path.includes('/leases');
      return leased && method === 'GET' && /spiderendpoints\/bare-/.test(path);
    };
    proxy.faults.push({ do: 'hold', where, andThen: begun.kill } as Fault);
    expect((await begun.ended).signal).toBe('SIGKILL');
    proxy.faults.length = 0;
    const id = idOf(home);
    const refused = await run(['fix', CHECK, '--yes'], { kubeconfig, home });
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining(`or undo: upgrade-guard undo ${id}`)]);
    expect((await run(['undo', id, '--dry-run=client'], { kubeconfig, home })).stderr).toContain('undo would only close it');
    expect(refused.stderr).toContain('is unfinished; it has changed nothing yet');
    for (const args of [[], [id]])
      expect((await run(['runs', ...args], { kubeconfig, home })).stdout).toContain('unfinished, nothing changed');
    const closed = await run(['undo', id], { kubeconfig, home });
    expect([closed.code, closed.stderr]).toEqual([0, `Run ${id} has changed nothing; closed now.\n`]);
    expect((await run(['runs'], { kubeconfig, home })).stdout).toContain('changed nothing');
    expect(await stage.lease()).toBeUndefined();
    expect(await stage.types()).toEqual(BROKEN);
    const ran = await run(['fix', CHECK, '--yes'], { kubeconfig, home });
    expect(ran.code, ran.stderr).toBe(0);
  });
});

describe('--dry-run', () => {
  const kept = (home: string) => ['run.json', 'journal.jsonl'].map((name) => readFileSync(join(folderOf(home), name), 'utf8'));

  test.each(['client', 'server'])('undo --dry-run=%s shows each step and changes nothing', async (how) => {
    const home = await fixed();
    const before = { stored: kept(home), state: await stage.state() };
    for (const [env, words] of [
      [{}, ['3 steps', 'undo: ']],
      [ZH, ['共 3 步', '撤销：']],
    ] as const) {
      const ran = await run(['undo', `--dry-run=${how}`], { kubeconfig: through, home, env });
      expect(ran.code, ran.stderr).toBe(0);
      for (const word of [...words, '/status/ownerControllerType: Pod → None']) expect(ran.stdout).toContain(word);
      expect(ran.stdout.includes(env === ZH ? 'API 服务器接受了全部写操作' : 'accepted all writes')).toBe(how === 'server');
      // What of a run no dry run can try.
      const untried =
        env === ZH ? '未试运行：正式执行时先于各步骤发送的权限检查' : 'Not tried: what a run sends before its steps, a permission check';
      expect(ran.stdout.includes(untried)).toBe(how === 'server');
    }
    expect(writes().map(({ path }) => path.includes('dryRun=All'))).toEqual(how === 'server' ? new Array(6).fill(true) : []);
    expect({ stored: kept(home), state: await stage.state() }).toEqual(before);
    const none = { kubeconfig, home };
    expect((await run(['undo', '--yes'], none)).code).toBe(0);
    const nothing = await run(['undo', `--dry-run=${how}`], none);
    expect([nothing.code, nothing.stderr]).toEqual([0, expect.stringContaining('Nothing to undo')]);
  });

  test.each(['client', 'server'])('resume --dry-run=%s shows what is left, and leaves the Lease as it is', async (how) => {
    const home = await stoppedAtTheThird();
    expect((await run(['check'], { kubeconfig, home })).stdout).toContain(`Next: upgrade-guard resume ${idOf(home)}\n`);
    const before = { stored: kept(home), state: await stage.state(), lease: await stage.lease() };
    proxy.seen.length = 0;
    const ran = await run(['resume', `--dry-run=${how}`], { kubeconfig: through, home });
    expect(ran.code, ran.stderr).toBe(0);
    // Of three that are sent together the second is not always sent yet when the third is refused.
    expect(ran.stdout).toMatch(/^(?:1 step|2 steps) +UNDO\n/);
    expect(ran.stdout).toContain('SpiderEndpoint default/bare-c /status/ownerControllerType: None → Pod');
    expect(ran.stdout.includes('✓ 3. ')).toBe(how === 'server');
    expect(writes().every(({ path }) => path.includes('dryRun=All'))).toBe(true);
    expect({ stored: kept(home), state: await stage.state(), lease: await stage.lease() }).toEqual(before);
    expect((await run(['resume', '--yes'], { kubeconfig, home })).code).toBe(0);
  });

  test('what the server would refuse, or what a user has moved, is said', async () => {
    const home = await fixed();
    refuse(/bare-a/);
    await cluster.request('PATCH', '/apis/spiderpool.spidernet.io/v2beta1/namespaces/default/spiderendpoints/bare-b', {
      status: { ownerControllerType: 'Job' },
    });
    const ran = await run(['undo', '--dry-run=server'], { kubeconfig: through, home });
    expect(ran.code, ran.stderr).toBe(1);
    expect(ran.stdout).toMatch(/bare-a.*refused: not today/);
    expect(ran.stdout).toMatch(/bare-b.*left unchanged/);
    expect(ran.stdout).toContain('the API server rejected');
  });

  test('undo restores only the fields of the run: one that has changed since is listed and left, other fields of an object stay', async () => {
    const home = await fixed();
    const at = (name: string) => `/apis/spiderpool.spidernet.io/v2beta1/namespaces/default/spiderendpoints/${name}`;
    await cluster.request('PATCH', at('bare-b'), { status: { ownerControllerType: 'Job' } });
    await cluster.request('PATCH', at('bare-c'), { metadata: { annotations: { 'example.com/by': 'a-user' } } });
    const undone = await run(['undo', '--yes'], { kubeconfig, home });
    expect(undone.code, undone.stderr).toBe(4);
    const left = `${undone.stdout}${undone.stderr}`.split('\n').filter((line) => line.includes('left unchanged'));
    expect(left).toEqual([expect.stringContaining('bare-b'), expect.stringContaining('1 left unchanged')]);
    expect(await stage.types()).toEqual(['None', 'Job', 'None']);
    const { body } = await cluster.request('GET', at('bare-c'));
    expect(body.metadata.annotations).toEqual({ 'example.com/by': 'a-user' });
    await cluster.request('PATCH', at('bare-c'), { metadata: { annotations: null } });
  });
});

describe('an undo that fails', () => {
  test('offers to be repeated, never to resume; so does the next command', async () => {
    const home = await fixed();
    refuse(/bare-b/);
    const failed = await run(['undo', '--yes'], { kubeconfig: through, home });
    expect(failed.code, failed.stderr).toBe(4);
    expect(failed.stderr).toContain(`Next: upgrade-guard undo ${idOf(home)} --yes\n`);
    expect(failed.stderr).not.toContain('resume');
    // Whether or not it would find anything to fix.
    const others = [CHECK, 'spiderpool/duplicate-pod-ip'].map((check) => ['fix', check, '--yes']);
    for (const args of [['runs'], ['check', CHECK], ...others]) {
      const { stdout, stderr } = await run(args, { kubeconfig, home });
      expect(stderr, args[0]).toContain(`finish the undo: upgrade-guard undo ${idOf(home)}`);
      expect(stderr, args[0]).not.toMatch(/resume|Nothing to fix/);
      if (args[0] === 'check') expect(stdout).toContain(`Next: upgrade-guard undo ${idOf(home)}\n`);
    }
    expect((await run(['undo', '--yes'], { kubeconfig, home })).code).toBe(0);
    expect(await stage.types()).toEqual(BROKEN);
  });
  test('a disk that fills up in the middle: the same', async () => {
    const home = await fixed();
    proxy.faults.push({ method: 'PATCH', do: 'delay', ms: 1500, times: 3 });
    const { child, ended } = start(['undo', '--yes'], { kubeconfig: through, home, input: '' });
    while (!proxy.seen.some(({ method }) => method === 'PATCH')) await new Promise((resolve) => setTimeout(resolve, 20));
    execFileSync('prlimit', ['--pid', String(child.pid), '--fsize=1']);
    const { code, stderr } = await ended;
    expect(code, stderr).toBe(4);
    expect(stderr).toContain(`finish the undo: upgrade-guard undo ${idOf(home)}`);
    expect(stderr).not.toContain('resume');
    expect((await run(['undo', '--yes'], { kubeconfig, home })).code).toBe(0);
    expect(await stage.types()).toEqual(BROKEN);
  });
  test('what it left can be tried again, and that is said', async () => {
    const home = await fixed();
    const path = '/apis/spiderpool.spidernet.io/v2beta1/namespaces/default/spiderendpoints/bare-b';
    await cluster.request('PATCH', path, { status: { ownerControllerType: 'Job' } });
    const left = await run(['undo', '--yes'], { kubeconfig, home });
    expect(left.code).toBe(4);
    expect(left.stderr).toContain(`To retry the remaining steps: upgrade-guard undo ${idOf(home)} --yes`);
    await cluster.request('PATCH', path, { status: { ownerControllerType: 'Pod' } });
    expect((await run(['undo', '--yes'], { kubeconfig, home })).code).toBe(0);
    expect(await stage.types()).toEqual(BROKEN);
  });
});

test('while the API server is away, as when its control plane is upgraded, runs shows what this machine recorded of it; undo is refused', async () => {
  const home = newHome();
  const own = await startFaultProxy(cluster);
  const there = await own.kubeconfigFrom(kubeconfig);
  expect((await run(['fix', CHECK, '--yes'], { kubeconfig: there, home })).code).toBe(0);
  await own.close();
  const list = await run(['runs'], { kubeconfig: there, home });
  expect([list.code, list.stdout], list.stderr).toEqual([0, expect.stringMatching(new RegExp(`^${idOf(home)} .*finished +3/3 `, 'm'))]);
  expect(list.stderr).toMatch(/^warning: connecting to http\S+ .*: connection refused; the runs below are as this machine recorded them$/m);
  const one = await run(['runs', idOf(home), '--lang', 'zh'], { kubeconfig: there, home });
  expect([one.code, one.stdout, one.stderr]).toEqual([
    0,
    expect.stringContaining('bare-a'),
    expect.stringContaining('以下为本机记录的运行'),
  ]);
  expect((await run(['undo', '--yes'], { kubeconfig: there, home })).code).toBe(1);
  // Without runs of it, it is the error that it was.
  expect(await run(['runs'], { kubeconfig: there, home: newHome() })).toMatchObject({
    ...{ code: 1, stdout: '', stderr: expect.stringMatching(/^error: connecting to/) },
  });
});
