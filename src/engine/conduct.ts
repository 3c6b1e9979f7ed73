// One attempt at a run, in either way: the journal first, then the Lease, then the steps, and both closed behind it in every case.
import { hostname, userInfo } from 'node:os';
import { shellWord } from '../text/shell.ts';
import { EXIT, UserError } from '../text/user-error.ts';
import type {
  ClusterIdentity,
  Direction,
  EndState,
  Held,
  Holder,
  Journal,
  Lock,
  Progress,
  Run,
  RunStore,
  Step,
  StepProgress,
  Text,
  World,
} from './contracts.ts';
import { type Executed, executeRun, executeUndo, type StepOutcome } from './execute.ts';
import type { Person, StepContext } from './performing.ts';
import { noProgress } from './progress.ts';

export interface RunDeps {
  store: RunStore;
  lock: Lock;
  world: World;
  /** Whose Lease may be taken over, `--take-over`. */
  takeOver?: string;
  /** First Ctrl-C: what is in flight ends, nothing further begins. */
  halt: AbortSignal;
  on?(step: Step, outcome: StepOutcome | 'begun'): void;
  person?: Person;
  recheck?: StepContext['recheck'];
  unrepaired?: StepContext['unrepaired'];
  progressed?(step: Step, progress: StepProgress, held?: Text): void;
  waiting?(holder: Holder): void;
}

export interface Attempt extends Executed {
  /** It stopped because the Lease was taken by another or could not be renewed. */
  leaseLost: boolean;
  /** It was through before that could be seen: another run may have written at the same time. */
  leaseGone: boolean;
}

/** Begins a new run. */
export async function begin(run: Run, hands: RunDeps): Promise<Attempt> {
  return attempt(run, noProgress(), 'apply', await hands.store.create(run), hands);
}

/** A run as the store reads it. */
export type OnDisk = NonNullable<Awaited<ReturnType<RunStore['read']>>>;

/** Resumes or undoes a run from what its journal says. */
export async function goOn({ run, progress, end }: OnDisk, direction: Direction, hands: RunDeps): Promise<Attempt> {
  return attempt(run, progress, direction, await hands.store.reopen(run.id, end), hands);
}

async function attempt(run: Run, progress: Progress, direction: Direction, journal: Journal, hands: RunDeps): Promise<Attempt> {
  const note = (more: { is: 'begin'; pid: number } | { is: 'end'; state: EndState }) =>
    journal.append({ at: new Date().toISOString(), direction, ...more });
  const begun = progress.last !== undefined;
  try {
    const held = await acquired(run, hands, async () => {
      if (!begun) await note({ is: 'end', state: 'unchanged' });
    });
    const world = counting(hands.world);
    let state: EndState = begun ? 'stopped' : 'unchanged';
    let done: Omit<Attempt, 'leaseGone'>;
    let ours = true;
    try {
      await note({ is: 'begin', pid: process.pid });
      const halt = AbortSignal.any([hands.halt, held.lost]);
      const executed = await (direction === 'apply' ? executeRun : executeUndo)(run, {
        ...hands,
        world,
        journal,
        progress,
        halt,
      });
      state = executed.state;
      await note({ is: 'end', state });
      done = { ...executed, leaseLost: held.lost.aborted };
    } catch (error) {
      if (!world.writes || !(error instanceof UserError)) throw error;
      state = 'stopped';
      throw new UserError(error.text, goOnOrBack(run.id, direction), EXIT.halfWay); // the journal could not be kept any more
    } finally {
      ours = await held.release(state);
    }
    return { ...done, leaseGone: !ours && !done.leaseLost };
  } finally {
    await journal.close();
  }
}

/** The Lease, or an error; then `refused` first closes the journal of a run that never began. */
async function acquired(run: Run, { lock, takeOver, waiting }: RunDeps, refused: () => Promise<void>): Promise<Held> {
  try {
    const held = await lock.acquire(run.id, { takeOver, waiting });
    if ('who' in held) throw heldBy(held);
    return held;
  } catch (error) {
    await refused();
    throw error;
  }
}

/** The same world, counting what was sent. */
function counting(world: World): World & { readonly writes: number } {
  let writes = 0;
  return {
    ...world,
    write: (...args) => {
      writes++;
      return world.write(...args);
    },
    get writes() {
      return writes;
    },
  };
}

/** What to do about a run, or an undo, that was interrupted: an undo that was begun is ended, never resumed. */
export const goOnOrBack = (id: string, direction: Direction): Text =>
  direction === 'undo'
    ? { en: `finish the undo: {tool} undo ${id}{reach}`, zh: `完成撤销：{tool} undo ${id}{reach}` }
    : {
        en: `resume: {tool} resume ${id}{reach}; or undo: {tool} undo ${id}{reach}`,
        zh: `继续：{tool} resume ${id}{reach}；或撤销：{tool} undo ${id}{reach}`,
      };

function heldBy({ run, who, since, state, stale }: Holder): UserError {
  const how = {
    en: state === 'stopped' ? 'interrupted' : stale ? 'no heartbeat for a minute' : 'running',
    zh: state === 'stopped' ? '已中断' : stale ? '已超过一分钟没有心跳' : '正在运行',
  };
  return new UserError(
    {
      en: `Lease kube-system/upgrade-guard is held by run ${run} of ${who} (since ${since}, ${how.en})`,
      zh: `Lease kube-system/upgrade-guard 由 ${who} 的运行 ${run} 持有（始于 ${since}，${how.zh}）`,
    },
    state === 'running' && !stale
      ? { en: 'wait until it ends, then: {retry}', zh: '请等待其结束，然后执行：{retry}' }
      : {
          en: `on that machine: {tool} resume ${shellWord(run)}, or {tool} undo ${shellWord(run)}; if you are sure that it has ended: {retry} --take-over ${shellWord(run)}`,
          zh: `请在启动它的机器上执行 {tool} resume ${shellWord(run)} 或 {tool} undo ${shellWord(run)}；确认它已结束后，也可执行：{retry} --take-over ${shellWord(run)}`,
        },
    EXIT.failed,
  );
}

/** A run's id: when, and enough chance that two of one second differ. Sorts by time. */
export function newRunId(now: Date, chance: string): string {
  return `${now.toISOString().replace(/[-:]/g, '').replace(/\..*/, '').replace('T', '-').toLowerCase()}-${chance.slice(0, 4)}`;
}

/** user@host, for the Lease. */
export function whoAmI(): string {
  let user = 'unknown';
  try {
    user = userInfo().username;
  } catch {
    // a container's uid may have no entry in the user database
  }
  return `${user}@${hostname()}`;
}

/** Refuses when the journal's cluster is not the one that we are connected to. */
export function sameCluster(run: Run, identity: ClusterIdentity): void {
  if (run.cluster.uid === identity.uid) return;
  throw new UserError(
    {
      en: `run ${run.id} belongs to cluster ${run.cluster.uid} (context ${run.cluster.context}); connected to ${identity.uid} (context ${identity.context})`,
      zh: `运行 ${run.id} 属于集群 ${run.cluster.uid}（上下文 ${run.cluster.context}），当前集群是 ${identity.uid}（上下文 ${identity.context}）`,
    },
    { en: `use --context ${run.cluster.context}`, zh: `请使用 --context ${run.cluster.context}` },
  );
}
