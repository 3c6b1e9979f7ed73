// No command waits without saying so: what is waited for is said, on a terminal in the line that is drawn over, else once; and -v says what is done.
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BINARY, newHome, type Ran, run, start } from '../bed/binary.ts';
import { type Fault, type FaultProxy, type Seen, startFaultProxy } from '../bed/fault-proxy.ts';
import { bed } from '../bed/index.ts';
import { CHECK, scene } from './scene.ts';

const cluster = bed();
const stage = await scene(cluster);
let proxy: FaultProxy;
let kubeconfig: string;
beforeAll(async () => {
  proxy = await startFaultProxy(cluster);
  kubeconfig = await proxy.kubeconfigFrom(cluster.kubeconfig);
});
afterAll(() => proxy.close());

const list = { method: 'GET', path: /spiderendpoints\?/ };
const busy = (seconds = 7): Fault => ({ do: 'answer', status: 429, headers: { 'retry-after': `${seconds}` }, ...list });
// A new one for each test: a fault counts how often it happened.
const slow = (ms = 7_000): Fault => ({ do: 'delay', ms, ...list });
const check = (...flags: string[]) => run(['check', CHECK, '-o', 'json', ...flags], { kubeconfig });

/** Looks only, through a proxy of its own that does this to the list: so these wait at the same time. */
async function looking(fault: Fault, look: (kubeconfig: string) => Promise<Ran>): Promise<Ran> {
  const own = await startFaultProxy(cluster);
  try {
    own.faults.push(fault);
    return await look(await own.kubeconfigFrom(cluster.kubeconfig));
  } finally {
    await own.close();
  }
}
const checked =
  (...flags: string[]) =>
  (from: string) =>
    run(['check', CHECK, '-o', 'json', ...flags], { kubeconfig: from });

describe.concurrent('what is waited for', () => {
  test('without a terminal, one line once a wait is long: a server that asks to wait', async ({ expect }) => {
    const { code, stdout, stderr } = await looking(busy(), checked());
    expect(stderr).toMatch(
      /^waiting for \d s: the API server https:\/\/\S+ asks to wait 7 s \(429\)\nhttps:\/\/\S+ answers again, after \d+ s\n$/,
    );
    expect([code, JSON.parse(stdout).complete]).toEqual([0, true]);
  });
  test('a request without an answer', async ({ expect }) => {
    const { code, stderr } = await looking(slow(), checked('--lang', 'zh'));
    expect(stderr).toMatch(/^已等待 \d 秒：https:\/\/\S+ 尚未应答 GET \/apis\/\S+spiderendpoints\?limit=500\n$/);
    expect(code).toBe(0);
  });
  test('a short wait is not worth a word', async ({ expect }) => {
    expect((await looking(slow(2_000), checked())).stderr).toBe('');
  });
  test('on a terminal the progress says what is waited for, and how long', async ({ expect }) => {
    if (spawnSync('script', ['--version']).status !== 0) return expect(process.platform).not.toBe('linux');
    const command = `stty cols 150; ${BINARY} check ${CHECK} >/dev/null`;
    const ended = await looking(
      slow(9_000),
      (from) => start(['-qec', command, '/dev/null'], { binary: 'script', kubeconfig: from, env: { TERM: 'xterm' } }).ended,
    );
    expect(ended.stdout).toMatch(/waiting for [56] s: no answer yet from https:\/\/\S+ to GET \/apis\/\S+/);
    expect(ended.stdout).toMatch(/waiting for 7 s: /);
  });
});

test('a connection that is lost in the middle of a repair, and comes back', async () => {
  let lost = false;
  const where = ({ method }: Seen) => {
    lost ||= method === 'PATCH';
    return lost;
  };
  proxy.faults.push({ do: 'cut', path: /spiderendpoints/, where, times: 20 });
  const { code, stderr } = await run(['fix', CHECK, '--yes'], { kubeconfig, home: newHome() });
  expect(stderr).toMatch(/waiting for [5-9] s: no connection to https:\/\/\S+, trying again: \S.*\n/);
  expect(stderr).toMatch(/answers again, after \d+ s\n/);
  expect([code, await stage.types()]).toEqual([0, ['Pod', 'Pod', 'Pod']]);
});

describe('-v', () => {
  beforeEach(() => void proxy.faults.splice(0));
  test('6: a line for each request, with its status and time, and nothing secret', async () => {
    proxy.seen.length = 0;
    const { stderr } = await check('-v', '6');
    const lines = stderr.split('\n').filter((line) => / (GET|POST) /.test(line));
    expect(lines).toHaveLength(proxy.seen.length);
    for (const line of lines) expect(line).toMatch(/^\d\d:\d\d:\d\d\.\d{3} GET https:\/\/127\.0\.0\.1:\d+\/\S+ (200|404) in \d+ ms$/);
    expect(stderr.toLowerCase()).not.toMatch(/authorization|bearer|"kind"/);
  });
  test('1: what is done, and what is tried again; 2: also the pages', async () => {
    proxy.faults.push(busy(1));
    const { stderr } = await check('-v', '1');
    expect(stderr).toContain('Checking spiderendpoints.spiderpool.spidernet.io...');
    expect(stderr).toMatch(/GET https:\/\/\S+spiderendpoints\?limit=500: 429; again in 1 s/);
    expect(stderr).not.toContain('page 1');
    expect((await check('-v', '2', '--lang', 'zh')).stderr).toContain('spiderendpoints.spiderpool.spidernet.io：第 1 页，4 个对象');
  });
});
