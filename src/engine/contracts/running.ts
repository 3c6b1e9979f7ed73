// The contracts of running: runs, what a journal says of them, where they are kept, and the one writer.
import type { Raw, SystemId, Text } from './base.ts';
import type { Stage, StepProgress } from './changing.ts';
import type { ClusterIdentity } from './reading.ts';

export interface Run {
  schema: 2;
  id: string;
  /** Name and version of the tool that made it. */
  tool: string;
  /** The command line's verb and its words: `fix spiderpool/owner-controller-type`. */
  what: string;
  at: string;
  /** Ids of the checks whose findings it repairs; looked at again when it ends. */
  checks: string[];
  /** What each installation is to become, so that a look afterwards asks the same question. `installation`: its id without the system. */
  targets?: { system: SystemId; installation: string; version: string; back?: true }[];
  /** What was accepted, as --accept has it. */
  accept?: string[];
  stages: Stage[];
  cluster: ClusterIdentity;
  /** Impersonated user, if any. */
  as?: string;
}
export type Direction = 'apply' | 'undo';
export type StepResult = 'done' | 'already' | 'obsolete' | 'left' | 'failed' | 'manual';
export type Entry =
  | { at: string; is: 'begin'; direction: Direction; pid: number }
  | { at: string; is: 'intent'; direction: Direction; step: string; before?: Raw }
  /** How far a long step is; only shown, nothing depends on it. */
  | { at: string; is: 'progress'; direction: Direction; step: string; progress: StepProgress }
  | { at: string; is: 'outcome'; direction: Direction; step: string; result: StepResult; after?: Raw; detail?: Text }
  | { at: string; is: 'end'; direction: Direction; state: EndState };
/** `unchanged`: it ended before anything was written, and nothing is in doubt. */
export type EndState = 'finished' | 'stopped' | 'unchanged';
export interface Journal {
  /** Resolves when the entry is on disk (fsynced; entries that wait together share one fsync). Throws when it could not be stored: then nothing may be sent. */
  append(entry: Entry): Promise<void>;
  close(): Promise<void>;
}
/** What a journal says about one step, in one way. */
export interface StepState {
  /** undefined: nothing is known, it was never begun. `in-doubt`: an intent without an outcome. */
  result?: StepResult | 'in-doubt';
  before?: Raw;
  after?: Raw;
  /** Of one that has not ended. */
  progress?: StepProgress;
  /** Of the outcome: why. */
  detail?: Text;
}
/** What a journal says about a run. */
export interface Progress {
  states: Record<Direction, Map<string, StepState>>;
  /** What the newest attempt was, by which process of this machine, and how it ended; `state` is missing when it was cut short. */
  last?: { direction: Direction; pid?: number; state?: EndState };
}
/** What a person calls the run's state. */
export type RunState = 'finished' | 'unfinished' | 'unchanged' | 'undone' | 'undone in part' | 'undo unfinished';
/** Where the whole entries of a journal end, and how many they are. */
export interface JournalEnd {
  /** Bytes. */
  size: number;
  lines: number;
}
export interface StoredRun {
  run: Run;
  progress: Progress;
}
/** What a list of runs holds of each: runs have up to 100,000 steps. */
export interface RunSummary extends Pick<Run, 'id' | 'tool' | 'what' | 'at' | 'cluster'> {
  state: RunState;
  steps: number;
  settled: number;
  /** Steps that an undo would look at. */
  open: number;
  /** Unfinished, and ended (by a full disk, say) before it wrote anything; undo only closes it. */
  untouched?: true;
  /** The process that works on it now. */
  by?: RunOwner;
  /** Entries may be missing at the end of its journal, and nothing would show it. */
  lengthUnknown?: true;
}
/** The process that works on a run. One of another machine cannot be looked at: it may have ended without removing its lock. */
export interface RunOwner {
  host: string;
  pid: number;
  /** On this machine, where it lives. */
  here: boolean;
  /** By its start time as well, which no other process has. */
  sure: boolean;
}
/** A run that is there and cannot be read: why, and what to do about it. */
export interface Unreadable {
  id: string;
  why: Text;
  next?: Text;
}
export interface RunStore {
  create(run: Run): Promise<Journal>;
  /** Newest first; of this cluster. What cannot be read is reported through `unreadable`. */
  list(): Promise<{ runs: RunSummary[]; unreadable: Unreadable[] }>;
  /** undefined: there is none of this cluster. Throws for one that is damaged. */
  read(id: string): Promise<(StoredRun & { end: JournalEnd } & Pick<RunSummary, 'lengthUnknown' | 'by'>) | undefined>;
  /** `end`: where it ended when it was read; throws when the run has continued since. */
  reopen(id: string, end: JournalEnd): Promise<Journal>;
  /** Files beside the journal of a run: what helm said, backups, and objects that a person may want to make again. */
  beside(id: string): Beside;
}
export interface Beside {
  /** Where they are; for a person. */
  folder: string;
  has(name: string): Promise<boolean>;
  append(name: string, text: string): Promise<void>;
  /** Appears whole or not at all, as it is; what was there goes. */
  put(name: string, text: string): Promise<void>;
  /** Appears whole or not at all, gzipped. `begin` drops what was written since the last `mark`. */
  write(name: string, fill: (into: Filling) => Promise<void>): Promise<void>;
}
export interface Filling {
  text(part: string): void;
  /** What is there so far stays, whatever comes. */
  mark(): void;
  /** Back to the last mark. */
  begin(): void;
}

// ---- the one writer -------------------------------------------------------------------------------------------------

export interface Holder {
  run: string;
  who: string;
  since: string;
  state: 'running' | 'stopped';
  /** Its renewals have stopped for longer than the Lease allows, by our own clock. */
  stale: boolean;
}
export interface Held {
  /** Aborted when the Lease was lost or could not be renewed: stop before the next write. */
  readonly lost: AbortSignal;
  /** `stopped` leaves the Lease marked with the run; else it is removed. False: it was no longer ours, so another run may have written at the same time. */
  release(state: EndState): Promise<boolean>;
}
export interface Lock {
  /** Waits up to a minute to tell a stale Lease from a living one, calling `waiting` once when it does. */
  acquire(run: string, options: { takeOver?: string; waiting?(holder: Holder): void }): Promise<Held | Holder>;
  /** Held if, and only if, the Lease is there and names this run; never waits. undefined also where it may not be read or written. */
  own(run: string): Promise<Held | undefined>;
}
