// The kill sweep: SIGKILL at every write of a fix, with the request held, forwarded but unanswered, or answered; then resume or undo. Both must end right.
// And SIGKILL at every write of an undo, after which undo is repeated. On the oldest Kubernetes one kill per remedy, on the newest all.
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { newHome, run, start } from '../bed/binary.ts';
import { type Fault, startFaultProxy } from '../bed/fault-proxy.ts';
import { bed } from '../bed/index.ts';
import { CHECK, scene } from './scene.ts';

const cluster = bed();
const stage = await scene(cluster);
const proxy = await startFaultProxy(cluster);
const through = await proxy.kubeconfigFrom(cluster.kubeconfig);
const whole = cluster.version === '1.37';

const PLACES = ['hold', 'forward-unanswered', 'answer-then'] as const;
const isWrite = ({ method }: { method: string }) => method !== 'GET';

beforeEach(async () => {
  proxy.faults.length = 0;
  proxy.seen.length = 0;
  await stage.reset();
});
afterAll(() => proxy.close());

/** The writes of one undisturbed command, as `METHOD what`; their number is what the sweep goes over. */
async function writesOf(command: string[], home: string): Promise<string[]> {
  proxy.seen.length = 0;
  const ran = await run(command, { kubeconfig: through, home });
  expect(ran.code, ran.stderr).toBe(0);
  return proxy.seen.filter(isWrite).map(({ method, path }) => `${method} ${path.split('?')[0]!.split('/').at(-1)}`);
}

/** Runs a command that is killed at its nth write. */
async function killedAt(command: string[], nth: number, place: Fault['do'], home: string): Promise<void> {
  proxy.faults.length = 0;
  const started = start(command, { kubeconfig: through, home, input: '' });
  proxy.faults.push({ do: place, where: isWrite, nth, andThen: started.kill } as Fault);
  const { signal, code, stderr } = await started.ended;
  expect({ signal, code }, stderr).toEqual({ signal: 'SIGKILL', code: null });
  proxy.faults.length = 0;
}

async function nothingLeft(command: string[], home: string): Promise<void> {
  expect(await stage.lease()).toBeUndefined();
  proxy.seen.length = 0;
  const again = await run(command, { kubeconfig: through, home });
  expect(again.code, again.stderr).toBe(0);
  expect(proxy.seen.filter(isWrite)).toEqual([]);
}

const told: string[] = [];
let swept = 0;
const tell = (write: string, place: string, ending: string) => told.push(`${write.padEnd(24)} ${place.padEnd(20)} ${ending}`);
afterAll(() => console.log([`kill sweep on ${cluster.version}: write × place × ending`, ...told].join('\n')));

describe('a killed fix', async () => {
  await stage.reset();
  const writes = await writesOf(['fix', CHECK, '--yes'], newHome());
  test('writes its Lease, one patch per object, and takes the Lease away', () => {
    expect(writes).toEqual(
      ['POST leases', 'PATCH bare-a', 'PATCH bare-b', 'PATCH bare-c', 'DELETE upgrade-guard'].map((write) =>
        expect.stringMatching(write.replace(/bare-./, 'bare-.')),
      ),
    );
  });
  const kills = writes.flatMap((write, i) =>
    PLACES.flatMap((place) => ['resume', 'undo'].map((ending) => ({ write, nth: i + 1, place, ending }))),
  );
  const chosen = whole ? kills : kills.filter(({ nth, place }) => nth === 2 && place === 'forward-unanswered');
  swept += chosen.length;
  test.each(chosen)('at $nth: $write, $place, then $ending', async ({ write, nth, place, ending }) => {
    const home = newHome();
    const before = await stage.state();
    await killedAt(['fix', CHECK, '--yes'], nth, place, home);
    const ended = await run([ending, '--yes'], { kubeconfig: through, home });
    expect(ended.code, ended.stderr).toBe(0);
    if (ending === 'undo') expect(await stage.state()).toEqual(before);
    else expect(await stage.types()).toEqual(['Pod', 'Pod', 'Pod']);
    await nothingLeft([ending, '--yes'], home);
    if (ending === 'resume') {
      const undone = await run(['undo', '--yes'], { kubeconfig: through, home });
      expect(undone.code, undone.stderr).toBe(0);
      expect(await stage.state()).toEqual(before);
    }
    tell(write, place, ending);
  });
});

describe('a killed undo', async () => {
  await stage.reset();
  const first = newHome();
  await run(['fix', CHECK, '--yes'], { kubeconfig: through, home: first });
  const writes = await writesOf(['undo', '--yes'], first);
  const kills = writes.flatMap((write, i) => PLACES.map((place) => ({ write, nth: i + 1, place })));
  const chosen = whole ? kills : kills.filter(({ nth, place }) => nth === 2 && place === 'forward-unanswered');
  swept += chosen.length;
  test.each(chosen)('at $nth: $write, $place, repeated', async ({ write, nth, place }) => {
    const home = newHome();
    const before = await stage.state();
    expect((await run(['fix', CHECK, '--yes'], { kubeconfig: through, home })).code).toBe(0);
    await killedAt(['undo', '--yes'], nth, place, home);
    const ended = await run(['undo', '--yes'], { kubeconfig: through, home });
    expect(ended.code, ended.stderr).toBe(0);
    expect(await stage.state()).toEqual(before);
    await nothingLeft(['undo', '--yes'], home);
    tell(write, place, 'undo again');
  });
});

test('every write × place × ending was swept', () => {
  expect(told).toHaveLength(swept);
  // The writes of a fix of three objects, and of its undo: Lease, three patches, Lease.
  if (whole) expect(swept).toBe(5 * PLACES.length * 2 + 5 * PLACES.length);
});
