// The kill sweep, for any remedy: SIGKILL at every write of a command, with the request held, forwarded but unanswered, or answered; then resume or undo.
// Both must end right, with the Lease gone, and once more there is nothing left to do. What was swept is printed: write × place × ending.
// Cases follow the writes that a scene declares; an undisturbed run must come to exactly those, and every cell of what it came to must have been swept.
// A PUT of the Lease is a place only where a scene declares it (a killed run takes its own over): renewals, every 10 s, depend on the clock.
// On the oldest Kubernetes one kill per remedy.
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { newHome, type Ran, run, start } from '../bed/binary.ts';
import { type Fault, type Seen, startFaultProxy } from '../bed/fault-proxy.ts';
import type { Bed } from '../bed/index.ts';
import { LEASE } from './scene.ts';

export const PLACES = ['hold', 'forward-unanswered', 'answer-then'] as const;
export type Place = (typeof PLACES)[number];
export type Ending = 'resume' | 'undo';

export interface Swept<State> {
  name: string;
  /** What is killed: `fix …`, `undo`, `resume`. */
  command: string[];
  /** Its writes when nothing disturbs it, as `METHOD resource/subresource`, in any order. */
  writes: string[];
  /** How it can be ended. */
  endings: Ending[];
  /** Where the oldest Kubernetes is killed, on its way back. */
  oldest: { write: string; ending: Ending };
  /** Brings the scene back to its start; the Lease is taken away before. */
  reset(): Promise<void>;
  /** A home with what must have happened before the command; by default an empty one. */
  home?(): Promise<string>;
  /** What an undo must bring back; taken before `home`. */
  state(): Promise<State>;
  /** The finding is gone. */
  fixed(before: State): Promise<void>;
  /** Everything that was promised exact is exactly as before, and so is everything else that no write reached. `reached`: the writes that came to the server. */
  undone(before: State, reached: readonly string[]): Promise<void>;
}
/** A fix and its undo, each killed. */
export type Remedy<State> = Omit<Swept<State>, 'command' | 'endings' | 'home' | 'oldest'> & {
  fix: string[];
  /** Writes of the undo of a whole fix. */
  undoWrites: string[];
  /** Where the oldest Kubernetes is killed. */
  oldest: string;
};

export async function sweeper(cluster: Bed) {
  const proxy = await startFaultProxy(cluster);
  const kubeconfig = await proxy.kubeconfigFrom(cluster.kubeconfig);
  const whole = cluster.version === '1.37';
  const told: string[] = [];
  afterAll(async () => {
    console.log([`kill sweep on ${cluster.version}: write × place × ending`, ...told].join('\n'));
    await proxy.close();
  });
  const freshly = async () => {
    proxy.faults.length = 0;
    proxy.seen.length = 0;
    await cluster.request('DELETE', LEASE);
  };
  /** Since the case began. */
  const writesSeen = () => proxy.seen.flatMap((request) => nameOf(request) ?? []);
  const call = async (command: string[], home: string): Promise<Ran> => {
    const ran = await run([...command, '--yes'], { kubeconfig, home });
    expect(ran.code, `${command.join(' ')}: ${ran.stdout}${ran.stderr}`).toBe(0);
    return ran;
  };

  /** Runs a command that is killed at the nth write of a kind. */
  async function killedAt(command: string[], { write, nth }: { write: string; nth: number }, place: Place, home: string): Promise<void> {
    const started = start([...command, '--yes'], { kubeconfig, home, input: '' });
    proxy.faults.push({ do: place, where: (request) => nameOf(request) === write, nth, andThen: started.kill } as Fault);
    const { signal, code, stdout, stderr } = await started.ended;
    expect({ signal, code }, stdout + stderr).toEqual({ signal: 'SIGKILL', code: null });
    proxy.faults.length = 0;
  }

  async function nothingLeft(command: string[], home: string): Promise<void> {
    expect((await cluster.request('GET', LEASE)).status, 'the Lease is gone').toBe(404);
    const before = writesSeen().length;
    const { stdout, stderr } = await call(command, home);
    expect(stdout + stderr).toContain('Nothing is left to');
    expect(writesSeen().slice(before)).toEqual([]);
  }

  function sweep<State>({ name, command, writes, endings, oldest, ...scene }: Swept<State>): void {
    describe(name, () => {
      beforeEach(async () => {
        await freshly();
        await scene.reset();
      });
      const home = scene.home ?? (async () => newHome());
      const swept = new Set<string>();
      let observed: string[] = [];

      test('undisturbed', async () => {
        const before = await scene.state();
        const at = await home();
        const earlier = writesSeen().length;
        await call(command, at);
        const counts = (write: string) => write !== RENEWAL || writes.includes(RENEWAL);
        observed = numbered(writesSeen().slice(earlier).filter(counts));
        expect(observed.toSorted()).toEqual(numbered(writes).toSorted());
        if (command[0] === 'undo') await scene.undone(before, writesSeen());
        else await scene.fixed(before);
      });

      const cells = numbered(writes).flatMap((write) => PLACES.flatMap((place) => endings.map((ending) => ({ write, place, ending }))));
      const chosen = whole
        ? cells
        : cells.filter(
            (cell) => cell.place === 'forward-unanswered' && cell.write === `${oldest.write} #1` && cell.ending === oldest.ending,
          );
      test.each(chosen)('$write, $place, then $ending', async ({ write, place, ending }) => {
        const before = await scene.state();
        const at = await home();
        const [kind = '', nth] = write.split(' #');
        const earlier = writesSeen();
        await killedAt(command, { write: kind, nth: Number(nth) }, place, at);
        const begun = writesSeen().slice(earlier.length);
        if (place === 'hold') begun.splice(begun.lastIndexOf(kind), 1);
        const cut = writesSeen().length;
        const reached = () => [...earlier, ...begun, ...writesSeen().slice(cut)];
        await call([ending], at);
        if (ending === 'undo') await scene.undone(before, reached());
        else await scene.fixed(before);
        await nothingLeft([ending], at);
        if (ending === 'resume') {
          await call(['undo'], at);
          await scene.undone(before, reached());
        }
        swept.add(cellOf({ write, place, ending }));
        told.push(`${name.padEnd(46)} ${write.padEnd(32)} ${place.padEnd(20)} ${ending}`);
      });

      test('every write × place × ending was swept', () => {
        expect(chosen.length).toBeGreaterThan(0);
        const due = whole
          ? observed.flatMap((write) => PLACES.flatMap((place) => endings.map((ending) => ({ write, place, ending }))))
          : chosen;
        expect(due.map(cellOf).filter((cell) => !swept.has(cell))).toEqual([]);
      });
    });
  }

  return {
    killedAt,
    sweep,
    /** The fix killed, then ended by resume or undo; and the undo of a whole fix killed, then repeated. */
    remedy<State>({ fix, undoWrites, oldest, ...scene }: Remedy<State>): void {
      sweep({ ...scene, command: fix, endings: ['resume', 'undo'], oldest: { write: oldest, ending: 'resume' } });
      const home = async () => {
        const at = newHome();
        await call(fix, at);
        return at;
      };
      const back = { name: `${scene.name}: its undo`, command: ['undo'], writes: undoWrites, home };
      sweep({ ...scene, ...back, endings: ['undo'], oldest: { write: undoWrites[0]!, ending: 'undo' } });
    },
  };
}

const cellOf = ({ write, place, ending }: { write: string; place: Place; ending: Ending }): string => `${write} ${place} ${ending}`;

/** Each with which of its kind it is: `PATCH nodes #2`. */
function numbered(writes: readonly string[]): string[] {
  const counts = new Map<string, number>();
  return writes.map((write) => {
    const count = (counts.get(write) ?? 0) + 1;
    counts.set(write, count);
    return `${write} #${count}`;
  });
}

const RENEWAL = 'PUT leases';

/** `PATCH spiderippools/status`; undefined: no write. */
function nameOf({ method, path }: Seen): string | undefined {
  if (method === 'GET') return undefined;
  const parts = path.split('?')[0]!.split('/').slice(1);
  const below = parts.slice(parts[0] === 'api' ? 2 : 3);
  const [resource, , subresource] = below[0] === 'namespaces' && below.length > 2 ? below.slice(2) : below;
  return `${method} ${resource}${subresource ? `/${subresource}` : ''}`;
}
