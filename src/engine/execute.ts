// Executing the steps of a run, in either way: stage by stage, each begun in the order of the plan and behind what must come before it, eight independent ones at a time.
import { keyOf } from '../kube/refs.ts';
import {
  type Direction,
  type EndState,
  isApiWrite,
  type Progress,
  type Run,
  type Step,
  type StepProgress,
  type Text,
  type World,
  WorldError,
} from './contracts.ts';
import { rewriteAll } from './migrate.ts';
import { lookedAt, type StepOutcome, troubleWith } from './outcomes.ts';
import { ON_UNDO, perform } from './perform.ts';
import { orTrouble, type StepContext } from './performing.ts';
import { stepsOf } from './plan.ts';
import { isPassed, isTouching, toDo, toUndo, touched } from './progress.ts';
import { kindOf } from './steps/index.ts';

export type { StepOutcome } from './outcomes.ts';

/** Independent steps in flight (DESIGN section 4). */
const AT_ONCE = 8;

export interface Executed {
  /** Of the steps that were begun now; those missing were not reached. */
  outcomes: Map<string, StepOutcome>;
  state: EndState;
}
export interface ExecuteOptions extends StepContext {
  on?(step: Step, outcome: StepOutcome | 'begun'): void;
}

/** Runs what is not yet settled of a run. Throws only what the journal throws: then nothing more was sent. */
export async function executeRun(run: Run, options: ExecuteOptions): Promise<Executed> {
  const open = toDo(run, options.progress);
  const outcomes = await inOrder(inStages(run, open), 'apply', options, waitsOf(run));
  const left = open.some((step) => !isPassed(step, outcomes.get(step.id)?.result, 'apply'));
  const changed = touched(run, options.progress).length > 0 || open.some((step) => isTouching(step, outcomes.get(step.id)));
  // What a person has to do, or has done, keeps a run open, whether or not something of ours was changed: `resume` looks again.
  const { apply } = options.progress.states;
  const waits = stepsOf(run).some(({ do: doing, id }) => doing === 'manual' && (outcomes.has(id) || apply.get(id)?.result !== undefined));
  return { outcomes, state: !left ? 'finished' : changed || waits ? 'stopped' : 'unchanged' };
}

const waitsOf = (run: Run): Set<string> =>
  new Set(
    stepsOf(run)
      .filter((step) => step.do === 'wait' || step.do === 'manual')
      .map(({ id }) => id),
  );

/** These steps, in the order they have, by the stage they belong to. */
function inStages({ stages }: Run, steps: readonly Step[]): Step[][] {
  if (stages.length === 1) return [[...steps]];
  const stageOf = new Map(stages.flatMap((stage, at) => stage.steps.map(({ id }) => [id, at] as const)));
  const queues = stages.map((): Step[] => []);
  for (const step of steps) queues[stageOf.get(step.id)!]!.push(step);
  return queues;
}

/** Undoes what a run did, newest first. An object that has moved on is named and left. */
export async function executeUndo(run: Run, options: ExecuteOptions): Promise<Executed> {
  const open = backwards(run, options.progress);
  const outcomes = await inOrder(inStages(run, open).toReversed(), 'undo', options, new Set());
  const unreached = open.some((step) => !isPassed(step, outcomes.get(step.id)?.result, 'undo'));
  return { outcomes, state: unreached ? 'stopped' : 'finished' };
}

/** The steps that an undo still has to look at, newest first; `after` names those that must be undone before. */
export function backwards(run: Run, progress: Progress): Step[] {
  const open = toUndo(run, progress);
  const dependants = new Map<string, string[]>();
  for (const { id, after } of open) {
    for (const earlier of after) {
      const known = dependants.get(earlier);
      if (known) known.push(id);
      else dependants.set(earlier, [id]);
    }
  }
  return open.toReversed().map((step) => ({ ...step, after: dependants.get(step.id) ?? [] }));
}

/** `held`: the server was asked and says not now (a PodDisruptionBudget). `untried`: it was not asked. */
export type DryOutcome = Pick<StepOutcome, 'detail'> & { result: StepOutcome['result'] | 'held' | 'untried' };
/** The number of writes by result. Waits do not count, nor do steps with nothing left to do. */
export type Tried = Record<'accepted' | 'refused' | 'held' | 'untried', number>;

/** Sends every step to the server with dryRun=All, in order; nothing is stored, no journal is kept. `progressed`: it has begun, and how far one of many writes is. */
export async function executeDryRun(
  steps: Iterable<Step>,
  world: World,
  on: (step: Step, outcome: DryOutcome) => void,
  direction: Direction = 'apply',
  halt: AbortSignal = NEVER,
  progressed: (step: Step, progress?: StepProgress) => void = () => {},
): Promise<Tried> {
  const sum: Tried = { accepted: 0, refused: 0, held: 0, untried: 0 };
  /** Ids of steps that leave the custom resources of other CRDs as they are: what a rewrite behind them meets, it meets in the run too. */
  const apart = new Set<string>();
  for (const step of steps) {
    const isAlone = step.do === 'migrate' && step.after.every((id) => apart.has(id));
    if (step.do === 'migrate' || step.do === 'manual') apart.add(step.id);
    progressed(step);
    const told = async (progress: StepProgress) => progressed(step, progress);
    const outcome = await dryRunOf(step, world, { direction, halt, isAlone, told });
    const counts = step.do !== 'wait' && step.do !== 'recheck' && COUNTED[outcome.result];
    if (counts) sum[counts]++;
    on(step, outcome);
  }
  return sum;
}

const NEVER = new AbortController().signal;

/** At most so many steps are looked at before an undo: the newest. */
const AHEAD = 200;

/** What an undo would leave as it is, found by reading alone. Of an object that several steps change, only the first of them can be judged so. */
export async function leftAhead(inverses: Iterable<Step>, world: World): Promise<[Step, StepOutcome][]> {
  const left: [Step, StepOutcome][] = [];
  const before = new Set<string>();
  for (const step of [...inverses].slice(0, AHEAD)) {
    const isLooked = 'on' in step || (step.do === 'revise' && world.revised !== undefined);
    const object = 'on' in step ? keyOf(step.on) : step.id;
    if (!isLooked || step.after.length || before.has(object)) continue;
    before.add(object);
    const look = await orTrouble(kindOf(step).look(step, world));
    const outcome = look instanceof WorldError || look.is === 'to-do' ? undefined : lookedAt(look, 'undo', false);
    if (outcome?.result === 'left' || outcome?.result === 'obsolete') left.push([step, outcome]);
  }
  return left;
}

const COUNTED: Partial<Record<DryOutcome['result'], keyof Tried>> = {
  done: 'accepted',
  failed: 'refused',
  held: 'held',
  untried: 'untried',
};

interface Trying {
  direction: Direction;
  halt: AbortSignal;
  /** Nothing that comes before it changes what the server says to it. */
  isAlone: boolean;
  /** How far a step of many writes is. */
  told(progress: StepProgress): Promise<void>;
}

async function dryRunOf(step: Step, world: World, how: Trying): Promise<DryOutcome> {
  const outcome = await tried(step, world, how);
  const isOff = outcome.result === 'failed' || outcome.result === 'obsolete';
  // What it needs was not really done: that it cannot be done now says nothing.
  return isOff && step.after.length && !how.isAlone ? { result: 'untried', detail: needs(step.after) } : outcome;
}

async function tried(step: Step, world: World, { direction, halt, told }: Trying): Promise<DryOutcome> {
  if (step.do === 'wait' || step.do === 'recheck') return { result: 'untried', detail: NOT_WAITED };
  if (step.onUndo && direction === 'apply') return { result: 'untried', detail: ON_UNDO };
  // To look whether a helm still writes takes minutes, and needs one at hand; a backup goes to the directory of a run, and there is none.
  if (step.do === 'unpend' || step.do === 'backup' || (step.do === 'revise' && !world.revised))
    return { result: 'untried', detail: NOT_TRIED };
  const kind = kindOf(step);
  const look = await orTrouble(kind.look(step, world));
  if (look instanceof WorldError) return { result: 'failed', detail: troubleWith(look) };
  if (look.is !== 'to-do') return lookedAt(look, direction, false);
  const write = kind.write(step, look.now);
  if (!write) return { result: 'manual' };
  if (!isApiWrite(write) && write.verb !== 'keep' && step.do !== 'revise') return { result: 'untried', detail: NOT_TRIED };
  if (step.do === 'migrate') {
    const { trouble } = await rewriteAll(step, { world: dryWorld(world), halt, told });
    if (trouble) return { result: 'failed', detail: trouble };
    if (halt.aborted) return { result: 'untried', detail: HALTED };
  }
  const answered = await orTrouble(world.write(write, { dryRun: true }));
  if (!(answered instanceof WorldError)) return { result: 'done' };
  if (answered.kind === 'blocked') return { result: 'held', detail: answered.text };
  return { result: 'failed', detail: troubleWith(answered) };
}

const dryWorld = (world: World): Pick<World, 'get' | 'page' | 'write'> => ({
  get: (ref) => world.get(ref),
  page: (of, next) => world.page(of, next),
  write: (write) => world.write(write, { dryRun: true }),
});

const HALTED: Text = { en: 'interrupted', zh: '已中断' };
const NOT_TRIED: Text = { en: 'not possible in a dry run', zh: '无法试运行' };
const NOT_WAITED: Text = { en: 'a dry run does not wait', zh: '试运行不等待' };
const needs = (ids: string[]): Text => ({
  en: `possible only after step ${ids.join(', ')}`,
  zh: `需先完成步骤 ${ids.join('、')} 才能试运行`,
});

/** `waits`: of the whole run, the ids of steps that only wait. */
async function inOrder(
  stages: readonly Step[][],
  direction: Direction,
  options: ExecuteOptions,
  waits: ReadonlySet<string>,
): Promise<Map<string, StepOutcome>> {
  const outcomes = new Map<string, StepOutcome>();
  const journal = outcomesBehind(options.journal);
  const stop = new AbortController();
  const halt = AbortSignal.any([options.halt, stop.signal]);
  const open = new Map(stages.flat().map((step) => [step.id, step]));
  /** What is not among these was passed in an earlier attempt. */
  const isOver = (id: string) => !open.has(id) || isPassed(open.get(id)!, outcomes.get(id)?.result, direction);
  const resultOf = (id: string) => (outcomes.get(id) ?? options.progress.states[direction].get(id))?.result;
  /** What was to be waited for is not wanted any more: neither is what would have come behind it. */
  const isVain = (id: string) => resultOf(id) === 'obsolete' && waits.has(id);
  for (const queue of stages) {
    const ended = new Map<string, Promise<void>>();
    const told = tellingInOrder(options.on);
    const awaitPerson = behindPersons(queue);
    let next = 0;
    /** That every step before the next has begun. */
    let turn = Promise.resolve();
    const worker = async () => {
      for (let step = queue[next++]; step && !halt.aborted; step = queue[next++]) {
        const { promise, resolve } = Promise.withResolvers<void>();
        const run = runOne(step, turn, resolve).finally(resolve);
        if (!awaitPerson.has(step.id)) turn = promise;
        ended.set(step.id, run);
        await run;
      }
    };
    const runOne = async (step: Step, before: Promise<void>, begun: () => void) => {
      await before;
      await Promise.all(step.after.map((id) => ended.get(id)));
      if (halt.aborted || !step.after.every(isOver)) return;
      const tell = told(step);
      begun();
      const unneeded = direction === 'apply' ? step.after.find(isVain) : undefined;
      const outcome = await perform(step, direction, { ...options, journal, halt }, unneeded);
      if (outcome) outcomes.set(step.id, outcome);
      tell(outcome);
      if (!outcome) return;
      // What a person has to do holds up what comes behind it, and nothing beside it.
      if (outcome.result !== 'manual' && !isPassed(step, outcome.result, direction)) stop.abort();
    };
    const workers = await Promise.allSettled(Array.from({ length: AT_ONCE }, worker));
    const thrown = workers.find((each) => each.status === 'rejected');
    if (thrown) throw thrown.reason;
    if (halt.aborted || !queue.every(({ id }) => isOver(id))) break;
  }
  await journal.stored();
  return outcomes;
}

/** Steps that wait for something that a person has to do; those beside them do not wait with them. */
function behindPersons(queue: readonly Step[]): ReadonlySet<string> {
  const persons = new Set(queue.flatMap(({ do: doing, id }) => (doing === 'manual' ? [id] : [])));
  const behind = new Set<string>();
  if (persons.size) for (const { id, after } of queue) if (after.some((each) => persons.has(each) || behind.has(each))) behind.add(id);
  return behind;
}

/** What others need not be held back for, until it has ended. */
const LONG: ReadonlySet<Step['do']> = new Set(['wait', 'manual', 'recheck', 'helm', 'unpend', 'evict', 'drain', 'migrate', 'backup']);

/** Of several that are in flight, the first to end is not always the first by number: a person is told in the order of the plan. */
function tellingInOrder(on: ExecuteOptions['on']): (step: Step) => (outcome: StepOutcome | undefined) => void {
  let untold: { step: Step; outcome?: StepOutcome; over: boolean }[] = [];
  return (step) => {
    const one: (typeof untold)[number] = { step, over: false };
    untold.push(one);
    on?.(step, 'begun');
    return (outcome) => {
      Object.assign(one, { outcome, over: true });
      const first = untold.findIndex(({ step: each, over }) => !over && !LONG.has(each.do));
      const ready = (first < 0 ? untold : untold.slice(0, first)).filter(({ over }) => over);
      untold = untold.filter((each) => !ready.includes(each));
      for (const each of ready) if (each.outcome) on?.(each.step, each.outcome);
    };
  };
}

/**
 * An intent is waited for: nothing is sent before it is on disk. An outcome is stored behind the next step's back and shares the fsync of its intent:
 * one that is lost is an intent without an outcome, which resume and undo look after anyway.
 */
function outcomesBehind(journal: StepContext['journal']): StepContext['journal'] & { stored(): Promise<void> } {
  const waiting = new Set<Promise<void>>();
  let failure: { error: unknown } | undefined;
  return {
    async append(entry) {
      if (failure) throw failure.error;
      const stored = journal.append(entry);
      if (entry.is !== 'outcome') return stored;
      const watched = stored
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => waiting.delete(watched));
      waiting.add(watched);
    },
    async stored() {
      await Promise.all(waiting);
      if (failure) throw failure.error;
    },
  };
}
