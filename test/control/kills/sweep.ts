// Kills, for any remedy: SIGKILL at a write of a command, with the request held, forwarded but unanswered, or answered; then resume or undo.
// Both must end right, with the Lease gone, and once more there is nothing left to do. A remedy is rehearsed, carried out, undone, and killed at one place, which
// rotates from remedy to remedy; writes that stand for their kind (kinds.ts) are killed at every place. `npm run test:sweep` kills at every place of every write.
// Cells follow the writes that a scene declares; an undisturbed run must come to exactly those.
// A PUT of the Lease is a place only where a scene declares it (a killed run takes its own over): renewals, every 10 s, depend on the clock.
import { createHash } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { newHome, type Ran, run, start } from '../../bed/binary.ts';
import { type Fault, isWrite, type Seen, startFaultProxy } from '../../bed/fault-proxy.ts';
import type { Bed } from '../../bed/index.ts';
import { LEASE } from '../scene.ts';
import { STANDS, type Stand } from './kinds.ts';
import { isLeft, SWEEPING, tell } from './told.ts';

/** Another seed, other places. */
const SEED = process.env.UPGRADE_GUARD_TEST_SEED ?? '';

const PLACES = ['hold', 'forward-unanswered', 'answer-then'] as const;
export type Place = (typeof PLACES)[number];
export type Ending = 'resume' | 'undo';
/** What was killed where, and how it ended. */
export interface Cell {
  /** The remedy. */
  name: string;
  command: string;
  /** `METHOD resource/subresource #nth`. */
  write: string;
  place: Place;
  ending: Ending;
}

interface Scene<State> {
  name: string;
  /** Brings the scene back to its start; the Lease is taken away before. */
  reset(): Promise<void>;
  /** What an undo must bring back; taken before `home`. */
  state(): Promise<State>;
  /** The finding is gone. */
  fixed(before: State): Promise<void>;
  /** Everything that was promised exact is exactly as before, and so is everything else that no write reached. `reached`: the writes that came to the server. */
  undone(before: State, reached: readonly string[]): Promise<void>;
}
/** A fix and its undo, each killed. */
export interface Remedy<State> extends Scene<State> {
  fix: string[];
  /** Its writes when nothing disturbs it, as `METHOD resource/subresource`, in any order. */
  writes: string[];
  /** Those of the undo of a whole fix. */
  undoWrites: string[];
}
/** One command, killed. */
export interface Swept<State> extends Scene<State> {
  command: string[];
  writes: string[];
  /** How it can be ended. */
  endings: Ending[];
  /** A home with what must have happened before the command. */
  home(): Promise<string>;
}

/** `unknown`: where some check cannot run, which an upgrade says at its end (exit 3). */
export async function sweeper(cluster: Pick<Bed, 'server' | 'folder' | 'kubeconfig' | 'request'>, { unknown = false } = {}) {
  const proxy = await startFaultProxy(cluster);
  const kubeconfig = await proxy.kubeconfigFrom(cluster.kubeconfig);
  afterAll(() => proxy.close());
  const freshly = async () => {
    proxy.faults.length = 0;
    proxy.seen.length = 0;
    await cluster.request('DELETE', LEASE);
  };
  /** Since the case began. */
  const writesSeen = () => proxy.seen.flatMap((request) => nameOf(request) ?? []);
  const call = async (command: string[], home: string): Promise<Ran> => {
    const ran = await run([...command, '--yes'], { kubeconfig, home });
    expect(unknown ? [0, 3] : [0], `${command.join(' ')}: ${ran.stdout}${ran.stderr}`).toContain(ran.code);
    return ran;
  };
  /** The writes of an undisturbed command are those that its scene declares. */
  async function observed(command: string[], home: string, writes: string[]): Promise<string[]> {
    const earlier = writesSeen().length;
    await call(command, home);
    const made = writesSeen().slice(earlier);
    const counts = (write: string) => write !== RENEWAL || writes.includes(RENEWAL);
    expect(made.filter(counts).toSorted()).toEqual(writes.toSorted());
    return made;
  }

  /** Runs a command that is killed at the nth write of a kind. */
  async function killedAt(
    command: string[],
    { write, nth }: { write: string; nth: number },
    place: Place,
    home: string,
    env: Record<string, string> = {},
  ): Promise<void> {
    const started = start([...command, '--yes'], { kubeconfig, home, input: '', env });
    proxy.faults.push({ do: place, where: (request) => nameOf(request) === write, nth, andThen: started.kill } as Fault);
    const { signal, code, stdout, stderr } = await started.ended;
    expect({ signal, code }, stdout + stderr).toEqual({ signal: 'SIGKILL', code: null });
    proxy.faults.length = 0;
  }

  async function nothingLeft(command: string[], home: string): Promise<void> {
    expect((await cluster.request('GET', LEASE)).status, 'the Lease is gone').toBe(404);
    const before = writesSeen().length;
    const { stdout, stderr } = await call(command, home);
    expect(stdout + stderr).toMatch(/Nothing (?:is left to do|to undo)/);
    expect(writesSeen().slice(before)).toEqual([]);
  }

  async function killed<State>(
    scene: Scene<State>,
    command: string[],
    home: () => Promise<string>,
    { write, place, ending }: Cell,
  ): Promise<void> {
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
  }

  function kills<State>(scene: Scene<State>, command: string[], home: () => Promise<string>, cells: Cell[]): void {
    test.each(cells)('$command killed at $write, $place, then $ending', async (cell) => {
      await killed(scene, command, home, cell);
      tell(cell);
    });
  }

  return {
    killedAt,
    remedy<State>({ fix, writes, undoWrites, ...scene }: Remedy<State>): void {
      describe(scene.name, () => {
        beforeEach(async () => {
          await freshly();
          await scene.reset();
        });
        test('rehearsed, carried out, and undone', async () => {
          const before = await scene.state();
          const home = newHome();
          const rehearsed = await run([...fix, '--rehearse'], { kubeconfig, home });
          expect(rehearsed.code, `${rehearsed.stdout}${rehearsed.stderr}`).toBe(0);
          expect(writesSeen()).toEqual([]);
          const tried = await run([...fix, '--dry-run=server'], { kubeconfig, home });
          expect(tried.code, `${tried.stdout}${tried.stderr}`).toBe(0);
          // A DELETE says it in its body; that nothing went is seen below.
          const sent = proxy.seen.filter((request) => isWrite(request) && request.method !== 'DELETE');
          expect(sent.filter(({ path }) => !path.includes('dryRun=All'))).toEqual([]);
          expect(await scene.state()).toEqual(before);
          const done = await observed(fix, home, writes);
          await scene.fixed(before);
          const undone = await observed(['undo'], home, undoWrites);
          await scene.undone(before, [...done, ...undone]);
        });
        const fixCells = cellsOf(scene.name, 'fix', writes, ['resume', 'undo']);
        const undoCells = cellsOf(scene.name, 'undo', undoWrites, ['undo']);
        const chosen = choice([...fixCells, ...undoCells]);
        const fixed = async () => {
          const home = newHome();
          await call(fix, home);
          return home;
        };
        kills(scene, fix, async () => newHome(), fixCells.filter(chosen));
        kills(scene, ['undo'], fixed, undoCells.filter(chosen));
      });
    },
    sweep<State>({ command, writes, endings, home, ...scene }: Swept<State>): void {
      describe(scene.name, () => {
        beforeEach(async () => {
          await freshly();
          await scene.reset();
        });
        test('undisturbed', async () => {
          const before = await scene.state();
          await observed(command, await home(), writes);
          await scene.fixed(before);
        });
        const cells = cellsOf(scene.name, command[0]!, writes, endings);
        kills(scene, command, home, cells.filter(choice(cells)));
      });
    },
  };
}

function cellsOf(name: string, command: string, writes: readonly string[], endings: Ending[]): Cell[] {
  return numbered(writes).flatMap((write) => PLACES.flatMap((place) => endings.map((ending) => ({ name, command, write, place, ending }))));
}

/** Of a remedy's cells: one, chosen by its name, and all of those that stand for a kind; in a sweep all. */
function choice(cells: Cell[]): (cell: Cell) => boolean {
  const [{ name } = { name: '' }] = cells;
  const stands = STANDS.filter(({ remedy }) => remedy === name);
  const isAt = (cell: Cell) => (stand: Stand) => stand.command === cell.command && stand.write === cell.write;
  const lost = stands.find((stand) => !cells.some((cell) => isAt(cell)(stand)));
  if (lost) throw new Error(`kinds.ts: ${name} has no ${lost.write} in its ${lost.command}`);
  const turn = createHash('sha256').update(`${name} ${SEED}`).digest().readUInt32BE() % cells.length;
  if (SWEEPING) return isLeft;
  return (cell) => stands.some(isAt(cell)) || (stands.length === 0 && cell === cells[turn]);
}

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
function nameOf(request: Seen): string | undefined {
  if (!isWrite(request)) return undefined;
  const { method, path } = request;
  const parts = path.split('?')[0]!.split('/').slice(1);
  const below = parts.slice(parts[0] === 'api' ? 2 : 3);
  const [resource, , subresource] = below[0] === 'namespaces' && below.length > 2 ? below.slice(2) : below;
  return `${method} ${resource}${subresource ? `/${subresource}` : ''}`;
}
